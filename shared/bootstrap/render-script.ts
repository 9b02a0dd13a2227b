import { createHash } from "node:crypto";
import { AUDITED_FLAGS } from "../health/audit";
import { stageLimits } from "../health/beacon";
import type { ClusterPlan, InstancePlan } from "../plan/cluster-plan";
import { ADMIN_GROUP } from "../plan/names";
import type { Role } from "../spec/manifest";
import { renderCalicoInstallation } from "./calico-installation";
import { renderCollector, renderProbeClient } from "./collector";
import { CREDENTIAL_PROVIDERS, renderCredentialProviders } from "./credential-providers";
import { IMAGE_REPOSITORY, criSocket, renderInit, renderJoin } from "./kubeadm-configuration";
import audit from "./node/audit.py";
import cloud from "./node/cloud.sh";
import artifacts from "./node/artifacts.sh";
import bootstrapAccess from "./node/bootstrap-access.py";
import controlPlane from "./node/control-plane.sh";
import kubeadm from "./node/kubeadm.sh";
import material from "./node/material.py";
import nodeLabels from "./node/node-labels.py";
import node from "./node/node.sh";
import probeClient from "./node/probe-client.sh";
import runtime from "./node/runtime.sh";
import { renderAddOns } from "./render-add-ons";
import { profileOf, renderArtifacts } from "./render-artifacts";
import { renderService, renderTimer } from "./render-units";
import { hereDocument, quote } from "./shell-text";

export interface RenderedScript {
  /** Object key in the state bucket. */
  key: string;
  body: string;
  /** Of `body`, in hexadecimal: user data carries it. */
  sha256: string;
}
type ScriptRole = Role | "probe-client";

/**
 * The script of a role, the same for all its machines; which of them it runs on it finds out from instance metadata. Variables and
 * files first, then the static parts from `node/`, which shellcheck reads as they stand. No secret in it.
 * @throws InvalidManifest for a Kubernetes version without a profile
 */
export function renderScript(plan: ClusterPlan, role: ScriptRole): RenderedScript {
  const parts = {
    "control-plane": [artifacts, runtime, kubeadm, cloud, controlPlane],
    node: [artifacts, runtime, kubeadm, cloud, node],
    "probe-client": [probeClient],
  };
  const body = [
    `#!/bin/bash\n# Clowder's ${role} script of ${plan.name} (${plan.uid}); the service rendered it and its SHA-256 is in user data.`,
    ...Object.entries(variables(plan, role)).map(([name, value]) => `${name}=${quote(value)}`),
    ...Object.entries(files(plan, role)).map(([path, text]) => hereDocument(path, text)),
    ". /opt/clowder/stages.sh\n",
    parts[role].map((part) => part.replace("# shellcheck shell=bash\n", "")).join("\n"),
  ].join("\n");
  return { key: `${plan.bucket.prefix}scripts/${role}.sh`, body, sha256: createHash("sha256").update(body).digest("hex") };
}

/** The scripts of every role. */
export const renderScripts = (plan: ClusterPlan): RenderedScript[] =>
  (["control-plane", "node", "probe-client"] as const).map((role) => renderScript(plan, role));

function variables(plan: ClusterPlan, role: ScriptRole): Record<string, string> {
  const { kubernetes } = plan;
  const limits = Object.entries(stageLimits(plan, role)).map(([stage, seconds]) => [`LIMIT_${stage.toUpperCase().replaceAll("-", "_")}`, String(seconds)]);
  if (role === "probe-client") return { PROBE_CLIENT_PORT: String(kubernetes.probe.clientPort), ...Object.fromEntries(limits) };
  const profile = profileOf(plan);
  return {
    KUBERNETES_VERSION: plan.kubernetesVersion,
    CONTAINER_RUNTIME: plan.containerRuntime,
    CRI_SOCKET: criSocket(plan),
    IMAGE_REPOSITORY,
    KERNEL_FLOOR: profile.kernelFloor,
    // 1.35 is the last for containerd 1: https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions-standard.html
    CONTAINERD_FLOOR: Number(profile.minor.split(".")[1]) < 36 ? "1.6.0" : "2.0.0",
    NEEDS_CRICTL: Number(profile.minor.split(".")[1]) < 32 ? "yes" : "",
    ECR_CREDENTIALS: kubernetes.cloud.ecrCredentials ? "yes" : "",
    INTERNAL_NAME: kubernetes.internalName,
    CONTROL_PLANE_ADDRESSES: kubernetes.controlPlaneAddresses.join(" "),
    ...(role === "control-plane"
      ? { CALICO_MTU: kubernetes.calico.mtu ? String(kubernetes.calico.mtu) : "" }
      : { ENDPOINT: kubernetes.endpoint }),
    ...Object.fromEntries(limits),
  };
}

