import { execFileSync } from "node:child_process";
import { createPrivateKey } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeSshKey } from "../../../shared/bootstrap/ssh-key";

const withKey = <Answer>(privateKey: string, look: (file: string) => Answer): Answer => {
  const folder = mkdtempSync(join(tmpdir(), "ssh-key-"));
  const file = join(folder, "id_ed25519");
  writeFileSync(file, privateKey);
  chmodSync(file, 0o600);
  try {
    return look(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
};
const hasKeygen = (() => {
  try {
    execFileSync("ssh-keygen", ["-?"], { stdio: "pipe" });
  } catch (error) {
    return (error as { code?: string }).code !== "ENOENT";
  }
  return true;
})();

const sections = (blob: Buffer): Buffer[] => {
  const found: Buffer[] = [];
  for (let at = 0; at + 4 <= blob.length; ) {
    const length = blob.readUInt32BE(at);
    found.push(blob.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
};

test("the public half is one line of type, key and comment", () => {
  const { publicKey } = makeSshKey("kubernetes.demo");
  expect(publicKey).toMatch(/^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43} kubernetes\.demo$/);
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])("the private half is padded to 8 bytes after a comment of %i", (length) => {
  const comment = "x".repeat(length);
  const body = makeSshKey(comment).privateKey.split("\n").slice(1, -2).join("");
  const blob = Buffer.from(body, "base64").subarray("openssh-key-v1\0".length);
  const [cipher, derivation, options] = sections(blob.subarray(0, 20)).map(String);
  expect([cipher, derivation, options]).toEqual(["none", "none", ""]);
  const [, secret] = sections(blob.subarray(24));
  expect(secret!.length % 8).toBe(0);
});

test("the private half holds the seed of the public one", () => {
  const { publicKey, privateKey } = makeSshKey("demo");
  const blob = Buffer.from(privateKey.split("\n").slice(1, -2).join(""), "base64").subarray("openssh-key-v1\0".length + 24);
  const [, secret] = sections(blob);
  const [, point, pair] = sections(secret!.subarray(8));
  const pkcs8 = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), pair!.subarray(0, 32)]);
  const { x } = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" }).export({ format: "jwk" });
  expect(Buffer.from(x!, "base64url")).toEqual(point);
  expect(sections(Buffer.from(publicKey.split(" ")[1]!, "base64"))[1]).toEqual(point);
});

test("two keys differ", () => {
  expect(makeSshKey("demo").privateKey).not.toBe(makeSshKey("demo").privateKey);
});

(hasKeygen ? test : test.skip)("ssh-keygen reads the private half and answers the same public one", () => {
  const { publicKey, privateKey } = makeSshKey("kubernetes.demo");
  const answer = withKey(privateKey, (file) => execFileSync("ssh-keygen", ["-y", "-P", "", "-f", file]).toString().trim());
  expect(answer).toBe(publicKey);
});
