import { differenceFrom, inventory } from "../../local/emulators/inventory";
import { kubernetesReleases } from "../../local/artifacts/versions";
import { createEnded, follow, post, remove } from "../../local/life";
import { atRelease, readManifest } from "../../local/manifest";
import { kubectlOutside } from "../../local/real-nodes";
import { type LocalService, startService } from "../../local/service";

jest.setTimeout(900_000);
const manifest = atRelease(readManifest("test/cases/twin/manifest.yaml"), kubernetesReleases);
const quiet = () => {};
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

test("a POST becomes two real nodes, which the API's kubeconfig lists through the load balancer, and then nothing", async () => {
  const here = service!;
  const { machines, site } = here.real!;
  const before = await inventory(here.emulators);
  const posted = await post(here, manifest.text);

  const created = await follow(here, posted, createEnded, quiet);
  expect([created.status, created.failure]).toEqual(["Ready", undefined]);
  const nodes = await kubectlOutside(here, posted.name, "get", "nodes", "--no-headers");
  const deleted = await remove(here, posted, created, quiet);
  const difference = await differenceFrom(before, here.emulators);
  await stop();

  expect(created.dataPlane).toMatchObject({ status: "True", reason: "TrafficProved", collectedBy: expect.stringMatching(/^simulated: .* replayed/) });
  expect(created.conditions.find(({ type }) => type === "AsAsked")).toMatchObject({ status: "True" });
  expect(nodes.split("\n").map((line) => line.split(/\s+/).slice(0, 5))).toEqual([
    [expect.stringMatching(/^ip-172-20-32-10\./), "Ready", "control-plane", expect.any(String), `v${manifest.kubernetesVersion}`],
    [expect.stringMatching(/^ip-172-20-/), "Ready", "node", expect.any(String), `v${manifest.kubernetesVersion}`],
  ]);
  expect(site.source.asked.filter((path) => !path.startsWith("/calico/"))).toEqual([]);
  expect([deleted.status, difference]).toEqual(["Deleted", { left: [], missing: [] }]);
  expect([machines.faults, await machines.leftovers()]).toEqual([[], []]);
});
