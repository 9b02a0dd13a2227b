import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LocalService } from "./service";

/**
 * What a person outside sees of a cluster of real machines: `kubectl` with the kubeconfig of the API, through the load balancer.
 * @throws Error with what kubectl said
 */
export async function kubectlOutside(service: LocalService, cluster: string, ...command: string[]): Promise<string> {
  const { machines, site } = service.real!;
  const answer = await service.request("GET", `/clusters/${cluster}/kubeconfig`);
  if (answer.status !== 200) throw new Error(`GET /clusters/${cluster}/kubeconfig answered ${answer.status}: ${answer.text}`);
  const folder = mkdtempSync(join(tmpdir(), "clowder-kubeconfig-"));
  const KUBECONFIG = join(folder, "kubeconfig");
  writeFileSync(KUBECONFIG, answer.text, { mode: 0o600 });
  try {
    const { status, stdout, stderr } = await machines.outside([site.kubectl, ...command], { KUBECONFIG });
    if (status !== 0) throw new Error(`kubectl ${command.join(" ")}: ${stderr.trim()}`);
    return stdout.trimEnd();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
