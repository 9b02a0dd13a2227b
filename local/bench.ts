import { GetExecutionHistoryCommand, SFNClient } from "@aws-sdk/client-sfn";
import { executionName } from "../shared/plan/names";
import { type FunctionCost, measureFunctions } from "./bench-functions";
import { region } from "./emulators/emulators";
import { createEnded, follow, post, remove, view } from "./life";
import { type LocalManifest, readManifest, renamed } from "./manifest";
import { type LocalService, withService } from "./service";

/** What the project aims at, on an idle machine. */
const AIM = { zipKilobytes: 300, serviceSeconds: 5, calls: 120 };

export interface CreateCost {
  /** `service:Action` by how often the service's own Lambdas called it. */
  calls: Record<string, number>;
  /** States entered, each of them billed. */
  transitions: number;
  seconds: { total: number; service: number; machines: number };
}

async function measureCreate(service: LocalService, manifest: LocalManifest): Promise<CreateCost> {
  const posted = await post(service, manifest.text);
  const created = await follow(service, posted, createEnded, () => {});
  if (created.status !== "Ready") throw new Error([`${created.name} failed: ${created.failure?.message}`, ...service.machines.faults].join("\n"));
  const total = (Date.parse(created.readyAt!) - posted.at) / 1000;
  const waited = created.timeline.filter(({ stage }) => ["AwaitNodes", "AwaitCalico"].includes(stage)).reduce((sum, { seconds }) => sum + seconds, 0);
  const ours = `assumed-role/clowder-${service.deployed.stage}-`;
  // This bench's own looks at the cluster are not part of it.
  const own = service.emulators.calls().filter(({ at, caller }) => caller.includes(ours) && !caller.includes(`${ours}getCluster-`) && at * 1000 >= posted.at && at * 1000 <= Date.parse(created.readyAt!));
  const transitions = await statesEntered(service, posted.uid);
  await remove(service, posted, await view(service, posted.name), () => {});
  return { calls: tally(own.map(({ action }) => action)), transitions, seconds: { total, service: total - waited, machines: waited } };
}

async function statesEntered({ emulators, deployed }: LocalService, uid: string): Promise<number> {
  const machine = Object.values(deployed.resources).find((id) => id.endsWith(`stateMachine:clowder-${deployed.stage}-create-cluster`))!;
  const executionArn = `${machine.replace(":stateMachine:", ":execution:")}:${executionName(uid, "create", 1)}`;
  const sfn = new SFNClient({ endpoint: emulators.endpoint, region, credentials: emulators.credentials });
  const { events = [] } = await sfn.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 }));
  return events.filter(({ type }) => type?.endsWith("StateEntered")).length;
}

function tally(names: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names.sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

const verdict = (value: number, aim: number): string => (value < aim ? "within" : "OVER");

function printFunctions(functions: FunctionCost[], runs: number): void {
  console.log(`\nfunction               zip kB   import CPU ms (median of ${runs} processes)`);
  for (const { name, zipKilobytes, importCpuMs } of functions) console.log(`${name.padEnd(22)}${zipKilobytes.toFixed(0).padStart(7)}${importCpuMs.toFixed(0).padStart(9)}`);
  const largest = Math.max(...functions.map(({ zipKilobytes }) => zipKilobytes));
  console.log(`largest zip: ${largest.toFixed(0)} kB, aim under ${AIM.zipKilobytes}: ${verdict(largest, AIM.zipKilobytes)}`);
}

function printCreate(title: string, { calls, transitions, seconds }: CreateCost): void {
  const all = Object.values(calls).reduce((sum, count) => sum + count, 0);
  const services = tally(Object.entries(calls).flatMap(([action, count]) => Array<string>(count).fill(action.split(":")[0]!)));
  console.log(`\none create, ${title}: ${all} AWS calls, aim under ${AIM.calls}: ${verdict(all, AIM.calls)}`);
  for (const [name, count] of Object.entries(services).sort(([, a], [, b]) => b - a)) {
    const actions = Object.entries(calls).filter(([action]) => action.startsWith(`${name}:`)).map(([action, times]) => `${action.slice(name.length + 1)} ${times}`);
    console.log(`  ${name.padEnd(22)}${String(count).padStart(4)}  ${actions.join(", ")}`);
  }
  console.log(`  state transitions ${transitions}`);
  console.log(`  POST to ready ${seconds.total.toFixed(1)} s: the service's part ${seconds.service.toFixed(1)} s, aim under ${AIM.serviceSeconds}: ${verdict(seconds.service, AIM.serviceSeconds)}; waiting for the simulated machines ${seconds.machines.toFixed(1)} s`);
}

async function main(): Promise<void> {
  const runs = Number(process.argv.find((argument) => argument.startsWith("--runs="))?.slice(7) ?? 20);
  const manifest = readManifest("test/cases/seed/manifest.yaml");
  const packageFolder = await withService({ name: "bench" }, async (service) => {
    printCreate("every Lambda cold", await measureCreate(service, manifest));
    printCreate("every Lambda warm", await measureCreate(service, renamed(manifest, "second")));
    return service.deployed.packageFolder;
  });
  printFunctions(await measureFunctions(packageFolder, runs), runs);
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
