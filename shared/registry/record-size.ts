import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import { PlanTooLarge } from "../errors";
import type { PlannedCluster } from "./clusters";
import { CLUSTER, PLAN, marshallOptions } from "./registry";

type Item = Record<string, AttributeValue>;
const KILOBYTE = 1024;
/** DynamoDB takes items of 400 KB; the record grows with ledger and timeline, the plan does not. */
const LIMIT_KB = { record: 200, plan: 380 };

/**
 * The two items of a cluster as DynamoDB keeps them.
 * @throws PlanTooLarge naming the largest parts, where one of them would not fit
 */
export function itemsOf({ record, plan, documents }: PlannedCluster): Record<"record" | "plan", Item> {
  const key = { name: record.name };
  const items = {
    record: marshall({ ...record, ...key, item: CLUSTER }, marshallOptions),
    plan: marshall({ ...key, item: PLAN, uid: plan.uid, plan, documents }, marshallOptions),
  };
  refuseTooLarge(record.name, "plan", items.plan);
  refuseTooLarge(record.name, "record", items.record);
  return items;
}

function refuseTooLarge(cluster: string, what: keyof typeof LIMIT_KB, item: Item): void {
  const kilobytes = (bytes: number) => Math.ceil(bytes / KILOBYTE);
  const size = kilobytes(sizeOf({ M: item }));
  if (size <= LIMIT_KB[what]) return;
  const inPlan = Object.entries(item["plan"]?.M ?? {}).map(([name, value]): [string, AttributeValue] => [`plan.${name}`, value]);
  const parts = [...Object.entries(item).filter(([name]) => name !== "plan"), ...inPlan].map(([name, value]) => ({ name, size: kilobytes(sizeOf(value)) }));
  const largest = parts.toSorted((one, other) => other.size - one.size).slice(0, 3);
  throw new PlanTooLarge(
    `the ${what} of ${cluster} takes ${size} KB and its record can hold ${LIMIT_KB[what]}: ${largest.map((part) => `${part.name} ${part.size} KB`).join(", ")}`,
    { nextStep: "ask for fewer machines, or for fewer and shorter cloudLabels, nodeLabels and annotations: each machine carries all of its labels" },
  );
}

/** Bytes as DynamoDB counts them: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html */
function sizeOf(value: AttributeValue): number {
  const text = (string: string) => Buffer.byteLength(string);
  if (value.S !== undefined) return text(value.S);
  if (value.N !== undefined) return Math.ceil(value.N.length / 2) + 1;
  if (value.L) return 3 + value.L.reduce((sum, member) => sum + 1 + sizeOf(member), 0);
  if (value.M) return 3 + Object.entries(value.M).reduce((sum, [name, member]) => sum + 1 + text(name) + sizeOf(member), 0);
  return 1;
}
