import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetFunctionConfigurationCommand, LambdaClient, UpdateFunctionConfigurationCommand } from "@aws-sdk/client-lambda";
import { SFNClient } from "@aws-sdk/client-sfn";
import { type Deployed, deployLocally } from "../deploy";
import { type Emulators, region, startEmulators } from "../emulators/emulators";
import { inventory } from "../emulators/inventory";
import { type Machines, startMachines } from "../machines/machines";
import type { Case } from "./cases";
import { introduce, type Receiver } from "../receiver";
import { type Arm, newArm } from "./arm";

/** A name that begins so is a cluster whose node fails. */
export const FAILING = "failing";
/**
 * AWS's seconds are shorter here: Step Functions waits a twentieth of what the state machines say, its retries too, and half a second at
 * most. Lambdas, their time-outs and the deadlines of a create and a delete keep to the clock.
 */
const WAIT_SCALE = 0.05;
const PACE = { pollSeconds: "10", nodesSeconds: "120", calicoSeconds: "90", deleteSeconds: "120" };

/** One deployment of the service in emulators of its own, whose calls can be broken. */
export interface Stack extends Pick<Arm, "arm" | "calls"> {
  emulators: Emulators;
  deployed: Deployed;
  machines: Machines;
  db: DynamoDBClient;
  sfn: SFNClient;
  lambda: LambdaClient;
  /** Gives the function of a case a new environment: what a warm one remembers it does not ask AWS again. */
  renew(one?: Case): Promise<void>;
  /** What is in the account while no cluster is. */
  before: string[];
  stop(): Promise<void>;
}

export async function startStack(name: string, receiver: Receiver, say: (line: string) => void): Promise<Stack> {
  const { files, arm, calls, forget } = newArm(WAIT_SCALE);
  const emulators = await startEmulators({ name: `faults-${name}`, faults: files });
  try {
    const deployed = await deployLocally(emulators, { params: { ...PACE, ...(await introduce(receiver, emulators)) } });
    const scenario = (cluster: string) =>
      cluster.startsWith(FAILING) ? { row: "healthy", fail: { who: "node", stage: "artifacts", reason: "ChecksumMismatch" } } : { row: "healthy" };
    const machines = startMachines(emulators, { speed: 20, lookMilliseconds: 1000, scenario });
    const client = { endpoint: emulators.endpoint, region, credentials: emulators.credentials };
    const lambda = new LambdaClient(client);
    say(`stack ${name} is up`);
    return {
      emulators,
      deployed,
      machines,
      db: new DynamoDBClient(client),
      sfn: new SFNClient(client),
      lambda,
      async renew(one) {
        if (!one) return;
        const FunctionName = `clowder-${deployed.stage}-${one.function}`;
        const { Handler } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
        await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Handler }));
      },
      arm,
      calls,
      before: await inventory(emulators),
      async stop() {
        await machines.stop();
        await emulators.stop();
        forget();
      },
    };
  } catch (error) {
    await emulators.stop();
    forget();
    throw error;
  }
}
