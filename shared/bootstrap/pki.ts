import { type KeyPairKeyObjectResult, createHash, generateKeyPair, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import type { ClusterPlan, PkiPlan } from "../plan/cluster-plan";
import { publicKeyInfo, signCertificate } from "./certificate";
import { newToken } from "./join-material";
import { ENCRYPTION_FILE } from "./kubeadm-configuration";

/** Below `/etc/kubernetes/pki`, as kubeadm finds them there and keeps them. */
export type PkiFile =
  | "ca.crt"
  | "ca.key"
  | "sa.pub"
  | "sa.key"
  | "front-proxy-ca.crt"
  | "front-proxy-ca.key"
  | "etcd/ca.crt"
  | "etcd/ca.key";

/** `pki/control-plane.json`: secret. Control planes read it until revoke-bootstrap, the service to mint kubeconfigs. */
export interface ControlPlaneMaterial {
  files: Record<PkiFile, string> & Partial<Record<typeof ENCRYPTION_FILE, string>>;
  token: string;
  tokenExpiry: string;
  /** `sha256:` and the hash of the CA's SubjectPublicKeyInfo, as `kubeadm join --discovery-token-ca-cert-hash` takes it. */
  caCertHash: string;
  endpoint: string;
}

/** The common name of the cluster's CA, and so the issuer of its clients. */
export const CLUSTER_CA = "kubernetes";

const keyPair = promisify(generateKeyPair) as {
  (type: "ec", options: { namedCurve: string }): Promise<KeyPairKeyObjectResult>;
  (type: "rsa", options: { modulusLength: number }): Promise<KeyPairKeyObjectResult>;
};
export const ecKeyPair = (): Promise<KeyPairKeyObjectResult> => keyPair("ec", { namedCurve: "P-256" });

/**
 * New CAs, the service-account key and a bootstrap token. The CAs are ECDSA P-256: every kubeadm from 1.15 on takes an
 * existing EC CA, and they are made in a millisecond. kubeadm 1.19 reads the service-account key as RSA only, so that one is RSA.
 * https://kubernetes.io/docs/setup/best-practices/certificates/
 */
export async function makePki(plan: ClusterPlan): Promise<ControlPlaneMaterial> {
  const [ca, frontProxy, etcd, serviceAccount] = await Promise.all([
    makeCa(CLUSTER_CA, plan.pki),
    makeCa("front-proxy-ca", plan.pki),
    makeCa("etcd-ca", plan.pki),
    keyPair("rsa", { modulusLength: 2048 }),
  ]);
  return {
    files: {
      "ca.crt": ca.certificate,
      "ca.key": ca.key,
      "front-proxy-ca.crt": frontProxy.certificate,
      "front-proxy-ca.key": frontProxy.key,
      "etcd/ca.crt": etcd.certificate,
      "etcd/ca.key": etcd.key,
      "sa.pub": serviceAccount.publicKey.export({ type: "spki", format: "pem" }).toString(),
      "sa.key": serviceAccount.privateKey.export({ type: "pkcs1", format: "pem" }).toString(),
      ...(plan.kubernetes.encryptSecrets && { [ENCRYPTION_FILE]: renderEncryption(plan.uid, randomBytes(32)) }),
    },
    token: newToken(),
    tokenExpiry: plan.pki.tokenExpiry,
    caCertHash: `sha256:${createHash("sha256").update(ca.publicKey).digest("hex")}`,
    endpoint: plan.kubernetes.endpoint,
  };
}

/** Secrets are written with a key of this cluster alone: https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/ */
const renderEncryption = (uid: string, key: Buffer): string => `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources:
  - secrets
  providers:
  - secretbox:
      keys:
      - name: ${uid}
        secret: ${key.toString("base64")}
  - identity: {}
`;

async function makeCa(commonName: string, { notBefore, notAfter }: PkiPlan) {
  const { publicKey, privateKey } = await ecKeyPair();
  const certificate = await signCertificate({
    use: "authority",
    subject: { commonName },
    issuer: { commonName },
    notBefore: new Date(notBefore),
    notAfter: new Date(notAfter),
    publicKey,
    signingKey: privateKey,
  });
  return { certificate, key: pemOf(privateKey), publicKey: publicKeyInfo(publicKey) };
}

/** SEC 1, as kubeadm itself writes EC keys. */
export const pemOf = (key: KeyPairKeyObjectResult["privateKey"]): string => key.export({ type: "sec1", format: "pem" }).toString();
