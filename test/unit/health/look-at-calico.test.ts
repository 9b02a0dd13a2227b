import { GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import { evidenceRows, healthyEvidence } from "../../../local/machines/evidence/rows";
import { lookAtCalico } from "../../../shared/health/look-at-calico";
import { bodyOf, ids, ledgerToLookAt, planToLookAt } from "./cluster";

const s3 = mockClient(S3Client);
const start = new Date("2026-11-23T10:00:00Z");
const after = (seconds: number) => new Date(start.getTime() + seconds * 1000);
const keyOf = (id: string) => `clowder/a1b2c3d4/evidence/AROA1:${id}/latest.json`;
const evidenceAt = (row: string, now: Date) =>
  evidenceRows[row]!.differences(
    healthyEvidence({
      uid: "a1b2c3d4",
      nonce: "nonce-1",
      nodes: [
        { name: "ip-172-20-32-10.ec2.internal", address: "172.20.32.10" },
        { name: "ip-172-20-32-77.ec2.internal", address: "172.20.32.77" },
      ],
      client: { instanceId: ids["probe-client-0"], address: "172.20.32.250" },
      now,
      collectedBy: "a test",
    }),
  );
const written = (row: string, now: Date) => {
  s3.on(ListObjectsV2Command).resolves({ Contents: [{ Key: keyOf(ids["master-0"]), LastModified: now }] });
  s3.on(GetObjectCommand).resolves({ Body: bodyOf(JSON.stringify(evidenceAt(row, now))) });
};
type Previous = Parameters<typeof lookAtCalico>[3]["previous"];
const look = (seconds: number, previous?: Previous) =>
  lookAtCalico(new S3Client({}), planToLookAt(), ledgerToLookAt(), {
    deadline: after(300),
    now: after(seconds),
    ...(previous && { previous }),
  });

beforeEach(() => s3.reset());

test("healthy evidence of our control plane proves it, and says who collected it", async () => {
  written("healthy", after(10));
  const { verdict, proved, evidence } = await look(20);
  expect([proved, verdict.reason, evidence]).toEqual([
    true,
    "TrafficProved",
    { collectedBy: "a test", evidenceStartedAt: after(-15).toISOString() },
  ]);
});

test("evidence that a node or a stranger wrote is not read", async () => {
  s3.on(ListObjectsV2Command).resolves({ Contents: [{ Key: keyOf(ids["nodes-0"]) }, { Key: keyOf("i-stranger") }] });
  expect((await look(20)).verdict).toMatchObject({ status: "Unknown", reason: "EvidenceMissing" });
  expect(s3.commandCalls(GetObjectCommand)).toHaveLength(0);
});

test("the newest of several control planes is read", async () => {
  const plan = planToLookAt();
  plan.instances.push({ ...plan.instances[0]!, key: "master-1" });
  const ledger = ledgerToLookAt();
  ledger.made("instance/master-1", "i-0dd", { privateDnsName: "ip-172-20-32-11.ec2.internal" });
  s3.on(ListObjectsV2Command).resolves({
    Contents: [
      { Key: keyOf(ids["master-0"]), LastModified: after(1) },
      { Key: keyOf("i-0dd"), LastModified: after(2) },
    ],
  });
  s3.on(GetObjectCommand).resolves({ Body: bodyOf("{") });
  const { verdict } = await lookAtCalico(new S3Client({}), plan, ledger, { deadline: after(300), now: after(20) });
  expect(verdict.reason).toBe("EvidenceUnreadable");
  expect(s3.commandCalls(GetObjectCommand)[0]!.args[0].input).toMatchObject({ Key: keyOf("i-0dd"), ExpectedBucketOwner: "123456789012" });
});

test.each([
  ["vxlan-dropped", "DataPlaneUnhealthy", /^VxlanBlocked: /],
  ["images-unavailable", "CalicoUnavailable", /cannot have its image /],
  ["no-probe-client", "DataPlaneUnproved", /^ProbeClientMissing: /],
])("%s past the deadline is %s", async (row, name, message) => {
  written(row, after(290));
  await expect(look(299)).resolves.toMatchObject({ proved: false });
  await expect(look(300)).rejects.toMatchObject({ name, message: expect.stringMatching(message) });
});

test("no evidence past the deadline is DataPlaneUnproved", async () => {
  s3.on(ListObjectsV2Command).resolves({});
  await expect(look(300)).rejects.toMatchObject({ name: "DataPlaneUnproved", message: expect.stringContaining("EvidenceMissing") });
});

test("a failure that stays for more than 30 s of evidence ends before the deadline", async () => {
  let previous: Previous;
  for (const seconds of [10, 25, 40]) {
    written("vxlan-dropped", after(seconds));
    const { verdict, evidence } = await look(seconds);
    expect(verdict.reason).toBe("VxlanBlocked");
    previous ??= { ...verdict, ...evidence };
    const again = await look(seconds, previous);
    expect(again.evidence.failingSince).toBe(after(-15).toISOString());
    previous = { ...again.verdict, ...again.evidence };
  }
  written("vxlan-dropped", after(41));
  await expect(look(42, previous)).rejects.toMatchObject({ name: "DataPlaneUnhealthy" });
});

test("another failure in between starts the count again", async () => {
  written("vxlan-dropped", after(10));
  const first = await look(10);
  written("eth0-detached", after(60));
  const { evidence } = await look(60, { ...first.verdict, ...first.evidence });
  expect(evidence.failingSince).toBe(after(35).toISOString());
});

test("what every cluster shows at first ends only at the deadline", async () => {
  written("images-unavailable", after(10));
  const first = await look(10);
  written("images-unavailable", after(200));
  await expect(look(200, { ...first.verdict, ...first.evidence })).resolves.toMatchObject({ proved: false });
});

test("a round that began before a worker was to be replaced proves nothing, however fresh it is", async () => {
  written("healthy", after(30));
  const lookSince = (notBefore: Date) =>
    lookAtCalico(new S3Client({}), planToLookAt(), ledgerToLookAt(), { deadline: after(300), now: after(31), notBefore });
  expect((await lookSince(after(6))).verdict).toMatchObject({ status: "Unknown", reason: "EvidenceStale", message: expect.stringContaining("before a worker was to be replaced") });
  written("healthy", after(30));
  expect(await lookSince(after(5))).toMatchObject({ proved: true });
});
