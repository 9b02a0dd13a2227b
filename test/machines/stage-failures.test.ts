import { DescribeSecurityGroupsCommand, EC2Client, RevokeSecurityGroupIngressCommand } from "@aws-sdk/client-ec2";
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { kubernetesReleases } from "../../local/artifacts/versions";
import { differenceFrom, inventory } from "../../local/emulators/inventory";
import { region } from "../../local/emulators/emulators";
import { type Posted, createEnded, deleteEnded, follow, post, view } from "../../local/life";
import { type LocalManifest, atRelease, readManifest, renamed } from "../../local/manifest";
import { ARTIFACTS, AWS } from "../../local/real-site";
import { type LocalService, startService } from "../../local/service";
import { adviceFor } from "../../shared/health/node-reasons";
import type { ClusterView } from "../../shared/registry/cluster-view";
import { untar } from "../unit/untar";

jest.setTimeout(1_800_000);
/** Seconds that a deployment gives all nodes together, and so the most of most stages. */
const NODES_SECONDS = 210;
/** Seconds that the stub's own stage is given, and a machine to boot before it. */
const STARTED = 180 + 30;
const NOWHERE = "203.0.113.99";

interface Stage {
  what: string;
  /** Files of a machine of its cluster, by role. */
  spoil?(role: string): Record<string, string>;
  /** What goes wrong outside of its machines, once it is posted. */
  meddle?(posted: Posted, manifest: LocalManifest): Promise<void>;
  told: { node: "control-plane" | "nodes"; stage: string; reason: string; log: RegExp };
  /** Seconds from the POST to the latest end of the stage. */
  limit: number;
}

const nodeEnv = (...more: string[]): Record<string, string> => ({ "/etc/clowder/node.env": [`AWS_ENDPOINT_URL=http://${AWS}`, ...more, ""].join("\n") });
const onControlPlane = (files: Record<string, string>) => (role: string) => (role === "control-plane" ? files : {});
/** It is there and no program: the node downloads it. */
const without = (program: string) => ({ [`/usr/local/bin/${program}`]: "" });

