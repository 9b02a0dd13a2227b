import type { Manifest } from "../spec/manifest";
import type { ElbPlan } from "./cluster-plan";
import { elbName, targetGroupName } from "./names";

/** The load balancer before the API server, for people; nodes never go through it. It takes one subnet of each zone, as kOps' does. */
export function planElb({ name, loadBalancer, subnets }: Manifest, uid: string, tags: Record<string, string>): ElbPlan {
  const network = loadBalancer.class === "Network";
  const onePerZone = subnets.filter(({ zone }, index) => subnets.findIndex((other) => other.zone === zone) === index);
  return {
    class: loadBalancer.class,
    type: loadBalancer.type,
    name: elbName(name, uid),
    ...(network ? { targetGroup: targetGroupName(name, uid) } : { securityGroup: "api-elb" as const }),
    listenerPort: 443,
    targetPort: 6443,
    subnets: onePerZone.map((subnet) => subnet.name),
    idleTimeoutSeconds: loadBalancer.idleTimeoutSeconds,
    tags: { ...tags, Name: `api.${name}` },
  };
}
