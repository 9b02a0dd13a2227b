import { NotYours } from "../../../shared/errors";
import { callerOf, isAdmin, mayTouch } from "../../../shared/lambda/caller";
import { alice, bob, eventOf, recordOf, admin } from "../api/samples";

describe("callerOf", () => {
  test.each([
    ["a user stays as it is", "arn:aws:iam::1:user/alice", "arn:aws:iam::1:user/alice"],
    ["a role's session is the role", "arn:aws:sts::1:assumed-role/Deploy/ci-4711", "arn:aws:iam::1:role/Deploy"],
    ["other partitions keep theirs", "arn:aws-cn:sts::1:assumed-role/Deploy/ci", "arn:aws-cn:iam::1:role/Deploy"],
    [
      "a person behind a shared Identity Center role stays that person",
      "arn:aws:sts::1:assumed-role/AWSReservedSSO_Dev_0123/alice@example.com",
      "arn:aws:sts::1:assumed-role/AWSReservedSSO_Dev_0123/alice@example.com",
    ],
  ])("%s", (_title, userArn, owner) => {
    expect(callerOf(eventOf({}, userArn)).arn).toBe(owner);
  });

  test("two sessions of one role are the same owner", () => {
    const [first, second] = ["one", "two"].map((session) => callerOf(eventOf({}, `arn:aws:sts::1:assumed-role/Deploy/${session}`)));
    expect(first).toEqual(second);
  });

  test("a request that no IAM authoriser looked at is refused", () => {
    const event = eventOf();
    const bare = { ...event, requestContext: { ...event.requestContext, authorizer: undefined } };
    expect(() => callerOf(bare)).toThrow(NotYours);
  });
});

describe("mayTouch", () => {
  const admins = ["arn:aws:iam::111122223333:role/Admins-*"];

  test("the owner may", () => expect(() => mayTouch(alice, recordOf(), [])).not.toThrow());

  test("an administrator may, by pattern", () => expect(() => mayTouch(admin, recordOf(), admins)).not.toThrow());

  test("anybody else may not, and learns whose it is not", () => {
    expect(() => mayTouch(bob, recordOf(), admins)).toThrow("user/bob neither owns demo.k8s.local");
  });

  test("a pattern without a star is the whole ARN", () => {
    expect(isAdmin({ ...admin, arn: `${admin.arn}0` }, [admin.arn])).toBe(false);
    expect(isAdmin(admin, [admin.arn])).toBe(true);
  });
});
