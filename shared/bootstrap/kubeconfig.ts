import { X509Certificate, createPrivateKey } from "node:crypto";
import { signCertificate } from "./certificate";
import { CLUSTER_CA, type ControlPlaneMaterial, ecKeyPair, pemOf } from "./pki";

export interface KubeconfigRequest {
  cluster: string;
  /** `https://…`. */
  server: string;
  /** The name that the API server's certificate carries, when `server` is another. */
  tlsServerName: string;
  /** Who asks: the certificate's common name, cut to X.509's 64 characters. */
  user: string;
  /** A group bound to cluster-admin, which can be unbound. */
  group: string;
  notBefore: Date;
  /** Not past the CA's own end. */
  notAfter: Date;
}

/**
 * A kubeconfig of its own key and client certificate, signed by the cluster's CA. Its first line and its extension `clowder`
 * say when it ends. It is secret: answer it, never keep or log it.
 */
export async function mintKubeconfig(
  { files }: ControlPlaneMaterial,
  { cluster, server, tlsServerName, user, group, notBefore, notAfter }: KubeconfigRequest,
): Promise<string> {
  const caEnds = new Date(new X509Certificate(files["ca.crt"]).validTo);
  const ends = notAfter < caEnds ? notAfter : caEnds;
  const { publicKey, privateKey } = await ecKeyPair();
  const certificate = await signCertificate({
    use: "client",
    subject: { commonName: commonName(user), organization: group },
    issuer: { commonName: CLUSTER_CA },
    notBefore,
    notAfter: ends,
    publicKey,
    signingKey: createPrivateKey(files["ca.key"]),
  });
  const expires = ends.toISOString().replace(/\.\d+Z$/, "Z");
  const name = JSON.stringify(cluster);
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  return `# expires ${expires}
apiVersion: v1
kind: Config
current-context: ${name}
clusters:
- name: ${name}
  cluster:
    server: ${JSON.stringify(server)}
    tls-server-name: ${JSON.stringify(tlsServerName)}
    certificate-authority-data: ${base64(files["ca.crt"])}
contexts:
- name: ${name}
  context:
    cluster: ${name}
    user: ${name}
users:
- name: ${name}
  user:
    client-certificate-data: ${base64(certificate)}
    client-key-data: ${base64(pemOf(privateKey))}
    extensions:
    - name: clowder
      extension:
        expires: "${expires}"
`;
}

/** Kubernetes binds roles to users named `system:…`: no caller may be one of them. */
const commonName = (user: string): string => [...user.replace(/^system:/, "clowder:system:")].slice(0, 64).join("");