const lanes: Stage[][] = [
  [
    {
      what: "the control plane cannot be reached",
      meddle: closeControlPlane,
      told: { node: "nodes", stage: "registered", reason: "ApiUnreachable", log: /readyz for \d+ s: curl: \(\d+\)/ },
      limit: NODES_SECONDS,
    },
  ],
  [
    {
      what: "the join is refused",
      meddle: changeToken,
      told: { node: "nodes", stage: "registered", reason: "JoinRefused", log: /cluster-info|JWS signature|token/ },
      limit: NODES_SECONDS,
    },
    {
      what: "the role is not valid yet",
      spoil: onControlPlane(nodeEnv(`AWS_ENDPOINT_URL_STS=http://${ARTIFACTS}/none`, "CLOWDER_RETRY_SECONDS=20")),
      told: { node: "control-plane", stage: "started", reason: "RoleNotValid", log: /answered 404/ },
      limit: STARTED,
    },
  ],
  [
    {
      what: "a stage takes too long",
      spoil: onControlPlane(nodeEnv(`AWS_ENDPOINT_URL_S3=http://${NOWHERE}`, "CLOWDER_RETRY_SECONDS=1000")),
      told: { node: "control-plane", stage: "started", reason: "StageTimedOut", log: /did not end within 180 s/ },
      limit: STARTED,
    },
    {
      what: "there is no way to the bucket",
      spoil: onControlPlane(nodeEnv(`AWS_ENDPOINT_URL_S3=http://${NOWHERE}`, "CLOWDER_RETRY_SECONDS=20")),
      told: { node: "control-plane", stage: "started", reason: "BucketUnreachable", log: /203\.0\.113\.99/ },
      limit: STARTED,
    },
  ],
  [
    {
      what: "a checksum is wrong",
      spoil: onControlPlane(without("kubectl")),
      told: { node: "control-plane", stage: "artifacts", reason: "ChecksumMismatch", log: /kubectl has SHA-256 [0-9a-f]{64} and should have/ },
      limit: NODES_SECONDS,
    },
    {
      what: "an artifact is not there",
      spoil: onControlPlane(without("kubelet")),
      told: { node: "control-plane", stage: "artifacts", reason: "ArtifactUnreachable", log: /kubelet: curl: \(22\).*404/ },
      limit: NODES_SECONDS,
    },
    {
      what: "the disk is full",
      spoil: onControlPlane({ ...without("kubeadm"), "/etc/fstab": "tmpfs /var/tmp tmpfs size=1m 0 0\n" }),
      told: { node: "control-plane", stage: "artifacts", reason: "DiskFull", log: /curl: \(23\)|No space left on device/ },
      limit: NODES_SECONDS,
    },
    {
      what: "the container runtime does not start",
      spoil: onControlPlane({ "/etc/systemd/system/containerd.service.d/broken.conf": "[Service]\nExecStart=\nExecStart=/bin/false\n" }),
      told: { node: "control-plane", stage: "runtime", reason: "RuntimeFailed", log: /containerd\.service/ },
      limit: NODES_SECONDS,
    },
    {
      what: "kubeadm's preflight finds something",
      spoil: onControlPlane({ "/etc/kubernetes/manifests/kube-apiserver.yaml": "" }),
      told: { node: "control-plane", stage: "control-plane-up", reason: "PreflightFailed", log: /\[ERROR FileAvailable--etc-kubernetes-manifests-kube-apiserver/ },
      limit: NODES_SECONDS,
    },
  ],
];
const stages = lanes.flat();

const base = atRelease(readManifest("test/cases/twin/manifest.yaml"), kubernetesReleases);
const manifestOf = (stage: Stage) => renamed(base, `stage-${stages.indexOf(stage)}`);
const spoilers = new Map(stages.map((stage) => [manifestOf(stage).cluster, stage]));
const quiet = () => {};

interface Outcome {
  posted: Posted;
  failed: ClusterView;
  /** From the POST to the failure. */
  seconds: number;
  bundle: Record<string, string>;
  ended: ClusterView;
}
let service: LocalService | undefined;
let before: string[];
let ec2: EC2Client;
let s3: S3Client;
const outcomes = new Map<Stage, Promise<Outcome>>();

beforeAll(async () => {
  const spoil = ({ tags }: { tags: Record<string, string> }) => spoilers.get(tags["KubernetesCluster"]!)?.spoil?.(tags["clowder:role"]!) ?? {};
  const real = { kubernetesVersion: base.kubernetesVersion, dataPlane: "stand-in", replay: true, prepared: true, spoil } as const;
  service = await startService({ name: "stage-failures", say: (line) => process.stderr.write(`${line}\n`), real, params: { nodesSeconds: String(NODES_SECONDS) } });
  service.real!.site.source.misbehave({ path: /\/kubectl$/, how: "corrupt" }, { path: /\/kubelet$/, how: "missing" });
  const client = { endpoint: service.emulators.endpoint, region, credentials: service.emulators.credentials };
  ec2 = new EC2Client(client);
  s3 = new S3Client({ ...client, forcePathStyle: true });
  before = await inventory(service.emulators);
  for (const lane of lanes) {
    let last: Promise<unknown> = Promise.resolve();
    for (const stage of lane) {
      const outcome = last.then(() => live(stage));
      outcomes.set(stage, outcome);
      last = outcome.catch(quiet);
    }
  }
}, 3_000_000);
afterAll(() => stop());

/** Stops the service once. */
async function stop(): Promise<void> {
  const running = service;
  service = undefined;
  await running?.stop();
}

async function live(stage: Stage): Promise<Outcome> {
  const manifest = manifestOf(stage);
  const posted = await post(service!, manifest.text);
  await stage.meddle?.(posted, manifest);
  const failed = await follow(service!, posted, createEnded, quiet);
  const seconds = failed.failure ? (Date.parse(failed.failure.at) - posted.at) / 1000 : NaN;
  const ended = await follow(service!, posted, deleteEnded, quiet, failed);
  const answer = await service!.request("GET", `/clusters/${posted.name}/bundle`);
  return { posted, failed, seconds, bundle: await untar(answer.bytes), ended };
}

/** Somebody takes away what lets the nodes reach the control plane. */
async function closeControlPlane(posted: Posted): Promise<void> {
  await stageDone(posted, "CreateNetwork");
  const named = async (name: string) => {
    const Filters = [{ Name: "tag:clowder:uid", Values: [posted.uid] }, { Name: "group-name", Values: [`${name}.${posted.name}`] }];
    // EC2 shows nothing new at once.
    for (;;) for (const group of (await ec2.send(new DescribeSecurityGroupsCommand({ Filters }))).SecurityGroups ?? []) return group;
  };
  const masters = await named("masters");
  // By a Network load balancer the API is open to every address, the nodes' too.
  const fromOthers = masters.IpPermissions!.map((rule) => ({ ...rule, UserIdGroupPairs: rule.UserIdGroupPairs!.filter(({ GroupId }) => GroupId !== masters.GroupId) }));
  const IpPermissions = fromOthers.filter(({ IpRanges = [], UserIdGroupPairs }) => IpRanges.length + UserIdGroupPairs.length);
  await ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId: masters.GroupId, IpPermissions }));
}

