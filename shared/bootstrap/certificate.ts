import "reflect-metadata/lite"; // First: tsyringe, below @peculiar/x509, throws while it loads when Reflect has no metadata.
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { type KeyObject, createPublicKey, webcrypto } from "node:crypto";

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

/** An X.509 v3 certificate in PEM, profile of RFC 5280, with a random serial number and its times in whole seconds. */
export async function signCertificate(request: CertificateRequest): Promise<string> {
  const { use, subject, issuer, notBefore, notAfter, publicKey, signingKey } = request;
  const certificate = await X509CertificateGenerator.create({
    subject: nameOf(subject),
    issuer: nameOf(issuer),
    notBefore,
    notAfter,
    publicKey: publicKeyInfo(publicKey),
    signingKey: await ecdsaKey(signingKey),
    extensions: [
      ...extensionsOf[use],
      await SubjectKeyIdentifierExtension.create(publicKeyInfo(publicKey)),
      await AuthorityKeyIdentifierExtension.create(publicKeyInfo(createPublicKey(signingKey))),
    ],
  });
  return `${certificate.toString("pem")}\n`;
}

export const publicKeyInfo = (key: KeyObject): Buffer => key.export({ type: "spki", format: "der" });

function ecdsaKey(key: KeyObject): Promise<webcrypto.CryptoKey> {
  const secret = key.export({ type: "pkcs8", format: "der" });
  return webcrypto.subtle.importKey("pkcs8", secret, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
}

/** Typed values: the library reads a plain string as RFC 4514 text, in which a caller's `#`, quotes and backslashes mean something. */
function nameOf({ commonName, organization }: Subject): Name {
  const attribute = (type: string, value: string) => ({ [type]: [{ utf8String: value }] });
  return new Name([...(organization ? [attribute("O", organization)] : []), attribute("CN", commonName)]);
}

const { digitalSignature, keyEncipherment, keyCertSign } = KeyUsageFlags;

const extensionsOf: Record<CertificateRequest["use"], Extension[]> = {
  authority: [
    new BasicConstraintsExtension(true, undefined, true),
    new KeyUsagesExtension(digitalSignature | keyEncipherment | keyCertSign, true), // as kubeadm's
  ],
  client: [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
  ],
};
