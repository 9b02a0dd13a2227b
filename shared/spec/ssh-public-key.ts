/**
 * Checks an OpenSSH public key as EC2's ImportKeyPair takes it: RSA of 2048 bits or more, or ED25519 (RFC 4253 6.6, RFC 8709).
 * Gives the one line to import, or what is wrong. No message repeats the text: it may be a private key sent by mistake.
 */
export function readSshPublicKey(text: string): { key: string } | { problem: string } {
  if (text.includes("PRIVATE KEY")) return { problem: "is a private key: send the public half (the .pub file), and make a new pair" };
  const line = text.trim();
  const [type = "", encoded = ""] = line.split(/\s+/);
  if (/[\r\n]/.test(line)) return { problem: "must be one key on one line" };
  if (type !== "ssh-ed25519" && type !== "ssh-rsa") return { problem: "must be an OpenSSH public key: ssh-ed25519 or ssh-rsa" };
  const fields = wireFields(encoded);
  if (fields?.[0]?.toString("latin1") !== type) return { problem: `must hold a complete ${type} key; it may be cut off` };
  const problem =
    type === "ssh-rsa"
      ? rsaProblem(fields)
      : fields.length === 2 && fields[1]!.length === 32
        ? undefined
        : "must hold 32 bytes of ED25519 key";
  return problem ? { problem } : { key: line };
}

/** The length-prefixed fields of RFC 4251 5; undefined where they do not fill the text exactly. */
function wireFields(encoded: string): Buffer[] | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return undefined;
  const bytes = Buffer.from(encoded, "base64");
  const fields: Buffer[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    if (offset + 4 > bytes.length) return undefined;
    const end = offset + 4 + bytes.readUInt32BE(offset);
    if (end > bytes.length) return undefined;
    fields.push(bytes.subarray(offset + 4, end));
    offset = end;
  }
  return fields;
}

function rsaProblem([, exponent, modulus, ...rest]: Buffer[]): string | undefined {
  if (!exponent?.length || !modulus || rest.length > 0) return "must hold an RSA exponent and modulus";
  const digits = modulus.toString("hex").replace(/^0+/, "");
  const bits = digits === "" ? 0 : digits.length * 4 - Math.clz32(Number.parseInt(digits[0]!, 16)) + 28;
  if (bits < 2048) return `has ${bits} bits: RSA needs 2048 or more, or use ED25519`;
  return bits > 16384 ? `has ${bits} bits: EC2 takes no RSA key that long` : undefined;
}
