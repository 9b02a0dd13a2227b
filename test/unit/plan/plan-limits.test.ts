import fc from "fast-check";
import { clientToken, elbName, executionName, keypairName, roleName, scheduleName, targetGroupName } from "../../../shared/plan/names";
import { planCluster } from "../../../shared/plan/plan-cluster";
import { contains, nthAddress, nthBlock, parseCidr } from "../../../shared/spec/cidr";
import { controlPlaneOf, groupOf, manifestOf, requestOf } from "./sample-request";

/** Long ones are as likely as short ones: limits are met there. */
const label = fc.oneof(fc.stringMatching(/^[a-z]([a-z0-9-]{0,10}[a-z0-9])?$/), fc.stringMatching(/^[a-z][a-z0-9-]{48,61}[a-z0-9]$/));
/** DNS names of two labels or more; `kubernetes.io/cluster/<name>` must fit a tag's key of 128. */
const clusterName = fc
  .array(label, { minLength: 2, maxLength: 5 })
  .map((labels) => labels.join("."))
  .filter((name) => name.length <= 106);
const uid = fc.stringMatching(/^[a-z0-9]{10}$/);

test("names stay within AWS' limits and letters for any cluster", () => {
  fc.assert(
    fc.property(clusterName, uid, (name, id) => {
      for (const role of ["control-plane", "node"] as const) expect(roleName(name, id, role)).toMatch(/^[\w+=,.@-]{1,64}$/);
      for (const elb of [elbName(name, id), targetGroupName(name, id)]) {
        expect(elb).toMatch(/^[a-zA-Z0-9]([a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?$/);
        expect(elb).not.toMatch(/^internal-/);
      }
      expect(keypairName(name, id).length).toBeLessThanOrEqual(255);
      expect(executionName(id, "create", 99).length).toBeLessThanOrEqual(80);
      expect(scheduleName(id)).toMatch(/^[0-9a-zA-Z-_.]{1,64}$/);
    }),
  );
});

test("names of clusters that differ only past a limit stay apart", () => {
  const [one, other] = ["x", "y"].map((end) => `${"long-name-".repeat(6)}.${"k".repeat(30)}${end}`) as [string, string];

  for (const name of [elbName, targetGroupName, keypairName, (cluster: string, id: string) => roleName(cluster, id, "node")])
    expect(name(one, "a1b2c3d4e5")).not.toBe(name(other, "a1b2c3d4e5"));
});

test("a client token is ≤ 64 ASCII, and another for every machine, attempt and cluster", () => {
  fc.assert(
    fc.property(uid, label, fc.nat({ max: 20 }), fc.nat({ max: 9 }), (id, group, index, attempt) => {
      const token = clientToken(id, `${group}-${index}`, attempt);
      expect(token).toMatch(/^[\x21-\x7e]{1,64}$/);
      expect(clientToken(id, `${group}-${index + 1}`, attempt)).not.toBe(token);
      expect(clientToken(id, `${group}-${index}`, attempt + 1)).not.toBe(token);
    }),
  );
});

test("tags stay within EC2's limits for any cluster, group and owner", () => {
  fc.assert(
    fc.property(clusterName, uid, label, fc.string({ maxLength: 400 }), (name, id, group, owner) => {
      fc.pre(group !== "probe-client");
      const instanceGroups = [controlPlaneOf(), groupOf({ name: group })];
      const { instances, elb, network } = planCluster(manifestOf({ name, instanceGroups }), requestOf({ uid: id, owner }));
      for (const tags of [...instances, elb, ...network.subnets].map((thing) => thing.tags)) {
        expect(Object.keys(tags).length).toBeLessThanOrEqual(50);
        for (const [key, value] of Object.entries(tags)) {
          expect(key).toMatch(/^[\w .:/=+@-]{1,128}$/);
          expect(value).toMatch(/^[\w .:/=+@-]{0,256}$/);
        }
      }
    }),
    { numRuns: 50 },
  );
});

/** One to three subnets of /20 to /28 in a /16, and control planes spread over them. */
const layout = fc.record({
  prefix: fc.integer({ min: 20, max: 28 }),
  zones: fc.integer({ min: 1, max: 3 }),
  controlPlanes: fc.constantFrom(1, 3, 5),
  workers: fc.integer({ min: 1, max: 4 }),
});

test("planned addresses are unique, inside their subnet, and none that EC2 keeps", () => {
  fc.assert(
    fc.property(layout, ({ prefix, zones, controlPlanes, workers }) => {
      const vpc = parseCidr("172.20.0.0/16")!;
      const blocks = Array.from({ length: zones }, (_, index) => nthBlock(vpc, prefix, index));
      const subnets = blocks.map((block, index) => ({ name: `s${index}`, zone: `us-east-1${"abc"[index]}`, cidr: block.text }));
      const names = subnets.map(({ name }) => name);
      const instanceGroups = [controlPlaneOf({ size: controlPlanes, subnets: names }), groupOf({ size: workers, subnets: names })];

      const plan = planCluster(manifestOf({ subnets, instanceGroups }), requestOf());

      const planned = [...plan.instances, plan.probeClient].filter((machine) => machine.privateAddress);
      expect(planned).toHaveLength(controlPlanes + 1);
      expect(new Set(planned.map(({ privateAddress }) => privateAddress)).size).toBe(planned.length);
      for (const { privateAddress, subnet } of planned) {
        const block = blocks[names.indexOf(subnet)]!;
        const kept = [0, 1, 2, 3, block.last - block.first].map((offset) => nthAddress(block, offset));
        expect(contains(block, parseCidr(`${privateAddress}/32`)!)).toBe(true);
        expect(kept).not.toContain(privateAddress);
      }
    }),
  );
});
