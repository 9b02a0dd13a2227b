import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";

export interface LocalManifest {
  text: string;
  cluster: string;
  bucket: string;
  kubernetesVersion: string;
}

export function readManifest(path: string): LocalManifest {
  const text = readFileSync(path, "utf8");
  const documents = parseAllDocuments(text).map((document) => document.toJS() as { kind?: string; metadata?: { name?: string }; spec?: { configBase?: string; kubernetesVersion?: string } });
  const cluster = documents.find(({ kind }) => kind === "Cluster");
  const name = cluster?.metadata?.name;
  const bucket = /^s3:\/\/([^/]+)/.exec(cluster?.spec?.configBase ?? "")?.[1];
  const kubernetesVersion = cluster?.spec?.kubernetesVersion;
  if (!name || !bucket || !kubernetesVersion) throw new Error(`${path} has no Cluster with a name, a configBase of s3://bucket/… and a kubernetesVersion`);
  return { text, cluster: name, bucket, kubernetesVersion };
}

/** The same cluster under another name and in a bucket of its own, so that several can live side by side. */
export function renamed({ text, cluster, bucket, kubernetesVersion }: LocalManifest, label: string): LocalManifest {
  const own = { cluster: `${label}.k8s.local`, bucket: `${bucket}-${label}` };
  return { text: text.replaceAll(cluster, own.cluster).replaceAll(bucket, own.bucket), ...own, kubernetesVersion };
}

/** The same cluster at the patch of its minor that is among `releases`; as it is where none is. */
export function atRelease(manifest: LocalManifest, releases: string[]): LocalManifest {
  const minor = /^\d+\.\d+\./.exec(manifest.kubernetesVersion)?.[0] ?? "";
  const kubernetesVersion = releases.find((release) => release.startsWith(minor)) ?? manifest.kubernetesVersion;
  return { ...manifest, kubernetesVersion, text: manifest.text.replace(`kubernetesVersion: ${manifest.kubernetesVersion}`, `kubernetesVersion: ${kubernetesVersion}`) };
}
