/** The kinds of Calico that the installation waits for and fills; their fields are left to whoever reads them. */
const kind = (plural: string, name: string): object => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `${plural}.crd.projectcalico.org` },
  spec: {
    group: "crd.projectcalico.org",
    names: { kind: name, listKind: `${name}List`, plural, singular: name.toLowerCase() },
    scope: "Cluster",
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", properties: { spec: { type: "object", "x-kubernetes-preserve-unknown-fields": true } } } },
      },
    ],
  },
});

export const calicoKinds: object[] = [kind("felixconfigurations", "FelixConfiguration"), kind("ippools", "IPPool")];

interface Workload {
  name: string;
  pod: Record<string, unknown>;
}

/** One pod on every node, in the node's network, before anything else works there. */
export const daemonSet = ({ name, pod }: Workload): object => ({
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name, namespace: "kube-system", labels: { "k8s-app": name } },
  spec: {
    selector: { matchLabels: { "k8s-app": name } },
    updateStrategy: { type: "RollingUpdate" },
    template: {
      metadata: { labels: { "k8s-app": name } },
      spec: {
        hostNetwork: true,
        priorityClassName: "system-node-critical",
        tolerations: [{ operator: "Exists" }],
        terminationGracePeriodSeconds: 0,
        ...pod,
      },
    },
  },
});
