import { kubernetesReleases } from "./artifacts/versions";
import { differenceFrom, inventory } from "./emulators/inventory";
import { type DemoOptions, readOptions } from "./demo-options";
import type { ClusterView } from "../shared/registry/cluster-view";
import { certificateLines } from "./certificate";
import { showCrowd } from "./crowd-demo";
import { type Posted, createEnded, deleteEnded, follow, post, remove, replace } from "./life";
import { SWEEPING, loseSchedule } from "./lost-schedule";
import { evidenceRows } from "./machines/evidence/rows";
import { type LocalManifest, atRelease, readManifest } from "./manifest";
import { type Printer, printer } from "./printer";
import { showRows } from "./rows";
import { kubectlOutside } from "./real-nodes";
import { slackLines } from "./receiver";
import { type LocalService, withService } from "./service";

/** One cluster's whole life through the HTTP API, shown as it happens. Answers whether all went as the options ask. */
async function demo(service: LocalService, manifest: LocalManifest, options: DemoOptions, print: Printer): Promise<boolean> {
  const before = await inventory(service.emulators);
  const posted = await post(service, manifest.text, options.ttl ? `?ttl=${options.ttl}` : "");
  print.line(`\nPOST /clusters with ${options.manifest}: 202, ${posted.name}, uid ${posted.uid}`);
  for (const { path, message } of posted.warnings) print.line(`  warning  ${path} ${message}`);
  const created = await follow(service, posted, createEnded, print.happening);
  const ready = created.status === "Ready";
  await showCreated(service, posted, created, print);
  const asAsked = ready === becomesReady(options);
  const replaced = options.replace === undefined || (ready && (await showReplaced(service, posted, created, options.replace, print)));
  if (options.keep && ready) return asAsked && replaced;
  const gone = await showDeleted(service, posted, created, before, options, print);
  return asAsked && replaced && gone && (options.fail !== undefined || service.machines.faults.length === 0);
}

/** Real machines without Calico's own evidence, had or replayed, are no proof of its data plane. */
function becomesReady({ fail, row, real }: DemoOptions): boolean {
  if (real) return !fail && Boolean(real.dataPlane === "stand-in" ? real.replay : real.images);
  return !fail && evidenceRows[row]!.expect.status === "True";
}

async function showCreated(service: LocalService, posted: Posted, created: ClusterView, print: Printer): Promise<void> {
  const { name, dataPlane, failure, readyAt } = created;
  if (readyAt) print.line(`\nYour cluster ${name} is ready, ${((Date.parse(readyAt) - posted.at) / 1000).toFixed(1)} s after the POST`);
  else print.line(`\nYour cluster ${name} failed: ${failure!.code} at ${failure!.stage}\n  ${failure!.message}\n  ${failure!.nextStep ?? ""}`);
  if (dataPlane?.checks.length) print.checks(`Calico's eBPF data plane: ${dataPlane.status}, ${dataPlane.reason}. Evidence: ${dataPlane.collectedBy}`, dataPlane.checks);
  if (readyAt && service.real) print.line(await nodesFromOutside(service, created));
  print.json({ result: readyAt ? "ready" : "failed", cluster: name, dataPlane, failure });
  await told(service, readyAt ? "cluster.ready" : "cluster.failed");
  for (const message of service.receiver.slack) print.slack(slackLines(message));
}

/** Whether the worker has its new machine and the cluster is proved with it. */
async function showReplaced(service: LocalService, posted: Posted, created: ClusterView, node: string, print: Printer): Promise<boolean> {
  print.line(`\nPOST /clusters/${posted.name}/nodes/${node}/replacement`);
  const began = Date.now();
  const after = await replace(service, posted, node, created, print.happening);
  const machine = after.resources.find(({ resource }) => resource === `instance/${node}`)?.id;
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  if (after.status === "Ready") print.line(`\n${node} was ${after.replacement?.instanceId} and is ${machine}, ${seconds} s after it was asked for`);
  else print.line(`\n${node} has no new machine: ${after.failure?.code} at ${after.failure?.stage}\n  ${after.failure?.message}\n  ${after.failure?.nextStep ?? ""}`);
  if (after.dataPlane?.checks.length) print.checks(`Calico's eBPF data plane: ${after.dataPlane.status}, ${after.dataPlane.reason}. Evidence: ${after.dataPlane.collectedBy}`, after.dataPlane.checks);
  if (after.status === "Ready" && service.real) print.line(await nodesFromOutside(service, after));
  print.json({ result: after.status.toLowerCase(), cluster: posted.name, replacement: after.replacement, failure: after.failure });
  await told(service, after.status === "Ready" ? "cluster.node-replaced" : "cluster.replacement-failed");
  return after.status === "Ready";
}

async function nodesFromOutside(service: LocalService, { name, conditions }: ClusterView): Promise<string> {
  const endpoint = conditions.find(({ type }) => type === "EndpointReachable");
  if (endpoint?.reason === "EndpointInternal") return "\nIts load balancer is internal, so kubectl is not tried from outside";
  return `\n$ kubectl get nodes -o wide, through the load balancer\n${await kubectlOutside(service, name, "get", "nodes", "-o", "wide")}`;
}

