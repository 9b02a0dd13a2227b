/** Kubernetes objects that AWS's parts are made of, as plain data. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  [member: string]: unknown;
}

export const SYSTEM = "kube-system";
const RBAC = "rbac.authorization.k8s.io";
const RBAC_V1 = `${RBAC}/v1`;

export interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}
/** `verbs` and `resources` as words; `""` is the core group. */
export const rule = (apiGroup: string, resources: string, verbs: string): Rule => ({
  apiGroups: [apiGroup],
  resources: resources.split(" "),
  verbs: verbs.split(" "),
});

export const serviceAccount = (name: string): KubernetesObject => ({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: SYSTEM } });

/** A ServiceAccount's right to a ClusterRole that is there, or, in kube-system alone, to a Role that is there. */
export function binding(name: string, account: string, kind: "ClusterRole" | "Role", role: string): KubernetesObject {
  return {
    apiVersion: RBAC_V1,
    kind: `${kind}Binding`,
    metadata: { name, ...(kind === "Role" && { namespace: SYSTEM }) },
    roleRef: { apiGroup: RBAC, kind, name: role },
    subjects: [{ kind: "ServiceAccount", name: account, namespace: SYSTEM }],
  };
}

/** A role of its own for a ServiceAccount: in kube-system, or everywhere. */
export function granted(name: string, account: string, kind: "ClusterRole" | "Role", rules: Rule[]): KubernetesObject[] {
  return [{ apiVersion: RBAC_V1, kind, metadata: { name, ...(kind === "Role" && { namespace: SYSTEM }) }, rules }, binding(name, account, kind, name)];
}

/** Reads how the API server's own clients are authenticated. */
export const readsAuthentication = (account: string): KubernetesObject =>
  binding(`${account}:apiserver-authentication-reader`, account, "Role", "extension-apiserver-authentication-reader");

interface Workload {
  name: string;
  account: string;
  priority: "system-cluster-critical" | "system-node-critical";
  /** On control planes alone, whatever their taints, in the host's network: the metadata service is one hop away. */
  on: "control-planes" | "every node" | "workers";
  containers: object[];
  volumes?: object[];
}

const CONTROL_PLANE = "node-role.kubernetes.io/control-plane";

export function daemonSet(workload: Workload): KubernetesObject {
  return { apiVersion: "apps/v1", kind: "DaemonSet", metadata: metadataOf(workload), spec: { ...selected(workload), updateStrategy: { type: "RollingUpdate" } } };
}

/** One replica, never two at once: it needs no leader. */
export function deployment(workload: Workload): KubernetesObject {
  return { apiVersion: "apps/v1", kind: "Deployment", metadata: metadataOf(workload), spec: { replicas: 1, strategy: { type: "Recreate" }, ...selected(workload) } };
}

const metadataOf = ({ name }: Workload) => ({ name, namespace: SYSTEM, labels: { "k8s-app": name } });

function selected({ name, account, priority, on, containers, volumes }: Workload) {
  const labels = { "k8s-app": name };
  return {
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        serviceAccountName: account,
        priorityClassName: priority,
        ...(on !== "workers" && { hostNetwork: true, dnsPolicy: "Default", tolerations: [{ operator: "Exists" }] }),
        nodeSelector: { "kubernetes.io/os": "linux", ...(on === "control-planes" && { [CONTROL_PLANE]: "" }) },
        containers,
        ...(volumes && { volumes }),
      },
    },
  };
}

/** What a container needs that is no part of the node. */
export const confined = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } };
export const requests = (cpu: string, memory: string): object => ({ requests: { cpu, memory } });
