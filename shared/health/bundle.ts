import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import type { ClusterView } from "../registry/cluster-view";
import type { FailedBeacon } from "./beacon";
import type { Diagnostics } from "./diagnostics";
import { redactAll } from "./redact";

/**
 * The files of a failure bundle by name: what the service knows of the cluster, then a folder for each machine. Pure.
 * `diagnostics` is absent where nothing of the machines was kept and none is left.
 */
export function bundleFiles(recorded: ClusterView, diagnostics: Diagnostics | undefined): Record<string, string> {
  const view = redactAll(recorded) as ClusterView;
  const machines = Object.entries(diagnostics?.machines ?? {}).flatMap(([key, { instanceId, beacons, console }]) => {
    const folder = `machines/${key}`;
    const failed = Object.entries(beacons).find(([name]) => name.endsWith("-failed.json"))?.[1] as Partial<FailedBeacon> | undefined;
    return [
      [`${folder}/beacons.json`, json({ instanceId, beacons })],
      ...(Array.isArray(failed?.logTail) ? [[`${folder}/log-tail.txt`, lines(failed.logTail)]] : []),
      ...(console === undefined ? [] : [[`${folder}/console.txt`, console]]),
    ];
  });
  const evidence = Object.entries(diagnostics?.evidence ?? {}).map(([instance, content]) => [`evidence/${instance}.json`, json(content)]);
  return {
    "summary.txt": summary(view, diagnostics),
    "cluster.json": json(view),
    ...(Object.fromEntries([...machines, ...evidence]) as Record<string, string>),
  };
}

const json = (content: unknown): string => `${JSON.stringify(content, null, 2)}\n`;
const lines = (all: readonly unknown[]): string => all.map((line) => `${String(line)}\n`).join("");

/** What a person reads first. */
function summary(view: ClusterView, diagnostics: Diagnostics | undefined): string {
  const { name, uid, region, status, failure, timeline, dataPlane } = view;
  const told = failure && [
    `Code        ${failure.code} (${failure.blame})`,
    `Stage       ${failure.stage}`,
    ...(failure.node ? [`Machine     ${failure.node}, at its stage ${failure.nodeStage}: ${failure.reason}`] : []),
    `Message     ${failure.message}`,
    ...(failure.nextStep ? [`Next step   ${failure.nextStep}`] : []),
    ...(failure.logTail?.length ? ["", "Last lines of its log:", ...failure.logTail.map((line) => `  ${line}`)] : []),
  ];
  return lines([
    `${name} (${uid}) in ${region} is ${status}`,
    ...(told ?? ["It has not failed."]),
    ...(dataPlane ? ["", `Data plane  ${dataPlane.status}, ${dataPlane.reason}: ${dataPlane.message}`] : []),
    "",
    "Timeline:",
    ...timeline.map(({ stage, startedAt, seconds, outcome }) => `  ${startedAt}  ${stage.padEnd(20)} ${outcome}, ${seconds} s`),
    "",
    diagnostics ? `Machines were read at ${diagnostics.collectedAt}.` : "Nothing of the machines was kept.",
    ...(diagnostics?.unread ?? []).map(({ what, why }) => `  not read: ${what}: ${why}`),
  ]);
}

/** Files as one .tar.gz, under one folder; the time of each is `at`. */
export async function archive(folder: string, files: Record<string, string>, at: Date): Promise<Buffer> {
  const tar = pack();
  for (const [name, text] of Object.entries(files)) tar.entry({ name: `${folder}/${name}`, mtime: at, mode: 0o600 }, text);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks));
}
