import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { CreateAccessKeyCommand, CreateUserCommand, IAMClient, PutUserPolicyCommand } from "@aws-sdk/client-iam";
import { cache, venv } from "../python";
import { jsonLines } from "./json-lines";

const HOST = "127.0.0.1";
export const region = "us-east-1";

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
}

/** MiniStack's root plays AWS itself: its services where they take a role for somebody, and who sees at once what is true. */
export const rootCredentials: Credentials = { accessKeyId: "test", secretAccessKey: "test" };

/** One API call as MiniStack saw it, whether it or moto answered. */
export interface Call {
  /** Epoch seconds. */
  at: number;
  seconds: number;
  /** `service:Action`, as IAM names it. */
  action: string;
  /** ARN of who called. */
  caller: string;
  status: number;
  /** First bytes of an answer of 400 or more. */
  answer?: string;
}

export interface Emulators {
  /** Serves every AWS service: MiniStack, with moto behind it for EC2 and ELB. */
  endpoint: string;
  accountId: string;
  /** An IAM user that may do everything; permissions of all others are enforced. */
  credentials: Credentials;
  /** For SDK clients and child processes. */
  environment: Record<string, string>;
  /** None where faults are injected. */
  calls(): readonly Call[];
  /** Folder where a machine's console is read from, in a file named as the instance. */
  consoles: string;
  logs: string;
  /** Process groups of MiniStack, with its Lambda workers, and of moto. */
  groups: number[];
  stop(): Promise<void>;
}

export interface EmulatorOptions {
  /** Names this run's log files in `.cache/logs`. */
  name?: string;
  accountId?: string;
  faults?: FaultFiles;
  /**
   * After so many looks of the service an instance has ended, a load balancer's interface is gone, a new thing is seen: what AWS takes
   * its time for is counted, see local/emulators/mends/aws. 0 for at once.
   */
  looks?: number;
}

/** Lets calls of Lambdas be broken, as local/faults asks. */
export interface FaultFiles {
  /** JSON of the fault that is armed; each new version of the file arms anew. */
  armed: string;
  /** JSON lines: each call of a Lambda since. */
  calls: string;
  /** Step Functions waits, and waits before it retries, this fraction of what the state machines say. */
  waitScale: number;
}

/**
 * Starts both emulators on free loopback ports with IAM enforced, and waits until they answer. They end with `stop`, with this
 * process, or when it is killed.
 * @throws Error with the log's last lines when one does not start
 */
export async function startEmulators(options: EmulatorOptions = {}): Promise<Emulators> {
  const programs = venv("local/requirements.txt", "venv");
  const { name = "local", accountId = "000000000000", looks = 2, faults } = options;
  const logs = join(cache, "logs");
  mkdirSync(logs, { recursive: true });
  const lambdaLog = join(logs, `${name}-lambda.log`);
  const calls = join(logs, `${name}-calls.jsonl`);
  for (const old of [lambdaLog, calls]) rmSync(old, { force: true });
  const temporary = mkdtempSync(join(tmpdir(), "clowder-"));
  const consoles = join(temporary, "consoles");
  mkdirSync(consoles);
  const [port, motoPort] = await Promise.all([freePort(), freePort()]);
  const endpoint = `http://${HOST}:${port}`;
  const here = resolve(__dirname);
  const common = {
    PATH: [join(resolve(here, "../.."), "node_modules/.bin"), programs, process.env["PATH"]].join(":"),
    HOME: temporary,
    TMPDIR: temporary,
    PYTHONDONTWRITEBYTECODE: "1",
    NO_PROXY: "*",
    ...(faults && { FAULT: faults.armed, FAULT_LOG: faults.calls, SFN_WAIT_SCALE: String(faults.waitScale) }),
  };
  const start = (log: string, args: string[], env: Record<string, string>): Started => {
    const file = join(logs, `${name}-${log}.log`);
    const out = openSync(file, "w");
    // Its own process group, so that the Lambda workers it starts end with it.
    const child = spawn(join(programs, "python"), [join(here, "launch.py"), ...args], {
      env: { ...common, ...env },
      stdio: ["pipe", out, out],
      detached: true,
      cwd: temporary,
    });
    // They serve this process and must not keep it.
    child.unref();
    (child.stdin as Socket).unref();
    return { child, file };
  };
  const moto = start("moto", ["moto", HOST, String(motoPort)], {
    MOTO_ACCOUNT_ID: accountId,
    CONSOLES: consoles,
    MOTO_AMIS_PATH: join(here, "images.json"),
    MOTO_ENABLE_AMI_VALIDATION: "true",
    MOTO_ENABLE_KEYPAIR_VALIDATION: "true",
    MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION: "true",
    SETTLE_LOOKS: String(looks),
  });
  const ministack = start("ministack", ["ministack"], {
    AUTH: "true",
    BIND_HOST: HOST,
    GATEWAY_PORT: String(port),
    IOT_MTLS_ENABLED: "0",
    MINISTACK_ACCOUNT_ID: accountId,
    AWS_ENDPOINT_URL: endpoint,
    ACCOUNT_EMULATOR_URL: `http://${HOST}:${motoPort}`,
    // Where faults are injected their own log tells the calls, and hundreds of clusters' are too many.
    CALL_LOG: faults ? "/dev/null" : calls,
    LAMBDA_LOG: lambdaLog,
    LOG_LEVEL: "WARNING",
  });
  const all = [ministack, moto];
  const end = () => {
    all.forEach(({ child }) => endGroup(child, "SIGKILL"));
    rmSync(temporary, { recursive: true, force: true, maxRetries: 3 });
  };
  process.once("exit", end);
  const stop = async () => {
    process.removeListener("exit", end);
    all.forEach(({ child }) => endGroup(child, "SIGTERM"));
    await Promise.all(all.map(({ child }) => ended(child, 3000)));
    end();
  };
  try {
    await Promise.all([answers(`${endpoint}/_ministack/ready`, ministack), answers(`http://${HOST}:${motoPort}/moto-api/`, moto)]);
    const credentials = await makeAdministrator(endpoint);
    const environment = {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    };
    const read = faults ? () => [] : jsonLines<Call>(calls);
    return { endpoint, accountId, credentials, environment, calls: read, consoles, logs, groups: all.map(({ child }) => child.pid!), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Started {
  child: ChildProcess;
  file: string;
}

function freePort(): Promise<number> {
  return new Promise((found, failed) => {
    const server = createServer().once("error", failed);
    server.listen(0, HOST, () => {
      const { port } = server.address() as { port: number };
      server.close(() => found(port));
    });
  });
}

async function answers(url: string, { child, file }: Started): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const ok = await fetch(url).then((answer) => answer.ok, () => false);
    if (ok) return;
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline)
      throw new Error(`${url} does not answer: ${readFileSync(file, "utf8").trim().split("\n").slice(-5).join("\n")}`);
    await new Promise((again) => setTimeout(again, 50));
  }
}

async function makeAdministrator(endpoint: string): Promise<Credentials> {
  const iam = new IAMClient({ endpoint, region, credentials: rootCredentials });
  const UserName = "admin";
  await iam.send(new CreateUserCommand({ UserName }));
  const everything = { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "*", Resource: "*" } };
  await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: "everything", PolicyDocument: JSON.stringify(everything) }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  return { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
}

function endGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (!pid) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has ended already.
  }
}

function ended(child: ChildProcess, milliseconds: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((done) => {
    const timer = setTimeout(done, milliseconds);
    child.once("exit", () => {
      clearTimeout(timer);
      done();
    });
  });
}
