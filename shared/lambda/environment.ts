import type { Deployment } from "../spec/deployment";

/** A function's settings, as serverless.yml's `custom.environment` writes them. README has the table. */
export interface Environment {
  deployment: Deployment;
  table: string;
  /** What the names of the steps' roles begin with; empty where their permissions are not asked for. */
  stepRoles: string;
  /** Empty in functions that start no machine. */
  createMachineArn: string;
  deleteMachineArn: string;
  /** Where a cluster's end is scheduled; empty in functions that schedule nothing. */
  schedule: { group: string; functionArn: string; roleArn: string };
  /** ARN of the key that signs deletion certificates. */
  certificateKey: string;
  /** So long resources that no record knows are only reported. */
  orphanGraceSeconds: number;
  /** ARNs, trailing `*` allowed, that may touch every cluster. */
  admins: string[];
  slackParameter?: string;
  webhookUrl?: string;
  webhookSecretParameter?: string;
}

const list = (text: string | undefined): string[] => (text ?? "").split(",").map((part) => part.trim()).filter(Boolean);

/** @throws Error naming the variable that is missing or is no number: a deployment's fault, found at start. */
export function readEnvironment(env: NodeJS.ProcessEnv = process.env): Environment {
  const text = (name: string): string => {
    const value = env[name];
    if (!value) throw new Error(`environment variable ${name} is not set`);
    return value;
  };
  const number = (name: string): number => {
    const value = Number(text(name));
    if (!Number.isFinite(value) || value < 0) throw new Error(`environment variable ${name} is not a number: ${env[name]}`);
    return value;
  };
  return {
    deployment: {
      id: text("DEPLOYMENT"),
      region: text("AWS_REGION"),
      accountId: text("ACCOUNT_ID"),
      partition: text("PARTITION"),
      allowedBuckets: list(env["ALLOWED_BUCKETS"]),
      instanceTypes: list(text("INSTANCE_TYPES")),
      imageOwners: list(text("IMAGE_OWNERS")),
      maxNodes: number("MAX_NODES"),
      ttl: { defaultSeconds: number("TTL_DEFAULT_SECONDS"), capSeconds: number("TTL_CAP_SECONDS"), allowNone: env["TTL_ALLOW_NONE"] === "true" },
      ...(env["PERMISSIONS_BOUNDARY"] && { permissionsBoundary: env["PERMISSIONS_BOUNDARY"] }),
      artifacts: { kubernetes: text("ARTIFACTS_KUBERNETES"), github: text("ARTIFACTS_GITHUB"), calico: text("ARTIFACTS_CALICO") },
      cloudProvider: env["CLOUD_PROVIDER"] === "none" ? "none" : "aws",
      proberImage: text("PROBER_IMAGE"),
      probeClientMachineType: text("PROBE_CLIENT_TYPE"),
      waits: {
        poll: number("WAIT_POLL_SECONDS"),
        nodes: number("WAIT_NODES_SECONDS"),
        calico: number("WAIT_CALICO_SECONDS"),
        delete: number("WAIT_DELETE_SECONDS"),
        settle: number("WAIT_SETTLE_SECONDS"),
      },
    },
    table: text("TABLE"),
    stepRoles: env["STEP_ROLES"] ?? "",
    createMachineArn: env["CREATE_MACHINE_ARN"] ?? "",
    deleteMachineArn: env["DELETE_MACHINE_ARN"] ?? "",
    schedule: { group: env["SCHEDULE_GROUP"] ?? "", functionArn: env["EXPIRE_FUNCTION_ARN"] ?? "", roleArn: env["SCHEDULE_ROLE_ARN"] ?? "" },
    certificateKey: env["CERTIFICATE_KEY"] ?? "",
    orphanGraceSeconds: env["ORPHAN_GRACE_SECONDS"] ? number("ORPHAN_GRACE_SECONDS") : 86_400,
    admins: list(env["ADMINS"]),
    ...(env["SLACK_PARAMETER"] && { slackParameter: env["SLACK_PARAMETER"] }),
    ...(env["WEBHOOK_URL"] && { webhookUrl: env["WEBHOOK_URL"] }),
    ...(env["WEBHOOK_SECRET_PARAMETER"] && { webhookSecretParameter: env["WEBHOOK_SECRET_PARAMETER"] }),
  };
}
