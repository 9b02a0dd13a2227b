import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { missing } from "../nodes/requirements";
import { venv } from "../python";
import type { Fabric } from "./fabric";

const SPACES = "/run/netns";

/** A load balancer's target passed or failed its health check for as long as it must. */
export interface HealthEvent {
  balancer: string;
  target: string;
  healthy: boolean;
  /** Why it fails; empty when it passes. */
  reason: string;
}

export interface Networks {
  /** Makes everything as it says, the whole of it; what it does not name goes away. @throws Error with the failing command's words */
  apply(fabric: Fabric): Promise<void>;
  /** Full name below /run/netns of a namespace that the fabric has by a short one; of its own there are `internet` and each VPC's id. */
  namespace(name: string): string;
  /** What a run that had been killed had left, taken away at this one's start. */
  removed: string[];
  /** The daemon's process id. */
  pid: number;
  /** Takes everything away. */
  stop(): Promise<void>;
}

/**
 * Starts the daemon that makes networks of namespaces. It ends with this process, however that ends, and takes everything away.
 * @throws Error naming in one sentence what this machine lacks
 */
export async function startNetworks(options: { onHealth?(event: HealthEvent): void; onFault?(fault: string): void } = {}): Promise<Networks> {
  const lacks = missing();
  if (lacks) throw new Error(lacks);
  const python = join(venv("local/requirements.txt", "venv"), "python");
  const child = spawn(python, [join(__dirname, "daemon")], { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" } });
  const waiting = new Map<number, { done(): void; failed(error: Error): void }>();
  let complaints = "";
  child.stderr.on("data", (text: Buffer) => (complaints = (complaints + text.toString()).slice(-2000)));
  const ended = new Promise<void>((done) => child.once("close", () => done()));
  let stopping = false;
  void ended.then(() => {
    const error = new Error(`the daemon of the networks has ended: ${complaints.trim() || child.signalCode || child.exitCode}`);
    for (const { failed } of waiting.values()) failed(error);
    if (!stopping) options.onFault?.(error.message);
  });
  const removed = await new Promise<string[]>((ready, failed) => {
    void ended.then(() => failed(new Error(complaints.trim().split("\n").at(-1) || "the daemon of the networks does not start")));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const message = JSON.parse(line) as Message;
      if ("event" in message) {
        if (message.event === "ready") ready(message.removed);
        else options.onHealth?.(message);
        return;
      }
      const { done, failed: refused } = waiting.get(message.id)!;
      waiting.delete(message.id);
      if (message.error) refused(new Error(message.error));
      else done();
    });
  });
  let last = 0;
  return {
    removed,
    pid: child.pid!,
    namespace: (name) => `clowder-${child.pid}-${name}`,
    apply: (fabric) =>
      new Promise((done, failed) => {
        if (hasEnded(child)) return failed(new Error("the daemon of the networks has ended"));
        const id = ++last;
        waiting.set(id, { done, failed });
        child.stdin.write(`${JSON.stringify({ id, apply: fabric })}\n`);
      }),
    async stop() {
      stopping = true;
      child.stdin.end();
      await ended;
    },
  };
}

type Message = { id: number; error?: string } | { event: "ready"; pid: number; removed: string[] } | ({ event: "health" } & HealthEvent);

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

/** Namespaces of the daemon with this process id that are still there. */
export const namespacesLeft = (pid: number): string[] =>
  existsSync(SPACES) ? readdirSync(SPACES).filter((name) => name.startsWith(`clowder-${pid}-`)) : [];
