import { memoryLedger } from "../../memory-ledger";

export const cluster = "demo.k8s.local";
export const uid = "abcdefghij";
export const ownedTag = { Key: `kubernetes.io/cluster/${cluster}`, Value: "owned" };
export const sharedTag = { Key: `kubernetes.io/cluster/${cluster}`, Value: "shared" };
export const uidTag = { Key: "clowder:uid", Value: uid };

/** A cluster whose VPC is `vpc-1`. */
export function target(entries: Record<string, string> = { "vpc/main": "vpc-1" }) {
  const ledger = memoryLedger();
  for (const [key, id] of Object.entries(entries)) ledger.made(key, id);
  const ref = { name: cluster, uid, region: "us-east-1", epoch: 2 };
  return { ref, accountId: "111122223333", deployment: "test", ledger, createdAt: "2026-11-23T12:00:00Z" };
}

export const aws = (name: string, message = "why"): Error =>
  Object.assign(new Error(message), { name, $metadata: { httpStatusCode: 400 } });
