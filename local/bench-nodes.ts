import { DescribeInstancesCommand, EC2Client } from "@aws-sdk/client-ec2";
import { GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { parseBeaconKey } from "../shared/health/beacon";
import { TAG_UID } from "../shared/plan/names";
import { TAG_ROLE } from "../shared/resources/launch-instance";
import { kubernetesReleases } from "./artifacts/versions";
import { region } from "./emulators/emulators";
import { type Posted, createEnded, follow, post, remove, view } from "./life";
import { atRelease, readManifest, renamed } from "./manifest";
import { nodeIds } from "./nodes/node";
import type { Placed } from "./nodes/nodes";
import { runPlainKubeadm } from "./plain-kubeadm";
import { kubectlOutside } from "./real-nodes";
import { ARTIFACTS } from "./real-site";
import { type LocalService, withService } from "./service";

/** How much longer than kubeadm by hand a node may take, from its launch to its Ready. */
const AIM = 1.15;
const PLAIN = "plain";
const BOOT_MS = 120_000;
const manifest = atRelease(readManifest("test/cases/twin/manifest.yaml"), kubernetesReleases);

interface Launched {
  id: string;
  role: string;
  address: string;
  name: string;
  at: number;
}

async function launched({ emulators }: LocalService, uid: string): Promise<Launched[]> {
  const ec2 = new EC2Client({ endpoint: emulators.endpoint, region, credentials: emulators.credentials });
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters: [{ Name: `tag:${TAG_UID}`, Values: [uid] }] }));
  return Reservations.flatMap(({ Instances = [] }) => Instances).map(({ InstanceId, Tags = [], PrivateIpAddress, PrivateDnsName, LaunchTime }) => ({
    id: InstanceId!,
    role: Tags.find(({ Key }) => Key === TAG_ROLE)!.Value!,
    address: PrivateIpAddress!,
    name: PrivateDnsName!,
    at: LaunchTime!.getTime(),
  }));
}

/** Seconds after the first launch at which each machine told each stage. */
async function stagesTold({ emulators }: LocalService, bucket: string, machines: Launched[]): Promise<[who: string, stage: string, seconds: number][]> {
  const s3 = new S3Client({ endpoint: emulators.endpoint, region, credentials: emulators.credentials, forcePathStyle: true });
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
  const told = Contents.flatMap(({ Key = "" }) => {
    const beacon = parseBeaconKey(Key);
    const machine = machines.find(({ id }) => id === beacon?.instanceId);
    return beacon && machine ? [{ Key, stage: beacon.stage, machine }] : [];
  });
  const first = Math.min(...machines.map(({ at }) => at));
  return Promise.all(
    told.map(async ({ Key, stage, machine }): Promise<[string, string, number]> => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
      const { at } = JSON.parse(await Body!.transformToString()) as { at: string };
      return [machine.role, stage, (Date.parse(at) - first) / 1000];
    }),
  );
}

/** Epoch milliseconds at which the last node became Ready, from `kubectl get nodes -o json`. */
function lastReady(json: string): number {
  const { items } = JSON.parse(json) as { items: { status: { conditions: { type: string; status: string; lastTransitionTime: string }[] } }[] };
  const ready = items.flatMap(({ status }) => status.conditions).filter(({ type, status }) => type === "Ready" && status === "True");
  if (ready.length !== 2) throw new Error(`${ready.length} of 2 nodes are Ready`);
  return Math.max(...ready.map(({ lastTransitionTime }) => Date.parse(lastTransitionTime)));
}

async function measureService(service: LocalService): Promise<{ bootstrap: number; calico: string }> {
  const posted = await post(service, manifest.text);
  const created = await follow(service, posted, createEnded, () => {});
  if (created.status !== "Ready") throw new Error(`${created.name} failed: ${created.failure?.message}`);
  const machines = await launched(service, posted.uid);
  const nodes = machines.filter(({ role }) => role !== "probe-client");
  const first = Math.min(...nodes.map(({ at }) => at));
  const bootstrap = (lastReady(await kubectlOutside(service, posted.name, "get", "nodes", "-o", "json")) - first) / 1000;
  const total = (Date.parse(created.readyAt!) - posted.at) / 1000;
  console.log(`\nthe service: POST to Ready ${total.toFixed(0)} s; to the machines' launch ${((first - posted.at) / 1000).toFixed(0)} s, from there to both nodes Ready ${bootstrap.toFixed(0)} s, to the verdict ${(total - bootstrap - (first - posted.at) / 1000).toFixed(0)} s`);
  const told = await stagesTold(service, manifest.bucket, machines);
  for (const [who, stage, seconds] of told.sort((a, b) => a[0].localeCompare(b[0]) || a[2] - b[2])) console.log(`  ${who.padEnd(14)}${stage.padEnd(20)}${seconds.toFixed(0).padStart(5)} s`);
  await remove(service, posted, created, () => {});
  return { bootstrap, calico: created.versions!.calico };
}

/** The same machines in the same network, whose user data does nothing: a person runs kubeadm there. */
async function measurePlain(service: LocalService, calico: string): Promise<number> {
  const posted = await post(service, renamed(manifest, PLAIN).text);
  const [controlPlane, node] = await booted(service, posted);
  const json = await runPlainKubeadm({
    controlPlane,
    node,
    kubernetesVersion: manifest.kubernetesVersion,
    podCidr: "100.96.0.0/11",
    serviceCidr: "100.64.0.0/13",
    network: `http://${ARTIFACTS}/calico/v${calico}/manifests/calico-vxlan.yaml`,
  });
  const seconds = (lastReady(json) - Math.min(controlPlane.at, node.at)) / 1000;
  console.log(`\nkubeadm init, the pod network and kubeadm join by hand: from the machines' launch to both nodes Ready ${seconds.toFixed(0)} s`);
  const known = await view(service, posted.name);
  await service.request("DELETE", `/clusters/${posted.name}`);
  await follow(service, posted, ({ status }) => status === "Deleted", () => {}, known);
  return seconds;
}

/** Control plane and node, once their first process has started. */
async function booted(service: LocalService, posted: Posted): Promise<[Launched, Launched]> {
  for (const limit = Date.now() + BOOT_MS; Date.now() < limit; ) {
    const ids = await nodeIds();
    const there = (await launched(service, posted.uid)).filter(({ id }) => ids.includes(id));
    const [controlPlane, node] = [there.find(({ role }) => role === "control-plane"), there.find(({ role }) => role === "node")];
    if (controlPlane && node) return [controlPlane, node];
    await new Promise((next) => setTimeout(next, 200));
  }
  throw new Error(`the machines of ${posted.name} do not boot`);
}

async function main(): Promise<void> {
  const spoil = ({ tags }: Placed): Record<string, string> => (tags["KubernetesCluster"]!.startsWith(PLAIN) ? { "/etc/clowder/node.env": "exit 0\n" } : {});
  const real = { kubernetesVersion: manifest.kubernetesVersion, dataPlane: "stand-in", replay: true, prepared: true, spoil } as const;
  await withService({ name: "bench-nodes", say: (line) => process.stderr.write(`${line}\n`), real }, async (service) => {
    const { bootstrap, calico } = await measureService(service);
    const plain = await measurePlain(service, calico);
    const ratio = bootstrap / plain;
    console.log(`\nboth nodes Ready: ${ratio.toFixed(2)} times kubeadm by hand, aim at most ${AIM}: ${ratio <= AIM ? "within" : "OVER"}`);
  });
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
