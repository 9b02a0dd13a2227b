import { certificateOf, notSeenGone } from "../../../shared/registry/certificate";
import type { ClusterRecord } from "../../../shared/registry/cluster-record";

const entry = (state: "intended" | "made" | "gone", id?: string) => ({
  ...{ kind: "vpc", token: "t", epoch: 1, at: "2026-11-23T10:00:00.000Z", state },
  ...(id && { id }),
  ...(state === "gone" && { goneAt: "2026-11-23T12:00:00.000Z" }),
});
const look = (stage: string, endedAt: string) => ({ stage, startedAt: endedAt, endedAt, seconds: 1, outcome: "done" as const });
const record = {
  name: "demo.k8s.local",
  uid: "abcdefghij",
  region: "us-east-1",
  owner: "arn:aws:iam::000000000000:user/ada",
  createdAt: "2026-11-23T10:00:00.000Z",
  ledger: { "vpc/main": entry("gone", "vpc-1"), "keypair/k": entry("gone") },
  timeline: [look("CreateBucket", "a"), look("DeleteElb", "b"), look("DeleteNetwork", "c"), look("DeleteElb", "d")],
} as unknown as ClusterRecord;

test("a certificate names what existed, when it was made and when it was absent", () => {
  const { resources, deletedAt } = certificateOf(record, new Date("2026-11-23T13:00:00.000Z"));
  expect(deletedAt).toBe("2026-11-23T13:00:00.000Z");
  expect(resources).toEqual([
    { resource: "keypair/k", madeAt: "2026-11-23T10:00:00.000Z", absentAt: "2026-11-23T12:00:00.000Z" },
    { resource: "vpc/main", id: "vpc-1", madeAt: "2026-11-23T10:00:00.000Z", absentAt: "2026-11-23T12:00:00.000Z" },
  ]);
});

test("a certificate lists every look of the delete and none of the create", () => {
  expect(certificateOf(record, new Date()).looks).toEqual([
    { stage: "DeleteElb", at: ["b", "d"] },
    { stage: "DeleteNetwork", at: ["c"] },
  ]);
});

test("whatever is made, or only intended, is not seen gone", () => {
  expect(notSeenGone({ a: entry("gone"), b: entry("made", "id"), c: entry("intended") })).toEqual(["b", "c"]);
});

test("what was not seen gone is named with the reason that the delete gave", () => {
  const suspected = { ...entry("made", "vol-1"), detail: { reason: "only its name" } };
  expect(notSeenGone({ "suspected-volume/vol-1": suspected })).toEqual(["suspected-volume/vol-1 (only its name)"]);
});
