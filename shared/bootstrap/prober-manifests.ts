/** Everything that the evidence is collected with lives in one namespace of its own. */
export const namespace = "clowder-probe";
const collector = "clowder-collector";
const labels = { app: "clowder-prober" };

interface Rule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}
const rule = (apiGroup: string, resources: string[], verbs: string[], resourceNames?: string[]): Rule => ({
  apiGroups: [apiGroup],
  resources,
  verbs,
  ...(resourceNames && { resourceNames }),
});
const subject = { kind: "ServiceAccount", name: collector, namespace };
const rbac = "rbac.authorization.k8s.io";

function granted(rules: Rule[], inNamespace?: string): object[] {
  const kind = inNamespace ? "Role" : "ClusterRole";
  const metadata = { name: collector, ...(inNamespace && { namespace: inNamespace }) };
  const roleRef = { apiGroup: rbac, kind, name: collector };
  return [
    { apiVersion: `${rbac}/v1`, kind, metadata, rules },
    { apiVersion: `${rbac}/v1`, kind: `${kind}Binding`, metadata, subjects: [subject], roleRef },
  ];
}

/** Reads nodes, Calico's configuration and calico-node; makes and removes the prober in its own namespace. */
export const collectorAccess = {
  apiVersion: "v1",
  kind: "List",
  items: [
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: namespace, labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
    },
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: collector, namespace }, automountServiceAccountToken: false },
    {
      apiVersion: "v1",
      kind: "Secret",
      type: "kubernetes.io/service-account-token",
      metadata: { name: collector, namespace, annotations: { "kubernetes.io/service-account.name": collector } },
    },
    ...granted([rule("", ["nodes"], ["list"]), rule("crd.projectcalico.org", ["felixconfigurations", "ippools"], ["list"])]),
    ...granted(
      [
        rule("", ["pods"], ["list"]),
        rule("", ["pods/proxy", "pods/log"], ["get"]),
        rule("", ["configmaps"], ["get"], ["kubernetes-services-endpoint"]),
        rule("apps", ["daemonsets"], ["get", "list"]),
      ],
      "kube-system",
    ),
    ...granted(
      [
        rule("", ["pods"], ["list"]),
        rule("", ["pods/proxy"], ["get"]),
        rule("", ["services", "endpoints"], ["list", "create", "delete"]),
        rule("discovery.k8s.io", ["endpointslices"], ["list", "create", "delete"]),
        rule("apps", ["daemonsets"], ["list", "create", "delete"]),
        rule("networking.k8s.io", ["networkpolicies"], ["list", "create", "delete"]),
        rule("coordination.k8s.io", ["leases"], ["create"]),
        rule("coordination.k8s.io", ["leases"], ["get", "update"], [collector]),
      ],
      namespace,
    ),
  ],
};

/** One pod on every node, control planes included: Kubernetes' own agnhost, which echoes the client's address and dials others. */
export const proberDaemonSet = (image: string) => ({
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "clowder-prober", labels },
  spec: {
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: 1,
        tolerations: [{ operator: "Exists" }],
        securityContext: { runAsNonRoot: true, runAsUser: 65534, seccompProfile: { type: "RuntimeDefault" } },
        containers: [
          {
            name: "prober",
            image,
            args: ["netexec", "--http-port=8080"],
            ports: [{ containerPort: 8080, protocol: "TCP" }],
            readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1 },
            resources: { requests: { cpu: "5m", memory: "16Mi" }, limits: { memory: "64Mi" } },
            securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
          },
        ],
      },
    },
  },
});

/** The negative control: nothing may come in to the probers. */
export const denyPolicy = {
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: { name: "clowder-deny", labels },
  spec: { podSelector: { matchLabels: labels }, policyTypes: ["Ingress"] },
};
