import { type KubernetesObject, SYSTEM, binding, confined, deployment, granted, readsAuthentication, requests, rule, serviceAccount } from "./kubernetes-objects";

const NAME = "metrics-server";
const PORT = 10250;

/**
 * `metricsServer.enabled`, with kOps' default `insecure: true`: kubelets serve with certificates of their own making.
 * https://github.com/kubernetes-sigs/metrics-server
 */
export const metricsServer = (image: string): KubernetesObject[] => [
  serviceAccount(NAME),
  readsAuthentication(NAME),
  binding(`${NAME}:system:auth-delegator`, NAME, "ClusterRole", "system:auth-delegator"),
  ...granted(`system:${NAME}`, NAME, "ClusterRole", [rule("", "nodes/metrics", "get"), rule("", "pods nodes", "get list watch")]),
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: {
      name: "system:aggregated-metrics-reader",
      labels: Object.fromEntries(["admin", "edit", "view"].map((role) => [`rbac.authorization.k8s.io/aggregate-to-${role}`, "true"])),
    },
    rules: [rule("metrics.k8s.io", "pods nodes", "get list watch")],
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: NAME, namespace: SYSTEM, labels: { "k8s-app": NAME } },
    spec: { selector: { "k8s-app": NAME }, ports: [{ name: "https", port: 443, targetPort: "https", protocol: "TCP" }] },
  },
  deployment({
    name: NAME,
    account: NAME,
    priority: "system-cluster-critical",
    on: "workers",
    containers: [
      {
        name: NAME,
        image,
        args: [
          "--cert-dir=/tmp",
          `--secure-port=${PORT}`,
          "--kubelet-preferred-address-types=InternalIP",
          "--kubelet-use-node-status-port",
          "--kubelet-insecure-tls",
          "--metric-resolution=15s",
        ],
        ports: [{ name: "https", containerPort: PORT, protocol: "TCP" }],
        readinessProbe: { httpGet: { path: "/readyz", port: "https", scheme: "HTTPS" }, initialDelaySeconds: 20, periodSeconds: 10 },
        resources: requests("100m", "200Mi"),
        volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
        securityContext: { ...confined, runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } },
      },
    ],
    volumes: [{ name: "tmp", emptyDir: {} }],
  }),
  {
    apiVersion: "apiregistration.k8s.io/v1",
    kind: "APIService",
    metadata: { name: "v1beta1.metrics.k8s.io" },
    spec: {
      group: "metrics.k8s.io",
      version: "v1beta1",
      groupPriorityMinimum: 100,
      versionPriority: 100,
      insecureSkipTLSVerify: true,
      service: { name: NAME, namespace: SYSTEM },
    },
  },
];
