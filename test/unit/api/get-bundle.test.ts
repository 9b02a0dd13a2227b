import { gzipSync } from "node:zlib";
import { DynamoDBClient, GetItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import { EC2Client, GetConsoleOutputCommand } from "@aws-sdk/client-ec2";
import { ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { marshall } from "@aws-sdk/util-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { getBundle } from "../../../functions/api/get-bundle";
import { NotYours } from "../../../shared/errors";
import type { ClusterRecord } from "../../../shared/registry/cluster-record";
import { untar } from "../untar";
import { alice, bob, environment, recordOf, requestOf } from "./samples";

const [db, s3, ec2] = [mockClient(DynamoDBClient), mockClient(S3Client), mockClient(EC2Client)];
const clients = { db: new DynamoDBClient({}), s3: new S3Client({}), ec2: new EC2Client({}) };
const plan = { bucket: { name: "state", prefix: "clowder/a1b2c3d4e5/" }, accountId: "111122223333" };

beforeEach(() => [db, s3, ec2].forEach((client) => client.reset()));
function stored(record: ClusterRecord, planned: object = plan, kept?: object) {
  const items = [{ ...record, item: "cluster" }, { name: record.name, item: "plan", plan: planned, documents: [] }];
  db.on(QueryCommand).resolves({ Items: items.map((item) => marshall(item, { removeUndefinedValues: true })) });
  db.on(GetItemCommand).resolves(kept ? { Item: marshall({ body: gzipSync(JSON.stringify(kept)) }) } : {});
}
const bundle = async (caller = alice) => {
  const { status, headers, body } = await getBundle(clients, environment, requestOf({ caller }));
  return { status, headers, files: await untar(body as Uint8Array) };
};
const folder = "demo.k8s.local-a1b2c3d4e5";

test("what was kept when it failed is what comes, and AWS is not asked", async () => {
  stored(recordOf({ status: "Deleted" }), plan, { collectedAt: "then", machines: { "nodes-0": { beacons: {}, console: "kept\n" } }, evidence: {}, unread: [] });
  const { status, headers, files } = await bundle();
  expect([status, headers]).toEqual([200, { "content-type": "application/gzip", "content-disposition": `attachment; filename="${folder}.tar.gz"` }]);
  expect(files[`${folder}/machines/nodes-0/console.txt`]).toBe("kept\n");
  expect([...s3.calls(), ...ec2.calls()]).toEqual([]);
});

test("of a cluster that lives the machines are asked now", async () => {
  stored(recordOf());
  s3.on(ListObjectsV2Command).resolves({});
  ec2.on(GetConsoleOutputCommand).resolves({ Output: Buffer.from("now\n").toString("base64") });
  expect((await bundle()).files[`${folder}/machines/nodes-1/console.txt`]).toBe("now\n");
});

test.each([
  ["a deleted cluster that had not failed", recordOf({ status: "Deleted" }), plan],
  ["an orphan whose plan names no bucket", recordOf({ status: "Deleting" }), {}],
])("%s has what its record says", async (_name, record, planned) => {
  stored(record, planned);
  expect(Object.keys((await bundle()).files)).toEqual([`${folder}/summary.txt`, `${folder}/cluster.json`]);
});

test("a stranger gets none", async () => {
  stored(recordOf());
  await expect(bundle(bob)).rejects.toThrow(NotYours);
});
