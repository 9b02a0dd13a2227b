import { ImageNotFound } from "../errors";
import type { InstanceGroup, Manifest, Role } from "../spec/manifest";
import { type AddressPool, PROBE_CLIENT_OFFSET } from "./addresses";
import type { ClusterPlan, InstancePlan } from "./cluster-plan";
import { clientToken, objectPrefix, roleName } from "./names";
import { instanceTags } from "./tags";

export interface InstanceScope {
  manifest: Manifest;
  uid: string;
  tags: ClusterPlan["tags"];
  /** By image as the manifest writes it. */
  images: Record<string, { imageId: string; rootDevice: string }>;
  addresses: AddressPool;
}

/**
 * Control planes first: whoever makes machines in this order has the planned addresses before EC2 chooses any of them for a worker.
 * A group's instances go round its subnets.
 * @throws ImageNotFound where an image of the manifest was not resolved
 * @throws InvalidManifest where a subnet is too small for its control planes
 */
export function planInstances(scope: InstanceScope): InstancePlan[] {
  const byRole = (role: Role) => scope.manifest.instanceGroups.filter((group) => group.role === role);
  return [...byRole("control-plane"), ...byRole("node")].flatMap((group) =>
    Array.from({ length: group.size }, (_, index) => planMachine(scope, group, index)),
  );
}

function planMachine(scope: InstanceScope, group: InstanceGroup, index: number): InstancePlan {
  const { manifest, uid, addresses } = scope;
  const subnet = group.subnets[index % group.subnets.length]!;
  const controlPlane = group.role === "control-plane";
  const name = `${group.name}${controlPlane ? ".masters" : ""}.${manifest.name}`;
  return {
    ...machine(scope, { name, group: group.name, role: group.role, index }, group),
    machineType: group.machineType,
    subnet,
    otherSubnets: controlPlane ? [] : group.subnets.filter((other) => other !== subnet),
    securityGroup: group.role,
    profile: roleName(manifest.name, uid, group.role),
    ...(controlPlane && { privateAddress: addresses.next(subnet) }),
    associatePublicIp: group.associatePublicIp,
    sourceDestCheck: manifest.calico.awsSrcDstCheck !== "Disable",
    rootVolume: group.rootVolume,
    nodeLabels: { "kops.k8s.io/instancegroup": group.name, [`node-role.kubernetes.io/${group.role}`]: "", ...group.nodeLabels },
    taints: group.taints,
  };
}

/** Outside Calico, in the first worker's subnet: a DSR reply must reach it without a router that drops foreign sources. */
export function planProbeClient(scope: InstanceScope, machineType: string, worker: InstancePlan): InstancePlan {
  const { manifest, uid, addresses } = scope;
  const group = manifest.instanceGroups.find(({ name }) => name === worker.group)!;
  const planned = { name: `probe-client.${manifest.name}`, group: "probe-client", role: "probe-client" as const, index: 0 };
  return {
    ...machine(scope, planned, { ...group, cloudLabels: {} }),
    machineType,
    subnet: worker.subnet,
    otherSubnets: [],
    securityGroup: "probe-client",
    profile: roleName(manifest.name, uid, "node"),
    privateAddress: addresses.at(worker.subnet, PROBE_CLIENT_OFFSET),
    associatePublicIp: group.associatePublicIp,
    sourceDestCheck: true,
    rootVolume: group.rootVolume,
    nodeLabels: {},
    taints: [],
  };
}

type Planned = Pick<InstancePlan, "name" | "group" | "role" | "index">;
type Machine = Planned & Pick<InstancePlan, "key" | "clientToken" | "imageId" | "rootDevice" | "tags" | "userData">;

/** What every machine has, node or not. */
function machine(scope: InstanceScope, planned: Planned, group: Pick<InstanceGroup, "image" | "cloudLabels">): Machine {
  const { manifest, uid, tags, images } = scope;
  const key = `${planned.group}-${planned.index}`;
  const image = images[group.image];
  if (!image) throw new ImageNotFound(`no image ${group.image} was found`);
  return {
    key,
    ...planned,
    clientToken: clientToken(uid, key, 0),
    imageId: image.imageId,
    rootDevice: image.rootDevice,
    tags: instanceTags({ tags, clusterLabels: manifest.cloudLabels }, { ...planned, cloudLabels: group.cloudLabels }),
    userData: { role: planned.role, scriptObject: `${objectPrefix(uid)}scripts/${planned.role}.sh` },
  };
}
