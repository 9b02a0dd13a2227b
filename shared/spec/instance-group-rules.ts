import type { Deployment } from "./deployment";
import { isDnsName } from "./dns-name";
import { either, type Findings } from "./findings";
import { readCloudLabels, readNodeLabels, readTaints } from "./labels";
import type { InstanceGroup, Role } from "./manifest";
import { matchesAny } from "./patterns";
import type { InstanceGroupSpec } from "./shapes";

const ROLES: Record<string, Role> = { Master: "control-plane", ControlPlane: "control-plane", Node: "node" };
/** kOps' defaults, GiB. */
const ROOT_SIZE: Record<Role, number> = { "control-plane": 64, node: 128 };

/** One InstanceGroup; `place` stands before its paths, `subnets` are the Cluster's (undefined where there is no Cluster to tell). */
export function readInstanceGroup(
  name: string,
  spec: InstanceGroupSpec,
  place: string,
  subnets: string[] | undefined,
  deployment: Deployment,
  found: Findings,
): InstanceGroup {
  const path = `${place}.spec`;
  if (!isDnsName(name) || name.length > 63)
    found.refuse(`${place}.metadata.name`, "must be lower-case letters, digits, hyphens and dots, at most 63");
  if (name === "probe-client") found.refuse(`${place}.metadata.name`, "is the name of the service's own probe machine: choose another");
  const role = readRole(spec.role, path, found);
  const placedIn = readSubnets(spec.subnets, subnets, path, found);
  return {
    name,
    role,
    image: readImage(spec.image, deployment.imageOwners, path, found),
    machineType: readMachineType(spec.machineType, deployment.instanceTypes, path, found),
    size: readSize(spec, role, placedIn.length, path, found),
    subnets: placedIn,
    nodeLabels: readNodeLabels(spec.nodeLabels, name, `${path}.nodeLabels`, found),
    taints: readTaints(spec.taints, `${path}.taints`, found),
    cloudLabels: readCloudLabels(spec.cloudLabels, `${path}.cloudLabels`, found),
    rootVolume: readRootVolume(spec, role, path, found),
    associatePublicIp: true,
  };
}

function readRole(asked: string | undefined, path: string, found: Findings): Role {
  if (asked === undefined) found.missing(`${path}.role`, "is required: ControlPlane (or Master) or Node");
  else if (!Object.hasOwn(ROLES, asked))
    found.refuse(`${path}.role`, `must be ControlPlane (or Master) or Node: "${asked.slice(0, 40)}" is not served`);
  return asked && Object.hasOwn(ROLES, asked) ? ROLES[asked]! : "node";
}

function readSubnets(asked: InstanceGroupSpec["subnets"], known: string[] | undefined, path: string, found: Findings): string[] {
  const names = asked ?? [];
  if (names.length === 0) found.refuse(`${path}.subnets`, "must name at least one subnet of the Cluster");
  names.forEach((name, index) => {
    if (name === undefined) return;
    const place = `${path}.subnets[${index}]`;
    if (known && !known.includes(name)) found.refuse(place, `must be a subnet of the Cluster: ${either(known) || "there is none"}`);
    else if (names.indexOf(name) < index) found.refuse(place, `is there twice: ${name}`);
  });
  return names.filter((name) => name !== undefined);
}

/** The owner of an `ami-` or `ssm:` image is known to EC2 alone; who resolves it checks that. */
function readImage(image: string | undefined, owners: string[], path: string, found: Findings): string {
  const place = `${path}.image`;
  if (!image) found.missing(place, "is required: owner/name, ami-… or ssm:/parameter");
  else if (image.startsWith("ami-") ? /^ami-([0-9a-f]{8}|[0-9a-f]{17})$/.test(image) : /^ssm:\/[\w./-]{1,1000}$/.test(image)) return image;
  else if (/^(ami-|ssm:)/.test(image) || !/^[\w.-]+\/[^\s*?"\\]{1,128}$/.test(image))
    found.refuse(place, "must be owner/name, ami-… or ssm:/parameter");
  else if (!owners.includes(image.split("/")[0]!))
    found.refuse(place, `must belong to ${either(owners)}, whose images this deployment boots`);
  return image ?? "";
}

function readMachineType(type: string | undefined, allowed: string[], path: string, found: Findings): string {
  if (!type) found.missing(`${path}.machineType`, "is required, such as t3.medium");
  else if (!/^[a-z0-9-]+\.[a-z0-9-]+$/.test(type) || !matchesAny(allowed, type)) {
    found.refuse(`${path}.machineType`, `must be ${either(allowed)}, the types this deployment allows`);
  }
  return type ?? "";
}

function readSize(spec: InstanceGroupSpec, role: Role, zones: number, path: string, found: Findings): number {
  const { minSize, maxSize } = spec;
  if (minSize === undefined) return found.missing(`${path}.minSize`, "is required: so many instances are made") ?? 1;
  if (role === "control-plane" && minSize < Math.max(1, zones)) {
    found.refuse(`${path}.minSize`, `must be at least ${Math.max(1, zones)}: one control plane in each of the group's subnets`);
  }
  if (maxSize !== undefined && maxSize < minSize) found.refuse(`${path}.maxSize`, `must be greater than or equal to minSize, ${minSize}`);
  if (maxSize !== undefined && maxSize > minSize)
    found.warn(`${path}.maxSize`, `has no effect: minSize, ${minSize}, is made and nothing scales`);
  return minSize;
}

function readRootVolume(spec: InstanceGroupSpec, role: Role, path: string, found: Findings): InstanceGroup["rootVolume"] {
  const sizeGiB = spec.rootVolumeSize ?? ROOT_SIZE[role];
  const type = spec.rootVolumeType ?? "gp3";
  const iops = spec.rootVolumeIops;
  if (iops !== undefined && type === "gp2") found.refuse(`${path}.rootVolumeIops`, "must be left out with gp2, or use rootVolumeType gp3");
  else if (iops !== undefined && iops > Math.max(3000, 500 * sizeGiB)) {
    found.refuse(
      `${path}.rootVolumeIops`,
      `must be at most ${Math.max(3000, 500 * sizeGiB)}: EC2 gives 500 for each of its ${sizeGiB} GiB`,
    );
  }
  return { sizeGiB, type, ...(iops !== undefined && { iops }) };
}
