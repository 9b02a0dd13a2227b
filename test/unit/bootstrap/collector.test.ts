import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { renderCollector, renderProbeClient } from "../../../shared/bootstrap/collector";
import type { Evidence, Expectation } from "../../../shared/health/evidence";
import { judge } from "../../../shared/health/judge";
import { planToLookAt } from "../health/cluster";
import { type Broken, FakeCluster, TOKEN, nodes } from "./fake-cluster";

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "collector-"));
const at = (name: string) => join(folder, name);
const evidenceKey = "clowder/a1b2c3d4/evidence/AROA1:i-0aa/latest.json";
const client = { address: "127.0.0.1", port: 0, child: undefined as ChildProcess | undefined };
let metadata: Server;

const textOf = (files: Record<string, string>, name: string) => Object.entries(files).find(([path]) => basename(path) === name)![1];
function install(files: Record<string, string>, change: Record<string, Record<string, unknown>>): void {
  for (const [path, text] of Object.entries(files)) {
    const name = basename(path);
    writeFileSync(at(name), change[name] ? JSON.stringify({ ...JSON.parse(text), ...change[name] }) : text);
  }
}

beforeAll(async () => {
  writeFileSync(at("token"), `${TOKEN}\n`);
  writeFileSync(
    at("s3.py"),
    [
      "import shutil, sys",
      'if sys.argv[1] == "userid":',
      '    print("AROA1:i-0aa")',
      "else:",
      `    shutil.copy(sys.argv[3], ${JSON.stringify(at("put.json"))})`,
      `    open(${JSON.stringify(at("put.key"))}, "w").write(sys.argv[2])`,
    ].join("\n"),
  );
  metadata = createServer((request, response) => {
    if (request.url === "/latest/api/token" && request.method === "PUT") return response.end("session");
    response.writeHead(request.headers["x-aws-ec2-metadata-token"] === "session" ? 200 : 401).end("i-0cc");
  });
  await new Promise<void>((resolve) => metadata.listen(0, "127.0.0.1", resolve));
  const { files } = renderProbeClient(planToLookAt());
  install(files, { "probe-client.json": { address: client.address, port: 0, vpcCidr: "127.0.0.0/24" } });
  const imds = `http://127.0.0.1:${(metadata.address() as AddressInfo).port}`;
  client.child = spawn("python3", [at("probe-client.py"), at("probe-client.json")], {
    env: { ...process.env, AWS_EC2_METADATA_SERVICE_ENDPOINT: imds },
    stdio: ["ignore", "pipe", "ignore"],
  });
  client.port = await new Promise((resolve) => {
    // A line may come in pieces.
    let printed = "";
    client.child!.stdout!.on("data", (piece: Buffer) => {
      printed += piece;
      const port = /:(\d+)\n/.exec(printed)?.[1];
      if (port) resolve(Number(port));
    });
  });
});
afterAll(async () => {
  client.child?.kill();
  await new Promise((resolve) => metadata.close(resolve));
  rmSync(folder, { recursive: true });
});

async function collect(broken: Broken = {}, change: Record<string, unknown> = {}, before?: (cluster: FakeCluster) => void) {
  const cluster = new FakeCluster(broken);
  before?.(cluster);
  const server = await cluster.listen();
  const settings = {
    server,
    tokenFile: at("token"),
    s3: at("s3.py"),
    client: `http://${client.address}:${client.port}`,
    firstNodePort: 30000 + (process.pid % 2000),
  };
  install(renderCollector(planToLookAt()).files, {
    "collector.json": { ...settings, secondsApart: 0.2, settleSeconds: 1, podSeconds: 1, ...change },
  });
  rmSync(at("put.json"), { force: true });
  const outcome = await run("python3", [at("collector.py"), at("collector.json")]).then(
    () => "done",
    (error: { stderr: string }) => error.stderr,
  );
  await cluster.close();
  const evidence = existsSync(at("put.json")) ? (JSON.parse(readFileSync(at("put.json"), "utf8")) as Evidence) : undefined;
  return { cluster, outcome, evidence: evidence!, verdict: judge(evidence, expectation()) };
}
const expectation = (): Expectation => ({
  uid: "a1b2c3d4",
  nonce: "nonce-1",
  nodes: nodes.map(({ name }) => name),
  clientInstanceId: "i-0cc",
  clientAddress: client.address,
  externalServiceMode: "DSR",
  vxlanMode: "Always",
  calicoVersion: "v3.31.4",
  now: new Date(),
  maxAgeSeconds: 120,
});

