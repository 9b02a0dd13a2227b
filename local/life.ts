import type { ClusterView } from "../shared/registry/cluster-view";
import type { LocalService } from "./service";
import { type Happening, happenings } from "./timeline";

const LOOK_MS = 250;
/** Real machines on two processors take minutes. */
const LIMIT_MS = 600_000;

export interface Posted {
  name: string;
  uid: string;
  warnings: { path: string; message: string }[];
  /** Epoch milliseconds. */
  at: number;
}

/** @throws Error with the API's problem when it is not accepted */
export async function post(service: LocalService, manifest: Uint8Array | string, query = ""): Promise<Posted> {
  const at = Date.now();
  const answer = await service.request("POST", `/clusters${query}`, { type: "application/yaml", bytes: manifest });
  if (answer.status !== 202) throw new Error(`POST /clusters answered ${answer.status}: ${answer.text}`);
  return { ...answer.json<Omit<Posted, "at">>(), at };
}

export async function view(service: LocalService, name: string): Promise<ClusterView> {
  const answer = await service.request("GET", `/clusters/${name}`);
  if (answer.status !== 200) throw new Error(`GET /clusters/${name} answered ${answer.status}: ${answer.text}`);
  return answer.json<ClusterView>();
}

/**
 * Looks until `ended` says so, and tells what is new at each look.
 * @throws Error when it takes more than ten minutes, or than it is given
 */
export async function follow(
  service: LocalService,
  posted: Posted,
  ended: (cluster: ClusterView) => boolean,
  tell: (happening: Happening) => void,
  known?: ClusterView,
  limitMs = LIMIT_MS,
): Promise<ClusterView> {
  const limit = Date.now() + limitMs;
  for (let before = known; ; ) {
    const now = await view(service, posted.name);
    for (const happening of happenings(before, now, (Date.now() - posted.at) / 1000)) tell(happening);
    if (ended(now)) return now;
    if (Date.now() > limit) throw new Error(`${posted.name} is still ${now.status} after ${limitMs / 60_000} minutes`);
    before = now;
    await new Promise((next) => setTimeout(next, LOOK_MS));
  }
}

export const createEnded = ({ status, failure }: ClusterView): boolean => status === "Ready" || failure !== undefined;
export const deleteEnded = ({ status }: ClusterView): boolean => status === "Deleted" || status === "LeakSuspected";

/** Asks for a new machine in a worker's place and follows it until there is one, or there could not be. */
export async function replace(service: LocalService, posted: Posted, node: string, known: ClusterView, tell: (happening: Happening) => void): Promise<ClusterView> {
  const answer = await service.request("POST", `/clusters/${posted.name}/nodes/${node}/replacement`);
  if (answer.status !== 202) throw new Error(`POST …/nodes/${node}/replacement answered ${answer.status}: ${answer.text}`);
  return follow(service, posted, ({ status }) => status !== "Replacing", tell, known);
}

/** Asks for the delete of what is ready or a wreck that is kept; after other failures the service has begun it. Follows it to its end. */
export async function remove(service: LocalService, posted: Posted, known: ClusterView, tell: (happening: Happening) => void): Promise<ClusterView> {
  if (known.status === "Ready" || known.expiresAt) {
    const answer = await service.request("DELETE", `/clusters/${posted.name}`);
    if (answer.status !== 202) throw new Error(`DELETE /clusters/${posted.name} answered ${answer.status}: ${answer.text}`);
  }
  return follow(service, posted, deleteEnded, tell, known);
}
