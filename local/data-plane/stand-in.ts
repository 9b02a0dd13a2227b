import { calicoKinds, daemonSet } from "./kinds";

/** `.invalid` (RFC 2606) is nobody's: the image is in the folder of archives or nowhere. */
export const standInImage = (kubernetesVersion: string): string => `registry.invalid/clowder-stand-in:${kubernetesVersion}`;

const account = (name: string, clusterRole: string): object[] => [
  { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: "kube-system" } },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: clusterRole },
    subjects: [{ kind: "ServiceAccount", name, namespace: "kube-system" }],
  },
];

const readsNodes = {
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRole",
  metadata: { name: "clowder-stand-in" },
  rules: [{ apiGroups: [""], resources: ["nodes"], verbs: ["list"] }],
};

const hostPath = (path: string, type: string) => ({ name: nameOf(path), hostPath: { path, type } });
const mount = (path: string, mountPath: string, readOnly = false) => ({ name: nameOf(path), mountPath, readOnly });
const nameOf = (path: string): string => path.slice(1).replace(/\W+/g, "-");

/** Where the API server is, from the same ConfigMap that Calico reads: its ClusterIP is served by what starts here. */
const findsApi = {
  envFrom: [{ configMapRef: { name: "kubernetes-services-endpoint" } }],
  env: [{ name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }],
};

/**
 * A data plane to test everything else on, in place of Calico's manifest: kube-proxy, and a plain pod network over VXLAN. It enforces no
 * policy, keeps no client address and has no eBPF; whatever is said of those on it is simulated.
 */
export function standInManifest(kubernetesVersion: string): object[] {
  const image = { image: standInImage(kubernetesVersion), imagePullPolicy: "Never" };
  const network = {
    name: "network",
    ...image,
    ...findsApi,
    command: ["/stand-in"],
    securityContext: { privileged: true },
    volumeMounts: [mount("/opt/cni/bin", "/host/opt/cni/bin"), mount("/etc/cni/net.d", "/host/etc/cni/net.d")],
  };
  const proxy = {
    name: "kube-proxy",
    ...image,
    ...findsApi,
    // 0 leaves the machine's own conntrack limits as they are.
    command: [
      ...["/usr/local/bin/kube-proxy", "--hostname-override=$(NODE_NAME)", "--proxy-mode=iptables", "--detect-local-mode=NodeCIDR"],
      ...["--iptables-localhost-nodeports=false", "--conntrack-max-per-core=0", "--conntrack-min=0"],
      ...["--conntrack-tcp-timeout-established=0", "--conntrack-tcp-timeout-close-wait=0"],
    ],
    securityContext: { privileged: true },
    // iptables is the node's own: kubeadm asks for it there, and the image has none.
    volumeMounts: [mount("/usr", "/host/usr", true), mount("/etc/alternatives", "/etc/alternatives", true), mount("/run/xtables.lock", "/run/xtables.lock")],
  };
  return [
    ...calicoKinds,
    readsNodes,
    ...account("clowder-stand-in", "clowder-stand-in"),
    ...account("kube-proxy", "system:node-proxier"),
    daemonSet({
      name: "clowder-stand-in",
      pod: {
        serviceAccountName: "clowder-stand-in",
        containers: [network],
        volumes: [hostPath("/opt/cni/bin", "DirectoryOrCreate"), hostPath("/etc/cni/net.d", "DirectoryOrCreate")],
      },
    }),
    daemonSet({
      name: "kube-proxy",
      pod: {
        serviceAccountName: "kube-proxy",
        containers: [proxy],
        volumes: [hostPath("/usr", "Directory"), hostPath("/etc/alternatives", "Directory"), hostPath("/run/xtables.lock", "FileOrCreate")],
      },
    }),
  ];
}

/** What the image has beside its programs: the node's userland where programs look for theirs, so that kube-proxy finds iptables. */
export const userlandLinks: Record<string, string> = {
  ...Object.fromEntries(["bin", "sbin", "lib", "lib64"].map((name) => [`/${name}`, `host/usr/${name}`])),
  ...Object.fromEntries(["bin", "sbin", "lib", "lib64"].map((name) => [`/usr/${name}`, `../host/usr/${name}`])),
};
