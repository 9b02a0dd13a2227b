import { type KeyObject, X509Certificate, createHash, generateKeyPairSync } from "node:crypto";
import { type CertificateRequest, signCertificate } from "../../../shared/bootstrap/certificate";

const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
const request: CertificateRequest = {
  use: "authority",
  subject: { commonName: "kubernetes" },
  issuer: { commonName: "kubernetes" },
  notBefore: new Date("2026-01-02T03:04:05.678Z"),
  notAfter: new Date("2055-01-02T03:04:05Z"),
  publicKey: keys.publicKey,
  signingKey: keys.privateKey,
};

const signed = async (change: Partial<CertificateRequest> = {}) => new X509Certificate(await signCertificate({ ...request, ...change }));

test("a certificate past 2049 is read with its times in whole seconds", async () => {
  const certificate = await signed();
  expect(new Date(certificate.validFrom).toISOString()).toBe("2026-01-02T03:04:05.000Z");
  expect(new Date(certificate.validTo).toISOString()).toBe("2055-01-02T03:04:05.000Z");
});

test.each([
  ["UTCTime until 2049", "2049-12-31T23:59:59.999Z", "\x17\x0d491231235959Z"],
  ["GeneralizedTime from 2050 on", "2050-01-01T00:00:00Z", "\x18\x0f20500101000000Z"],
])("times are %s", async (_, notAfter, der) => {
  const { raw } = await signed({ notAfter: new Date(notAfter) });
  expect(raw.toString("latin1")).toContain(der);
});

test.each(["#0c0141", '"quoted"', "back\\slash", "a, O=b + C=d", "zoë"])("the name %s is the text itself", async (name) => {
  const { raw } = await signed({ subject: { commonName: name, organization: name } });
  const text = Buffer.from(name);
  const utf8String = Buffer.concat([Buffer.from([0x0c, text.length]), text]);
  for (const id of ["060355040a", "0603550403"]) expect(raw.toString("hex")).toContain(id + utf8String.toString("hex"));
});

test.each([
  ["authority", "is a CA", "0603551d13 0101ff 0405 30030101ff"],
  ["authority", "signs, enciphers keys, signs certificates", "0603551d0f 0101ff 0404 030202a4"],
  ["client", "is no CA", "0603551d13 0101ff 0402 3000"],
  ["client", "signs", "0603551d0f 0101ff 0404 03020780"],
  ["client", "is for client authentication", "0603551d25 040c 300a06082b06010505070302"],
] as const)("the extension of use %s that says: it %s", async (use, _, der) => {
  expect((await signed({ use })).raw.toString("hex")).toContain(der.replaceAll(" ", ""));
});

test("key identifiers are the SHA-1 of the public points, the issuer's for the authority", async () => {
  const client = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { raw } = await signed({ use: "client", publicKey: client.publicKey });
  const idOf = (key: KeyObject) => createHash("sha1").update(key.export({ type: "spki", format: "der" }).subarray(-65)).digest("hex");
  expect(raw.toString("hex")).toContain(`0603551d0e04160414${idOf(client.publicKey)}`);
  expect(raw.toString("hex")).toContain(`0603551d23041830168014${idOf(keys.publicKey)}`);
});

test("serial numbers are positive, random, and at most 20 octets", async () => {
  const certificates = await Promise.all(Array.from({ length: 20 }, () => signed()));
  const serials = certificates.map(({ serialNumber }) => serialNumber);
  expect(new Set(serials).size).toBe(20);
  for (const serial of serials) expect(serial).toMatch(/^[0-9A-F]{1,40}$/);
});

test("a client signed by another key of the same name is not issued by this CA", async () => {
  const ca = await signed();
  const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const subject = { commonName: "ada", organization: "admins" };
  const forged = await signed({ use: "client", subject, signingKey: other.privateKey });
  const issued = await signed({ use: "client", subject });
  expect(issued.verify(ca.publicKey)).toBe(true);
  expect(forged.verify(ca.publicKey)).toBe(false);
  expect(forged.checkIssued(ca)).toBe(false);
});
