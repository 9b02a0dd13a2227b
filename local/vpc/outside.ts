import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Networks } from "./vpc";

/** Where names of load balancers resolve for people outside; answered by the daemon. */
const RESOLVER = "203.0.113.2";
/** The address that a person outside is seen with. */
export const personAddress = "192.0.2.10";

export interface Ended {
  /** -1 when a signal ended it. */
  status: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs a program as a person outside would: in the namespace beyond the internet gateways, with a resolver that knows the load balancers'
 * names. Only that program's own view of /etc changes.
 */
export async function runOutside(networks: Pick<Networks, "namespace">, command: string[], environment: Record<string, string> = {}): Promise<Ended> {
  const folder = mkdtempSync(join(tmpdir(), "clowder-outside-"));
  const files = { "resolv.conf": `nameserver ${RESOLVER}\noptions timeout:1 attempts:2\n`, "nsswitch.conf": "hosts: files dns\n", hosts: "127.0.0.1 localhost\n" };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  // A machine may lack nsswitch.conf, and then needs none.
  const mounts = Object.keys(files).map((name) => `if [ -e /etc/${name} ]; then mount --bind ${folder}/${name} /etc/${name}; fi`);
  const script = `${mounts.join(" && ")} && exec "$@"`;
  try {
    const enter = [`--net=/run/netns/${networks.namespace("internet")}`, "unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"];
    return await ended(spawn("nsenter", [...enter, ...command], { env: { ...process.env, ...environment }, stdio: ["ignore", "pipe", "pipe"] }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function ended(child: ReturnType<typeof spawn>): Promise<Ended> {
  const said = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) child[stream]!.on("data", (text: Buffer) => (said[stream] += text.toString()));
  return new Promise((done, failed) => {
    child.once("error", failed).once("close", (status) => done({ status: status ?? -1, ...said }));
  });
}