describe("the collector, run against an API server that grants only its own roles", () => {
  test("a healthy cluster gives evidence that is judged True, and nothing is left in the cluster", async () => {
    const { outcome, verdict, evidence, cluster } = await collect();
    expect(outcome).toBe("done");
    expect(verdict.message).toContain("E/D/H 5/0/1");
    expect([verdict.status, verdict.reason]).toEqual(["True", "TrafficProved"]);
    expect(readFileSync(at("put.key"), "utf8")).toBe(evidenceKey);
    expect(
      evidence.traffic.nodePort.map(({ enteredAt, backendNode, attempts }) => `${enteredAt} ${backendNode} ${attempts.length}`),
    ).toEqual(["node-a node-a 10", "node-a node-b 10", "node-b node-a 10", "node-b node-b 10"]);
    expect(evidence.desired.calicoNodeEnvironment).toEqual({ FELIX_BPFLOGLEVEL: "Off" });
    expect(evidence.nodes[0]!.faultLines).toEqual(["Failed to load CO-RE object, kernel too old? Falling back to non-CO-RE."]);
    expect(cluster.left()).toEqual([]);
  });

  test.each<[string, Broken, string]>([
    ["the way between the nodes is closed", { nodePortAcross: true, podToService: true }, "False VxlanBlocked"],
    ["replies with a foreign source are dropped", { nodePortAcross: true }, "False SourceDestinationCheck"],
    ["the deny policy has no effect", { policyIgnored: true }, "False NegativeControlPassed"],
    ["Felix's metrics are refused while its pod is Ready", { metricsRefused: true }, "Unknown MetricsUnreadable"],
    ["nodes are not Ready", { nodeNotReady: true }, "False NodeNotReady"],
    ["Calico's images cannot be had", { imagesMissing: true }, "False CalicoUnavailable"],
  ])("%s", async (_name, broken, expected) => {
    const { verdict, cluster } = await collect(broken);
    expect(`${verdict.status} ${verdict.reason}`).toBe(expected);
    expect(cluster.left()).toEqual([]);
  });

  test("without the client the pods are still asked, and the verdict is Unknown", async () => {
    const { verdict, evidence } = await collect({}, { client: "http://127.0.0.1:9" });
    expect(verdict).toMatchObject({ status: "Unknown", reason: "ProbeClientMissing" });
    expect(evidence.traffic.podToService.every(({ attempts }) => attempts.every(({ ok }) => ok))).toBe(true);
  });

  test("a client that does not know the nonce is refused, and that is said", async () => {
    const { evidence } = await collect({}, { nonce: "nonce-2" });
    expect(evidence.traffic).toMatchObject({ client: null, error: expect.stringContaining("403") });
  });

  test("Kubernetes 1.19 has its backends pinned by Endpoints", async () => {
    const { verdict, cluster } = await collect({}, { kubernetesVersion: [1, 19, 7] });
    expect(verdict.status).toBe("True");
    expect(cluster.asked.some((asked) => asked.includes("endpointslices"))).toBe(false);
  });

  test("what a round that was cut off left is removed first", async () => {
    const stale = "/apis/networking.k8s.io/v1/namespaces/clowder-probe/networkpolicies/clowder-deny";
    const { verdict } = await collect({}, {}, (cluster) => cluster.put(stale, { metadata: { labels: { app: "clowder-prober" } } }));
    expect(verdict.status).toBe("True");
  });

  test("while another control plane holds the lease nothing is done; an old lease is taken over", async () => {
    const lease = (renewTime: string) => (cluster: FakeCluster) =>
      cluster.put("/apis/coordination.k8s.io/v1/namespaces/clowder-probe/leases/clowder-collector", {
        spec: { holderIdentity: "another", renewTime },
      });
    const held = await collect({}, {}, lease(new Date().toISOString().replace("Z", "000Z")));
    expect([held.outcome, held.evidence]).toEqual(["done", undefined]);
    const old = await collect({}, {}, lease("2026-01-01T00:00:00.000000Z"));
    expect(old.verdict.status).toBe("True");
  });
});

describe("the probe client", () => {
  const ask = async (body: unknown, nonce = "nonce-1") => {
    const answer = await fetch(`http://127.0.0.1:${client.port}/probe`, {
      method: "POST",
      headers: { "clowder-nonce": nonce },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    return { status: answer.status, ...((await answer.json()) as Record<string, unknown>) };
  };
  const target = { host: "127.0.0.9", port: 30000 };
  test("serves nobody without the run's nonce", async () => {
    expect(await ask({ targets: [target], attempts: 1 }, "nonce-2")).toMatchObject({ status: 403 });
    expect(await ask({ targets: [target], attempts: 1 }, "")).toMatchObject({ status: 403 });
  });
  test.each([
    ["an address outside the VPC", { targets: [{ ...target, host: "127.0.1.1" }], attempts: 1 }, /outside 127.0.0.0\/24/],
    ["the metadata address", { targets: [{ ...target, host: "169.254.169.254" }], attempts: 1 }, /outside/],
    ["a name", { targets: [{ ...target, host: "localhost" }], attempts: 1 }, /unreadable/],
    ["a port that is no NodePort", { targets: [{ ...target, port: 22 }], attempts: 1 }, /no NodePort/],
    ["too many attempts", { targets: [target], attempts: 21 }, /attempts/],
    ["no target", { targets: [], attempts: 1 }, /targets/],
    ["no JSON", "targets", /unreadable/],
  ])("refuses %s", async (_name, body, error) =>
    expect(await ask(body)).toMatchObject({ status: 400, error: expect.stringMatching(error) }),
  );
  test("tells a dead target as failed attempts, and who it is", async () => {
    const answer = await ask({ targets: [target], attempts: 2 });
    expect(answer).toMatchObject({ status: 200, instanceId: "i-0cc", address: "127.0.0.1" });
    expect((answer as unknown as { results: [{ attempts: unknown[] }] }).results[0].attempts).toEqual([
      expect.objectContaining({ ok: false, error: expect.stringContaining("refused") }),
      expect.objectContaining({ ok: false }),
    ]);
  });
});

test("what is rendered holds no administrator, and the DaemonSet runs the plan's image everywhere", () => {
  const { files } = renderCollector(planToLookAt());
  expect(textOf(files, "collector-access.json")).not.toMatch(/cluster-admin|"\*"|"secrets"|nodes\/proxy/);
  const config = JSON.parse(textOf(files, "collector.json"));
  expect(config.daemonSet.spec.template.spec).toMatchObject({
    tolerations: [{ operator: "Exists" }],
    containers: [{ image: "registry.k8s.io/e2e-test-images/agnhost:2.53" }],
  });
  expect(config).toMatchObject({
    server: "https://172.20.32.10:6443",
    kubernetesVersion: [1, 34, 4],
    nodeCount: 2,
    client: "http://172.20.32.250:8088",
  });
});
