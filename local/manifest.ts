import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";

export interface LocalManifest {
  text: string;
  cluster: string;
  bucket: string;
}

export function readManifest(path: string): LocalManifest {
  const text = readFileSync(path, "utf8");
  const documents = parseAllDocuments(text).map((document) => document.toJS() as { kind?: string; metadata?: { name?: string }; spec?: { configBase?: string } });
  const cluster = documents.find(({ kind }) => kind === "Cluster");
  const name = cluster?.metadata?.name;
  const bucket = /^s3:\/\/([^/]+)/.exec(cluster?.spec?.configBase ?? "")?.[1];
  if (!name || !bucket) throw new Error(`${path} has no Cluster with a name and a configBase of s3://bucket/…`);
  return { text, cluster: name, bucket };
}

/** The same cluster under another name and in a bucket of its own, so that several can live side by side. */
export function renamed({ text, cluster, bucket }: LocalManifest, label: string): LocalManifest {
  const own = { cluster: `${label}.k8s.local`, bucket: `${bucket}-${label}` };
  return { text: text.replaceAll(cluster, own.cluster).replaceAll(bucket, own.bucket), ...own };
}
