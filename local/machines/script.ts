import type { EvidenceCluster } from "./evidence/healthy";

/** What a control plane's script says of its cluster, which a real collector would see of it. */
export type ScriptFacts = Pick<EvidenceCluster, "nonce" | "externalServiceMode" | "vxlanMode" | "podCidr" | "endpoint"> & { nodeCount: number };

/** @throws Error naming what the script does not say */
export function readScript(script: string): ScriptFacts {
  const read = (name: string, pattern: RegExp): string => {
    const found = pattern.exec(script)?.[1];
    if (!found) throw new Error(`the control plane's script does not say ${name}`);
    return found;
  };
  return {
    nonce: read("its nonce", /"nonce": "([\w-]+)"/),
    nodeCount: Number(read("how many nodes there are", /"nodeCount": (\d+)/)),
    externalServiceMode: read("its bpfExternalServiceMode", /^ {2}bpfExternalServiceMode: (Tunnel|DSR)$/m) as "Tunnel" | "DSR",
    vxlanMode: read("its vxlanMode", /^ {2}vxlanMode: (Always|CrossSubnet|Never)$/m) as "Always" | "CrossSubnet" | "Never",
    podCidr: read("its pod CIDR", /^ {2}cidr: (\S+)$/m),
    endpoint: read("its endpoint", /^ {2}KUBERNETES_SERVICE_HOST: "([^"]+)"$/m),
  };
}
