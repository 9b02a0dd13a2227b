import type { Problem } from "../errors";
import type { Manifest } from "../spec/manifest";

/** A quota by the codes of Service Quotas: https://docs.aws.amazon.com/servicequotas/latest/userguide/reference.html */
export interface Quota {
  service: string;
  code: string;
}
export const VCPU_QUOTA: Quota = { service: "ec2", code: "L-1216C47A" };
export const VPC_QUOTA: Quota = { service: "vpc", code: "L-F678F1CE" };
/** Elastic addresses have no place here: machines and load balancers get public addresses of AWS's own, which no quota counts. */
export const LOAD_BALANCER_QUOTA: Record<Manifest["loadBalancer"]["class"], Quota> = {
  Classic: { service: "elasticloadbalancing", code: "L-E9E9831D" },
  Network: { service: "elasticloadbalancing", code: "L-69A177A2" },
};

export interface Usage {
  used: number;
  limit: number;
}
/** What the account has room for and what the region offers; absent is what could not be looked at. */
export interface Room {
  vcpus?: Usage & { perMachine: Record<string, number> };
  vpcs?: Usage;
  loadBalancers?: Usage;
  /** By machine type, the zones that offer it. */
  zonesOffering?: Record<string, string[]>;
}

/** One kind of machines: a group's, or the probe client. */
interface Ask {
  label: string;
  machineType: string;
  count: number;
  zones: string[];
  path: string;
}

/**
 * Whether VCPU_QUOTA counts the type: families A, C, D, H, I, M, R, T, Z, and neither dl, hpc, inf, mac nor trn.
 * https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
 */
export const isStandard = (machineType: string): boolean => /^([acdhimrtz]|im|is)\d/.test(machineType);

/** Every machine type of the cluster, the probe client's included. */
export const machineTypes = (manifest: Manifest, probeClientType: string): string[] => [
  ...new Set(asksOf(manifest, probeClientType).map(({ machineType }) => machineType)),
];

/** Every way in which the account or the region cannot hold the cluster, with what is asked, used and allowed. */
export function quotaProblems(manifest: Manifest, probeClientType: string, room: Room): Problem[] {
  const asks = asksOf(manifest, probeClientType);
  const { class: kind } = manifest.loadBalancer;
  return [
    ...offerProblems(asks, manifest.region, room.zonesOffering),
    ...vcpuProblems(asks, room.vcpus),
    ...shortage({ path: "spec.networkCIDR", asked: 1, thing: "VPC" }, VPC_QUOTA, room.vpcs),
    ...shortage(
      { path: "spec.api.loadBalancer.class", asked: 1, thing: `${kind} load balancer` },
      LOAD_BALANCER_QUOTA[kind],
      room.loadBalancers,
    ),
  ];
}

/** Groups whose vCPUs count against a quota that is not looked at. */
export const unlookedQuotas = ({ instanceGroups }: Manifest): Problem[] =>
  instanceGroups
    .filter(({ machineType, size }) => size > 0 && !isStandard(machineType))
    .map(({ name, machineType }) => ({
      path: `InstanceGroup/${name}.spec.machineType`,
      message: `the vCPU quota of ${machineType} is not checked: only that of standard machines is`,
    }));

function asksOf({ instanceGroups, subnets }: Manifest, probeClientType: string): Ask[] {
  const zonesOf = (names: string[]) => names.flatMap((name) => subnets.find((subnet) => subnet.name === name)?.zone ?? []);
  const groups = instanceGroups.filter(({ size }) => size > 0);
  const asks = groups.map(({ name, machineType, size, subnets: own }) => ({
    label: name,
    machineType,
    count: size,
    zones: [...new Set(zonesOf(own.slice(0, size)))],
    path: `InstanceGroup/${name}.spec.machineType`,
  }));
  // As the plan places it: in the first worker's subnet. Its type is the deployment's, so another subnet is what helps.
  const worker = groups.find(({ role }) => role === "node");
  if (!worker) return asks;
  const zones = zonesOf(worker.subnets.slice(0, 1));
  const path = `InstanceGroup/${worker.name}.spec.subnets`;
  return [...asks, { label: "probe client", machineType: probeClientType, count: 1, zones, path }];
}

function offerProblems(asks: Ask[], region: string, zonesOffering?: Record<string, string[]>): Problem[] {
  if (!zonesOffering) return [];
  return asks.flatMap(({ label, machineType, zones, path }) => {
    const offering = zonesOffering[machineType] ?? [];
    const missing = zones.filter((zone) => !offering.includes(zone));
    if (missing.length === 0) return [];
    const what = label === "probe client" ? `the probe client's ${machineType}` : machineType;
    const where = offering.length ? `${missing.join(", ")}, but is in ${offering.toSorted().join(", ")}` : region;
    return [{ path, message: `${what} is not offered in ${where}` }];
  });
}

/** One problem for all groups, at the one that asks for most. */
function vcpuProblems(asks: Ask[], usage: Room["vcpus"]): Problem[] {
  if (!usage) return [];
  const counted = asks
    .filter(({ machineType }) => isStandard(machineType))
    .map(({ label, path, machineType, count }) => ({ label, path, vcpus: count * (usage.perMachine[machineType] ?? 0) }))
    .toSorted((one, other) => other.vcpus - one.vcpus);
  const asked = counted.reduce((sum, { vcpus }) => sum + vcpus, 0);
  const [most] = counted;
  if (!most) return [];
  const thing = `vCPUs (${counted.map(({ label, vcpus }) => `${label} ${vcpus}`).join(", ")})`;
  return shortage({ path: most.path, asked, thing }, VCPU_QUOTA, usage);
}

interface Demand {
  path: string;
  asked: number;
  thing: string;
}
function shortage({ path, asked, thing }: Demand, { service, code }: Quota, usage?: Usage): Problem[] {
  if (!usage || usage.used + asked <= usage.limit) return [];
  const { used, limit } = usage;
  const remedy = `free some, or have the quota ${service}/${code} raised to ${used + asked}`;
  return [{ path, message: `asked: ${asked} ${thing}, used: ${used}, quota: ${limit}; ${remedy}` }];
}
