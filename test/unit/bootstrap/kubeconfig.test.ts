import { execFileSync } from "node:child_process";
import { X509Certificate, createPrivateKey } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { type KubeconfigRequest, mintKubeconfig } from "../../../shared/bootstrap/kubeconfig";
import { type ControlPlaneMaterial, makePki } from "../../../shared/bootstrap/pki";
import { samplePlan } from "../resources/sample-plan";

const request: KubeconfigRequest = {
  cluster: "demo.k8s.local",
  server: "https://api-demo-123.us-east-1.elb.amazonaws.com",
  tlsServerName: "api.internal.demo.k8s.local",
  user: "arn:aws:iam::123456789012:user/ada",
  group: "clowder:cluster-admins",
  notBefore: new Date("2026-11-23T11:59:00.123Z"),
  notAfter: new Date("2026-11-23T13:00:00.456Z"),
};
let material: ControlPlaneMaterial;
beforeAll(async () => {
  material = await makePki(samplePlan());
});

async function mint(change: Partial<KubeconfigRequest> = {}) {
  const text = await mintKubeconfig(material, { ...request, ...change });
  const config = parse(text);
  const decoded = (value: string) => Buffer.from(value, "base64").toString();
  const { user } = config.users[0];
  const pem = decoded(user["client-certificate-data"]);
  return { text, config, user, pem, certificate: new X509Certificate(pem), key: decoded(user["client-key-data"]) };
}

test("it points at the load balancer and asks for the name in the API server's certificate", async () => {
  const { config } = await mint();
  expect(config["current-context"]).toBe("demo.k8s.local");
  expect(config.contexts[0].context).toEqual({ cluster: "demo.k8s.local", user: "demo.k8s.local" });
  expect(config.clusters[0].cluster).toMatchObject({ server: request.server, "tls-server-name": request.tlsServerName });
  expect(Buffer.from(config.clusters[0].cluster["certificate-authority-data"], "base64").toString()).toBe(material.files["ca.crt"]);
});

test("the certificate is the caller's, of the group, for its key, signed by the CA", async () => {
  const { certificate, key } = await mint();
  expect(certificate.subject.split("\n")).toEqual(["O=clowder:cluster-admins", "CN=arn:aws:iam::123456789012:user/ada"]);
  expect(certificate.checkPrivateKey(createPrivateKey(key))).toBe(true);
  expect(certificate.checkIssued(new X509Certificate(material.files["ca.crt"]))).toBe(true);
  expect(certificate.ca).toBe(false);
  expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
});

test("it says when it ends, to people and to programs", async () => {
  const { text, user, certificate } = await mint();
  expect(text.split("\n")[0]).toBe("# expires 2026-11-23T13:00:00Z");
  expect(user.extensions).toEqual([{ name: "clowder", extension: { expires: "2026-11-23T13:00:00Z" } }]);
  expect(new Date(certificate.validTo).toISOString()).toBe("2026-11-23T13:00:00.000Z");
  expect(new Date(certificate.validFrom).toISOString()).toBe("2026-11-23T11:59:00.000Z");
});

test("it does not outlive the CA", async () => {
  const { certificate } = await mint({ notAfter: new Date("2040-01-01T00:00:00Z") });
  expect(new Date(certificate.validTo).toISOString()).toBe("2027-11-23T12:00:00.000Z");
});

const role = "arn:aws:sts::123456789012:assumed-role/";
test.each([
  ["a caller of over 64 characters is cut", `${role}${"r".repeat(80)}`, `${role}${"r".repeat(25)}`],
  ["characters outside ASCII stay", "zoë@example.org", "zoë@example.org"],
  ["characters that mean something in a distinguished name do nothing", "ada, O=system:masters", "ada\\, O=system:masters"],
  ["nobody becomes one of Kubernetes' own users", "system:kube-controller-manager", "clowder:system:kube-controller-manager"],
])("%s", async (_, user, commonName) => {
  const { certificate } = await mint({ user });
  expect(certificate.subject.split("\n")).toEqual(["O=clowder:cluster-admins", `CN=${commonName}`]);
});

test("every kubeconfig has a key of its own", async () => {
  expect((await mint()).key).not.toBe((await mint()).key);
});

describe("outside", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "kubeconfig-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };

  test("openssl verifies the certificate for a client at its time, not for a server", async () => {
    const { pem } = await mint();
    const ca = file("ca.crt", material.files["ca.crt"]);
    const soonBefore = String(Math.floor(request.notAfter.getTime() / 1000) - 60);
    const check = (purpose: string) =>
      execFileSync(
        "openssl",
        ["verify", "-x509_strict", "-purpose", purpose, "-attime", soonBefore, "-CAfile", ca, file("c.crt", pem)],
        { stdio: "pipe" },
      ).toString();
    expect(check("sslclient")).toContain("OK");
    expect(() => check("sslserver")).toThrow();
  });

  const hasKubectl = (() => {
    try {
      execFileSync("kubectl", ["version", "--client"], { stdio: "pipe" });
      return true;
    } catch {
      return false;
    }
  })();
  (hasKubectl ? test : test.skip)("kubectl reads it, extension and server name included", async () => {
    const { text } = await mint();
    const view = JSON.parse(
      execFileSync("kubectl", ["config", "view", "--raw", "-o", "json", "--kubeconfig", file("config", text)]).toString(),
    );
    expect(view.clusters[0].cluster["tls-server-name"]).toBe(request.tlsServerName);
    expect(view.users[0].user.extensions[0].extension).toEqual({ expires: "2026-11-23T13:00:00Z" });
  });
});
