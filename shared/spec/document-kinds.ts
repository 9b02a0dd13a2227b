import { either, type Findings } from "./findings";
import { isMapping, type Mapping } from "./mapping";
import { nearest } from "./nearest";

const KINDS = ["Cluster", "InstanceGroup", "SSHCredential"] as const;
type Kind = (typeof KINDS)[number];

export interface NamedDocument {
  kind: Kind;
  name: string;
  /** Stands before the paths of its problems: "" for the Cluster. */
  place: string;
  document: Mapping;
}

/** Sorts documents by kind and refuses what is not ours to read, what is there twice and what belongs to another cluster. */
export function sortDocuments(documents: Mapping[], found: Findings): NamedDocument[] {
  const named = documents.flatMap((document, index) => identify(document, index, found) ?? []);
  const clusters = named.filter(({ kind }) => kind === "Cluster");
  if (clusters.length === 0) found.refuse("Cluster", "a document of kind Cluster is required");
  if (clusters.length > 1) found.refuse("Cluster", `must be there once, not ${clusters.length} times: post one cluster at a time`);
  if (named.filter(({ kind }) => kind === "SSHCredential").length > 1)
    found.refuse("SSHCredential", "must be there once: EC2 gives an instance one key");
  checkTwins(
    named.filter(({ kind }) => kind === "InstanceGroup"),
    found,
  );
  if (clusters[0]) for (const one of named) if (one.kind !== "Cluster") checkOwner(one, clusters[0].name, found);
  return named;
}

function identify(document: Mapping, index: number, found: Findings): NamedDocument | undefined {
  const at = `documents[${index}]`;
  const { apiVersion, kind, metadata } = document;
  // kOps wrote `kops/v1alpha2` until 1.18 and still reads it.
  if (apiVersion !== "kops.k8s.io/v1alpha2" && apiVersion !== "kops/v1alpha2")
    return found.refuse(`${at}.apiVersion`, "must be kops.k8s.io/v1alpha2");
  const known = KINDS.find((name) => name === kind);
  const meant = typeof kind === "string" ? nearest(kind, KINDS) : undefined;
  if (!known) return found.refuse(`${at}.kind`, `must be ${either(KINDS)}${meant ? `; did you mean ${meant}?` : ""}`);
  const name = isMapping(metadata) && typeof metadata["name"] === "string" ? metadata["name"] : "";
  if (name === "" && known === "InstanceGroup") found.missing(`${at}.metadata.name`, "is required, such as nodes-us-east-1a");
  return { kind: known, name, place: known === "Cluster" ? "" : name ? `${known}/${name.slice(0, 64)}` : at, document };
}

function checkTwins(groups: NamedDocument[], found: Findings): void {
  groups.forEach(({ name, place }, index) => {
    if (name && groups.findIndex((other) => other.name === name) < index)
      found.refuse(place, "is there twice: two InstanceGroups have this name");
  });
}

function checkOwner({ kind, place, document }: NamedDocument, cluster: string, found: Findings): void {
  const labels = isMapping(document["metadata"]) ? document["metadata"]["labels"] : undefined;
  const owner = isMapping(labels) ? labels["kops.k8s.io/cluster"] : undefined;
  const path = `${place}.metadata.labels[kops.k8s.io/cluster]`;
  if (owner === undefined && kind === "InstanceGroup") found.missing(path, `is required: the cluster's name, ${cluster}`);
  else if (owner !== undefined && owner !== cluster) found.refuse(path, `must be the Cluster's name, ${cluster}`);
}
