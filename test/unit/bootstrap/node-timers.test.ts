import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import nodeLabels from "../../../shared/bootstrap/node/node-labels.py";
import revoke from "../../../shared/bootstrap/node/revoke.sh";
import { type ControlPlaneMaterial, makePki, signRevocation } from "../../../shared/bootstrap/pki";
import { moved } from "./instance-world";
import { type PreparedNode, prepareNode } from "./prepared-node";
import { planOf } from "./sample-plan";

const plan = planOf("twin");
jest.setTimeout(60_000);
let node: PreparedNode;
let pki: ControlPlaneMaterial;
beforeAll(async () => {
  pki = await makePki(plan);
});
beforeEach(async () => {
  node = await prepareNode(plan);
  mkdirSync(join(node.world.folder, "opt/clowder"), { recursive: true });
});
afterEach(() => node.world.close());

describe("the bootstrap tokens", () => {
  const environment = { CLOWDER_REGION: "us-east-1", CLOWDER_BUCKET: "b", CLOWDER_PREFIX: plan.bucket.prefix, CLOWDER_UID: plan.uid };
  const deleted = () => node.calls(/^kubectl .*delete secrets --field-selector type=bootstrap.kubernetes.io\/token/).length;
  const poll = () => node.world.bash(revoke, environment);
  beforeEach(() => {
    copyFileSync(join(__dirname, "../../../shared/bootstrap/node/s3.py"), join(node.world.folder, "opt/clowder/s3.py"));
    mkdirSync(join(node.world.folder, "etc/kubernetes/pki"), { recursive: true });
    node.put("etc/kubernetes/pki/ca.crt", pki.files["ca.crt"]);
    node.put("calls", "");
  });

  test("stay while the service has not revoked them", async () => {
    expect(await poll()).toEqual({ code: 0, output: "" });
    expect(deleted()).toBe(0);
  });

  test("end with a marker that the cluster's CA has signed, and so does the timer", async () => {
    const marker = signRevocation(pki.files["ca.key"], { uid: plan.uid, nonce: "n", at: "2026-11-23T12:00:00Z" });
    node.world.objects.set(plan.pki.revokeObject, JSON.stringify(marker));
    expect(await poll()).toMatchObject({ code: 0, output: expect.stringContaining("bootstrap tokens revoked") });
    expect(deleted()).toBe(1);
    expect(node.calls(/^systemctl/)).toEqual(["systemctl disable --now clowder-collector.timer clowder-audit.timer", "systemctl disable --now clowder-revoke.timer"]);
  });

  test.each([
    ["another key signed", async () => signRevocation((await makePki(plan)).files["ca.key"], { uid: plan.uid, nonce: "n", at: "t" })],
    ["is of another cluster", async () => signRevocation(pki.files["ca.key"], { uid: "another", nonce: "n", at: "t" })],
    ["was altered", async () => ({ ...signRevocation(pki.files["ca.key"], { uid: plan.uid, nonce: "n", at: "t" }), nonce: "m" })],
  ])("stay when the marker %s", async (_what, marker) => {
    node.world.objects.set(plan.pki.revokeObject, JSON.stringify(await marker()));
    expect(await poll()).toMatchObject({ code: 1, output: expect.stringContaining("not signed for this cluster") });
    expect(deleted()).toBe(0);
  });
});

test("nodes get the labels of their group that they lack, and nothing else is written", async () => {
  const labels = { "kops.k8s.io/instancegroup": "nodes", "node-role.kubernetes.io/node": "" };
  const nodeOf = (name: string, has: object) => ({ metadata: { name, labels: has } });
  const group = { "clowder.io/instance-group": "nodes" };
  writeFileSync(join(node.world.folder, "opt/clowder/groups.json"), JSON.stringify({ nodes: { labels, taints: [] } }));
  node.put(
    "kubectl.--kubeconfig",
    JSON.stringify({
      items: [nodeOf("new", group), nodeOf("done", { ...group, ...labels }), nodeOf("strange", { "clowder.io/instance-group": "x" })],
    }),
  );
  node.put("node-labels.py", moved(nodeLabels, node.world.folder));
  expect(await node.world.bash(`python3 ${node.world.folder}/node-labels.py`)).toMatchObject({ code: 0 });
  expect(node.calls(/ label /)).toEqual([
    expect.stringMatching(/label --overwrite node new kops.k8s.io\/instancegroup=nodes node-role.kubernetes.io\/node=$/),
  ]);
});
