import { failedConditions, initialConditions, replacing, setCondition, summarizeReady } from "../../../shared/health/conditions";

const born = new Date("2026-11-23T09:00:00Z");
const later = new Date("2026-11-23T09:01:00Z");
const holds = (type: "InfrastructureReady" | "NodesJoined" | "DataPlaneVerified", message = "seen") => ({
  type,
  status: "True" as const,
  reason: "Seen",
  message,
});

test("a new cluster's conditions are all there and Unknown", () => {
  const conditions = initialConditions(born);
  expect(conditions.map(({ type, status }) => `${type} ${status}`)).toEqual([
    "Ready Unknown",
    "InfrastructureReady Unknown",
    "NodesJoined Unknown",
    "DataPlaneVerified Unknown",
    "EndpointReachable Unknown",
    "AsAsked Unknown",
    "AddOnsReady Unknown",
  ]);
  expect(conditions[0]).toMatchObject({ lastTransitionTime: born.toISOString(), observedGeneration: 1 });
});

test("a new status moves the transition time, a new message does not", () => {
  const changed = setCondition(initialConditions(born), holds("NodesJoined"), { now: later, generation: 2 });
  const retold = setCondition(changed, holds("NodesJoined", "seen again"), { now: new Date("2026-11-23T09:02:00Z"), generation: 3 });
  const find = (all: typeof changed) => all.find(({ type }) => type === "NodesJoined");
  expect(find(changed)).toMatchObject({ status: "True", lastTransitionTime: later.toISOString(), observedGeneration: 2 });
  expect(find(retold)).toMatchObject({ message: "seen again", lastTransitionTime: later.toISOString(), observedGeneration: 3 });
});

test("the conditions given are left as they were, and one that is not there is added", () => {
  const before = initialConditions(born);
  setCondition(before, holds("NodesJoined"), { now: later, generation: 1 });
  expect(before).toEqual(initialConditions(born));
  expect(setCondition([], holds("NodesJoined"), { now: later, generation: 1 })).toHaveLength(1);
});

test("Ready is the first condition that does not hold, and the proof when all do", () => {
  const at = { now: later, generation: 1 };
  const some = setCondition(initialConditions(born), holds("InfrastructureReady"), at);
  expect(summarizeReady(some)).toMatchObject({ type: "Ready", status: "Unknown", reason: "NotLookedYet" });
  const broken = setCondition(
    setCondition(some, holds("NodesJoined"), at),
    { type: "DataPlaneVerified", status: "False", reason: "VxlanBlocked", message: "4789" },
    at,
  );
  expect(summarizeReady(broken)).toMatchObject({ status: "False", reason: "VxlanBlocked", message: "DataPlaneVerified: 4789" });
  expect(summarizeReady(setCondition(broken, holds("DataPlaneVerified", "E/D/H 5/0/1"), at))).toMatchObject({
    status: "True",
    message: "E/D/H 5/0/1",
  });
});

describe("while a worker gets a new machine", () => {
  const at = { now: later, generation: 2 };
  const proved = (["InfrastructureReady", "NodesJoined", "DataPlaneVerified"] as const).reduce((all, type) => setCondition(all, holds(type), at), initialConditions(born));
  const told = (conditions: typeof proved) => Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status} ${reason}`]));

  test("nothing that was seen with its old one holds, and the cluster is not Ready", () => {
    expect(told(replacing(proved, "nodes-0", at))).toEqual({
      Ready: "False Replacing",
      InfrastructureReady: "True Seen",
      NodesJoined: "False Replacing",
      DataPlaneVerified: "Unknown Replacing",
      EndpointReachable: "Unknown NotLookedYet",
      AsAsked: "Unknown Replacing",
      AddOnsReady: "Unknown Replacing",
    });
    expect(replacing(proved, "nodes-0", at).find(({ type }) => type === "Ready")?.message).toContain("nodes-0");
  });

  test("and fails to, what was not looked at again and Ready say why; what was seen of the new one stays", () => {
    const joined = setCondition(replacing(proved, "nodes-0", at), holds("NodesJoined"), at);
    const failed = failedConditions(joined, { code: "DataPlaneUnproved", message: "nodes-0 says nothing" }, at);
    expect(told(failed)).toMatchObject({ Ready: "False DataPlaneUnproved", NodesJoined: "True Seen", DataPlaneVerified: "Unknown DataPlaneUnproved" });
    expect(failed.find(({ type }) => type === "Ready")?.message).toBe("nodes-0 says nothing");
  });
});
