import { either, type Findings } from "./findings";
import type { InstanceGroup } from "./manifest";
import type { ClusterSpec } from "./shapes";

const COUNTS = [1, 3, 5];

/** kubeadm's stacked etcd has one member on each control plane; the members named must say the same. */
export function checkEtcd(spec: ClusterSpec, groups: InstanceGroup[], found: Findings): void {
  const controlPlanes = groups.filter((group) => group.role === "control-plane");
  const count = controlPlanes.reduce((sum, group) => sum + group.size, 0);
  if (controlPlanes.length > 0 && !COUNTS.includes(count)) {
    found.refuse("InstanceGroup", `control planes must be ${either(COUNTS)} in all, not ${count}: etcd needs a majority`);
  }
  const names = (spec.etcdClusters ?? []).map((etcd) => etcd?.name);
  if (names.length > 0 && !names.includes("main")) found.refuse("spec.etcdClusters", "must have an etcd cluster named main");
  spec.etcdClusters?.forEach((etcd, index) => {
    const path = `spec.etcdClusters[${index}]`;
    if (etcd?.name !== "main" && etcd?.name !== "events") found.refuse(`${path}.name`, "must be main or events");
    else if (names.indexOf(etcd.name) < index) found.refuse(`${path}.name`, `is there twice: ${etcd.name}`);
    if (etcd?.name === "events") found.warn(path, "has no effect: kubeadm keeps events in the main etcd");
    checkMembers(etcd?.etcdMembers ?? [], controlPlanes, `${path}.etcdMembers`, found);
  });
}

type Members = NonNullable<NonNullable<NonNullable<ClusterSpec["etcdClusters"]>[number]>["etcdMembers"]>;

function checkMembers(members: Members, controlPlanes: InstanceGroup[], path: string, found: Findings): void {
  members.forEach((member, index) => {
    const group = member?.instanceGroup;
    if (!member?.name) found.missing(`${path}[${index}].name`, "is required, such as a");
    else if (members.findIndex((other) => other?.name === member.name) < index)
      found.refuse(`${path}[${index}].name`, `is there twice: ${member.name}`);
    if (!group) found.missing(`${path}[${index}].instanceGroup`, "is required: a control-plane InstanceGroup's name");
    else if (!controlPlanes.some(({ name }) => name === group)) {
      found.refuse(
        `${path}[${index}].instanceGroup`,
        `must be a control-plane InstanceGroup: ${either(controlPlanes.map(({ name }) => name)) || "there is none"}`,
      );
    }
  });
  for (const { name, size } of controlPlanes) {
    const placed = members.filter((member) => member?.instanceGroup === name).length;
    if (placed !== size) found.refuse(path, `must have one member for each control plane: ${size} in ${name}, not ${placed}`);
  }
}
