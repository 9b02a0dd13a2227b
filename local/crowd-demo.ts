import { EC2Client } from "@aws-sdk/client-ec2";
import { ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { S3Client } from "@aws-sdk/client-s3";
import { certificateLines } from "./certificate";
import { controllers, kopsCluster, placeIn, strays, usersOwn } from "./crowd";
import { region } from "./emulators/emulators";
import { differenceFrom, inventory } from "./emulators/inventory";
import { createEnded, follow, post, remove } from "./life";
import { type LocalManifest, renamed } from "./manifest";
import type { Printer } from "./printer";
import type { LocalService } from "./service";

/** What somebody made, as lines of the inventory, and whether a delete of the cluster takes it. */
interface Batch {
  by: string;
  lines: string[];
  goes: boolean;
}
/** They come and go while a cluster lives. */
const passing = /^(running-execution |object .*\/evidence\/)/;

/**
 * A cluster whose VPC its controllers and a user have filled, among neighbours of every kind: a second cluster, one of kOps with the
 * same name, a user's own things. Answers whether its delete took all of the one and nothing of the others.
 */
export async function showCrowd(service: LocalService, manifest: LocalManifest, print: Printer): Promise<boolean> {
  const { endpoint, credentials } = service.emulators;
  const client = { endpoint, credentials, region };
  const clients = { ec2: new EC2Client(client), classic: new ElasticLoadBalancingClient(client), network: new ElasticLoadBalancingV2Client(client) };
  const s3 = new S3Client({ ...client, forcePathStyle: true });
  const batches: Batch[] = [];
  const noting = async <Made>(by: string, goes: boolean, make: () => Promise<Made>): Promise<Made> => {
    const before = await inventory(service.emulators);
    const made = await make();
    const lines = (await inventory(service.emulators)).filter((line) => !before.includes(line) && !passing.test(line));
    batches.push({ by, goes, lines });
    print.line(`made by ${by}: ${lines.length} things`);
    return made;
  };
  const create = async ({ text }: LocalManifest) => {
    const posted = await post(service, text);
    const created = await follow(service, posted, createEnded, () => {});
    if (created.status !== "Ready") throw new Error(`${created.name} failed: ${created.failure?.message}`);
    return { posted, created, place: await placeIn(clients.ec2, posted) };
  };
  const other = await noting("this service, another cluster", false, () => create(renamed(manifest, "neighbour")));
  const { posted, created, place } = await noting("this service, the cluster", true, () => create(manifest));
  await noting("the cluster's controllers", true, () => controllers(clients, place));
  await noting("a user, in the cluster's VPC", true, () => strays(clients, place));
  await noting(`kOps, a cluster named ${posted.name}`, false, () => kopsCluster(clients, posted.name, place.image));
  await noting("a user, elsewhere", false, () => usersOwn(clients, s3));

  print.line(`\nDELETE /clusters/${posted.name}`);
  const deleted = await remove(service, posted, created, print.happening);
  const staying = batches.filter(({ goes }) => !goes).flatMap(({ lines }) => lines);
  // Interfaces of load balancers go some looks after them; whoever looks here sees them gone.
  await differenceFrom(staying, service.emulators);
  const now = new Set(await inventory(service.emulators));
  const right = batches.map((batch) => showBatch(batch, now, print)).every(Boolean);
  const { valid, lines } = await certificateLines(service, posted.name);
  print.line(`\n${lines.join("\n")}`);
  const gone = await remove(service, other.posted, other.created, () => {});
  const ok = right && valid && deleted.status === "Deleted" && gone.status === "Deleted";
  print.line(ok ? "\nAll that stood in the cluster's VPC is gone, all that did not is untouched" : `\nNOT as it should be: ${deleted.status}, ${gone.status}`);
  print.json({ result: ok ? "as it should be" : "wrong", deleted: deleted.status });
  return ok;
}

/** One line a kind, so that a table of a hundred things can be read. */
function showBatch({ by, lines, goes }: Batch, now: Set<string>, print: Printer): boolean {
  const kinds = Map.groupBy(lines, (line) => line.slice(0, line.indexOf(" ")));
  print.line(`\n${by}`);
  let right = true;
  for (const [kind, own] of kinds) {
    const left = own.filter((line) => now.has(line));
    const wrong = goes ? left : own.filter((line) => !now.has(line));
    right &&= wrong.length === 0;
    const became = left.length === 0 ? "gone" : left.length === own.length ? "there" : `${left.length} there, ${own.length - left.length} gone`;
    const ids = own.map((line) => line.slice(kind.length + 1));
    const shown = ids.slice(0, 2).join(", ");
    print.line(`  ${wrong.length ? "✗" : "✓"} ${became.padEnd(8)}${String(own.length).padStart(3)}  ${kind.padEnd(22)} ${shown.length > 84 ? `${shown.slice(0, 83)}…` : shown}${ids.length > 2 ? ", …" : ""}`);
    for (const line of wrong) print.line(`      ${goes ? "left behind" : "taken away"}: ${line}`);
  }
  return right;
}
