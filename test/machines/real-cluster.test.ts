import { differenceFrom, inventory } from "../../local/emulators/inventory";
import { kubernetesReleases } from "../../local/artifacts/versions";
import { createEnded, follow, post, remove, replace } from "../../local/life";
import { atRelease, readManifest } from "../../local/manifest";
import { execute } from "../../local/nodes/node";
import { kubeconfigOf, kubectlOutside, kubectlWith } from "../../local/real-nodes";
import { type LocalService, startService } from "../../local/service";
import type { ClusterView } from "../../shared/registry/cluster-view";

jest.setTimeout(900_000);
const manifest = atRelease(readManifest("test/cases/twin/manifest.yaml"), kubernetesReleases);
const quiet = () => {};
/** Soon enough that a kubeconfig which ends then can be seen to end. */
const TTL = "2m";
let service: LocalService | undefined;

beforeAll(async () => {
  const real = { kubernetesVersion: manifest.kubernetesVersion, dataPlane: "stand-in", replay: true, prepared: true } as const;
  service = await startService({ name: "real-cluster", say: (line) => process.stderr.write(`${line}\n`), real });
}, 3_000_000);
afterAll(() => stop());

/** Stops the service once. */
async function stop(): Promise<void> {
  const running = service;
  service = undefined;
  await running?.stop();
}

const worker = "nodes-us-east-1a-0";
const idOf = ({ resources }: ClusterView) => resources.find(({ resource }) => resource === `instance/${worker}`)!.id!;
const conditionOf = ({ conditions }: ClusterView, type: string) => conditions.find((one) => one.type === type);
/** Name, status, roles, age and version of each. */
const nodesOf = async (cluster: string) =>
  (await kubectlOutside(service!, cluster, "get", "nodes", "--no-headers")).split("\n").map((line) => line.split(/\s+/).slice(0, 5));
const tokensOf = (cluster: string) =>
  kubectlOutside(service!, cluster, "get", "secrets", "-n", "kube-system", "--field-selector", "type=bootstrap.kubernetes.io/token", "-o", "name");

/** Seconds until no bootstrap token is left: control planes look every 30 s. */
async function secondsUntilRevoked(cluster: string): Promise<number> {
  const began = Date.now();
  while (await tokensOf(cluster)) {
    if (Date.now() - began > 60_000) throw new Error("a bootstrap token is left after a minute");
    await new Promise((next) => setTimeout(next, 1000));
  }
  return (Date.now() - began) / 1000;
}

/** Boots a worker's machine anew. Resolves once its kubelet has told the second boot and the Node is Ready. @throws Error after two minutes */
async function rebooted(cluster: string, id: string, name: string): Promise<boolean> {
  const told = async () => JSON.parse(await kubectlOutside(service!, cluster, "get", "node", name, "-o", "json")) as { status: { nodeInfo: { bootID: string }; conditions: { type: string; status: string }[] } };
  const { bootID } = (await told()).status.nodeInfo;
  await service!.real!.machines.reboot(id);
  for (const limit = Date.now() + 120_000; Date.now() < limit; ) {
    const { nodeInfo, conditions } = (await told()).status;
    if (nodeInfo.bootID !== bootID && conditions.some(({ type, status }) => type === "Ready" && status === "True")) return true;
  }
  throw new Error(`${name} is not Ready again after a reboot`);
}

/** What is said to it once it is refused. @throws Error when it is still good half a minute after its time */
async function endOfKubeconfig(kubeconfig: string, at: number): Promise<string> {
  for (;;) {
    const refused = await kubectlWith(kubeconfig, service!, "get", "nodes").then(() => undefined, (error: Error) => error.message);
    if (refused) return refused;
    if (Date.now() > at + 30_000) throw new Error("a kubeconfig outlives its time");
  }
}

/** What the worker's own role is answered when it asks for its join material once more. */
const readAgain = (id: string) =>
  execute(id, ["bash", "-c", 'set -a; . /etc/clowder/clowder.env; . /etc/clowder/node.env; CLOWDER_RETRY_SECONDS=0 python3 /opt/clowder/s3.py get "${CLOWDER_PREFIX}join/node.json" /run/again 2>&1; echo "exit $?"']);

test("a POST becomes two real nodes, which the API's kubeconfig lists through the load balancer until it ends; the worker boots again and gets a new machine; and then nothing", async () => {
  const here = service!;
  const { machines, site } = here.real!;
  const before = await inventory(here.emulators);
  const posted = await post(here, manifest.text, `?ttl=${TTL}`);

  const created = await follow(here, posted, createEnded, quiet);
  expect([created.status, created.failure]).toEqual(["Ready", undefined]);
  const kubeconfig = await kubeconfigOf(here, posted.name);
  const extended = await here.request("PATCH", `/clusters/${posted.name}`, { type: "application/json", bytes: '{"extend": "1h"}' });
  const nodes = await nodesOf(posted.name);
  const withOld = await kubectlWith(kubeconfig, here, "get", "nodes", "-o", "name");
  const revoked = [await secondsUntilRevoked(posted.name)];
  const asked = await readAgain(idOf(created));
  const again = await rebooted(posted.name, idOf(created), nodes[1]![0]!);

  const replaced = await replace(here, posted, worker, created, quiet);
  expect([replaced.status, replaced.failure]).toEqual(["Ready", undefined]);
  const nodesAfter = await nodesOf(posted.name);
  revoked.push(await secondsUntilRevoked(posted.name));
  const ended = await endOfKubeconfig(kubeconfig, Date.parse(created.expiresAt!));
  const deleted = await remove(here, posted, replaced, quiet);
  const difference = await differenceFrom(before, here.emulators);
  await stop();

  expect(created.dataPlane).toMatchObject({ status: "True", reason: "TrafficProved", collectedBy: expect.stringMatching(/^simulated: .* replayed/) });
  expect(replaced.dataPlane).toMatchObject({ status: "True", reason: "TrafficProved" });
  expect(Date.parse(replaced.dataPlane!.evidenceStartedAt!)).toBeGreaterThan(Date.parse(replaced.replacement!.at));
  for (const type of ["Ready", "AsAsked"]) expect([conditionOf(created, type)?.status, conditionOf(replaced, type)?.status]).toEqual(["True", "True"]);
  for (const seen of [nodes, nodesAfter])
    expect(seen).toEqual([
      [expect.stringMatching(/^ip-172-20-32-10\./), "Ready", "control-plane", expect.any(String), `v${manifest.kubernetesVersion}`],
      [expect.stringMatching(/^ip-172-20-/), "Ready", "node", expect.any(String), `v${manifest.kubernetesVersion}`],
    ]);
  // Without ListBucket S3 says 403 of what is not there; MiniStack says 404.
  expect(asked).toMatch(/answered 40[34] [\s\S]*exit 4/);
  expect(again).toBe(true);
  expect([idOf(replaced) === idOf(created), Math.max(...revoked) < 45]).toEqual([false, true]);
  expect([replaced.readyAt, replaced.expiresAt]).toEqual([created.readyAt, extended.json<ClusterView>().expiresAt]);
  expect([withOld.split("\n").length, ended]).toEqual([2, expect.stringMatching(/Unauthorized|provide credentials/)]);
  expect(site.source.asked.filter((path) => !path.startsWith("/calico/"))).toEqual([]);
  expect([deleted.status, difference]).toEqual(["Deleted", { left: [], missing: [] }]);
  expect([machines.faults, await machines.leftovers()]).toEqual([[], []]);
});
