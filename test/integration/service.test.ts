import { GetRolePolicyCommand, IAMClient, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { EC2Client, TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import { ListObjectVersionsCommand, S3Client } from "@aws-sdk/client-s3";
import { GetScheduleCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import { createVerify } from "node:crypto";
import { parse } from "yaml";
import { differenceFrom, inventory } from "../../local/emulators/inventory";
import { type Posted, createEnded, deleteEnded, follow, post, remove, replace, view } from "../../local/life";
import type { Scenario } from "../../local/machines/machines";
import { readManifest, renamed } from "../../local/manifest";
import { type LocalService, startService } from "../../local/service";
import { untar } from "../unit/untar";
import { manifestWith } from "../large-manifest";
import type { ClusterView } from "../../shared/registry/cluster-view";

jest.setTimeout(300_000);
const scenarios: Record<string, Scenario> = {
  "vxlan.k8s.local": { row: "vxlan-dropped" },
  "broken.k8s.local": { row: "healthy", fail: { who: "node", stage: "artifacts", reason: "ChecksumMismatch" } },
};
const seed = readManifest("test/cases/seed/manifest.yaml");
const twin = readManifest("test/cases/twin/manifest.yaml");
const quiet = () => {};
let service: LocalService;
let before: Awaited<ReturnType<typeof inventory>>;

beforeAll(async () => {
  service = await startService({ name: "service", speed: 3, scenario: (cluster) => scenarios[cluster] ?? { row: "healthy" } });
  before = await inventory(service.emulators);
});
afterAll(() => service?.stop());

const create = async (manifest: string, query = "") => {
  const posted = await post(service, manifest, query);
  return { posted, created: await follow(service, posted, createEnded, quiet) };
};
const nothingIsLeft = async () => expect(await differenceFrom(before, service.emulators)).toEqual({ left: [], missing: [] });
const stages = ({ timeline }: ClusterView) => timeline.map(({ stage }) => stage);

/** While `work` runs the role of one function lacks an action. */
async function without(action: string, key: string, work: () => Promise<void>): Promise<void> {
  const { endpoint, credentials } = service.emulators;
  const iam = new IAMClient({ endpoint, region: "us-east-1", credentials });
  const policy = { RoleName: `clowder-local-${key}-us-east-1-lambdaRole`, PolicyName: "clowder-local-lambda" };
  const whole = decodeURIComponent((await iam.send(new GetRolePolicyCommand(policy))).PolicyDocument ?? "");
  expect(whole).toContain(`"${action}"`);
  await iam.send(new PutRolePolicyCommand({ ...policy, PolicyDocument: whole.replaceAll(`"${action}"`, '"ec2:DescribeTags"') }));
  try {
    await work();
  } finally {
    await iam.send(new PutRolePolicyCommand({ ...policy, PolicyDocument: whole }));
  }
}

// First of all: a good answer is kept for a quarter of an hour.
test("a permission that a step lacks is told at POST with all others, before anything is made", async () => {
  await without("ec2:RunInstances", "createInstances", () =>
    without("ec2:DeleteVpc", "deleteNetwork", async () => {
      // The emulators answer their first calls slowly; a look that takes too long is a warning.
      const ask = () => service.request("POST", "/clusters?dryRun=true", { type: "application/yaml", bytes: seed.text });
      for (let tries = 0; tries < 10 && (await ask()).status === 200; tries++);
      const answer = await ask();
      expect([answer.status, answer.json()]).toMatchObject([500, { code: "PermissionMissing", nextStep: expect.stringContaining("administrator") }]);
      expect(answer.json<{ problems: object[] }>().problems).toEqual([
        { path: "step createInstances", message: "ec2:RunInstances: no policy allows it" },
        { path: "step deleteNetwork", message: "ec2:DeleteVpc: no policy allows it" },
      ]);
    }),
  );
  await nothingIsLeft();
});

test("the seed's manifest becomes a proved cluster, and then nothing", async () => {
  const { posted, created } = await create(seed.text);
  expect([created.status, created.failure]).toEqual(["Ready", undefined]);
  expect(created.conditions.find(({ type }) => type === "Ready")).toMatchObject({ status: "True", reason: "DataPlaneVerified" });
  // The emulated load balancer's name leads nowhere, and the service says so beside a cluster that is Ready.
  expect(created.conditions.find(({ type }) => type === "EndpointReachable")).toMatchObject({ status: "False" });
  expect(created.caCertificate).toMatch(/BEGIN CERTIFICATE/);
  expect(created.dataPlane).toMatchObject({ status: "True", reason: "TrafficProved", collectedBy: "simulated machine, from recorded values" });
  const inOrder = ["CreateBucket", "CreateKeypair", "CreateInstances", "CreateElb", "AwaitNodes", "AwaitCalico", "RecordReady"];
  expect(stages(created).filter((stage) => inOrder.includes(stage))).toEqual(inOrder);

  const kubeconfig = await service.request("GET", `/clusters/${posted.name}/kubeconfig`);
  const { clusters } = parse(kubeconfig.text) as { clusters: { cluster: Record<string, string> }[] };
  expect(clusters[0]?.cluster).toMatchObject({ "tls-server-name": "api.internal.demo.k8s.local" });
  const first = await service.request("POST", `/clusters/${posted.name}/ssh-key`);
  expect([first.status, first.text.includes("OPENSSH PRIVATE KEY")]).toEqual([200, true]);
  expect((await service.request("POST", `/clusters/${posted.name}/ssh-key`)).status).toBe(409);

  expect((await remove(service, posted, created, quiet)).status).toBe("Deleted");
  await nothingIsLeft();
  const { document, signature, publicKey } = (await service.request("GET", `/clusters/${posted.name}/certificate`)).json<Record<string, string>>();
  expect(createVerify("sha256").update(document!).verify(publicKey!, signature!, "base64")).toBe(true);
  const { resources, looks } = JSON.parse(document!) as { resources: { absentAt: string }[]; looks: { at: string[] }[] };
  expect(resources.length).toBeGreaterThan(15);
  expect(resources.filter(({ absentAt }) => !absentAt)).toEqual([]);
  for (const { at } of looks) expect(at.length).toBeGreaterThanOrEqual(2);
});

test("its modern twin, with a Network load balancer and containerd, does the same", async () => {
  const { posted, created } = await create(twin.text);
  expect([created.status, created.failure]).toEqual(["Ready", undefined]);
  expect((await remove(service, posted, created, quiet)).status).toBe("Deleted");
  await nothingIsLeft();
});

test("a data plane that only traffic shows to be dead is not ready, says why, and is taken away", async () => {
  const { posted, created } = await create(renamed(seed, "vxlan").text);
  expect(created.failure).toMatchObject({ code: "DataPlaneUnhealthy", stage: "AwaitCalico" });
  expect(created.dataPlane).toMatchObject({ status: "False", reason: "VxlanBlocked" });
  expect((await follow(service, posted, deleteEnded, quiet)).status).toBe("Deleted");
  await nothingIsLeft();
});

test("a node that fails ends the create at once with its reason and its log, and is taken away", async () => {
  const { posted, created } = await create(renamed(seed, "broken").text);
  const fault = { node: "nodes-us-east-1a-0", nodeStage: "artifacts", reason: "ChecksumMismatch" };
  expect(created.failure).toMatchObject({ code: "NodeFailed", stage: "AwaitNodes", nextStep: expect.stringMatching(/URL serves/), ...fault });
  expect(created.failure?.logTail?.length).toBeGreaterThan(0);
  expect((await follow(service, posted, deleteEnded, quiet)).status).toBe("Deleted");
  await nothingIsLeft();

  const answer = await service.request("GET", `/clusters/${posted.name}/bundle`);
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/gzip"]);
  const files = await untar(answer.bytes);
  const folder = `${posted.name}-${posted.uid}`;
  expect(files[`${folder}/summary.txt`]).toMatch(/nodes-us-east-1a-0, at its stage artifacts: ChecksumMismatch/);
  expect(files[`${folder}/machines/nodes-us-east-1a-0/log-tail.txt`]).toMatch(/artifacts: ChecksumMismatch/);
  expect(files[`${folder}/machines/nodes-us-east-1a-0/console.txt`]).toMatch(/nothing was booted/);
  expect(Object.keys(JSON.parse(files[`${folder}/machines/nodes-us-east-1a-0/beacons.json`]!).beacons)).toEqual(["01-started.json", "02-material.json", "99-failed.json"]);
});

test("a dry run answers the whole plan and makes nothing", async () => {
  const answer = await service.request("POST", "/clusters?dryRun=true", { type: "application/yaml", bytes: seed.text });
  expect(answer.status).toBe(200);
  expect(answer.json<{ plan: { instances: unknown[] } }>().plan.instances).toHaveLength(2);
  expect((await service.request("GET", "/clusters/demo.k8s.local")).json<{ status: string }>().status).toBe("Deleted");
  await nothingIsLeft();
});

test("every mistake of a manifest comes back at once, with its path", async () => {
  const broken = seed.text.replace("encapsulationMode: vxlan", "encapsulationMode: ipip").replace("machineType: t3.medium", "machineType: p5.48xlarge");
  const answer = await service.request("POST", "/clusters", { type: "application/yaml", bytes: broken });
  expect([answer.status, answer.headers.get("content-type")]).toEqual([422, "application/problem+json"]);
  const paths = answer.json<{ problems: { path: string }[] }>().problems.map(({ path }) => path);
  expect(paths).toEqual(expect.arrayContaining(["spec.networking.calico.encapsulationMode", expect.stringMatching(/machineType/)]));
});

test("a delete during a create stops it, and two deletes are one", async () => {
  const posted = await post(service, renamed(seed, "hasty").text);
  await follow(service, posted, (cluster) => stages(cluster).includes("CreateKeypair"), quiet);
  const answers = await Promise.all([1, 2].map(() => service.request("DELETE", `/clusters/${posted.name}`)));
  expect(answers.map(({ status }) => status)).toEqual([202, 202]);
  const busy = await service.request("POST", "/clusters", { type: "application/yaml", bytes: renamed(seed, "hasty").text });
  expect([busy.status, Number(busy.headers.get("retry-after"))]).toEqual([409, expect.any(Number)]);
  expect((await follow(service, posted, deleteEnded, quiet)).status).toBe("Deleted");
  expect(stages(await view(service, posted.name))).not.toContain("RecordReady");
  await nothingIsLeft();
});

test("a step whose role lacks one permission is refused by AWS, and the record names the action", async () => {
  await without("ec2:ImportKeyPair", "createKeypair", async () => {
    const { posted, created } = await create(renamed(seed, "refused").text);
    expect(created.failure).toMatchObject({ code: "PermissionMissing", stage: "CreateKeypair" });
    expect(created.failure?.message).toMatch(/ec2:ImportKeyPair/);
    expect((await follow(service, posted, deleteEnded, quiet)).status).toBe("Deleted");
  });
  await nothingIsLeft();
});

describe("a worker", () => {
  const worker = "nodes-us-east-1a-0";
  const idOf = ({ resources }: ClusterView) => resources.find(({ resource }) => resource === `instance/${worker}`)!.id!;
  const client = () => ({ endpoint: service.emulators.endpoint, region: "us-east-1", credentials: service.emulators.credentials });
  /** Receivers are told after the record says how it went. */
  const told = (posted: Posted, what: string) => follow(service, posted, ({ notifications = [] }) => notifications.some(({ event }) => event === what), quiet);
  const ready = ({ conditions }: ClusterView) => conditions.filter(({ status }) => status === "True").map(({ type }) => type);

  test("that was ended by hand gets a new machine: proved again with it, the cluster's life as it was, and the certificate names both", async () => {
    const { posted, created } = await create(renamed(seed, "worn").text);
    await new EC2Client(client()).send(new TerminateInstancesCommand({ InstanceIds: [idOf(created)] }));

    const replaced = await replace(service, posted, worker, created, quiet);

    expect([replaced.status, replaced.failure, service.machines.faults]).toEqual(["Ready", undefined, []]);
    expect(ready(replaced)).toEqual(ready(created));
    expect([replaced.readyAt, replaced.expiresAt]).toEqual([created.readyAt, created.expiresAt]);
    const { replacement, dataPlane } = replaced as Required<ClusterView>;
    expect(replacement).toMatchObject({ node: worker, instanceId: idOf(created) });
    expect(dataPlane).toMatchObject({ status: "True", reason: "TrafficProved" });
    expect(Date.parse(dataPlane.evidenceStartedAt!)).toBeGreaterThan(Date.parse(replacement.at));
    expect(idOf(replaced)).not.toBe(idOf(created));
    await told(posted, "cluster.node-replaced");
    expect(service.receiver.webhooks.map(({ type }) => type)).toContain("cluster.node-replaced");
    const { Versions = [] } = await new S3Client(client()).send(new ListObjectVersionsCommand({ Bucket: "calico-kops-demo-worn", Prefix: `clowder/${posted.uid}/` }));
    expect(Versions.map(({ Key }) => Key!.slice(`clowder/${posted.uid}/`.length)).filter((key) => /^(join|bootstrap-access)/.test(key))).toEqual(["bootstrap-access.json"]);

    expect((await remove(service, posted, replaced, quiet)).status).toBe("Deleted");
    await nothingIsLeft();
    const { document } = (await service.request("GET", `/clusters/${posted.name}/certificate`)).json<{ document: string }>();
    const ids = (JSON.parse(document) as { resources: { id: string; absentAt: string }[] }).resources.filter(({ absentAt }) => absentAt).map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining([idOf(created), idOf(replaced)]));
  });

  test("whose new machine fails leaves its cluster alive, which says of which node and why; it can be asked again, and a delete stops it", async () => {
    const { posted, created } = await create(renamed(seed, "unlucky").text, "?onFailure=delete");
    scenarios[posted.name] = { fail: { who: "node", stage: "artifacts", reason: "ChecksumMismatch" } };

    const failed = await replace(service, posted, worker, created, quiet);

    const fault = { node: worker, nodeStage: "artifacts", reason: "ChecksumMismatch" };
    expect(failed.failure).toMatchObject({ code: "NodeFailed", stage: "AwaitNodes", nextStep: expect.stringContaining(`nodes/${worker}/replacement tries again`), ...fault });
    expect(failed.failure?.logTail?.length).toBeGreaterThan(0);
    expect([failed.status, failed.expiresAt]).toEqual(["Degraded", created.expiresAt]);
    for (const type of ["Ready", "NodesJoined"]) expect(failed.conditions.find((one) => one.type === type)).toMatchObject({ status: "False", reason: "NodeFailed", message: expect.stringContaining(worker) });
    expect(failed.conditions.find(({ type }) => type === "DataPlaneVerified")).toMatchObject({ status: "Unknown" });
    await told(posted, "cluster.replacement-failed");

    expect((await service.request("POST", `/clusters/${posted.name}/nodes/${worker}/replacement`)).status).toBe(202);
    const other = await service.request("POST", `/clusters/${posted.name}/nodes/nodes-us-east-1a-1/replacement`);
    expect([other.status, Number(other.headers.get("retry-after"))]).toEqual([409, 60]);
    expect((await remove(service, posted, failed, quiet)).status).toBe("Deleted");
    expect(stages(await view(service, posted.name)).filter((stage) => stage === "RecordReady")).toHaveLength(1);
    await nothingIsLeft();
  });
});

test("a wreck that is kept says until when, and has a schedule of its own that ends it then", async () => {
  const { posted, created } = await create(renamed(seed, "broken").text, "?onFailure=keep&ttl=2h");
  expect([created.status, created.failure?.code]).toEqual(["Failed", "NodeFailed"]);
  expect(created.failure?.nextStep).toContain(`kept until ${created.expiresAt}`);
  await follow(service, posted, (cluster) => stages(cluster).includes("ScheduleTeardown"), quiet);
  const { endpoint, credentials } = service.emulators;
  const scheduler = new SchedulerClient({ endpoint, region: "us-east-1", credentials });
  const { ScheduleExpression } = await scheduler.send(new GetScheduleCommand({ GroupName: "clowder-local", Name: `end-of-${posted.uid}` }));
  const warning = new Date(Date.parse(created.expiresAt!) - 60 * 60_000).toISOString();
  expect(ScheduleExpression).toBe(`at(${warning.slice(0, 19)})`);
  expect(JSON.stringify(service.receiver.slack)).toContain(`kept until ${created.expiresAt}`);
  expect((await remove(service, posted, created, quiet)).status).toBe("Deleted");
  await nothingIsLeft();
});

test("a manifest whose plan no record can hold is refused with what is too large", async () => {
  const bytes = manifestWith(renamed(seed, "large").text, { nodes: 19, labels: 30 });
  const answer = await service.request("POST", "/clusters", { type: "application/yaml", bytes });
  expect([answer.status, answer.json()]).toMatchObject([413, { code: "PlanTooLarge", detail: expect.stringMatching(/plan\.instances \d+ KB/) }]);
  await nothingIsLeft();
});
