import { X509Certificate, createHash, createPrivateKey, createPublicKey } from "node:crypto";
import { parse } from "yaml";
import { joinMaterial } from "../../../shared/bootstrap/join-material";
import { type ControlPlaneMaterial, makePki } from "../../../shared/bootstrap/pki";
import { samplePlan } from "../resources/sample-plan";

const plan = samplePlan();
let made: ControlPlaneMaterial;
beforeAll(async () => {
  made = await makePki(plan);
});

const authorities = [
  ["ca.crt", "ca.key", "kubernetes"],
  ["front-proxy-ca.crt", "front-proxy-ca.key", "front-proxy-ca"],
  ["etcd/ca.crt", "etcd/ca.key", "etcd-ca"],
] as const;

test.each(authorities)("%s is a CA of its own key, backdated as planned", (crt, key, commonName) => {
  const certificate = new X509Certificate(made.files[crt]);
  expect(certificate.ca).toBe(true);
  expect(certificate.subject).toBe(`CN=${commonName}`);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.checkPrivateKey(createPrivateKey(made.files[key]))).toBe(true);
  expect(new Date(certificate.validFrom).toISOString()).toBe(new Date(plan.pki.notBefore).toISOString());
  expect(new Date(certificate.validTo).toISOString()).toBe(new Date(plan.pki.notAfter).toISOString());
});

test("keys are in the formats that kubeadm writes itself", () => {
  expect(made.files["ca.key"]).toMatch(/^-----BEGIN EC PRIVATE KEY-----\n/);
  expect(made.files["sa.key"]).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n/);
  expect(made.files["sa.pub"]).toMatch(/^-----BEGIN PUBLIC KEY-----\n/);
});

test("the service-account key is RSA, which kubeadm 1.19 asks for, and both halves are one pair", () => {
  const secret = createPrivateKey(made.files["sa.key"]);
  expect(secret.asymmetricKeyType).toBe("rsa");
  expect(createPublicKey(secret).export({ type: "spki", format: "pem" })).toBe(made.files["sa.pub"]);
});

test("the hash is that of the CA's SubjectPublicKeyInfo", () => {
  const spki = new X509Certificate(made.files["ca.crt"]).publicKey.export({ type: "spki", format: "der" });
  expect(made.caCertHash).toBe(`sha256:${createHash("sha256").update(spki).digest("hex")}`);
});

test("the token has a bootstrap token's form and its planned end", () => {
  expect(made.token).toMatch(/^[a-z0-9]{6}\.[a-z0-9]{16}$/);
  expect(made.tokenExpiry).toBe(plan.pki.tokenExpiry);
  expect(made.endpoint).toBe(plan.kubernetes.endpoint);
});

test("Secrets have a key of their own where they are to be encrypted, which no other material has", async () => {
  const encrypting = { ...plan, kubernetes: { ...plan.kubernetes, encryptSecrets: true } };
  const [one, other] = await Promise.all([makePki(encrypting), makePki(encrypting)]);
  const read = ({ files }: ControlPlaneMaterial) => parse(files["encryption-configuration.yaml"] ?? "");
  const [secrets] = read(one).resources;
  expect(secrets.resources).toEqual(["secrets"]);
  expect(Object.keys(secrets.providers[0])).toEqual(["secretbox"]);
  const keyOf = (material: ControlPlaneMaterial): string => read(material).resources[0].providers[0].secretbox.keys[0].secret;
  expect(Buffer.from(keyOf(one), "base64")).toHaveLength(32);
  expect(keyOf(one)).not.toBe(keyOf(other));
  expect(JSON.stringify(joinMaterial(one))).not.toContain(keyOf(one));
  expect(made.files).not.toHaveProperty(["encryption-configuration.yaml"]);
});

test("workers get no key", () => {
  const material = joinMaterial(made);
  expect(Object.keys(material).sort()).toEqual(["ca.crt", "caCertHash", "endpoint", "token"]);
  expect(JSON.stringify(material)).not.toContain("PRIVATE KEY");
});

test("no two clusters share anything", async () => {
  const other = await makePki(plan);
  expect(other.token).not.toBe(made.token);
  expect(other.caCertHash).not.toBe(made.caCertHash);
  expect(new X509Certificate(other.files["ca.crt"]).serialNumber).not.toBe(new X509Certificate(made.files["ca.crt"]).serialNumber);
});
