import { stringify } from "yaml";
import type { ClusterPlan } from "./cluster-plan";

type Document = Record<string, unknown>;

/** Keys sorted, sequences flush, quoted as a YAML 1.1 reader needs it (`"on"`, `"2026-01-01T00:00:00Z"`): so kOps' Go writes and reads. */
const KOPS_STYLE = { version: "1.1", sortMapEntries: true, indentSeq: false, lineWidth: 0, aliasDuplicateObjects: false } as const;

/**
 * Bodies by object key: `<cluster>/config` and `<cluster>/instancegroup/<name>` as `kops create` stores them, and the documents
 * as they were sent, outside kOps' prefix. `kops delete cluster` refuses a store with files it does not know, and SSHCredentials
 * it keeps in another form, so those are not among kOps' files. https://kops.sigs.k8s.io/state/
 */
export function stateStoreDocuments(plan: ClusterPlan, documents: Document[]): Record<string, string> {
  const ofKind = (kind: string) => documents.filter((document) => document["kind"] === kind);
  const clusters = ofKind("Cluster").map((document) => [`${plan.bucket.kopsPrefix}config`, clusterConfig(plan, document)]);
  const groups = ofKind("InstanceGroup").map((document) => [
    `${plan.bucket.kopsPrefix}instancegroup/${String(part(document, "metadata")["name"])}`,
    instanceGroup(plan, document),
  ]);
  return {
    ...Object.fromEntries([...clusters, ...groups]),
    [`${plan.bucket.prefix}manifest.yaml`]: documents.map((document) => stringify(document, { lineWidth: 0 })).join("---\n"),
  };
}

/** `configBase` says where the store really is: the POST may have named another bucket. */
function clusterConfig(plan: ClusterPlan, document: Document): string {
  const configBase = `s3://${plan.bucket.name}/${plan.name}`;
  return stored(plan, { ...document, spec: { ...part(document, "spec"), configBase } });
}

function instanceGroup(plan: ClusterPlan, document: Document): string {
  const metadata = part(document, "metadata");
  const labels = { ...part(metadata, "labels"), "kops.k8s.io/cluster": plan.name };
  return stored(plan, { ...document, metadata: { ...metadata, labels } });
}

function stored(plan: ClusterPlan, document: Document): string {
  const metadata = part(document, "metadata");
  const creationTimestamp = metadata["creationTimestamp"] ?? plan.createdAt;
  return stringify({ ...document, metadata: { ...metadata, creationTimestamp } }, KOPS_STYLE);
}

const part = (document: Document, key: string): Document => (document[key] as Document | undefined) ?? {};
