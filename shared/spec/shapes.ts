import * as z from "zod";
import { either, type Findings } from "./findings";
import { isMapping } from "./mapping";

const text = z.string().optional();
const texts = z.array(text).optional();
const record = z.record(z.string(), z.string()).optional();
const flag = z.boolean().optional();
const choice = <const T extends readonly string[]>(...values: T) => z.enum(values).optional();
const group = <T extends z.ZodRawShape>(fields: T) => z.object(fields).optional();
const whole = (least: number, most: number) => {
  const wrong = `must be a whole number from ${least} to ${most}`;
  return z.int(wrong).min(least, wrong).max(most, wrong).optional();
};
const srcDstCheck = choice("Enable", "Disable", "DoNothing");

const calico = group({
  version: text,
  awsSrcDstCheck: srcDstCheck,
  bpfEnabled: flag,
  bpfExternalServiceMode: choice("Tunnel", "DSR"),
  bpfLogLevel: choice("Off", "Info", "Debug"),
  encapsulationMode: text,
  ipipMode: choice("Always", "CrossSubnet", "Never"),
  vxlanMode: choice("Always", "CrossSubnet", "Never"),
  mtu: whole(576, 8951),
  logSeverityScreen: text,
});

const clusterSpec = z.object({
  configBase: text,
  kubernetesVersion: z.string('must be a string such as "1.34.8", in quotes where YAML would read a number').optional(),
  containerRuntime: choice("docker", "containerd"),
  masterPublicName: text,
  masterInternalName: text,
  networkCIDR: text,
  nonMasqueradeCIDR: text,
  podCIDR: text,
  serviceClusterIPRange: text,
  clusterDNSDomain: text,
  sshAccess: texts,
  kubernetesApiAccess: texts,
  nodePortAccess: texts,
  subnets: z.array(group({ name: text, zone: text, cidr: text })).optional(),
  cloudLabels: record,
  kubelet: group({ anonymousAuth: flag }),
  kubeProxy: group({ enabled: flag }),
  iam: group({ allowContainerRegistry: flag, permissionsBoundary: text }),
  authorization: group({ rbac: z.unknown().optional(), alwaysAllow: z.unknown().optional() }),
  api: group({
    loadBalancer: group({
      class: choice("Classic", "Network"),
      type: choice("Public", "Internal"),
      // EC2 takes 1 to 4,000 for a Classic one; kOps stops at 3,600.
      idleTimeoutSeconds: whole(1, 3600),
    }),
  }),
  cloudConfig: group({ awsEBSCSIDriver: group({ enabled: flag }), manageStorageClasses: flag }),
  metricsServer: group({ enabled: flag }),
  encryptionConfig: flag,
  etcdClusters: z.array(group({ name: text, etcdMembers: z.array(group({ name: text, instanceGroup: text })).optional() })).optional(),
  topology: group({ dns: group({ type: choice("Public", "Private", "None") }) }),
  networking: group({ calico }),
});

const instanceGroupSpec = z.object({
  role: text,
  image: text,
  machineType: text,
  minSize: whole(0, 1000),
  maxSize: whole(0, 1000),
  subnets: texts,
  nodeLabels: record,
  taints: texts,
  cloudLabels: record,
  // From the smallest image's snapshot to the largest gp2 or gp3 volume.
  rootVolumeSize: whole(8, 16384),
  rootVolumeType: z.enum(["gp2", "gp3"], "must be gp2 or gp3").optional(),
  rootVolumeIops: whole(3000, 16000),
});

const metadata = group({ name: text, labels: record });

export const clusterShape = z.object({ metadata, spec: clusterSpec.optional() });
export const instanceGroupShape = z.object({ metadata, spec: instanceGroupSpec.optional() });
export const sshCredentialShape = z.object({ metadata, spec: group({ publicKey: text }) });

export type ClusterSpec = z.infer<typeof clusterSpec>;
export type InstanceGroupSpec = z.infer<typeof instanceGroupSpec>;

/**
 * Reads the fields that are honoured. What has the wrong type is named and left out, so that the rules can look at the rest;
 * they take everything as optional and say themselves what must be there.
 */
export function readShape<T extends z.ZodType>(shape: T, document: unknown, place: (path: string) => string, found: Findings): z.infer<T> {
  const value = withoutNulls(document);
  const read = shape.safeParse(value, { error: describe });
  if (read.success) return read.data;
  for (const { path, message } of read.error.issues) {
    found.refuse(place(dotted(path)), message);
    leaveOut(value, path);
  }
  return shape.parse(value);
}

const NOUNS: Record<string, string> = {
  object: "a mapping",
  record: "a mapping",
  array: "a list",
  string: "a string",
  boolean: "true or false",
};

function describe(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === "invalid_type") return `must be ${NOUNS[issue.expected] ?? issue.expected}`;
  if (issue.code === "invalid_value") return `must be ${either(issue.values)}`;
  return undefined;
}

const dotted = (path: PropertyKey[]): string =>
  path.reduce<string>(
    (sum, part) => (typeof part === "number" ? `${sum}[${part}]` : sum === "" ? String(part) : `${sum}.${String(part)}`),
    "",
  );

/** `key:` without a value is an absent field to kOps; a null in a list stays, to be refused. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([key, child]) => (child === null ? [] : [[key, withoutNulls(child)]])));
}

function leaveOut(value: unknown, path: PropertyKey[]): void {
  const parent = path.slice(0, -1).reduce<unknown>((inner, part) => (inner as Record<PropertyKey, unknown> | undefined)?.[part], value);
  const last = path.at(-1)!;
  if (Array.isArray(parent)) parent[last as number] = undefined;
  else if (parent) delete (parent as Record<PropertyKey, unknown>)[last];
}
