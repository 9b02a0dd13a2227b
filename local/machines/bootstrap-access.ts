import { X509Certificate, verify } from "node:crypto";
import type { AccessMarker, BootstrapAccess } from "../../shared/bootstrap/access-marker";
import type { Neighbours } from "./machine";

/** What a control plane holds a word against: its own cluster's, and when the last one was said that it acted on. */
export interface Heard {
  uid: string;
  caCertificate: string;
  last: string;
}

/**
 * Plays what `bootstrap-access.py` does with the service's word, with the same refusals. Answers when the word was said that now counts.
 * @throws Error for a word that a real control plane leaves alone
 */
export function heed({ document, signature }: AccessMarker, { uid, caCertificate, last }: Heard, cluster: Neighbours, now: Date): string {
  const { publicKey } = new X509Certificate(caCertificate);
  if (!verify("sha256", Buffer.from(document), publicKey, Buffer.from(signature, "base64"))) throw new Error("a word on the bootstrap that the CA has not signed");
  const { at, open, uid: whose } = JSON.parse(document) as BootstrapAccess;
  if (whose !== uid) throw new Error(`a word on the bootstrap of ${whose}`);
  if (at === last) return last;
  if (at < last) throw new Error(`a word on the bootstrap of ${at}, older than ${last}`);
  if (open && Date.parse(open.expires) <= now.getTime()) throw new Error(`an opening of the bootstrap that ended at ${open.expires}`);
  cluster.tokens = open ? [open.token] : [];
  cluster.collecting = open !== undefined;
  if (open) cluster.nodes = cluster.nodes.filter(({ name, since }) => !open.ended.includes(name) || since >= at);
  return at;
}
