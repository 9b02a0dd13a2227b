import { settleAll, whileSettling } from "../../../shared/aws/settle";
import { CapacityMissing } from "../../../shared/errors";

const aws = (name: string) => Object.assign(new Error("why"), { name });

test("all results come back in order", async () => {
  expect(await settleAll([Promise.resolve(1), Promise.resolve(2)])).toEqual([1, 2]);
});

test("the first failure is thrown only when everything else has ended", async () => {
  const ended: string[] = [];
  let release = () => {};
  const slow = new Promise<void>((resolve) => (release = resolve)).then(() => void ended.push("slow"));
  const all = settleAll([Promise.reject(aws("Throttling")), slow]);
  let thrown: unknown;
  const watched = all.catch((error: unknown) => (thrown = error));
  await new Promise((resolve) => setImmediate(resolve));
  expect(thrown).toBeUndefined();
  release();
  await watched;
  expect([ended, (thrown as Error).name]).toEqual([["slow"], "Throttling"]);
});

test("what a later look settles is TryAgain and keeps AWS's code", async () => {
  const making = whileSettling(() => Promise.reject(aws("InvalidVpcID.NotFound")));
  await expect(making).rejects.toMatchObject({ name: "TryAgain", message: "InvalidVpcID.NotFound: why" });
});

test("everything else passes as it is", async () => {
  const [refused, ours] = [aws("InvalidParameterValue"), new CapacityMissing("none")];
  await expect(whileSettling(() => Promise.reject(refused))).rejects.toBe(refused);
  await expect(whileSettling(() => Promise.reject(ours))).rejects.toBe(ours);
  expect(await whileSettling(() => Promise.resolve("made"))).toBe("made");
});
