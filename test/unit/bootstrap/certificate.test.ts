import { X509Certificate, generateKeyPairSync } from "node:crypto";
import { type CertificateRequest, signCertificate } from "../../../shared/bootstrap/certificate";
import { bits, integer, objectId, octets, sequence, time } from "../../../shared/bootstrap/der";

const hex = (der: Buffer) => der.toString("hex");
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

test.each([
  ["zero", [0], "020100"],
  ["leading zeros", [0, 0, 7], "020107"],
  ["a high bit", [0x80], "02020080"],
  ["leading zero before a high bit", [0, 0xff], "020200ff"],
])("an integer of %s is positive and as short as can be", (_, bytes, der) => {
  expect(hex(integer(Buffer.from(bytes)))).toBe(der);
});

test.each([
  [127, "047f"],
  [128, "048180"],
  [255, "0481ff"],
  [256, "04820100"],
  [65536, "0483010000"],
])("a length of %i has X.690's shortest form", (size, head) => {
  expect(hex(octets(Buffer.alloc(size))).slice(0, head.length)).toBe(head);
});

test("object identifiers have base-128 arcs", () => {
  expect(hex(objectId("1.2.840.10045.4.3.2"))).toBe("06082a8648ce3d040302");
  expect(hex(objectId("2.5.29.19"))).toBe("0603551d13");
});

test("times are UTCTime until 2049 and GeneralizedTime after", () => {
  expect(time(new Date("2049-12-31T23:59:59.999Z")).toString("latin1")).toBe("\x17\x0d491231235959Z");
  expect(time(new Date("2050-01-01T00:00:00Z")).toString("latin1")).toBe("\x18\x0f20500101000000Z");
});

test("a bit string counts the bits that say nothing", () => {
  expect(hex(bits(Buffer.from([0xa4]), 2))).toBe("030202a4");
  expect(hex(sequence())).toBe("3000");
});

test("a certificate past 2049 is read with its times in whole seconds", () => {
  const certificate = new X509Certificate(signCertificate(request));
  expect(new Date(certificate.validFrom).toISOString()).toBe("2026-01-02T03:04:05.000Z");
  expect(new Date(certificate.validTo).toISOString()).toBe("2055-01-02T03:04:05.000Z");
});

test("serial numbers are positive, random, and at most 20 octets", () => {
  const serials = Array.from({ length: 20 }, () => new X509Certificate(signCertificate(request)).serialNumber);
  expect(new Set(serials).size).toBe(20);
  for (const serial of serials) expect(serial).toMatch(/^[0-9A-F]{1,40}$/);
});

test("a client signed by another key of the same name is not issued by this CA", () => {
  const ca = new X509Certificate(signCertificate(request));
  const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const subject = { commonName: "ada", organization: "admins" };
  const forged = new X509Certificate(signCertificate({ ...request, use: "client", subject, signingKey: other.privateKey }));
  const issued = new X509Certificate(signCertificate({ ...request, use: "client", subject }));
  expect(issued.verify(ca.publicKey)).toBe(true);
  expect(forged.verify(ca.publicKey)).toBe(false);
  expect(forged.checkIssued(ca)).toBe(false);
});
