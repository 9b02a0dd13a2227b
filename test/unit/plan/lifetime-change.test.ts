import { InvalidChange } from "../../../shared/errors";
import { changeLifetime } from "../../../shared/plan/lifetime-change";

const now = new Date("2026-11-23T12:00:00.000Z");
const life = { status: "Ready", expiresAt: "2026-11-23T13:00:00.000Z", limitAt: "2026-11-25T12:00:00.000Z" };
const change = (body: object | string, from = life) => changeLifetime(from, typeof body === "string" ? body : JSON.stringify(body), now);

test("an extension counts from the present end, and warnings begin anew", () => {
  expect(change({ extend: "2h" })).toEqual({ set: { expiresAt: "2026-11-23T15:00:00.000Z" }, remove: ["warned"] });
});

test("an extension past the cap is refused and says how far it may go", () => {
  expect(() => change({ extend: "48h" })).toThrow(/can be extended to 2026-11-25T12:00:00.000Z/);
});

test("a hold begins now, and a second hold keeps the first's moment", () => {
  expect(change({ hold: true })).toEqual({ set: { heldSince: now.toISOString() }, remove: ["warned"] });
  const held = { ...life, heldSince: "2026-11-23T11:00:00.000Z" };
  expect(change({ hold: true }, held)).toMatchObject({ set: { heldSince: "2026-11-23T11:00:00.000Z" } });
});

test("a release gives back the old end, and never less than 15 minutes", () => {
  expect(change({ hold: false })).toEqual({ set: { expiresAt: life.expiresAt }, remove: ["heldSince", "warned"] });
  const overdue = { ...life, expiresAt: "2026-11-23T09:00:00.000Z" };
  expect(change({ hold: false }, overdue)).toMatchObject({ set: { expiresAt: "2026-11-23T12:15:00.000Z" } });
});

test("an end is an end", () => {
  expect(change({ end: "now" })).toBe("end");
});

test.each([["nothing", ""], ["no JSON", "extend=2h"], ["two at once", { extend: "1h", hold: true }], ["an unknown field", { ttl: "4h" }], ["a number", { extend: 2 }]])(
  "%s is refused with what may be sent",
  (_, body) => {
    expect(() => change(body)).toThrow(/send one of/);
  },
);

test("a duration that is none is refused by name", () => {
  expect(() => change({ extend: "soon" })).toThrow(InvalidChange);
  expect(() => change({ extend: "0h" })).toThrow(/"0h" is no duration/);
});
