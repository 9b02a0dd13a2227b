import { rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { DescribeInstanceAttributeCommand, DescribeKeyPairsCommand, EC2Client, type Instance } from "@aws-sdk/client-ec2";
import { ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { TAG_UID } from "../../shared/plan/names";
import { type Emulators, region, rootCredentials } from "../emulators/emulators";
import type { Nodes } from "../nodes/nodes";
import { type Account, readAccount } from "../vpc/account";
import type { Forward, MachineMetadata } from "../vpc/fabric";
import { metadataOf } from "../vpc/metadata";
import { type Ended, runOutside } from "../vpc/outside";
import { fabricOf, newIndexes } from "../vpc/plan-fabric";
import { type HealthEvent, type Networks, namespacesLeft, startNetworks } from "../vpc/vpc";
import type { Machines } from "./machines";
import { type TakenRole, roleTaker } from "./role";

export interface RealMachines extends Machines {
  networks: Networks;
  /** moto does not show that RebootInstances was called. */
  reboot(id: string): Promise<void>;
  /** As a person outside; see runOutside. */
  outside(command: string[], environment?: Record<string, string>): Promise<Ended>;
  /** Reads the account now and resolves when the networks are as it says. */
  look(): Promise<void>;
  /** What is still there, in words; nothing after `stop`. */
  leftovers(): Promise<string[]>;
}

export interface RealMachinesOptions {
  nodes: Nodes;
  /** Where the internet's addresses lead to on this host's loopback: the AWS endpoint, artifacts, images. */
  forwards: Forward[];
  /** How many times faster than configured load balancers check health; 1 when absent. */
  checkPace?: number;
  onHealth?(event: HealthEvent): void;
  /** Each role's credentials as a machine gets them. */
  onRole?(role: TakenRole): void;
  say?(line: string): void;
}

const LOOK_MS = 500;
const MOST_FAILURES = 3;
const RENEW_MS = 15 * 60_000;
const CHANGES = /^(ec2|elasticloadbalancing):(?!Describe|Get)/;

/** What does not change of an instance while it lives. */
interface Known {
  userData: string | undefined;
  publicKey?: string;
  credentials?: TakenRole;
}

/**
 * Boots every instance that carries a cluster's uid as a real machine, in a real network that follows the emulated account: its VPCs, security
 * groups, route tables and load balancers. The account is read again whenever a call has changed EC2 or ELB.
 * @throws Error naming in one sentence what this machine lacks
 */
export async function startRealMachines(
  emulators: Pick<Emulators, "endpoint" | "accountId" | "calls" | "consoles">,
  options: RealMachinesOptions,
): Promise<RealMachines> {
  const { nodes } = options;
  const client = { endpoint: emulators.endpoint, region, credentials: rootCredentials };
  const clients = { ec2: new EC2Client(client), classic: new ElasticLoadBalancingClient(client), network: new ElasticLoadBalancingV2Client(client) };
  const takeRole = roleTaker(emulators);
  const faults: string[] = [];
  const fault = (text: string) => {
    faults.push(text);
    options.say?.(`fault: ${text}`);
  };
  const networks = await startNetworks({ onFault: fault, ...(options.onHealth && { onHealth: options.onHealth }) });
  const indexes = newIndexes();
  const known = new Map<string, Known>();
  /** Each machine's doings, one after the other. */
  const lives = new Map<string, Promise<void>>();
  const ending = new Set<string>();
  let applied = "";
  let changes = -1;
  let settled = false;
  let failures = 0;

  const then = (id: string, what: string, work: () => Promise<void>) => {
    const next = (lives.get(id) ?? Promise.resolve()).then(work).catch((error: Error) => fault(`${id} ${what}: ${error.message}`));
    lives.set(id, next);
    return next;
  };

  async function look(): Promise<void> {
    settled = true;
    const account = await readAccount(clients);
    const ours = account.instances.filter(({ Tags }) => Tags?.some(({ Key }) => Key === TAG_UID));
    // The account is read in several calls: an instance may be seen before its VPC, or after it.
    const machines = ours.filter(({ VpcId }) => account.vpcs.some((vpc) => vpc.VpcId === VpcId));
    if (machines.length < ours.length) settled = false;
    const metadata = Object.fromEntries(
      await Promise.all(machines.map(async (one) => [one.InstanceId!, await metadataFor(one, account)] as [string, MachineMetadata])),
    );
    const { forwards, checkPace } = options;
    const fabric = fabricOf({ ...account, instances: machines }, { forwards, metadata, ...(checkPace && { checkPace }) }, indexes);
    const gone = [...lives.keys()].filter((id) => !metadata[id] && !ending.has(id));
    gone.forEach((id) => ending.add(id));
    const text = JSON.stringify({ ...fabric, namespaces: [...fabric.namespaces, ...ending] });
    if (text !== applied) await networks.apply(JSON.parse(text));
    applied = text;
    for (const id of gone) void end(id);
    for (const instance of machines) if (!lives.has(instance.InstanceId!)) boot(instance);
  }

  async function metadataFor(instance: Instance, account: Account): Promise<MachineMetadata> {
    const facts = await factsOf(instance);
    const own = new Set(instance.NetworkInterfaces?.map(({ SubnetId }) => SubnetId));
    return metadataOf({
      instance,
      subnets: account.subnets.filter(({ SubnetId }) => own.has(SubnetId)),
      vpc: account.vpcs.find(({ VpcId }) => VpcId === instance.VpcId)!,
      accountId: emulators.accountId,
      region,
      ...facts,
    });
  }

  async function factsOf(instance: Instance): Promise<Known> {
    const InstanceId = instance.InstanceId!;
    const facts = known.get(InstanceId) ?? {
      userData: (await clients.ec2.send(new DescribeInstanceAttributeCommand({ InstanceId, Attribute: "userData" }))).UserData?.Value,
      ...(await publicKeyOf(instance)),
    };
    known.set(InstanceId, facts);
    if (instance.IamInstanceProfile?.Arn && !(facts.credentials && facts.credentials.expires.getTime() - Date.now() > RENEW_MS)) {
      const taken = await takeRole(instance).catch(() => undefined);
      if (!taken) settled = false;
      else {
        facts.credentials = taken;
        options.onRole?.(taken);
      }
    }
    return facts;
  }

  async function publicKeyOf({ KeyName }: Instance): Promise<Pick<Known, "publicKey">> {
    if (!KeyName) return {};
    const found = await clients.ec2.send(new DescribeKeyPairsCommand({ KeyNames: [KeyName], IncludePublicKey: true })).catch(() => undefined);
    const publicKey = found?.KeyPairs?.[0]?.PublicKey;
    return publicKey ? { publicKey } : {};
  }

  function boot(instance: Instance): void {
    const id = instance.InstanceId!;
    options.say?.(`real machine ${id} boots at ${instance.PrivateIpAddress}`);
    const tags = Object.fromEntries((instance.Tags ?? []).map(({ Key, Value }) => [Key!, Value ?? ""]));
    const machine = { id, hostname: instance.PrivateDnsName!, netns: `/run/netns/${networks.namespace(id)}`, tags };
    void then(id, "does not boot", async () => {
      rmSync(join(emulators.consoles, id), { force: true });
      symlinkSync(nodes.console(id), join(emulators.consoles, id));
      await nodes.up(machine);
    });
  }

  /** Its network is gone already; its namespace goes once nothing runs there. */
  async function end(id: string): Promise<void> {
    options.say?.(`real machine ${id} ends`);
    await then(id, "does not end", () => nodes.down(id));
    lives.delete(id);
    known.delete(id);
    ending.delete(id);
    settled = false;
  }

  const due = () => [...known.values()].some(({ credentials }) => credentials && credentials.expires.getTime() - Date.now() < RENEW_MS);
  const stopped = new AbortController();
  let looking = Promise.resolve();
  /** One look at a time. */
  const lookOnce = () => (looking = looking.then(look, look));
  const loop = (async () => {
    while (!stopped.signal.aborted) {
      const seen = emulators.calls().filter(({ action }) => CHANGES.test(action)).length;
      if (seen !== changes || !settled || due()) {
        await lookOnce().then(
          () => (failures = 0),
          (error: Error) => {
            settled = false;
            // Something may go away between two calls of one look.
            if (++failures === MOST_FAILURES && !stopped.signal.aborted) fault(`reading the account: ${error.message}`);
          },
        );
        changes = seen;
      }
      await new Promise((next) => setTimeout(next, LOOK_MS));
    }
  })();

  return {
    faults,
    networks,
    look: lookOnce,
    reboot: (id) => then(id, "does not reboot", () => nodes.reboot(id)),
    outside: (command, environment) => runOutside(networks, command, environment),
    async stop() {
      stopped.abort();
      await loop;
      await looking.catch(() => undefined);
      await Promise.all([...lives.keys()].filter((id) => !ending.has(id)).map(end));
      await Promise.all(lives.values());
      await networks.stop();
    },
    leftovers: async () => [...namespacesLeft(networks.pid).map((name) => `network namespace ${name}`), ...(await nodes.leftovers())],
  };
}
