import fc from "fast-check";
import { dueAct, nextLook, wreckAdvice, wreckLife } from "../../../shared/plan/lifetime";

const end = "2026-11-23T18:00:00.000Z";
const at = (clock: string) => new Date(`2026-11-23T${clock}.000Z`);
const ready = { status: "Ready", expiresAt: end };

test("long before the end nothing is due, and the next look is 60 minutes before it", () => {
  expect(dueAct(ready, at("15:00:00"))).toEqual({ act: "rearm", next: at("17:00:00") });
});

test("60 minutes before the end a warning goes out, and the next look is 10 minutes before it", () => {
  expect(dueAct(ready, at("17:00:05"))).toEqual({ act: "warn", minutes: 60, next: at("17:50:00") });
});

test("a second firing at the same moment warns nobody twice", () => {
  expect(dueAct({ ...ready, warned: [60] }, at("17:00:09"))).toEqual({ act: "rearm", next: at("17:50:00") });
});

test("10 minutes before the end the second warning goes out, and the next look is the end", () => {
  expect(dueAct({ ...ready, warned: [60] }, at("17:50:01"))).toEqual({ act: "warn", minutes: 10, next: at("18:00:00") });
});

test("a life shorter than a warning sends only the nearest", () => {
  expect(dueAct(ready, at("17:55:00"))).toEqual({ act: "warn", minutes: 10, next: at("18:00:00") });
});

test("at the end the cluster is deleted", () => {
  expect(dueAct({ ...ready, warned: [60, 10] }, at("18:00:00"))).toEqual({ act: "delete" });
});

test.each(["Replacing", "Degraded"])("a worker that is being replaced, or could not be, changes nothing in that: %s", (status) => {
  expect(dueAct({ ...ready, status, warned: [60, 10] }, at("18:00:00"))).toEqual({ act: "delete" });
  expect(dueAct({ ...ready, status }, at("17:50:01"))).toMatchObject({ act: "warn", minutes: 10 });
});

test("a schedule that fires early deletes nothing", () => {
  expect(dueAct({ ...ready, warned: [60, 10] }, at("17:59:59"))).toEqual({ act: "rearm", next: at("18:00:00") });
});

test("an extended cluster is re-armed by the firing of its old schedule", () => {
  expect(dueAct({ ...ready, expiresAt: "2026-11-23T22:00:00.000Z" }, at("18:00:00"))).toEqual({ act: "rearm", next: at("21:00:00") });
});

test.each([
  ["without an end", { status: "Ready" }],
  ["being deleted", { ...ready, status: "Deleting" }],
  ["deleted", { ...ready, status: "Deleted" }],
  ["still being created", { ...ready, status: "Creating" }],
])("a cluster that is %s is left alone", (_, record) => {
  expect(dueAct(record, at("23:00:00"))).toEqual({ act: "none" });
});

test("a held cluster is left until its limit, and ends there", () => {
  const held = { ...ready, heldSince: "2026-11-23T16:00:00.000Z", limitAt: "2026-11-23T22:00:00.000Z" };
  expect(dueAct(held, at("18:00:00"))).toEqual({ act: "rearm", next: at("21:00:00") });
  expect(dueAct({ ...held, warned: [60, 10] }, at("22:00:00"))).toEqual({ act: "delete" });
});

test("a kept wreck ends when its time is up", () => {
  expect(dueAct({ ...ready, status: "Failed" }, at("18:00:01"))).toEqual({ act: "delete" });
});

test("the next look is always in the future until the end, and never past it", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200_000_000 }), (before) => {
      const now = new Date(Date.parse(end) - before);
      const next = nextLook(end, now).getTime();
      expect(next).toBeGreaterThan(now.getTime());
      expect(next).toBeLessThanOrEqual(Date.parse(end));
    }),
  );
});

describe("a wreck that is kept", () => {
  const ttl = { defaultSeconds: 3600, capSeconds: 7200 };
  const at = new Date("2026-11-23T10:00:00Z");

  test.each([
    [1800, "2026-11-23T10:30:00.000Z"],
    ["none" as const, "2026-11-23T11:00:00.000Z"],
  ])("with a time to live of %s ends at %s, and can be kept up to the cap", (seconds, expiresAt) => {
    const life = wreckLife(seconds, ttl, at);
    expect(life).toEqual({ expiresAt, limitAt: "2026-11-23T12:00:00.000Z" });
    expect(dueAct({ status: "Failed", ...life, warned: [60, 10] }, new Date(expiresAt))).toEqual({ act: "delete" });
  });

  test("is told with its end, after what else can be done", () => {
    expect(wreckAdvice("demo", "T", "ask again")).toMatch(/^ask again; what was made is kept until T/);
  });
});
