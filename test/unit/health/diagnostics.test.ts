import { EC2Client, GetConsoleOutputCommand } from "@aws-sdk/client-ec2";
import { GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import { collectDiagnostics } from "../../../shared/health/diagnostics";
import type { LedgerEntry } from "../../../shared/registry/cluster-record";
import { bodyOf, ids, made, planToLookAt } from "./cluster";

const s3 = mockClient(S3Client);
const ec2 = mockClient(EC2Client);
const clients = { s3: new S3Client({}), ec2: new EC2Client({}) };
const entry = (kind: string, id?: string): LedgerEntry => ({ kind, state: "made", token: "t", epoch: 1, at: made.toISOString(), ...(id && { id }) });
const ledger = { "instance/master-0": entry("instance", ids["master-0"]), "instance/nodes-0": entry("instance", ids["nodes-0"]), "subnet/a": entry("subnet", "subnet-1") };
const collect = () => collectDiagnostics(clients, planToLookAt(), ledger, { now: made, signal: AbortSignal.timeout(5_000) });
const key = (folder: string, id: string, name: string) => `clowder/a1b2c3d4/${folder}/AROA1:${id}/${name}.json`;
const listed = (folder: string, ...keys: string[]) =>
  s3.on(ListObjectsV2Command, { Prefix: `clowder/a1b2c3d4/${folder}/` }).resolves({ Contents: keys.map((Key) => ({ Key })) });
const object = (Key: string, text: string) => s3.on(GetObjectCommand, { Key }).resolves({ Body: bodyOf(text) });

beforeEach(() => {
  s3.reset();
  ec2.reset();
  ec2.on(GetConsoleOutputCommand).resolves({ Output: Buffer.from("boot\n--token abcdef.0123456789abcdef\n").toString("base64") });
});

test("beacons, evidence and consoles of the ledger's machines are read, secrets removed, strangers left out", async () => {
  const failed = key("beacons", ids["nodes-0"], "99-failed");
  const evidence = key("evidence", ids["master-0"], "latest");
  listed("beacons", failed, key("beacons", "i-stranger", "01-started"));
  listed("evidence", evidence);
  object(failed, JSON.stringify({ stage: "artifacts", token: "whatever it is", logTail: ["Authorization: Bearer abcdefgh12345"] }));
  object(evidence, '{"uid":"a1b2c3d4"}');
  expect(await collect()).toEqual({
    collectedAt: made.toISOString(),
    machines: {
      "master-0": { instanceId: ids["master-0"], beacons: {}, console: "boot\n--token [token removed]\n" },
      "nodes-0": {
        instanceId: ids["nodes-0"],
        beacons: { "99-failed.json": { stage: "artifacts", token: "[removed]", logTail: ["Authorization: [removed]"] } },
        console: "boot\n--token [token removed]\n",
      },
    },
    evidence: { [`${ids["master-0"]}-data-plane`]: { uid: "a1b2c3d4" } },
    unread: [],
  });
  expect(s3.commandCalls(GetObjectCommand)).toHaveLength(2);
});

test("what cannot be read is named with AWS's code, and the rest is there", async () => {
  const started = key("beacons", ids["nodes-0"], "01-started");
  listed("beacons", started);
  object(started, "no JSON");
  s3.on(ListObjectsV2Command, { Prefix: "clowder/a1b2c3d4/evidence/" }).rejects(Object.assign(new Error(), { name: "NoSuchBucket" }));
  ec2.on(GetConsoleOutputCommand, { InstanceId: ids["master-0"] }).rejects(Object.assign(new Error(), { name: "UnauthorizedOperation" }));
  const { machines, unread } = await collect();
  expect(machines["nodes-0"]?.beacons).toEqual({ "01-started.json": "no JSON" });
  expect(unread).toEqual(
    expect.arrayContaining([
      { what: `console of ${ids["master-0"]}`, why: "UnauthorizedOperation" },
      { what: "evidence/", why: "NoSuchBucket" },
    ]),
  );
});
