import { InvalidManifest, type Problem } from "../errors";
import { readCalico, warnOfDistantNodes } from "./calico-rules";
import { clusterFields } from "./cluster-fields";
import * as rules from "./cluster-rules";
import type { CreateOptions, Deployment } from "./deployment";
import { type NamedDocument, sortDocuments } from "./document-kinds";
import { checkEtcd } from "./etcd-rules";
import { type FieldTable, judgeFields } from "./field-table";
import { type Findings, newFindings } from "./findings";
import { documentFields, instanceGroupFields, sshCredentialFields } from "./instance-group-fields";
import { readInstanceGroup } from "./instance-group-rules";
import { readCloudLabels } from "./labels";
import type { InstanceGroup, Manifest } from "./manifest";
import { readAccess, readNetwork } from "./network-rules";
import { checkNodeCount } from "./node-count";
import { checkProfile } from "./profile-rules";
import { readDocuments } from "./read-documents";
import { clusterShape, instanceGroupShape, readShape, sshCredentialShape } from "./shapes";
import { readSshPublicKey } from "./ssh-public-key";

const FIELDS: Record<NamedDocument["kind"], FieldTable> = {
  Cluster: documentFields(clusterFields),
  InstanceGroup: documentFields(instanceGroupFields),
  SSHCredential: documentFields(sshCredentialFields),
};

/**
 * Reads a kOps manifest. Every field is honoured, or named in `warnings` as without effect, or refused.
 * Paths: `spec.…` for the Cluster, `InstanceGroup/<name>.spec.…` and `SSHCredential/<name>.spec.…` for the others, `?configBase`.
 * @throws InvalidManifest with every problem of every document; BodyTooLarge, UnreadableBody from `readDocuments`
 */
export function readManifest(
  body: string,
  deployment: Deployment,
  options: Pick<CreateOptions, "configBase">,
): { manifest: Manifest; warnings: Problem[] } {
  const found = newFindings();
  const documents = sortDocuments(readDocuments(body), found);
  for (const { kind, place, document } of documents) judgeFields(FIELDS[kind], document, place, found);
  const cluster = documents.find(({ kind }) => kind === "Cluster");
  const manifest = cluster
    ? readCluster(cluster, documents, deployment, options, found)
    : void readGroups(documents, undefined, deployment, found);
  if (!manifest || found.problems.length > 0) throw new InvalidManifest(found.problems);
  return { manifest, warnings: found.warnings };
}

function readCluster(
  cluster: NamedDocument,
  documents: NamedDocument[],
  deployment: Deployment,
  options: Pick<CreateOptions, "configBase">,
  found: Findings,
): Manifest {
  const shape = readShape(clusterShape, cluster.document, (path) => path, found);
  const spec = shape.spec ?? {};
  const name = rules.readName(shape.metadata?.name, found);
  const { version, profile } = rules.readVersion(spec, found);
  const network = readNetwork(spec, deployment.region, found);
  const instanceGroups = readGroups(
    documents,
    network.subnets.map((subnet) => subnet.name),
    deployment,
    found,
  );
  checkNodeCount(instanceGroups, network.subnets, deployment, found);
  checkProfile(profile, instanceGroups, deployment, found);
  checkEtcd(spec, instanceGroups, found);
  rules.checkAccess(spec, deployment, found);
  const calico = readCalico(spec, profile, found);
  warnOfDistantNodes(calico, instanceGroups, found);
  const sshPublicKey = readKey(documents, found);
  return {
    name,
    region: deployment.region,
    kubernetesVersion: version,
    containerRuntime: rules.readRuntime(spec, profile, found),
    configBase: rules.readConfigBase(spec, name, options, found),
    ...(sshPublicKey && { sshPublicKey }),
    cloudLabels: readCloudLabels(spec.cloudLabels, "spec.cloudLabels", found),
    ...network,
    clusterDomain: rules.readClusterDomain(spec, found),
    kubernetesApiAccess: readAccess(spec.kubernetesApiAccess, "spec.kubernetesApiAccess", found),
    sshAccess: readAccess(spec.sshAccess, "spec.sshAccess", found),
    nodePortAccess: readAccess(spec.nodePortAccess, "spec.nodePortAccess", found),
    masterPublicName: rules.readPublicName(spec, name, found),
    loadBalancer: rules.readLoadBalancer(spec, found),
    ebs: { csiDriver: spec.cloudConfig?.awsEBSCSIDriver?.enabled ?? true, storageClass: spec.cloudConfig?.manageStorageClasses ?? true },
    metricsServer: spec.metricsServer?.enabled ?? false,
    encryptSecrets: spec.encryptionConfig ?? false,
    allowContainerRegistry: spec.iam?.allowContainerRegistry ?? false,
    kubelet: { anonymousAuth: spec.kubelet?.anonymousAuth ?? false },
    calico,
    instanceGroups,
    documents: [cluster, ...documents.filter((other) => other !== cluster)].map(({ document }) => document),
  };
}

function readGroups(documents: NamedDocument[], subnets: string[] | undefined, deployment: Deployment, found: Findings): InstanceGroup[] {
  return documents
    .filter(({ kind }) => kind === "InstanceGroup")
    .map(({ name, place, document }) => {
      const shape = readShape(instanceGroupShape, document, (path) => `${place}.${path}`, found);
      return readInstanceGroup(name, shape.spec ?? {}, place, subnets, deployment, found);
    });
}

function readKey(documents: NamedDocument[], found: Findings): string | undefined {
  const credential = documents.find(({ kind }) => kind === "SSHCredential");
  if (!credential) return undefined;
  const shape = readShape(sshCredentialShape, credential.document, (path) => `${credential.place}.${path}`, found);
  const path = `${credential.place}.spec.publicKey`;
  const text = shape.spec?.publicKey;
  if (!text) return found.missing(path, "is required: the public half of an SSH key; leave the document out to have a pair made");
  const read = readSshPublicKey(text);
  return "key" in read ? read.key : found.refuse(path, read.problem);
}
