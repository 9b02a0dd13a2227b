import type { GetObjectCommandOutput } from "@aws-sdk/client-s3";
import type { ClusterPlan, InstancePlan } from "../../../shared/plan/cluster-plan";
import type { Ledger } from "../../../shared/registry/ledger";
import { memoryLedger } from "../../memory-ledger";

/** As much of a plan as a look reads: one control plane, one node, the probe client. */
export function planToLookAt(): ClusterPlan {
  const instance = (key: string, role: InstancePlan["role"]) => ({ key, role }) as InstancePlan;
  const plan = {
    name: "demo.k8s.local",
    uid: "a1b2c3d4",
    accountId: "123456789012",
    waits: { poll: 5, nodes: 900, calico: 600, delete: 900, settle: 125 },
    bucket: { name: "state", prefix: "clowder/a1b2c3d4/" },
    instances: [instance("master-0", "control-plane"), instance("nodes-0", "node")],
    probeClient: instance("probe-client-0", "probe-client"),
    network: { vpc: { cidr: "172.20.0.0/16" }, securityGroups: [] },
    elb: { type: "Public", listenerPort: 443, targetPort: 6443, securityGroup: "api-elb" },
    kubernetes: {
      endpoint: "172.20.32.10:6443",
      controlPlaneAddresses: ["172.20.32.10"],
      internalName: "api.internal.demo.k8s.local",
      clusterDomain: "cluster.local",
      runNonce: "nonce-1",
      calico: { version: "v3.31.4", bpfExternalServiceMode: "DSR", vxlanMode: "Always" },
      probe: {
        clientAddress: "172.20.32.250",
        clientPort: 8088,
        firstNodePort: 30080,
        image: "registry.k8s.io/e2e-test-images/agnhost:2.53",
      },
    },
    kubernetesVersion: "1.34.4",
  };
  return plan as unknown as ClusterPlan;
}

export const made = new Date("2026-11-23T09:00:00Z");
export const ids = { "master-0": "i-0aa", "nodes-0": "i-0bb", "probe-client-0": "i-0cc" };

/** The ledger after the instances were made. */
export function ledgerToLookAt(): Ledger {
  const entry = (id: string, privateDnsName: string) => ({
    kind: "instance",
    state: "made" as const,
    token: id,
    epoch: 1,
    at: made.toISOString(),
    id,
    detail: { privateDnsName },
  });
  return memoryLedger({
    "instance/master-0": entry(ids["master-0"], "ip-172-20-32-10.ec2.internal"),
    "instance/nodes-0": entry(ids["nodes-0"], "ip-172-20-32-77.ec2.internal"),
    "instance/probe-client-0": entry(ids["probe-client-0"], "ip-172-20-32-250.ec2.internal"),
    "load-balancer/api": { ...entry("api-demo", ""), kind: "load-balancer", detail: { dnsName: "127.0.0.1" } },
  });
}

/** An object's body as the SDK gives it, as far as a look reads it. */
export const bodyOf = (text: string) => ({ transformToString: async () => text }) as NonNullable<GetObjectCommandOutput["Body"]>;
