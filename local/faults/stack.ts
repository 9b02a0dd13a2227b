import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { SFNClient } from "@aws-sdk/client-sfn";
import { type Deployed, deployLocally } from "../deploy";
import { type Emulators, region, startEmulators } from "../emulators/emulators";
import { inventory } from "../emulators/inventory";
import { type Machines, startMachines } from "../machines/machines";
import { introduce, type Receiver } from "../receiver";
import type { LoggedCall } from "./calls";
import type { Case } from "./cases";

/** A name that begins so is a cluster whose node fails. */
export const FAILING = "failing";
/**
 * AWS's seconds are shorter here: Step Functions waits a twentieth of what the state machines say, its retries too. Lambdas, their
 * time-outs and the deadlines of a create and a delete keep to the clock.
 */
const WAIT_SCALE = 0.05;
const PACE = { pollSeconds: "4", nodesSeconds: "120", calicoSeconds: "90", deleteSeconds: "120", settleSeconds: "2" };

/** One deployment of the service in emulators of its own, whose calls can be broken. */
export interface Stack {
  emulators: Emulators;
  deployed: Deployed;
  machines: Machines;
  /** Digest of the product's sources and settings. */
  sources: string;
  db: DynamoDBClient;
  sfn: SFNClient;
  lambda: LambdaClient;
  /** From here on calls are counted anew and this one is broken; none without a case. */
  arm(one?: Case): void;
  /** Calls since it was last armed. */
  calls(): LoggedCall[];
  /** What is in the account while no cluster is. */
  before: string[];
  stop(): Promise<void>;
}

export async function startStack(name: string, receiver: Receiver, say: (line: string) => void): Promise<Stack> {
  const folder = mkdtempSync(join(tmpdir(), "clowder-faults-"));
  const files = { armed: join(folder, "armed.json"), calls: join(folder, "calls.jsonl"), waitScale: WAIT_SCALE };
  const arm = (one?: Case) => {
    const fault = one ? { case: one.id, kind: one.kind, function: one.function, action: one.action, nth: one.n, cold: one.cold ?? false } : {};
    writeFileSync(`${files.armed}.new`, JSON.stringify(fault));
    writeFileSync(files.calls, "");
    renameSync(`${files.armed}.new`, files.armed);
  };
  const forget = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", forget);
  arm();
  const emulators = await startEmulators({ name: `faults-${name}`, faults: files });
  try {
    const deployed = await deployLocally(emulators, { params: { ...PACE, ...(await introduce(receiver, emulators)) } });
    const scenario = (cluster: string) =>
      cluster.startsWith(FAILING) ? { row: "healthy", fail: { who: "node", stage: "artifacts", reason: "ChecksumMismatch" } } : { row: "healthy" };
    const machines = startMachines(emulators, { speed: 20, lookMilliseconds: 400, scenario });
    const client = { endpoint: emulators.endpoint, region, credentials: emulators.credentials };
    say(`stack ${name} is up`);
    return {
      emulators,
      deployed,
      machines,
      sources: basename(deployed.packageFolder),
      db: new DynamoDBClient(client),
      sfn: new SFNClient(client),
      lambda: new LambdaClient(client),
      arm,
      calls: () => readFileSync(files.calls, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line) as LoggedCall),
      before: await inventory(emulators),
      async stop() {
        await machines.stop();
        await emulators.stop();
        process.removeListener("exit", forget);
        forget();
      },
    };
  } catch (error) {
    await emulators.stop();
    forget();
    throw error;
  }
}
