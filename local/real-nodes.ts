import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LocalService } from "./service";

/** @throws Error with the API's problem when there is none to be had */
export async function kubeconfigOf(service: LocalService, cluster: string): Promise<string> {
  const answer = await service.request("GET", `/clusters/${cluster}/kubeconfig`);
  if (answer.status !== 200) throw new Error(`GET /clusters/${cluster}/kubeconfig answered ${answer.status}: ${answer.text}`);
  return answer.text;
}

/**
 * What a person outside sees of a cluster of real machines with this kubeconfig: `kubectl` through the load balancer.
 * @throws Error with what kubectl said
 */
export async function kubectlWith(kubeconfig: string, service: LocalService, ...command: string[]): Promise<string> {
  const { machines, site } = service.real!;
  const folder = mkdtempSync(join(tmpdir(), "clowder-kubeconfig-"));
  const KUBECONFIG = join(folder, "kubeconfig");
  writeFileSync(KUBECONFIG, kubeconfig, { mode: 0o600 });
  try {
    const { status, stdout, stderr } = await machines.outside([site.kubectl, ...command], { KUBECONFIG });
    if (status !== 0) throw new Error(`kubectl ${command.join(" ")}: ${stderr.trim()}`);
    return stdout.trimEnd();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The same with a kubeconfig that the API makes now. */
export const kubectlOutside = async (service: LocalService, cluster: string, ...command: string[]): Promise<string> =>
  kubectlWith(await kubeconfigOf(service, cluster), service, ...command);
