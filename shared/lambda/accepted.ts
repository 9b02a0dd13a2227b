import type { ClusterRecord } from "../registry/cluster-record";
import { etagOf } from "../registry/cluster-view";
import type { Waits } from "../spec/deployment";
import type { Answer } from "./route";

/** 202 for what a state machine goes on with: where to look, and after how many seconds (RFC 9110, 10.2). */
export function accepted(record: ClusterRecord, { poll }: Pick<Waits, "poll">, body: object = {}): Answer {
  const { name, uid, status } = record;
  return {
    status: 202,
    headers: { location: `/clusters/${name}`, "retry-after": String(Math.max(1, Math.ceil(poll))), etag: etagOf(record) },
    body: { name, uid, status, ...body },
  };
}
