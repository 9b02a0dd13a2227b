import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Server, createServer } from "node:tls";
import { lookAtEndpoint } from "../../../shared/health/look-at-endpoint";
import type { ClusterPlan, RulePlan } from "../../../shared/plan/cluster-plan";
import { ledgerToLookAt, planToLookAt } from "./cluster";

const openToAll: RulePlan = { protocol: "tcp", fromPort: 443, toPort: 443, from: { cidr: "0.0.0.0/0" }, description: "" };
const planAt = (port: number, change: Partial<ClusterPlan["elb"]> = {}, rule: RulePlan = openToAll): ClusterPlan => {
  const plan = planToLookAt();
  Object.assign(plan.elb, { listenerPort: port }, change);
  plan.network.securityGroups.push({
    key: plan.elb.securityGroup ?? "control-plane",
    name: "",
    description: "",
    ingress: [{ ...rule, fromPort: 1, toPort: 65535 }],
  });
  return plan;
};

function certificateFor(name: string): { cert: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), "endpoint-"));
  const file = (end: string) => join(folder, end);
  const request = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=api -addext subjectAltName=DNS:${name}`;
  execFileSync("openssl", [...request.split(" "), "-keyout", file("key"), "-out", file("cert")], { stdio: "ignore" });
  const pair = { cert: readFileSync(file("cert"), "utf8"), key: readFileSync(file("key"), "utf8") };
  rmSync(folder, { recursive: true });
  return pair;
}

describe("an endpoint that is public and open to all is tried", () => {
  let server: Server;
  let port: number;
  let cert: string;
  beforeAll(async () => {
    const pair = certificateFor("api.internal.demo.k8s.local");
    cert = pair.cert;
    server = createServer(pair);
    port = await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)));
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  test("True with the planned name in the certificate", async () =>
    expect(await lookAtEndpoint(planAt(port), ledgerToLookAt(), cert)).toMatchObject({ status: "True", reason: "CertificateMatches" }));
  test("False with another cluster's CA", async () => {
    const other = certificateFor("api.internal.demo.k8s.local");
    expect(await lookAtEndpoint(planAt(port), ledgerToLookAt(), other.cert)).toMatchObject({
      status: "False",
      reason: "CertificateDiffers",
    });
  });
  test("False with another name", async () => {
    const plan = planAt(port);
    plan.kubernetes.internalName = "api.internal.other.k8s.local";
    expect(await lookAtEndpoint(plan, ledgerToLookAt(), cert)).toMatchObject({ status: "False", reason: "CertificateDiffers" });
  });
});

test("False where nothing listens", async () => {
  const taken = createTcpServer();
  const port = await new Promise<number>((resolve) => taken.listen(0, "127.0.0.1", () => resolve((taken.address() as AddressInfo).port)));
  await new Promise((resolve) => taken.close(resolve));
  const { cert } = certificateFor("x");
  expect(await lookAtEndpoint(planAt(port), ledgerToLookAt(), cert)).toMatchObject({ status: "False", reason: "NotReachable" });
});

test.each([
  ["an internal load balancer", planAt(443, { type: "Internal" }), "EndpointInternal"],
  ["access for some only", planAt(443, {}, { ...openToAll, from: { cidr: "203.0.113.0/24" } }), "EndpointRestricted"],
  ["rules for UDP only", planAt(443, {}, { ...openToAll, protocol: "udp" }), "EndpointRestricted"],
  ["no CA certificate", planAt(443), "EndpointNotKnown"],
])("%s is Unknown, and nothing is dialled", async (_name, plan, reason) => {
  expect(await lookAtEndpoint(plan, ledgerToLookAt())).toMatchObject({ status: "Unknown", reason });
});

test("behind a Network load balancer the control planes' group is read", async () => {
  const plan = planAt(443);
  delete plan.elb.securityGroup;
  expect(await lookAtEndpoint(plan, ledgerToLookAt())).toMatchObject({ reason: "EndpointRestricted" });
  plan.network.securityGroups[0]!.key = "control-plane";
  expect(await lookAtEndpoint(plan, ledgerToLookAt())).toMatchObject({ reason: "EndpointNotKnown" });
});
