import { renderScript } from "../../../shared/bootstrap/render-script";
import { type PreparedNode, prepareNode, privateKey, token } from "./prepared-node";
import { planOf, withKubernetes } from "./sample-plan";

const plan = planOf("twin");
const controlPlane = plan.instances.find(({ role }) => role === "control-plane")!;
const worker = plan.instances.find(({ role }) => role === "node")!;
/** The line by which a script of Kubernetes 1.36 asks for it. */
const CONTAINERD_2 = /^CONTAINERD_FLOOR='2.*$/m.exec(renderScript(withKubernetes(plan, "1.36.0"), "node").body)![0];
const within = (limit: string, seconds: number) => (script: string) =>
  script.replace(new RegExp(`^LIMIT_${limit}='\\d+'$`, "m"), `LIMIT_${limit}='${seconds}'`);

jest.setTimeout(60_000);
let node: PreparedNode;
beforeEach(async () => {
  node = await prepareNode(plan);
});
afterEach(() => node.world.close());

interface Failure {
  what: string;
  spoil: () => void;
  change?: (script: string) => string;
  instance?: typeof worker;
  told: { stage: string; reason: string; message: RegExp };
}

const failures: Failure[] = [
  {
    what: "the bucket refuses the join material",
    spoil: () => node.world.objects.delete(plan.pki.joinObject),
    told: { stage: "material", reason: "MaterialRefused", message: /403 AccessDenied/ },
  },
  {
    what: "a token's time has passed",
    spoil: () =>
      node.world.objects.set(plan.pki.controlPlaneObject, node.world.objects.get(plan.pki.controlPlaneObject)!.replace("2999", "2001")),
    instance: controlPlane,
    told: { stage: "material", reason: "MaterialInvalid", message: /token of this cluster ended at 2001/ },
  },
  {
    what: "a binary has another checksum",
    spoil: () => (node.put("kubelet-version", "1.2.3"), node.put("served/kubelet", "not kubelet")),
    told: {
      stage: "artifacts",
      reason: "ChecksumMismatch",
      message: /bin\/linux\/(amd|arm)64\/kubelet has SHA-256 [0-9a-f]{64} and should have [0-9a-f]{64}/,
    },
  },
  {
    what: "a binary is not to be had",
    spoil: () => node.put("kubelet-version", "1.2.3"),
    told: { stage: "artifacts", reason: "ArtifactUnreachable", message: /kubelet: curl: \(22\)/ },
  },
  {
    what: "the image's containerd 1 is too old for the kubelet, and containerd 2 is not to be had",
    spoil: () => undefined,
    change: (script) => script.replace(/^CONTAINERD_FLOOR=.*$/m, CONTAINERD_2),
    told: { stage: "artifacts", reason: "ArtifactUnreachable", message: /containerd-\d[.\d]+-linux-(amd|arm)64\.tar\.gz: curl: \(22\)/ },
  },
  {
    what: "the disk is full during a download",
    spoil: () => (node.put("kubelet-version", "1.2.3"), node.put("served/kubelet", "kubelet"), node.put("disk-is-full", "")),
    told: { stage: "artifacts", reason: "DiskFull", message: /kubelet: curl: \(23\)/ },
  },
  {
    what: "the disk is full",
    spoil: () => node.put("kubeadm.join", "write /var/lib/kubelet/config.yaml: No space left on device\nexit 1\n"),
    told: { stage: "registered", reason: "DiskFull", message: /No space left on device/ },
  },
  {
    what: "kubeadm's preflight fails",
    spoil: () =>
      node.put(
        "kubeadm.init",
        "error execution phase preflight: [preflight] Some fatal errors occurred:\n\t[ERROR Mem]: 900 MB is less than 1700 MB\nexit 1\n",
      ),
    instance: controlPlane,
    told: { stage: "control-plane-up", reason: "PreflightFailed", message: /\[ERROR Mem\]: 900 MB/ },
  },
  {
    what: "a manifest of Calico's is refused",
    spoil: () => node.put("kubectl.apply", "error: no objects passed to apply\nexit 1\n"),
    change: (script) => script.replace("sleep 0.5", "sleep 0"),
    instance: controlPlane,
    told: { stage: "calico-applied", reason: "CalicoNotApplied", message: /services-endpoint\.yaml: error: no objects passed to apply/ },
  },
  {
    what: "the API server is never there",
    spoil: () => node.put("etc/hosts", ""),
    change: (script) => within("REGISTERED", 31)(script).replaceAll("/readyz", "/never"),
    told: { stage: "registered", reason: "ApiUnreachable", message: /for 1 s: curl/ },
  },
  {
    what: "the API server refuses the token",
    spoil: () =>
      node.put(
        "kubeadm.join",
        "error execution phase preflight: couldn't validate the identity of the API Server: could not find a JWS signature for token ID\nexit 1\n",
      ),
    told: { stage: "registered", reason: "JoinRefused", message: /could not find a JWS signature/ },
  },
  {
    what: "a stage takes too long",
    spoil: () => node.put("hang", ""),
    change: within("CONTROL_PLANE_UP", 2),
    instance: controlPlane,
    told: { stage: "control-plane-up", reason: "StageTimedOut", message: /did not end within 2 s/ },
  },
];

test.each(failures)(
  "when $what, the failed beacon says $told.reason at $told.stage",
  async ({ spoil, change, instance = worker, told }) => {
    spoil();
    const { code, output } = await node.boot(plan, instance, change);
    const beacon = node.world.beacons()["99-failed.json"];
    expect({ output, beacon }).toMatchObject({
      beacon: { stage: told.stage, reason: told.reason, message: expect.stringMatching(told.message) },
    });
    expect(code).toBe(1);
  },
);

test("the log's tail comes with it, without secrets", async () => {
  const secrets = `kubeadm join --token ${token}\n${privateKey}x-amz-security-token: FwoGZXIvYXdzEBYaD\neyJhbGciOi.eyJzdWIi.c2ln\nlast words\nexit 1\n`;
  node.put("kubeadm.join", secrets);
  await node.boot(plan, worker);
  const { logTail } = node.world.beacons()["99-failed.json"] as { logTail: string[] };
  const text = logTail.join("\n");
  expect(text).toContain("last words");
  expect(text).not.toMatch(/0123456789abcdef\b|MHcCAQEEI|FwoGZX|eyJhbGci/);
});

test("a join that broke off is tried once more, one that was refused is not", async () => {
  const joins = async (said: string) => {
    node.put("kubeadm.join", said);
    await node.boot(plan, worker);
    return node.calls(/^kubeadm (join|reset)/).map((call) => call.split(" ")[1]);
  };
  expect(await joins("error: cannot reach etcd\nexit 1\n")).toEqual(["join", "reset", "join"]);
  expect(await joins("couldn't validate the identity of the API Server: could not find a JWS signature\nexit 1\n")).toEqual(["join", "reset", "join", "join"]);
});

test("nothing is told after the failure", async () => {
  node.put("kubeadm.join", "exit 1\n");
  await node.boot(plan, worker);
  expect(Object.keys(node.world.beacons()).sort()).toEqual([
    "01-started.json",
    "02-material.json",
    "03-artifacts.json",
    "04-runtime.json",
    "99-failed.json",
  ]);
});
