import type { ClusterPlan } from "../../../shared/plan/cluster-plan";
import { memoryLedger } from "../../memory-ledger";
import { targetOf } from "../../../shared/resources/blocker";
import { samplePlan } from "./sample-plan";

const ref = { name: "demo.k8s.local", uid: "abcdefghij", region: "us-east-1", epoch: 2 };
const ageOf = (plan: Partial<ClusterPlan>) =>
  targetOf({ ref, plan: { ...samplePlan(), createdAt: "2026-11-23T12:00:00Z", ...plan }, ledger: memoryLedger() }).createdAt;

test("a delete knows the age of what was planned, and not that of an orphan, whose record is younger than it", () => {
  expect(ageOf({ instances: [] })).toBe("2026-11-23T12:00:00Z");
  expect(ageOf({})).toBeUndefined();
});
