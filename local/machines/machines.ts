import { DescribeInstanceAttributeCommand, DescribeInstancesCommand, EC2Client, type Instance as Ec2Instance } from "@aws-sdk/client-ec2";
import { S3Client } from "@aws-sdk/client-s3";
import { TAG_UID } from "../../shared/plan/names";
import { type Emulators, region, rootCredentials } from "../emulators/emulators";
import { type Failing, type Neighbours, runMachine } from "./machine";
import { roleTaker } from "./role";
import { readUserData } from "./user-data";

export interface Machines {
  /** What went wrong within a simulation, in words; none is expected. */
  faults: string[];
  stop(): Promise<void>;
}

export interface Scenario {
  /** Row of the verdict tables; `healthy` when absent. */
  row?: string;
  fail?: Failing | undefined;
}

export interface MachinesOptions {
  speed?: number;
  /** Between two looks for new and ended instances; follows `speed` when absent. */
  lookMilliseconds?: number;
  /** What the machines of a cluster, by its name, are to show. */
  scenario?(cluster: string): Scenario;
  say?(line: string): void;
}

const LOOK_MS = 400;

/**
 * Plays every running instance that carries a cluster's uid, until it is terminated. Nothing real boots: user data, credentials, objects
 * and permissions are those of the emulated account, what the machines then tell is made up in true order.
 */
export function startMachines(emulators: Pick<Emulators, "endpoint">, options: MachinesOptions = {}): Machines {
  const client = { endpoint: emulators.endpoint, region, credentials: rootCredentials };
  const ec2 = new EC2Client(client);
  const takeRole = roleTaker(emulators);
  const running = new Map<string, { stop: AbortController; ended: Promise<void> }>();
  const clusters = new Map<string, Neighbours>();
  const faults: string[] = [];
  const say = (line: string) => options.say?.(`simulated machine ${line}`);

  async function play(found: Ec2Instance, uid: string, stopped: AbortSignal): Promise<void> {
    const id = found.InstanceId!;
    const { UserData } = await ec2.send(new DescribeInstanceAttributeCommand({ InstanceId: id, Attribute: "userData" }));
    const setup = readUserData(UserData?.Value ?? "");
    const { accessKeyId, secretAccessKey, token: sessionToken, userid } = await takeRole(found);
    const credentials = { accessKeyId, secretAccessKey, sessionToken };
    const s3 = new S3Client({ ...client, region: setup.region, credentials });
    const neighbours = clusters.get(uid) ?? { nodes: [], controlPlaneUp: false, tokens: [], collecting: true };
    clusters.set(uid, neighbours);
    const instance = { id, uid, privateDnsName: found.PrivateDnsName!, address: found.PrivateIpAddress! };
    const { row = "healthy", fail } = options.scenario?.(tag(found, "KubernetesCluster")) ?? {};
    const behaviour = { row, speed: options.speed ?? 1, say, ...(fail && { fail }) };
    try {
      await runMachine(instance, setup, s3, userid, neighbours, behaviour, stopped);
    } finally {
      if (stopped.aborted && neighbours.client?.instanceId === id) delete neighbours.client;
    }
  }

  function boot(found: Ec2Instance): void {
    const id = found.InstanceId!;
    const uid = tag(found, TAG_UID);
    const stop = new AbortController();
    const ended = play(found, uid, stop.signal).catch((error: Error) => {
      if (stop.signal.aborted) return;
      faults.push(`${id}: ${error.name}: ${error.message}`);
      say(`${id} stops: ${error.message}`);
    });
    running.set(id, { stop, ended });
  }

  async function look(): Promise<void> {
    const filters = [
      { Name: "tag-key", Values: [TAG_UID] },
      { Name: "instance-state-name", Values: ["running"] },
    ];
    const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters: filters }));
    const found = new Map(Reservations.flatMap(({ Instances = [] }) => Instances).map((one) => [one.InstanceId!, one]));
    // EC2 may show an instance some moments before its profile.
    for (const [id, one] of found) if (!running.has(id) && one.IamInstanceProfile?.Arn) boot(one);
    for (const [id, { stop }] of running) if (!found.has(id)) stop.abort();
  }

  const ending = new AbortController();
  const loop = (async () => {
    while (!ending.signal.aborted) {
      await look().catch((error: Error) => !ending.signal.aborted && faults.push(`DescribeInstances: ${error.message}`));
      await new Promise((next) => setTimeout(next, options.lookMilliseconds ?? LOOK_MS / (options.speed ?? 1)));
    }
  })();

  return {
    faults,
    async stop() {
      ending.abort();
      for (const { stop } of running.values()) stop.abort();
      await Promise.all([loop, ...[...running.values()].map(({ ended }) => ended)]);
    },
  };
}

const tag = (instance: Ec2Instance, key: string): string => instance.Tags?.find(({ Key }) => Key === key)?.Value ?? "";
