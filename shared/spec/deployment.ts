/** What this deployment allows and how it waits. Read from the environment once (`shared/lambda/environment.ts`). */
export interface Deployment {
  /** Tells apart several deployments in one account; part of tags and IAM paths. Lower-case, at most 16. */
  id: string;
  region: string;
  accountId: string;
  partition: string;
  /** Existing buckets, by exact name or trailing `*`, that a manifest may name. New names are always free to take. */
  allowedBuckets: string[];
  /** Instance types a manifest may ask for; trailing `*` allowed. */
  instanceTypes: string[];
  /** Account ids or aliases whose images may be booted. */
  imageOwners: string[];
  maxNodes: number;
  ttl: { defaultSeconds: number; capSeconds: number; allowNone: boolean };
  permissionsBoundary?: string;
  /** Where node binaries and Calico's manifest come from: a folder-like URL for each set. */
  artifacts: { kubernetes: string; github: string; calico: string };
  /** `none` where no controller could reach AWS: then nodes are registered as on bare metal. */
  cloudProvider: "aws" | "none";
  proberImage: string;
  probeClientMachineType: string;
  waits: Waits;
}

/** Seconds. `poll` between two looks; the others are deadlines counted from the first look. */
export interface Waits {
  poll: number;
  nodes: number;
  calico: number;
  delete: number;
  /** Between the two last looks of a delete: the longest step time-out. */
  settle: number;
}

/** What the caller asks beside the manifest, in the query string. */
export interface CreateOptions {
  dryRun: boolean;
  configBase?: string;
  substituteImage: boolean;
  ttlSeconds: number | "none";
  onFailure: "delete" | "keep";
}
