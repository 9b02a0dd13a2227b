import type { EC2Client } from "@aws-sdk/client-ec2";
import { GetObjectCommand, type S3Client, paginateListObjectsV2 } from "@aws-sdk/client-s3";
import { codeOf } from "../aws/translate";
import type { ClusterPlan } from "../plan/cluster-plan";
import type { LedgerEntry } from "../registry/cluster-record";
import { parseBeaconKey } from "./beacon";
import { readConsole } from "./console";
import { redact, redactAll } from "./redact";

/** What one machine told and printed. */
export interface MachineDiagnostics {
  instanceId?: string;
  /** Bodies by their name, such as `03-artifacts.json`. */
  beacons: Record<string, unknown>;
  /** Text; absent where it could not be had. */
  console?: string;
}

/** What the machines of a cluster told and printed up to one moment, secrets removed. */
export interface Diagnostics {
  /** RFC 3339. */
  collectedAt: string;
  machines: Record<string, MachineDiagnostics>;
  /** Newest evidence by the instance that wrote it: `<id>-data-plane`, `<id>-audit`. */
  evidence: Record<string, unknown>;
  /** What could not be read, and AWS's code for why. */
  unread: { what: string; why: string }[];
}

/** A beacon holds 40 lines and evidence some 10 KB a node; more than this is no text of ours. */
const OBJECT_BYTES = 256 * 1024;

/**
 * Reads everything that can be read now and never throws: what cannot be had, or not within the signal's time, is listed in `unread`.
 * Objects of instances that are not in the ledger are left out.
 */
export async function collectDiagnostics(
  { s3, ec2 }: { s3: S3Client; ec2: EC2Client },
  plan: Pick<ClusterPlan, "bucket" | "accountId">,
  ledger: Record<string, LedgerEntry>,
  { now, signal }: { now: Date; signal: AbortSignal },
): Promise<Diagnostics> {
  const found: Diagnostics = { collectedAt: now.toISOString(), machines: {}, evidence: {}, unread: [] };
  const reading = async <T>(what: string, read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      found.unread.push({ what, why: codeOf(error) });
      return undefined;
    }
  };
  const byInstance = new Map<string, MachineDiagnostics>();
  for (const [key, { kind, id }] of Object.entries(ledger)) {
    if (kind !== "instance") continue;
    const machine: MachineDiagnostics = { ...(id && { instanceId: id }), beacons: {} };
    found.machines[key.slice("instance/".length)] = machine;
    if (id) byInstance.set(id, machine);
  }
  const object = async (Key: string): Promise<unknown> => {
    const { Body } = await s3.send(
      new GetObjectCommand({ Bucket: plan.bucket.name, Key, ExpectedBucketOwner: plan.accountId, Range: `bytes=0-${OBJECT_BYTES - 1}` }),
      { abortSignal: signal },
    );
    return parsed((await Body?.transformToString()) ?? "");
  };
  const consoles = [...byInstance].map(([id, machine]) =>
    reading(`console of ${id}`, async () => {
      machine.console = redact(await readConsole(ec2, id, signal));
    }),
  );
  const objects = ["beacons/", "evidence/"].map((folder) =>
    reading(folder, async () => {
      const keys = await listKeys(s3, plan, folder, signal);
      await Promise.all(
        keys.map((key) => {
          const beacon = parseBeaconKey(key);
          const writer = beacon?.instanceId ?? /\/evidence\/[^/:]+:([^/]+)\/(?:latest|audit)\.json$/.exec(key)?.[1];
          const machine = writer && byInstance.get(writer);
          if (!machine) return undefined;
          return reading(key, async () => {
            if (beacon) machine.beacons[beacon.name] = redactAll(await object(key));
            else found.evidence[`${writer}-${key.endsWith("/audit.json") ? "audit" : "data-plane"}`] = redactAll(await object(key));
          });
        }),
      );
    }),
  );
  await Promise.all([...consoles, ...objects]);
  return found;
}

async function listKeys(s3: S3Client, { bucket, accountId }: Pick<ClusterPlan, "bucket" | "accountId">, folder: string, signal: AbortSignal): Promise<string[]> {
  const keys: string[] = [];
  const input = { Bucket: bucket.name, Prefix: `${bucket.prefix}${folder}`, ExpectedBucketOwner: accountId };
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, input, { abortSignal: signal }))
    keys.push(...Contents.flatMap(({ Key }) => Key ?? []));
  return keys;
}

/** What is no JSON is kept as the text it is. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
