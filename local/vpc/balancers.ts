import type { Instance } from "@aws-sdk/client-ec2";
import type { Account } from "./account";
import type { HealthCheck, Pool } from "./fabric";

/** A load balancer of either kind, reduced to what forwarding needs. */
export interface Balancer {
  name: string;
  dnsName: string;
  /** Of the interfaces that EC2 shows for it: https://repost.aws/knowledge-center/elb-find-load-balancer-IP */
  description: string;
  /** Of these interfaces, whatever EC2 shows there: one without any has the VPC's default group in moto. */
  groups: string[];
  internal: boolean;
  listeners: { port: number; pool: Pool }[];
}

/**
 * Every load balancer of the account. Only TCP is forwarded: a classic one's HTTP, HTTPS and SSL listeners are TCP here too, and TLS is
 * not ended. A Network one's targets see its own address, as with `preserve_client_ip.enabled=false`.
 */
export const balancersOf = (account: Account): Balancer[] => [...account.classic.map(classicOf(account)), ...account.network.map(networkOf(account))];

const classicOf =
  ({ instances }: Account) =>
  (elb: Account["classic"][number]): Balancer => ({
    name: elb.LoadBalancerName!,
    dnsName: elb.DNSName!,
    description: `ELB ${elb.LoadBalancerName}`,
    groups: elb.SecurityGroups ?? [],
    internal: elb.Scheme === "internal",
    listeners: (elb.ListenerDescriptions ?? []).map(({ Listener }) => ({
      port: Listener!.LoadBalancerPort!,
      pool: {
        check: classicCheck(elb.HealthCheck, Listener!.InstancePort!),
        targets: registered(instances, elb.Instances?.map(({ InstanceId }) => ({ id: InstanceId!, port: Listener!.InstancePort! })) ?? []),
        failOpen: false,
      },
    })),
  });

/** `SSL:6443`, `HTTP:80/ping`. What a balancer has that nobody configured: TCP to the first listener's port. */
function classicCheck(configured: Account["classic"][number]["HealthCheck"], port: number): HealthCheck {
  const { Target = `TCP:${port}`, Interval = 30, Timeout = 5, HealthyThreshold = 10, UnhealthyThreshold = 2 } = configured ?? {};
  const [, protocol = "TCP", at, path = "/"] = /^(\w+):(\d+)(\/.*)?$/.exec(Target) ?? [];
  return {
    protocol: protocol.toUpperCase() as HealthCheck["protocol"],
    port: Number(at ?? port),
    path,
    interval: Interval,
    timeout: Timeout,
    healthy: HealthyThreshold,
    unhealthy: UnhealthyThreshold,
    redirects: false,
  };
}

const networkOf =
  ({ instances }: Account) =>
  ({ balancer, listeners, targetGroups }: Account["network"][number]): Balancer => ({
    name: balancer.LoadBalancerName!,
    dnsName: balancer.DNSName!,
    description: `ELB ${balancer.LoadBalancerArn!.split(":loadbalancer/")[1]}`,
    groups: balancer.SecurityGroups ?? [],
    internal: balancer.Scheme === "internal",
    listeners: listeners.flatMap(({ Port, DefaultActions = [] }) => {
      const group = targetGroups.find(({ TargetGroupArn }) => TargetGroupArn === DefaultActions[0]?.TargetGroupArn);
      if (!group) return [];
      const targets = group.targets.map(({ Id, Port: port }) => ({ id: Id!, port: port ?? group.Port! }));
      return { port: Port!, pool: { check: networkCheck(group), targets: registered(instances, targets), failOpen: true } };
    }),
  });

function networkCheck(group: Account["network"][number]["targetGroups"][number]): HealthCheck {
  const { HealthCheckProtocol = "TCP", HealthCheckPort, HealthCheckPath = "/", HealthCheckIntervalSeconds = 30 } = group;
  return {
    protocol: HealthCheckProtocol as HealthCheck["protocol"],
    port: HealthCheckPort && HealthCheckPort !== "traffic-port" ? Number(HealthCheckPort) : null,
    path: HealthCheckPath,
    interval: HealthCheckIntervalSeconds,
    timeout: group.HealthCheckTimeoutSeconds ?? 10,
    healthy: group.HealthyThresholdCount ?? 5,
    unhealthy: group.UnhealthyThresholdCount ?? 2,
    redirects: true,
  };
}

/** Targets are instances or addresses; an instance that is not there is no target. */
function registered(instances: Instance[], targets: { id: string; port: number }[]): Pool["targets"] {
  return targets.flatMap(({ id, port }) => {
    const address = /^\d/.test(id) ? id : instances.find(({ InstanceId }) => InstanceId === id)?.PrivateIpAddress;
    return address ? [{ id, address, port }] : [];
  });
}
