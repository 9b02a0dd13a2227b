import { InvalidManifest, type Problem } from "../errors";
import type { CreateOptions, Deployment, Waits } from "../spec/deployment";
import type { Manifest } from "../spec/manifest";
import { matchesAny } from "../spec/patterns";
import { addressPool } from "./addresses";
import type { BucketPlan, ClusterPlan, KeypairPlan, PkiPlan } from "./cluster-plan";
import { keypairName, objectPrefix } from "./names";
import { planElb } from "./plan-elb";
import { planIam } from "./plan-iam";
import { planInstances, planProbeClient } from "./plan-instances";
import { planKubernetes } from "./plan-kubernetes";
import { planNetwork } from "./plan-network";
import { clusterTags, rfc3339 } from "./tags";

/** What a plan needs beside the manifest: everything that the clock, chance, AWS or the caller decides. */
export interface PlanRequest {
  now: Date;
  /** At most 10 characters of `[a-z0-9]`: it is part of names with limits. */
  uid: string;
  /** Proves that evidence belongs to this run. */
  nonce: string;
  /** ARN of who asked. */
  owner: string;
  deployment: Deployment;
  options: CreateOptions;
  /** By image as the manifest writes it. */
  images: Record<string, { imageId: string; rootDevice: string }>;
  warnings: Problem[];
}

const HOUR = 3600;
/** Seconds for the steps before the first wait, their retries included; they need about one minute. */
const CREATE_BUDGET = HOUR / 2;
/** A node whose clock is behind must not see a certificate of the future. */
const BACKDATED = HOUR;
/** As kubeadm's own CAs: a held cluster has no planned end, and the CA must outlive the leaves (one year) that it signs until then. */
const CA_LIFETIME = 10 * 365 * 24 * HOUR;

/**
 * Every name, tag, CIDR, address, rule, policy and machine of one cluster. Pure: the same request gives the same plan.
 * @throws InvalidManifest where the groups lack a control plane or a worker, or an address is not to be had
 * @throws ImageNotFound where `images` lacks one of the manifest's
 */
export function planCluster(manifest: Manifest, request: PlanRequest): ClusterPlan {
  const { now, uid, nonce, owner, deployment, options, images, warnings } = request;
  const deadline = later(now, createSeconds(deployment.waits));
  const tags = clusterTags(manifest, { uid, deployment: deployment.id, owner, expiresAt: later(deadline, deployment.ttl.capSeconds) });
  const bucket = planBucket(manifest, uid, deployment.allowedBuckets);
  const { allowContainerRegistry, name } = manifest;
  const scope = { manifest, uid, tags, images, addresses: addressPool(manifest.subnets) };
  const instances = planInstances(scope);
  const probeClient = planProbeClient(scope, deployment.probeClientMachineType, firstWorker(instances));
  return {
    version: 1,
    name,
    uid,
    region: manifest.region,
    accountId: deployment.accountId,
    partition: deployment.partition,
    deployment: deployment.id,
    owner,
    createdAt: rfc3339(now),
    ttlSeconds: options.ttlSeconds,
    onFailure: options.onFailure,
    kubernetesVersion: manifest.kubernetesVersion,
    containerRuntime: manifest.containerRuntime,
    waits: deployment.waits,
    tags,
    bucket,
    keypair: planKeypair(manifest, uid),
    network: planNetwork(manifest, tags),
    iam: planIam({ cluster: name, uid, partition: deployment.partition, bucket: bucket.name, allowContainerRegistry }, deployment),
    pki: planPki(uid, now, deadline),
    instances,
    probeClient,
    elb: planElb(manifest, uid, tags),
    kubernetes: planKubernetes(manifest, deployment, { nonce, instances, probeClient }),
    warnings,
  };
}

/** Seconds from the POST until a create has ended, well or not. */
const createSeconds = ({ nodes, calico }: Waits): number => CREATE_BUDGET + nodes + calico;

const later = (time: Date, seconds: number): Date => new Date(time.getTime() + seconds * 1000);

function planBucket({ name, configBase: { bucket } }: Manifest, uid: string, allowedBuckets: string[]): BucketPlan {
  return { name: bucket, kopsPrefix: `${name}/`, prefix: objectPrefix(uid), mayExist: matchesAny(allowedBuckets, bucket) };
}

function planKeypair({ name, sshPublicKey }: Manifest, uid: string): KeypairPlan {
  const privateKeyObject = `${objectPrefix(uid)}ssh/id_ed25519`;
  return { name: keypairName(name, uid), ...(sshPublicKey && { publicKey: sshPublicKey }), privateKeyObject };
}

/** The token outlives the create by an hour, for a node whose last try comes late; revoke-bootstrap ends it before. */
function planPki(uid: string, now: Date, deadline: Date): PkiPlan {
  const prefix = objectPrefix(uid);
  return {
    notBefore: rfc3339(later(now, -BACKDATED)),
    notAfter: rfc3339(later(now, CA_LIFETIME)),
    tokenExpiry: rfc3339(later(deadline, HOUR)),
    controlPlaneObject: `${prefix}pki/control-plane.json`,
    joinObject: `${prefix}join/node.json`,
    accessObject: `${prefix}bootstrap-access.json`,
  };
}

/** The worker beside which the probe client stands. The reader of manifests has refused the rest; a plan without them has no meaning. */
function firstWorker(instances: ClusterPlan["instances"]): ClusterPlan["probeClient"] {
  const worker = instances.find(({ role }) => role === "node");
  const problems: Problem[] = [];
  if (!worker || !instances.some(({ role }) => role === "control-plane"))
    problems.push({ path: "", message: "needs an InstanceGroup of role ControlPlane and one of role Node, each with minSize 1 or more" });
  if (instances.some(({ group }) => group === "probe-client"))
    problems.push({ path: "metadata.name", message: "probe-client is the name of the machine that probes NodePorts: choose another" });
  if (!worker || problems.length) throw new InvalidManifest(problems);
  return worker;
}
