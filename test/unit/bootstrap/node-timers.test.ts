import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { signAccess } from "../../../shared/bootstrap/access-marker";
import bootstrapAccess from "../../../shared/bootstrap/node/bootstrap-access.py";
import nodeLabels from "../../../shared/bootstrap/node/node-labels.py";
import { type ControlPlaneMaterial, makePki } from "../../../shared/bootstrap/pki";
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

describe("the service's word on the bootstrap", () => {
  const environment = { CLOWDER_REGION: "us-east-1", CLOWDER_BUCKET: "b", CLOWDER_PREFIX: plan.bucket.prefix, CLOWDER_UID: plan.uid };
  const closing = { uid: plan.uid, nonce: "n", at: "2026-11-23T12:00:00.000Z" };
  const open = { token: "abcdef.0123456789abcdef", expires: "2999-01-01T00:00:00Z", ended: ["ip-172-20-32-4.ec2.internal"] };
  const opening = { ...closing, at: "2026-11-23T13:00:00.500Z", open };
  const say = (marker: object) => node.world.objects.set(plan.pki.accessObject, JSON.stringify(marker));
  const poll = () => node.world.bash("python3 /opt/clowder/bootstrap-access.py", environment);
  const changes = () => node.calls(/^(kubectl|systemctl) .*\b(delete|apply|enable|disable)\b/);
  const asked = "kubectl --kubeconfig /etc/kubernetes/admin.conf";
  const within = (call: string) => call.replaceAll(node.world.folder, "");
  const stopped = "systemctl disable --now clowder-collector.timer clowder-audit.timer";

  beforeEach(() => {
    copyFileSync(join(__dirname, "../../../shared/bootstrap/node/s3.py"), join(node.world.folder, "opt/clowder/s3.py"));
    for (const folder of ["etc/kubernetes/pki", "etc/clowder"]) mkdirSync(join(node.world.folder, folder), { recursive: true });
    node.put("opt/clowder/bootstrap-access.py", moved(bootstrapAccess, node.world.folder));
    node.put("etc/kubernetes/pki/ca.crt", pki.files["ca.crt"]);
    node.put("calls", "");
  });

  test("is waited for: while there is none nothing happens", async () => {
    expect(await poll()).toEqual({ code: 0, output: "" });
    expect(changes()).toEqual([]);
  });

  test("closes it: every bootstrap token goes, collector and audit rest, and the look goes on", async () => {
    say(signAccess(pki.files["ca.key"], closing));
    expect(await poll()).toMatchObject({ code: 0, output: expect.stringContaining("bootstrap tokens revoked") });
    expect(changes().map(within)).toEqual([
      `${asked} -n kube-system delete secrets --field-selector type=bootstrap.kubernetes.io/token --ignore-not-found`,
      stopped,
    ]);
  });

  test("opens it: one token with an end, which no argument carries; the ended machine's Node goes; collector and audit run", async () => {
    node.put("kubectl.--kubeconfig", "2026-11-23T11:00:00Z");
    say(signAccess(pki.files["ca.key"], opening));
    expect(await poll()).toMatchObject({ code: 0, output: expect.not.stringContaining("0123456789abcdef") });
    expect(changes().map(within)).toEqual([
      `${asked} -n kube-system delete secrets --field-selector type=bootstrap.kubernetes.io/token,metadata.name!=bootstrap-token-abcdef --ignore-not-found`,
      `${asked} apply --server-side --force-conflicts -f -`,
      `${asked} delete node ip-172-20-32-4.ec2.internal --ignore-not-found`,
      "systemctl enable --now clowder-collector.timer clowder-audit.timer",
    ]);
    const { metadata, type, data } = JSON.parse(node.file("applied"));
    expect([metadata, type]).toEqual([{ name: "bootstrap-token-abcdef", namespace: "kube-system" }, "bootstrap.kubernetes.io/token"]);
    expect(Object.fromEntries(Object.entries<string>(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]))).toEqual({
      "token-id": "abcdef",
      "token-secret": "0123456789abcdef",
      expiration: "2999-01-01T00:00:00Z",
      "usage-bootstrap-authentication": "true",
      "usage-bootstrap-signing": "true",
      "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
    });
  });

  test("spares a Node of the ended machine's name that was registered after it was said: that is the new one", async () => {
    node.put("kubectl.--kubeconfig", "2026-11-23T13:00:01Z");
    say(signAccess(pki.files["ca.key"], opening));
    await poll();
    expect(node.calls(/delete node/)).toEqual([]);
  });

  test("is acted on once; an older one that comes back is refused, a newer one is not", async () => {
    say(signAccess(pki.files["ca.key"], opening));
    await poll();
    node.put("calls", "");
    expect([await poll(), changes()]).toEqual([{ code: 0, output: "" }, []]);

    say(signAccess(pki.files["ca.key"], closing));
    expect(await poll()).toMatchObject({ code: 1, output: expect.stringContaining("older than the last") });
    expect(changes()).toEqual([]);

    say(signAccess(pki.files["ca.key"], { ...closing, at: "2026-11-23T13:00:00.501Z" }));
    expect((await poll()).code).toBe(0);
    expect(changes().map(within)).toContain(stopped);
  });

  test("is acted on again where kubectl failed in the middle", async () => {
    node.put("kubectl.--kubeconfig", "exit 1");
    say(signAccess(pki.files["ca.key"], closing));
    expect(await poll()).toMatchObject({ code: 1, output: expect.not.stringContaining("revoked") });
    node.put("kubectl.--kubeconfig", "");
    expect(await poll()).toMatchObject({ code: 0, output: expect.stringContaining("revoked") });
  });

  test.each([
    ["another key signed", async () => signAccess((await makePki(plan)).files["ca.key"], opening), "not signed for this cluster"],
    ["is of another cluster", async () => signAccess(pki.files["ca.key"], { ...opening, uid: "another" }), "not signed for this cluster"],
    ["was altered", async () => ({ ...signAccess(pki.files["ca.key"], closing), document: JSON.stringify(opening) }), "not signed for this cluster"],
    ["opens it until a time that has passed", async () => signAccess(pki.files["ca.key"], { ...opening, open: { ...open, expires: "2025-11-23T14:00:00Z" } }), "ended at"],
  ])("is left alone when it %s", async (_what, marker, said) => {
    say(await marker());
    expect(await poll()).toMatchObject({ code: 1, output: expect.stringContaining(said) });
    expect(changes()).toEqual([]);
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