/** What the nodes join with is of another cluster. */
async function changeToken(posted: Posted, { bucket }: LocalManifest): Promise<void> {
  await stageDone(posted, "CreatePki");
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
  const Key = Contents.map((object) => object.Key!).find((key) => key.endsWith("/join/node.json"))!;
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
  const material = JSON.parse(await Body!.transformToString()) as object;
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: JSON.stringify({ ...material, token: "abcdef.0123456789abcdef" }) }));
}

async function stageDone(posted: Posted, state: string): Promise<void> {
  while (!(await view(service!, posted.name)).timeline.some(({ stage, outcome }) => stage === state && outcome === "done"))
    await new Promise((next) => setTimeout(next, 100));
}

test.each(stages)("when $what, the create ends with $told.reason at $told.stage, and nothing is left", async (stage) => {
  const { told, limit, what } = stage;

  const { posted, failed, seconds, bundle, ended } = await outcomes.get(stage)!;
  process.stderr.write(`${told.reason} at ${told.stage}: ${seconds.toFixed(0)} s after the POST (${what})\n`);

  const { nextStep, blame } = adviceFor(told.reason);
  expect(failed.failure).toMatchObject({ code: "NodeFailed", nodeStage: told.stage, reason: told.reason, nextStep, blame });
  expect(failed.failure!.node).toMatch(told.node);
  expect(failed.failure!.logTail!.join("\n")).toMatch(told.log);
  expect(seconds).toBeLessThan(limit + 60);
  expect(JSON.stringify(failed)).not.toMatch(/\b[a-z0-9]{6}\.[a-z0-9]{16}\b|PRIVATE KEY/);
  const consoles = Object.keys(bundle).filter((name) => name.endsWith("/console.txt"));
  expect(bundle[consoles.find((name) => name.includes(failed.failure!.node!))!]).toContain(`failed at stage ${told.stage}: ${told.reason}`);
  expect(Object.keys(bundle).some((name) => name.startsWith(posted.name.split(".")[0]!))).toBe(true);
  expect(ended.status).toBe("Deleted");
});

test("after all of them the account is as it was, and no machine is left", async () => {
  await Promise.allSettled(outcomes.values());
  const { machines } = service!.real!;
  const difference = await differenceFrom(before, service!.emulators);
  await stop();
  expect([difference, machines.faults, await machines.leftovers()]).toEqual([{ left: [], missing: [] }, [], []]);
});
