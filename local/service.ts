import { type Deployed, deployLocally } from "./deploy";
import { type Emulators, startEmulators } from "./emulators/emulators";
import type { RealMachines } from "./machines/real-machines";
import { type Machines, type MachinesOptions, startMachines } from "./machines/machines";
import { type RealOptions, type RealSite, prepareSite } from "./real-site";
import { introduce, type Receiver, startReceiver } from "./receiver";
import { type Answer, signedRequest } from "./signed-request";

/** Seconds: this machine's pace instead of AWS's. Everything else of the deployment is as serverless.yml says. */
const PACE = { pollSeconds: "1", nodesSeconds: "40", calicoSeconds: "12", deleteSeconds: "90", settleSeconds: "1" };
/** No cloud controller on a machine of this one would find AWS. */
const HERE = { cloudProvider: "none" };

export interface LocalService {
  emulators: Emulators;
  deployed: Deployed;
  receiver: Receiver;
  machines: Machines;
  /** Where the machines are real ones. */
  real?: { machines: RealMachines; site: RealSite };
  /** Signed as the account's administrator. */
  request(method: "GET" | "POST" | "PATCH" | "DELETE", path: string, body?: { type: string; bytes: string | Uint8Array }): Promise<Answer>;
  seconds: { emulators: number; package: number; deploy: number };
  stop(): Promise<void>;
}

export interface ServiceOptions extends MachinesOptions {
  name: string;
  params?: Record<string, string>;
  /** Real machines in place of simulated ones. */
  real?: RealOptions;
}

/** The whole service on this machine: emulators, receivers, the deployed package, and machines that play the instances or are real ones. */
export async function startService(options: ServiceOptions): Promise<LocalService> {
  const say = options.say ?? (() => {});
  const site = options.real && (await prepareSite(options.real, say));
  const began = Date.now();
  const emulators = await startEmulators({ name: options.name });
  const started = (Date.now() - began) / 1000;
  let receiver: Receiver | undefined;
  try {
    receiver = await startReceiver();
    const receivers = await introduce(receiver, emulators);
    const deployed = await deployLocally(emulators, { params: { ...PACE, ...HERE, ...site?.params, ...receivers, ...options.params } });
    const real = site && { site, machines: await site.start(emulators, say) };
    const machines = real?.machines ?? startMachines(emulators, options);
    const told = receiver;
    return {
      emulators,
      deployed,
      receiver: told,
      machines,
      ...(real && { real }),
      request: (method, path, body) => signedRequest(emulators.credentials, method, `${deployed.apiUrl}${path}`, body),
      seconds: { emulators: started, ...deployed.seconds },
      async stop() {
        await machines.stop();
        await Promise.all([told.stop(), emulators.stop(), site?.stop()]);
      },
    };
  } catch (error) {
    await Promise.all([receiver?.stop(), emulators.stop(), site?.stop()]);
    throw error;
  }
}

/** Runs `work` and stops the service whatever happens: at its end, its failure, Ctrl-C or SIGTERM. */
export async function withService<Result>(options: Parameters<typeof startService>[0], work: (service: LocalService) => Promise<Result>): Promise<Result> {
  const interrupted = (signal: NodeJS.Signals) => {
    console.error(`\n${signal}: stopping`);
    // What runs ends with this process: each emulator watches it.
    process.exit(signal === "SIGINT" ? 130 : 143);
  };
  process.once("SIGINT", interrupted).once("SIGTERM", interrupted);
  const service = await startService(options);
  try {
    return await work(service);
  } finally {
    process.removeListener("SIGINT", interrupted).removeListener("SIGTERM", interrupted);
    await service.stop();
  }
}
