import { DynamoDBClient, GetItemCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { getCluster } from "../../../functions/api/get-cluster";
import { listClusters } from "../../../functions/api/list-clusters";
import { ClusterNotFound, InvalidManifest, NotYours } from "../../../shared/errors";
import type { ClusterRecord } from "../../../shared/registry/cluster-record";
import { admin, alice, bob, bodyOf, environment, recordOf, requestOf } from "./samples";

const db = mockClient(DynamoDBClient);
const client = db as unknown as DynamoDBClient;
const stored = (record: ClusterRecord) => marshall({ ...record, item: "cluster" }, { removeUndefinedValues: true });
beforeEach(() => db.reset());

describe("GET /clusters/{name}", () => {
  const get = (caller = alice) => getCluster(client, environment, requestOf({ caller }));

  test("gives the record with its resources and durations, stages in the order they began", async () => {
    db.on(GetItemCommand).resolves({ Item: stored(recordOf({ lastError: { code: "X", blame: "clowder", stage: "Y", message: "z", at: "" } })) });
    const answer = await get();
    const body = bodyOf(answer);
    expect(answer).toMatchObject({ status: 200, headers: { etag: '"a1b2c3d4e5-1"' } });
    expect(body).toMatchObject({ name: "demo.k8s.local", status: "Ready", secondsToReady: 270, versions: { kubernetes: "1.34.4" } });
    expect(body.timeline.map(({ stage }: { stage: string }) => stage)).toEqual(["CreateBucket", "CreatePki"]);
    expect(body.resources).toContainEqual({ resource: "instance/nodes-0", state: "made", id: "id-of-instance/nodes-0" });
    for (const inner of ["ledger", "epoch", "lastError", "item"]) expect(body).not.toHaveProperty(inner);
  });

  test("another generation has another ETag", async () => {
    db.on(GetItemCommand).resolves({ Item: stored(recordOf({ generation: 2 })) });
    expect((await get()).headers).toEqual({ etag: '"a1b2c3d4e5-2"' });
  });

  test("an administrator reads it, a stranger does not", async () => {
    db.on(GetItemCommand).resolves({ Item: stored(recordOf()) });
    await expect(get(admin)).resolves.toMatchObject({ status: 200 });
    await expect(get(bob)).rejects.toThrow(NotYours);
  });

  test("a name that no record holds is not found", async () => {
    db.on(GetItemCommand).resolves({});
    await expect(get()).rejects.toThrow(ClusterNotFound);
  });
});

describe("GET /clusters", () => {
  const list = (query: Record<string, string> = {}, caller = alice) => listClusters(client, environment, requestOf({ query, caller }));
  const asked = () => db.commandCalls(ScanCommand)[0]!.args[0].input;

  test("callers see their own, an administrator all", async () => {
    db.on(ScanCommand).resolves({ Items: [stored(recordOf())] });
    const mine = bodyOf(await list());
    expect(mine.clusters).toMatchObject([{ name: "demo.k8s.local", status: "Ready" }]);
    expect(mine.clusters[0]).not.toHaveProperty("resources");
    expect(asked().ExpressionAttributeValues?.[":owner"]).toEqual({ S: alice.arn });
    db.resetHistory();
    await list({}, admin);
    expect(asked().FilterExpression).not.toContain("owner");
  });

  test("a page's token leads to the next page", async () => {
    const key = marshall({ name: "demo.k8s.local", item: "cluster" });
    db.on(ScanCommand).resolves({ Items: [], LastEvaluatedKey: key });
    const { nextToken } = bodyOf(await list({ limit: "1" }));
    db.resetHistory();
    await list({ nextToken });
    expect(asked().ExclusiveStartKey).toEqual(key);
  });

  test.each([["0"], ["101"], ["ten"], ["1.5"]])("limit %s is refused with what would be right", async (limit) => {
    await expect(list({ limit })).rejects.toMatchObject({ problems: [{ path: "?limit", message: "must be a whole number from 1 to 100" }] });
  });

  test.each([["no JSON", "!!"], ["no key", Buffer.from('{"x":{"S":"y"}}').toString("base64url")]])("a token that is %s is the caller's mistake", async (_, nextToken) => {
    db.on(ScanCommand).rejects(Object.assign(new Error("bad key"), { name: "ValidationException" }));
    await expect(list({ nextToken })).rejects.toThrow(InvalidManifest);
  });

  test("any other fault of DynamoDB is not blamed on the token", async () => {
    db.on(ScanCommand).rejects(Object.assign(new Error("slow down"), { name: "ThrottlingException" }));
    await expect(list({ nextToken: "e30" })).rejects.toThrow("slow down");
  });
});
