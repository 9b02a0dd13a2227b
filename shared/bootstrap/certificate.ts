import { type KeyObject, createHash, createPublicKey, randomBytes, sign } from "node:crypto";
import { bits, explicit, implicit, integer, objectId, octets, sequence, setOf, time, utf8, yes } from "./der";

export interface Subject {
  commonName: string;
  organization?: string;
}

export interface CertificateRequest {
  use: "authority" | "client";
  subject: Subject;
  issuer: Subject;
  notBefore: Date;
  notAfter: Date;
  /** ECDSA P-256, both. */
  publicKey: KeyObject;
  signingKey: KeyObject;
}

const ecdsaWithSha256 = sequence(objectId("1.2.840.10045.4.3.2"));

/**
 * An X.509 v3 certificate in PEM, profile of RFC 5280. Written here, because node:crypto signs and reads certificates but writes
 * none, and the libraries that do weigh more than the rest of the function.
 */
export function signCertificate({ use, subject, issuer, notBefore, notAfter, publicKey, signingKey }: CertificateRequest): string {
  const toBeSigned = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(randomBytes(16)),
    ecdsaWithSha256,
    nameOf(issuer),
    sequence(time(notBefore), time(notAfter)),
    nameOf(subject),
    publicKeyInfo(publicKey),
    explicit(3, sequence(...extensionsOf[use], ...keyIds(publicKey, signingKey))),
  );
  const certificate = sequence(toBeSigned, ecdsaWithSha256, bits(sign("sha256", toBeSigned, signingKey)));
  const lines = certificate.toString("base64").match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

export const publicKeyInfo = (key: KeyObject): Buffer => key.export({ type: "spki", format: "der" });

function nameOf({ commonName, organization }: Subject): Buffer {
  const attribute = (id: string, value: string) => setOf(sequence(objectId(id), utf8(value)));
  return sequence(...(organization ? [attribute("2.5.4.10", organization)] : []), attribute("2.5.4.3", commonName));
}

const extension = (id: string, value: Uint8Array): Buffer => sequence(objectId(id), octets(value));
const critical = (id: string, value: Uint8Array): Buffer => sequence(objectId(id), yes, octets(value));
const basicConstraints = "2.5.29.19";
const keyUsage = "2.5.29.15";

const extensionsOf: Record<CertificateRequest["use"], Buffer[]> = {
  authority: [
    critical(basicConstraints, sequence(yes)),
    critical(keyUsage, bits(Buffer.from([0b10100100]), 2)), // digitalSignature, keyEncipherment, keyCertSign: as kubeadm's
  ],
  client: [
    critical(basicConstraints, sequence()),
    critical(keyUsage, bits(Buffer.from([0b10000000]), 7)), // digitalSignature
    extension("2.5.29.37", sequence(objectId("1.3.6.1.5.5.7.3.2"))), // clientAuth
  ],
};

/** Subject and authority key identifier: SHA-1 of the public point (RFC 5280, 4.2.1.2), which ends its SubjectPublicKeyInfo. */
function keyIds(publicKey: KeyObject, signingKey: KeyObject): Buffer[] {
  const idOf = (key: KeyObject) => createHash("sha1").update(publicKeyInfo(key).subarray(-65)).digest();
  return [
    extension("2.5.29.14", octets(idOf(publicKey))),
    extension("2.5.29.35", sequence(implicit(0, idOf(createPublicKey(signingKey))))),
  ];
}
