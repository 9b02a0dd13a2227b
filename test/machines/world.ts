import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import {
  AssociateRouteTableCommand,
  AttachInternetGatewayCommand,
  CreateInternetGatewayCommand,
  CreateRouteCommand,
  CreateRouteTableCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DescribeImagesCommand,
  EC2Client,
  RunInstancesCommand,
  type RunInstancesCommandInput,
} from "@aws-sdk/client-ec2";
import { type Emulators, region, rootCredentials, startEmulators } from "../../local/emulators/emulators";
import { type RealMachines, startRealMachines } from "../../local/machines/real-machines";
import type { Nodes } from "../../local/nodes/nodes";
import type { HealthEvent } from "../../local/vpc/vpc";
import { TAG_UID } from "../../shared/plan/names";

export const AWS_ADDRESS = "203.0.113.10";

/** Machines that are network namespaces and nothing else: tests start in them what they need. */
export function bareNodes(): Nodes & { living: Set<string> } {
  const living = new Set<string>();
  const console = (id: string) => join(tmpdir(), `clowder-test-console-${id}`);
  return {
    living,
    console,
    async up({ id, hostname }) {
      writeFileSync(console(id), `${hostname} booted\n`);
      living.add(id);
    },
    async reboot() {},
    async down(id) {
      rmSync(console(id), { force: true });
      living.delete(id);
    },
    leftovers: async () => [...living],
  };
}

export interface World {
  emulators: Emulators;
  machines: RealMachines;
  nodes: ReturnType<typeof bareNodes>;
  health: HealthEvent[];
  ec2: EC2Client;
  vpcId: string;
  subnetId: string;
  routeTableId: string;
  gatewayId: string;
  group(name: string): Promise<string>;
  /** Runs an instance and waits until it is a machine. */
  run(address: string, groups: string[], more?: Partial<RunInstancesCommandInput> & { public?: boolean }): Promise<string>;
  /** Standard output of a program within the machine. */
  inside(id: string, ...command: string[]): string;
  /** Standard output of a program in a pod of the machine: one hop further, behind its address. */
  insidePod(id: string, ...command: string[]): string;
  /** A program that stays; resolves at its first line. */
  keep(id: string, ...command: string[]): Promise<{ lines: string[] }>;
  stop(): Promise<void>;
}

const makePod = (pod: string) => `
  ip link add pod0 type veth peer name eth0 netns ${pod}
  ip address add 10.244.0.1/24 dev pod0
  ip link set pod0 up
  ip -n ${pod} address add 10.244.0.2/24 dev eth0
  ip -n ${pod} link set eth0 up
  ip -n ${pod} route add default via 10.244.0.1
  echo 1 > /proc/sys/net/ipv4/ip_forward
  nft 'add table ip pods; add chain ip pods out { type nat hook postrouting priority 100; }; add rule ip pods out ip saddr 10.244.0.0/24 masquerade'`;

function run(program: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8", timeout: 20_000 });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${error?.message ?? stderr}`);
  return stdout.trim();
}

const peer = join(__dirname, "peer.py");

/** Emulators, a VPC with a subnet, an internet gateway and a route to it, and the daemon that makes them real. */
export async function startWorld(name: string): Promise<World> {
  const emulators = await startEmulators({ name, looks: 0 });
  const nodes = bareNodes();
  const health: HealthEvent[] = [];
  const forwards = [{ address: AWS_ADDRESS, port: 80, target: Number(new URL(emulators.endpoint).port) }];
  const machines = await startRealMachines(emulators, { nodes, forwards, checkPace: 50, onHealth: (event) => health.push(event) });
  const ec2 = new EC2Client({ endpoint: emulators.endpoint, region, credentials: rootCredentials });
  const children: ChildProcess[] = [];
  const VpcId = (await ec2.send(new CreateVpcCommand({ CidrBlock: "172.20.0.0/16" }))).Vpc!.VpcId!;
  const subnet = { VpcId, CidrBlock: "172.20.32.0/19", AvailabilityZone: "us-east-1a" };
  const SubnetId = (await ec2.send(new CreateSubnetCommand(subnet))).Subnet!.SubnetId!;
  const GatewayId = (await ec2.send(new CreateInternetGatewayCommand({}))).InternetGateway!.InternetGatewayId!;
  await ec2.send(new AttachInternetGatewayCommand({ VpcId, InternetGatewayId: GatewayId }));
  const RouteTableId = (await ec2.send(new CreateRouteTableCommand({ VpcId }))).RouteTable!.RouteTableId!;
  await ec2.send(new AssociateRouteTableCommand({ RouteTableId, SubnetId }));
  await ec2.send(new CreateRouteCommand({ RouteTableId, DestinationCidrBlock: "0.0.0.0/0", GatewayId }));
  const ImageId = (await ec2.send(new DescribeImagesCommand({}))).Images![0]!.ImageId!;
  const enter = (id: string) => [`--net=/run/netns/${machines.networks.namespace(id)}`];

  return {
    emulators,
    machines,
    nodes,
    health,
    ec2,
    vpcId: VpcId,
    subnetId: SubnetId,
    routeTableId: RouteTableId,
    gatewayId: GatewayId,
    group: async (GroupName) => (await ec2.send(new CreateSecurityGroupCommand({ VpcId, GroupName, Description: GroupName }))).GroupId!,
    async run(PrivateIpAddress, Groups, { public: AssociatePublicIpAddress = false, ...more } = {}) {
      const request: RunInstancesCommandInput = {
        ImageId,
        InstanceType: "t3.small",
        MinCount: 1,
        MaxCount: 1,
        NetworkInterfaces: [{ DeviceIndex: 0, SubnetId, Groups, PrivateIpAddress, AssociatePublicIpAddress }],
        TagSpecifications: [{ ResourceType: "instance", Tags: [{ Key: TAG_UID, Value: "test" }] }],
        ...more,
      };
      const id = (await ec2.send(new RunInstancesCommand(request))).Instances![0]!.InstanceId!;
      await machines.look();
      await until(() => nodes.living.has(id));
      return id;
    },
    inside: (id, ...command) => run("nsenter", ...enter(id), ...command),
    insidePod(id, ...command) {
      const pod = `clowder-test-${process.pid}-pod`;
      run("ip", "netns", "add", pod);
      try {
        run("nsenter", ...enter(id), "sh", "-ec", makePod(pod));
        return run("nsenter", `--net=/run/netns/${pod}`, ...command);
      } finally {
        run("ip", "netns", "delete", pod);
      }
    },
    async keep(id, ...command) {
      const child = spawn("nsenter", [...enter(id), ...command], { stdio: ["ignore", "pipe", "inherit"] });
      children.push(child);
      const lines: string[] = [];
      createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
      await until(() => lines.length > 0);
      return { lines };
    },
    async stop() {
      for (const child of children) child.kill("SIGKILL");
      await machines.stop();
      await emulators.stop();
    },
  };
}

export const serve = (port: number, name: string): string[] => ["python3", peer, "serve", String(port), name];
export const ask = (address: string, port: number, ...source: string[]): string[] => ["python3", peer, "ask", address, String(port), ...source];
export const hear = (port: number): string[] => ["python3", peer, "hear", String(port)];
export const say = (address: string, port: number, source: string, text: string): string[] => ["python3", peer, "say", address, String(port), source, text];

/** Waits for a condition. @throws Error after ten seconds */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const limit = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > limit) throw new Error(`not within 10 s: ${condition}`);
    await new Promise((again) => setTimeout(again, 50));
  }
}
