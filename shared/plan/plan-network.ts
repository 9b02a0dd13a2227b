import type { Manifest } from "../spec/manifest";
import type { NetworkPlan } from "./cluster-plan";
import { planSecurityGroups } from "./security-groups";

/** By these the cloud provider and the load balancer controller choose subnets; both, as kOps does where all subnets are public. */
const SUBNET_ROLES = { "kubernetes.io/role/elb": "1", "kubernetes.io/role/internal-elb": "1", SubnetType: "Public" };

/** A VPC of the cluster's own, named as kOps names it. */
export function planNetwork(manifest: Manifest, tags: Record<string, string>): NetworkPlan {
  const { name } = manifest;
  return {
    vpc: { name, cidr: manifest.networkCidr },
    internetGateway: { name },
    routeTable: { name },
    subnets: manifest.subnets.map(({ name: key, zone, cidr }) => {
      const subnetName = `${key}.${name}`;
      return { key, name: subnetName, zone, cidr, tags: { ...tags, Name: subnetName, ...SUBNET_ROLES } };
    }),
    securityGroups: planSecurityGroups(manifest),
  };
}
