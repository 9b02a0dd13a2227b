import { stageAfter, stageLimits, stages } from "../../../shared/health/beacon";
import stub from "../../../shared/bootstrap/node/stub.sh";
import { planToLookAt } from "./cluster";

const plan = planToLookAt();
const three = { ...plan, kubernetes: { ...plan.kubernetes, controlPlaneAddresses: ["10.0.0.4", "10.0.0.5", "10.0.0.6"] } };

test.each(Object.keys(stages) as (keyof typeof stages)[])("every stage of a %s but the stub's own has a limit in its script", (role) => {
  expect(Object.keys(stageLimits(plan, role))).toEqual(stages[role].slice(1));
});

test("no stage may take longer than all nodes together", () => {
  const hasty = { waits: { ...plan.waits, nodes: 40 } };
  expect(Math.max(...Object.values(stageLimits(hasty, "control-plane")))).toBe(40);
});

test("the stub gives its stage the limit that the service counts with, after 240 s for boot and role", () => {
  const inStub = Number(/^stage started (\d+) /m.exec(stub)?.[1]);
  expect(stageAfter(plan, { role: "node" }, undefined)).toEqual({ stage: "started", seconds: 240 + inStub });
});

test("control planes come up one after the other, so the third may take three times as long", () => {
  const up = (privateAddress: string) => stageAfter(three, { role: "control-plane", privateAddress }, "runtime");
  expect(["10.0.0.4", "10.0.0.6"].map(up)).toEqual([
    { stage: "control-plane-up", seconds: 420 },
    { stage: "control-plane-up", seconds: 1260 },
  ]);
});
