import { parseCidr } from "./cidr";
import type { Deployment } from "./deployment";
import type { Findings } from "./findings";
import type { InstanceGroup, Subnet } from "./manifest";

/** EC2 keeps five addresses of a subnet, a load balancer wants eight free, and one is the probe client's. */
const NOT_FOR_NODES = 5 + 8 + 1;

/** The groups together: there is a control plane and a node, the deployment allows so many, and they fit into their subnets. */
export function checkNodeCount(groups: InstanceGroup[], subnets: Subnet[], deployment: Deployment, found: Findings): void {
  const count = (role: InstanceGroup["role"]): number =>
    groups.filter((group) => group.role === role).reduce((sum, group) => sum + group.size, 0);
  const [controlPlanes, nodes] = [count("control-plane"), count("node")];
  if (!groups.some(({ role }) => role === "control-plane"))
    found.refuse("InstanceGroup", "one with role ControlPlane (or Master) is required");
  if (nodes === 0) found.refuse("InstanceGroup", "at least one instance with role Node is required: a minSize over 0");
  if (controlPlanes + nodes > deployment.maxNodes) {
    found.refuse("InstanceGroup", `at most ${deployment.maxNodes} instances are allowed by this deployment, not ${controlPlanes + nodes}`);
  }
  subnets.forEach(({ name, cidr }, index) => {
    const block = parseCidr(cidr);
    const room = block && block.prefix <= 28 ? 2 ** (32 - block.prefix) - NOT_FOR_NODES : Infinity;
    const placed = groups
      .filter((group) => group.subnets.includes(name))
      .reduce((sum, group) => sum + Math.ceil(group.size / group.subnets.length), 0);
    if (placed > 0 && placed > room)
      found.refuse(
        `spec.subnets[${index}].cidr`,
        `must be larger: it has room for ${Math.max(0, room)} instances beside the load balancer, not ${placed}`,
      );
  });
}
