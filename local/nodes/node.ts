import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** As node.py reads it. */
export interface NodeSpec {
  id: string;
  hostname: string;
  /** Path of a network namespace whose interfaces, addresses and routes are set up. */
  netns: string;
  /** Of this node alone, on a real filesystem; made by `up`, removed by `down`. */
  folder: string;
  layers: string[];
  store?: string | undefined;
  /** Image archives, seen at /opt/clowder/images. */
  images?: string | undefined;
  /** Put over the image's. */
  files?: Record<string, string>;
}

const program = join(__dirname, "node.py");
const run = promisify(execFile);

/** @throws Error with the last line that node.py printed */
async function node(...args: string[]): Promise<string> {
  try {
    return (await run("python3", [program, ...args], { maxBuffer: 1 << 26 })).stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`${args.slice(0, 3).join(" ")}: ${(stderr.trim() || stdout.trim()).split("\n").slice(-3).join(" ")}`);
  }
}

/** Resolves once the machine's systemd has started. */
export async function up(spec: NodeSpec): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "clowder-spec-"));
  try {
    writeFileSync(join(folder, "spec.json"), JSON.stringify(spec));
    await node("up", join(folder, "spec.json"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Resolves once its new systemd has started. */
export const reboot = async (id: string): Promise<void> => void (await node("reboot", id));

/** Resolves once nothing of it is left, whatever there was. */
export const down = async (id: string): Promise<void> => void (await node("down", id));

/** What a program printed that ran in the node as root. @throws Error when it ended with another code than 0 */
export const execute = (id: string, command: string[]): Promise<string> => node("exec", id, ...command);

/** Of all nodes of this machine, whole or not. */
export const nodeIds = async (): Promise<string[]> => (await node("list")).split("\n").filter(Boolean);
