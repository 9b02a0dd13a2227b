import type { ClusterPlan } from "../plan/cluster-plan";
import accessSh from "./node/collector-access.sh";
import collectorPy from "./node/collector.py";
import kubeapiPy from "./node/kubeapi.py";
import probeClientPy from "./node/probe-client.py";
import proberPy from "./node/prober.py";
import { collectorAccess, denyPolicy, namespace, proberDaemonSet } from "./prober-manifests";

const HOME = "/opt/clowder";

/** Files by their path on the machine. None holds a secret that outlives the run. */
interface Rendered {
  files: Record<string, string>;
}

/**
 * What a control plane needs to collect evidence, beside `s3.py` and a `clowder-collector.service` that runs `collector.py` again and
 * again. The drop-in gives the service its own ServiceAccount before its first round; creating `collector.stop` ends it for good.
 */
export function renderCollector(plan: ClusterPlan): Rendered {
  const { kubernetes, bucket, uid, kubernetesVersion, instances } = plan;
  const { probe, runNonce, endpoint, clusterDomain } = kubernetes;
  const config = {
    uid,
    nonce: runNonce,
    server: `https://${endpoint}`,
    caFile: "/etc/kubernetes/pki/ca.crt",
    tokenFile: `${HOME}/collector.token`,
    s3: `${HOME}/s3.py`,
    prefix: bucket.prefix,
    namespace,
    kubernetesVersion: kubernetesVersion.split(".").map(Number),
    nodeCount: instances.length,
    client: `http://${probe.clientAddress}:${probe.clientPort}`,
    firstNodePort: probe.firstNodePort,
    clusterDomain,
    secondsApart: 12,
    settleSeconds: 15,
    podSeconds: 45,
    daemonSet: proberDaemonSet(probe.image),
    denyPolicy,
  };
  return {
    files: {
      [`${HOME}/kubeapi.py`]: kubeapiPy,
      [`${HOME}/prober.py`]: proberPy,
      [`${HOME}/collector.py`]: collectorPy,
      [`${HOME}/collector.json`]: json(config),
      [`${HOME}/collector-access.json`]: json(collectorAccess),
      [`${HOME}/collector-access.sh`]: accessSh,
      "/etc/systemd/system/clowder-collector.service.d/access.conf": accessDropIn,
    },
  };
}

/** What the machine outside Calico needs: it listens at its planned address and enters NodePorts inside the VPC only. */
export function renderProbeClient({ kubernetes, network }: ClusterPlan): Rendered {
  const { clientAddress: address, clientPort: port } = kubernetes.probe;
  return {
    files: {
      [`${HOME}/probe-client.py`]: probeClientPy,
      [`${HOME}/probe-client.json`]: json({ nonce: kubernetes.runNonce, vpcCidr: network.vpc.cidr, address, port }),
    },
  };
}

const json = (content: unknown): string => `${JSON.stringify(content, null, 2)}\n`;

/** Only the step before it, marked `+`, sees what makes an administrator; the collector itself does not. */
const accessDropIn = `[Unit]
ConditionPathExists=!${HOME}/collector.stop

[Service]
ExecStartPre=+/bin/bash ${HOME}/collector-access.sh
NoNewPrivileges=true
PrivateTmp=true
ProtectSystem=strict
InaccessiblePaths=-/etc/kubernetes/admin.conf -/etc/kubernetes/super-admin.conf -/etc/kubernetes/pki/ca.key -/etc/kubernetes/pki/etcd
`;
