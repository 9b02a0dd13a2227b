import { type KubernetesObject, SYSTEM, confined, daemonSet, granted, readsAuthentication, requests, rule, serviceAccount } from "./kubernetes-objects";

const NAME = "aws-cloud-controller-manager";
const ACCOUNT = "cloud-controller-manager";

/**
 * AWS's cloud controller manager: it initialises nodes (provider id, zone, addresses) and serves Services of type LoadBalancer. It finds
 * the API by the control plane's own address, for until Calico runs nothing serves the `kubernetes` Service.
 * https://cloud-provider-aws.sigs.k8s.io/getting_started/
 */
export function cloudControllerManager({ image, cluster, endpoint }: { image: string; cluster: string; endpoint: string }): KubernetesObject[] {
  const colon = endpoint.lastIndexOf(":");
  return [
    serviceAccount(ACCOUNT),
    readsAuthentication(ACCOUNT),
    ...granted("system:cloud-controller-manager", ACCOUNT, "ClusterRole", [
      rule("", "nodes", "get list watch patch update delete"),
      rule("", "nodes/status", "patch update"),
      rule("", "services", "get list watch patch update"),
      rule("", "services/status", "patch update"),
      rule("", "endpoints", "get list watch"),
      rule("", "events", "create patch update"),
      rule("", "serviceaccounts", "get list watch"),
      rule("", "persistentvolumes", "get list watch patch update"),
    ]),
    ...granted(`${ACCOUNT}:leader`, ACCOUNT, "Role", [rule("coordination.k8s.io", "leases", "create get list watch update patch")]),
    daemonSet({
      name: NAME,
      account: ACCOUNT,
      priority: "system-node-critical",
      on: "control-planes",
      containers: [
        {
          name: NAME,
          image,
          args: [
            "--v=2",
            "--cloud-provider=aws",
            `--cluster-name=${cluster}`,
            "--configure-cloud-routes=false",
            "--allocate-node-cidrs=false",
            `--leader-elect-resource-namespace=${SYSTEM}`,
          ],
          env: [
            { name: "KUBERNETES_SERVICE_HOST", value: endpoint.slice(0, colon) },
            { name: "KUBERNETES_SERVICE_PORT", value: endpoint.slice(colon + 1) },
          ],
          resources: requests("50m", "64Mi"),
          securityContext: confined,
        },
      ],
    }),
  ];
}
