/**
 * What the daemon is to make of the emulated account, the whole of it each time: what is not named goes away. Pure data; `fabricOf`
 * in plan-fabric.ts makes it, daemon/fabric.py builds it.
 */
export interface Fabric {
  /** Network namespaces of machines and load balancers, by the short name that interfaces use. */
  namespaces: string[];
  /** Ways out: what listens at an address of the internet and leads to a port of this host's loopback. */
  forwards: Forward[];
  /** Addresses of names that people outside resolve. */
  names: Names;
  vpcs: VpcFabric[];
  balancers: BalancerFabric[];
}

export type Names = Record<string, string[]>;

export interface Forward {
  address: string;
  port: number;
  /** Port of 127.0.0.1. */
  target: number;
}

export interface VpcFabric {
  id: string;
  /** First address of each subnet, which the router answers. */
  gateways: string[];
  /** Second address of the VPC's block, where its resolver answers beside 169.254.169.253. */
  resolver: string;
  names: Names;
  interfaces: Interface[];
  /** Text for `nft -f`. */
  ruleset: string;
  /** By private address. */
  machines: Record<string, MachineMetadata>;
}

export interface Interface {
  id: string;
  /** Link indexes are 1000 + this in the router and 2000 + this in the machine. */
  index: number;
  namespace: string;
  /** `eth0`, `eth1` and so on. */
  device: string;
  mac: string;
  /** Private ones; the first is the primary and the only one that the machine is given. */
  addresses: string[];
  /** Length of the subnet's prefix. */
  prefix: number;
  gateway: string;
  publicAddresses: string[];
}

export interface MachineMetadata {
  options: { endpoint: "enabled" | "disabled"; tokens: "required" | "optional"; hopLimit: number };
  /** Paths below the version, such as `meta-data/local-ipv4`. One that ends with a slash is the listing of that folder. */
  tree: Record<string, string>;
  /** Base64. */
  userData: string | null;
}

/** A load balancer in one of its subnets. */
export interface BalancerFabric {
  name: string;
  /** Of it alone. */
  namespace: string;
  /** Private; listeners are open there. */
  address: string;
  listeners: { port: number; pool: Pool }[];
}

export interface Pool {
  check: HealthCheck;
  targets: { id: string; address: string; port: number }[];
  /** A Network load balancer sends to all targets when none is healthy; a classic one closes the connection. */
  failOpen: boolean;
}

/** https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/elb-healthchecks.html; seconds and counts as AWS has them. */
export interface HealthCheck {
  protocol: "TCP" | "SSL" | "HTTP" | "HTTPS";
  /** Null is the port that traffic goes to. */
  port: number | null;
  path: string;
  interval: number;
  timeout: number;
  healthy: number;
  unhealthy: number;
  /** Whether a status of 300 to 399 passes. */
  redirects: boolean;
}