/** Whether it is deleted, its certificate is good, and the account is as before. */
async function showDeleted(service: LocalService, posted: Posted, created: ClusterView, before: string[], options: DemoOptions, print: Printer): Promise<boolean> {
  const byItself = created.readyAt !== undefined && options.ttl !== undefined;
  const ending = () => {
    if (byItself && options.loseSchedule) return loseSchedule(service, posted, created, print);
    return byItself ? follow(service, posted, deleteEnded, print.happening, created) : remove(service, posted, created, print.happening);
  };
  if (byItself) print.line(`\nIts time is up at ${created.expiresAt}; nobody asks for the delete`);
  else print.line(created.readyAt ? `\nDELETE /clusters/${created.name}` : "\nThe service takes away what was made");
  const deleted = await ending();
  const { left, missing } = await differenceFrom(before, service.emulators);
  for (const message of service.receiver.slack.slice(1)) print.slack(slackLines(message));
  print.line(`\nThe webhook's receiver verified ${service.receiver.webhooks.map(({ type }) => type).join(", ") || "nothing"}`);
  if (deleted.status !== "Deleted") print.line(`The delete did not end: ${deleted.status}, ${deleted.failure?.code}: ${deleted.failure?.message}`);
  const { valid, lines } = await certificateLines(service, posted.name);
  print.line(`\n${lines.join("\n")}\n`);
  const same = left.length + missing.length === 0;
  print.line(same ? `Nothing is left: the account has the same ${before.length} things as before` : `Left behind: ${[...left, ...missing.map((line) => `(gone) ${line}`)].join(", ")}`);
  const { faults } = service.machines;
  for (const fault of [...faults, ...service.receiver.refused]) print.line(`fault of the simulation: ${fault}`);
  print.json({ result: deleted.status.toLowerCase(), left, missing, faults, told: service.receiver.webhooks.map(({ type }) => type) });
  return same && valid && deleted.status === "Deleted" && service.receiver.refused.length === 0;
}

/** A delete would stop the create before its last states, which tell the receivers. */
async function told({ receiver }: LocalService, event: string): Promise<void> {
  const limit = Date.now() + 10_000;
  const both = () => receiver.slack.length > 0 && receiver.webhooks.some(({ type }) => type === event);
  while (!both() && Date.now() < limit) await new Promise((next) => setTimeout(next, 100));
}

function show(service: LocalService, manifest: LocalManifest, options: DemoOptions, print: Printer): Promise<boolean> {
  if (options.row === "all") return showRows(service, manifest, print.line);
  return options.crowd ? showCrowd(service, manifest, print) : demo(service, manifest, options, print);
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  const print = printer(options.json, Boolean(process.stdout.isTTY) && !process.env["NO_COLOR"]);
  const machines = options.real ? "real kubeadm nodes in Linux namespaces" : "simulated machines in place of EC2's";
  print.line(`Clowder on this machine: two AWS emulators with IAM enforced, the packaged service, and ${machines}`);
  const asked = readManifest(options.manifest);
  const manifest = options.real ? atRelease(asked, kubernetesReleases) : asked;
  if (manifest.kubernetesVersion !== asked.kubernetesVersion)
    print.line(`Kubernetes ${manifest.kubernetesVersion} in place of ${asked.kubernetesVersion}: the patch that is built from sources here`);
  const scenario = (cluster: string) => ({ row: options.row === "all" ? cluster.split(".")[0]! : options.row, fail: options.fail });
  const say = options.row === "all" || options.json ? undefined : (line: string) => print.line(`          ${line}`);
  // Each mode has logs of its own.
  const name = ["demo", options.real && "real", options.crowd && "crowd", options.loseSchedule && "lost-schedule"].filter(Boolean).join("-");
  const real = options.real && { ...options.real, kubernetesVersion: manifest.kubernetesVersion };
  let machinesLeft = async (): Promise<string[]> => [];
  const ok = await withService({ name, speed: options.speed, scenario, ...(say && { say }), ...(real && { real }), ...(options.loseSchedule && { params: SWEEPING }) }, async (service) => {
    if (service.real) machinesLeft = service.real.machines.leftovers;
    const { emulators, package: packaging, deploy } = service.seconds;
    print.line(`emulators ${emulators.toFixed(1)} s, package ${packaging.toFixed(1)} s, deploy ${deploy.toFixed(1)} s: ${service.deployed.apiUrl}`);
    const went = await show(service, manifest, options, print);
    if (options.keep) {
      print.line("Kept; Ctrl-C ends it");
      await new Promise((_, end) => process.stdin.once("end", end).resume());
    }
    return went;
  });
  const left = await machinesLeft();
  if (real) print.line(left.length ? `Left of the machines: ${left.join(", ")}` : "Nothing is left of the machines: no process, namespace, cgroup or mount");
  process.exitCode = ok && left.length === 0 ? 0 : 1;
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
