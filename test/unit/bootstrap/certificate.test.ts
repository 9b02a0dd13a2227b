import { X509Certificate, generateKeyPairSync } from "node:crypto";
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
