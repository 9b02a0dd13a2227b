import { generateKeyPairSync } from "node:crypto";
import { readManifest } from "../../../shared/spec/read-manifest";
import { readSshPublicKey } from "../../../shared/spec/ssh-public-key";
import { changed, deployment, problemsOf } from "./manifests";

const field = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([0, 0, bytes.length >> 8, bytes.length & 255]), bytes]);
const line = (type: string, ...fields: Buffer[]): string =>
  `${type} ${Buffer.concat([Buffer.from(type), ...fields].map(field)).toString("base64")}`;

/** An RSA key of so many bits; its leading zero keeps the number positive (RFC 4251 5). */
const rsa = (bits: number): string =>
  line("ssh-rsa", Buffer.from([1, 0, 1]), Buffer.concat([Buffer.from([0, 0x80]), Buffer.alloc(bits / 8 - 1, 7)]));
const ed25519 = line("ssh-ed25519", Buffer.alloc(32, 9));

const realRsa = (): string => {
  const { n, e } = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" });
  return line("ssh-rsa", Buffer.from(e!, "base64url"), Buffer.concat([Buffer.from([0]), Buffer.from(n!, "base64url")]));
};

test.each([
  ["ED25519", ed25519],
  ["ED25519 with a comment", `${ed25519} alice@example.com`],
  ["RSA as made by a library", realRsa()],
  ["RSA of 4096 bits", rsa(4096)],
])("takes %s", (_, key) => {
  expect(readSshPublicKey(`  ${key}\n`)).toEqual({ key });
});

test.each([
  ["RSA of 1024 bits", rsa(1024), "has 1024 bits"],
  ["RSA beyond reason", rsa(32768), "has 32768 bits"],
  ["ECDSA", line("ecdsa-sha2-nistp256", Buffer.from("nistp256")), "ssh-ed25519 or ssh-rsa"],
  ["a cut key", ed25519.slice(0, -8), "cut off"],
  ["a key that says it is another", ed25519.replace("ssh-ed25519", "ssh-rsa"), "complete ssh-rsa"],
  ["an ED25519 key of 31 bytes", line("ssh-ed25519", Buffer.alloc(31)), "32 bytes"],
  ["an RSA key without modulus", line("ssh-rsa", Buffer.from([3])), "exponent and modulus"],
  ["two keys", `${ed25519}\n${ed25519}`, "one line"],
  ["noise", "hello", "ssh-ed25519 or ssh-rsa"],
])("refuses %s", (_, key, problem) => {
  expect(readSshPublicKey(key)).toEqual({ problem: expect.stringContaining(problem) });
});

test("a private key sent by mistake is named as that and not repeated", () => {
  const secret = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n";

  const [problem, ...rest] = problemsOf(changed((_, _2, _3, all) => all.push(credential(secret))));

  expect(rest).toEqual([]);
  expect(problem).toEqual({ path: "SSHCredential/admin.spec.publicKey", message: expect.stringContaining("is a private key") });
  expect(problem!.message).not.toContain("b3Blbn");
});

const credential = (publicKey?: string): object => ({
  apiVersion: "kops.k8s.io/v1alpha2",
  kind: "SSHCredential",
  metadata: { name: "admin", labels: { "kops.k8s.io/cluster": "demo.k8s.local" } },
  spec: { publicKey },
});

test("the manifest carries the key of its SSHCredential, and of one only", () => {
  const one = changed((_, _2, _3, all) => all.push(credential(`${ed25519} me\n`)));
  const two = changed((_, _2, _3, all) => all.push(credential(ed25519), credential(ed25519)));
  const none = changed((_, _2, _3, all) => all.push(credential()));

  expect(readManifest(one, deployment, {}).manifest.sshPublicKey).toBe(`${ed25519} me`);
  expect(problemsOf(two)).toEqual([{ path: "SSHCredential", message: expect.stringContaining("once") }]);
  expect(problemsOf(none)).toEqual([{ path: "SSHCredential/admin.spec.publicKey", message: expect.stringContaining("is required") }]);
});