function files(plan: ClusterPlan, role: ScriptRole): Record<string, string> {
  if (role === "probe-client")
    return {
      ...renderProbeClient(plan).files,
      ...renderService({
        name: "clowder-probe-client",
        description: "Enters NodePorts from outside Calico",
        command: python("probe-client.py"),
      }),
    };
  const both = {
    "/opt/clowder/artifacts.tsv": renderArtifacts(plan),
    "/opt/clowder/groups.json": renderGroups(plan),
    "/opt/clowder/material.py": material,
    "/opt/clowder/kubeadm-join.yaml": renderJoin(plan, role),
    ...(plan.kubernetes.cloud.ecrCredentials && { [CREDENTIAL_PROVIDERS]: renderCredentialProviders() }),
  };
  if (role === "node") return both;
  const calico = renderCalicoInstallation(plan);
  const addOns = renderAddOns(plan);
  return {
    ...both,
    "/opt/clowder/kubeadm-init.yaml": renderInit(plan),
    "/opt/clowder/calico/services-endpoint.yaml": calico.servicesEndpoint,
    "/opt/clowder/calico/configuration.yaml": calico.configuration,
    "/opt/clowder/cluster-admins.yaml": clusterAdmins,
    ...(addOns && { "/opt/clowder/add-ons.yaml": addOns }),
    "/opt/clowder/node-labels.py": nodeLabels,
    "/opt/clowder/bootstrap-access.py": bootstrapAccess,
    ...renderCollector(plan).files,
    ...renderTimer(
      { name: "clowder-node-labels", description: "Labels nodes as their instance group says", command: python("node-labels.py") },
      10,
    ),
    "/opt/clowder/audit.py": audit,
    "/opt/clowder/audit.json": `${JSON.stringify({ uid: plan.uid, nonce: plan.kubernetes.runNonce, prefix: plan.bucket.prefix, flags: AUDITED_FLAGS }, null, 2)}\n`,
    ...renderTimer({ name: "clowder-audit", description: "Tells what the nodes got", command: python("audit.py") }, 10),
    ...renderTimer(
      { name: "clowder-bootstrap-access", description: "Opens and closes the bootstrap as the service says", command: python("bootstrap-access.py") },
      ACCESS_SECONDS,
    ),
    ...renderTimer({ name: "clowder-collector", description: "Collects evidence of the data plane", command: python("collector.py") }, 10),
  };
}

/** For as long as the cluster lives: 2,880 GETs a day, a tenth of a cent. A new worker takes longer than that to boot. */
const ACCESS_SECONDS = 30;

const python = (file: string): string => `/usr/bin/env python3 /opt/clowder/${file}`;

/** What a node's group gives it. `null` leaves kubeadm's own taint on a control plane; a list would replace it, so it is repeated. */
function renderGroups(plan: ClusterPlan): string {
  const minor = Number(plan.kubernetesVersion.split(".")[1]);
  const roles = [...(minor < 25 ? ["master"] : []), ...(minor > 23 ? ["control-plane"] : [])];
  const own = roles.map((role) => ({ key: `node-role.kubernetes.io/${role}`, effect: "NoSchedule" }));
  const taintsOf = ({ role, taints }: InstancePlan) => {
    if (role === "node") return taints;
    return taints.length === 0 ? null : [...own.filter(({ key }) => !taints.some((taint) => taint.key === key)), ...taints];
  };
  const groups = Object.fromEntries(
    plan.instances.map((instance) => [instance.group, { labels: instance.nodeLabels, taints: taintsOf(instance) }]),
  );
  return `${JSON.stringify(groups, null, 2)}\n`;
}

/** kubeconfigs that the service mints are of this group: unlike `system:masters` it can be taken away. */
const clusterAdmins = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: ${ADMIN_GROUP}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: cluster-admin
subjects:
- apiGroup: rbac.authorization.k8s.io
  kind: Group
  name: ${ADMIN_GROUP}
`;
