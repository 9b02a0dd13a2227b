import { sign } from "node:crypto";

/** The service's word on who may join the cluster; the newest counts. Closed where nothing is open: no bootstrap token is left then. */
export interface BootstrapAccess {
  uid: string;
  nonce: string;
  /** RFC 3339: a control plane acts on no word that is not newer than the last. */
  at: string;
  open?: OpenAccess;
}

export interface OpenAccess {
  /** The one bootstrap token that there is then. */
  token: string;
  /** RFC 3339: when the token ends; a word that is heard after it is left alone. */
  expires: string;
  /** Names of Nodes whose machines were ended. One that was registered after `at` is another machine's and stays. */
  ended: string[];
}

/** `bootstrap-access.json`, which control planes verify with the cluster's `ca.crt`. Secret while it is open. */
export interface AccessMarker {
  /** A `BootstrapAccess`: the exact text that was signed. */
  document: string;
  /** Base64 of the CA key's ECDSA signature with SHA-256 in DER, as `openssl dgst -sha256 -verify` takes it. */
  signature: string;
}

export function signAccess(caKeyPem: string, access: BootstrapAccess): AccessMarker {
  const document = JSON.stringify(access);
  return { document, signature: sign("sha256", Buffer.from(document), caKeyPem).toString("base64") };
}
