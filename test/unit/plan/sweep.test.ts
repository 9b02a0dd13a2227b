import { findingOf, needsExecution, orphansAmong, vouchesFor } from "../../../shared/plan/sweep";

const now = new Date("2026-11-23T12:00:00.000Z");
const old = "2026-11-23T10:00:00.000Z";

test("a ready cluster whose end is minutes past has lost its schedule", () => {
  const ready = { status: "Ready", createdAt: old, running: false };
  expect(findingOf({ ...ready, expiresAt: "2026-11-23T11:50:00.000Z" }, now)).toBe("expired");
  expect(findingOf({ ...ready, expiresAt: "2026-11-23T11:59:00.000Z" }, now)).toBeUndefined();
  expect(findingOf(ready, now)).toBeUndefined();
});

test("a held cluster is swept at its limit only", () => {
  const held = { status: "Ready", createdAt: old, running: false, expiresAt: "2026-11-23T11:00:00.000Z", heldSince: old };
  expect(findingOf({ ...held, limitAt: "2026-11-24T11:00:00.000Z" }, now)).toBeUndefined();
  expect(findingOf({ ...held, limitAt: "2026-11-23T11:30:00.000Z" }, now)).toBe("expired");
});

test.each([
  ["Creating", "create-died"],
  ["Deleting", "delete-died"],
])("%s without an execution is %s, but not within the first minutes", (status, finding) => {
  expect(findingOf({ status, createdAt: old, running: false }, now)).toBe(finding);
  expect(findingOf({ status, createdAt: old, running: true }, now)).toBeUndefined();
  expect(findingOf({ status, createdAt: "2026-11-23T11:59:00.000Z", running: false }, now)).toBeUndefined();
});

test.each(["Deleted", "LeakSuspected"])("%s is for people, not for the sweeper", (status) => {
  expect(findingOf({ status, createdAt: old, running: false, expiresAt: old }, now)).toBeUndefined();
});

test("uids that no record knows are orphans, each once", () => {
  expect(orphansAmong(["b", "a", "b", "c"], ["c"])).toEqual(["a", "b"]);
});

test("a ready cluster without machines is found, but not within the first minutes, nor where nobody looked", () => {
  const ready = { status: "Ready", createdAt: old, readyAt: "2026-11-23T11:50:00.000Z", running: false };
  expect(findingOf({ ...ready, machines: false }, now)).toBe("resources-gone");
  expect(findingOf({ ...ready, machines: true }, now)).toBeUndefined();
  expect(findingOf(ready, now)).toBeUndefined();
  expect(findingOf({ ...ready, machines: false, readyAt: "2026-11-23T11:58:00.000Z" }, now)).toBeUndefined();
});

test("a failed cluster without an end whose create is over has lost its delete", () => {
  const failed = { status: "Failed", createdAt: old, running: false };
  expect(findingOf(failed, now)).toBe("delete-lost");
  expect(findingOf({ ...failed, running: true }, now)).toBeUndefined();
  expect(findingOf({ ...failed, expiresAt: "2026-11-23T13:00:00.000Z" }, now)).toBeUndefined();
});

test.each([
  ["Creating", undefined, true],
  ["Deleting", undefined, true],
  ["Failed", undefined, true],
  ["Failed", old, false],
  ["Ready", undefined, false],
  ["Deleted", undefined, false],
])("%s with the end %s asks Step Functions: %s", (status, expiresAt, asks) => {
  expect(needsExecution({ status, ...(expiresAt && { expiresAt }) })).toBe(asks);
});

test("a deleted cluster's record vouches for an hour, any other always", () => {
  expect(vouchesFor({ status: "LeakSuspected" }, now)).toBe(true);
  expect(vouchesFor({ status: "Deleted", deletedAt: "2026-11-23T11:30:00.000Z" }, now)).toBe(true);
  expect(vouchesFor({ status: "Deleted", deletedAt: old }, now)).toBe(false);
});

describe("a cluster whose worker is being replaced", () => {
  const replacing = { status: "Replacing", createdAt: old, readyAt: old, running: false, machines: true, replacement: { at: "2026-11-23T11:50:00.000Z" } };

  test("without an execution is replacement-died, but not within the first minutes of it", () => {
    expect(findingOf(replacing, now)).toBe("replacement-died");
    expect(findingOf({ ...replacing, running: true }, now)).toBeUndefined();
    expect(findingOf({ ...replacing, replacement: { at: "2026-11-23T11:58:00.000Z" } }, now)).toBeUndefined();
    expect(needsExecution(replacing)).toBe(true);
  });

  test.each(["Replacing", "Degraded"])("ends at its time: %s", (status) => {
    expect(findingOf({ ...replacing, status, running: true, expiresAt: "2026-11-23T11:50:00.000Z" }, now)).toBe("expired");
  });

  test("once it could not be is nobody's business without an end, and found where EC2 shows no machine", () => {
    const degraded = { ...replacing, status: "Degraded" };
    expect(findingOf(degraded, now)).toBeUndefined();
    expect(findingOf({ ...degraded, machines: false }, now)).toBe("resources-gone");
  });
});
