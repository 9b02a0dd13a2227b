import { parseAllDocuments, stringify } from "yaml";

/** A manifest with so many nodes and so many labels, each as long as AWS allows. */
export function manifestWith(seed: string, { nodes, labels }: { nodes: number; labels: number }): string {
  const documents = parseAllDocuments(seed).map((document) => document.toJS());
  const cloudLabels = Object.fromEntries(Array.from({ length: labels }, (_, at) => [`label-${at}`.padEnd(128, "x"), "ネ".repeat(256)]));
  for (const { kind, spec } of documents) {
    if (kind === "Cluster") spec.cloudLabels = cloudLabels;
    if (kind === "InstanceGroup" && spec.role === "Node") Object.assign(spec, { minSize: nodes, maxSize: nodes });
  }
  return documents.map((document) => stringify(document)).join("---\n");
}
