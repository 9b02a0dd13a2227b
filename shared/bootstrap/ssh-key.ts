import { generateKeyPairSync, randomBytes } from "node:crypto";

export interface SshKey {
  /** One line, as in authorized_keys. */
  publicKey: string;
  /** openssh-key-v1, without a passphrase. */
  privateKey: string;
}

/**
 * A new ED25519 pair in OpenSSH's formats (RFC 8709 for the public half, PROTOCOL.key of OpenSSH for the private one).
 * `comment` stands at the end of the public line; it has no line break.
 */
export function makeSshKey(comment: string): SshKey {
  const { d = "", x = "" } = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  const seed = Buffer.from(d, "base64url");
  const point = Buffer.from(x, "base64url");
  const publicBlob = Buffer.concat([field("ssh-ed25519"), field(point)]);
  const check = randomBytes(4);
  const secret = Buffer.concat([check, check, publicBlob, field(Buffer.concat([seed, point])), field(comment)]);
  const body = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    field("none"), // cipher
    field("none"), // key derivation
    field(""), // its options
    uint32(1), // keys in this file
    field(publicBlob),
    field(Buffer.concat([secret, paddingTo(8, secret.length)])),
  ]);
  const lines = body.toString("base64").match(/.{1,70}/g) ?? [];
  return {
    publicKey: `ssh-ed25519 ${publicBlob.toString("base64")} ${comment}`,
    privateKey: ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join("\n"),
  };
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** RFC 4251's `string`: length, then bytes. */
function field(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

/** 1, 2, 3, … up to the block size. */
const paddingTo = (block: number, length: number): Buffer =>
  Buffer.from(Array.from({ length: (block - (length % block)) % block }, (_, at) => at + 1));
