import { execute } from "./nodes/node";

/** Two machines that have booted, and what a person would type there. */
export interface PlainNodes {
  controlPlane: PlainNode;
  node: PlainNode;
  kubernetesVersion: string;
  podCidr: string;
  serviceCidr: string;
  /** URL of what makes the pod network. */
  network: string;
}
interface PlainNode {
  id: string;
  address: string;
  name: string;
}

/** As the packages of containerd and kubelet set them up: https://kubernetes.io/docs/setup/production-environment/ */
const RUNTIME = `
set -eu
sysctl -q -w net.ipv4.ip_forward=1
mkdir -p /etc/containerd
cat >/etc/containerd/config.toml <<TOML
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$(kubeadm config images list --kubernetes-version "$VERSION" 2>/dev/null | grep /pause:)"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = true
TOML
cat >/etc/systemd/system/kubelet.service <<UNIT
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
ExecStart=/usr/local/bin/kubelet \\$KUBELET_KUBECONFIG_ARGS --config=/var/lib/kubelet/config.yaml \\$KUBELET_KUBEADM_ARGS --node-ip=$ADDRESS
Restart=always
RestartSec=10
[Install]
WantedBy=multi-user.target
UNIT
systemctl daemon-reload
systemctl enable kubelet
systemctl restart containerd
`;
const INIT = `
set -eu
kubeadm init --kubernetes-version "$VERSION" --apiserver-advertise-address "$ADDRESS" --node-name "$NAME" \\
  --pod-network-cidr "$POD_CIDR" --service-cidr "$SERVICE_CIDR" --skip-phases=addon/kube-proxy
export KUBECONFIG=/etc/kubernetes/admin.conf
kubectl -n kube-system create configmap kubernetes-services-endpoint \\
  --from-literal=KUBERNETES_SERVICE_HOST="$ADDRESS" --from-literal=KUBERNETES_SERVICE_PORT=6443
curl -fsS "$NETWORK" | kubectl apply -f -
`;
const READY = `
set -eu
export KUBECONFIG=/etc/kubernetes/admin.conf
until [ "$(kubectl get nodes --no-headers | wc -l)" = 2 ]; do sleep 0.2; done
kubectl wait --for=condition=Ready node --all --timeout=180s >/dev/null
kubectl get nodes -o json
`;

/**
 * `kubeadm init`, the pod network, `kubeadm join`, one after the other, without anything of this product.
 * @returns what `kubectl get nodes -o json` prints once both are Ready
 * @throws Error with the last lines of what failed
 */
export async function runPlainKubeadm(nodes: PlainNodes): Promise<string> {
  const { controlPlane, node } = nodes;
  const on = ({ id, address, name }: PlainNode, script: string) => {
    const variables = { VERSION: `v${nodes.kubernetesVersion}`, ADDRESS: address, NAME: name, POD_CIDR: nodes.podCidr, SERVICE_CIDR: nodes.serviceCidr, NETWORK: nodes.network };
    return execute(id, ["env", ...Object.entries(variables).map(([key, value]) => `${key}=${value}`), "bash", "-c", script]);
  };
  const prepared = [controlPlane, node].map(async (one) => {
    await execute(one.id, ["cloud-init", "status", "--wait"]).catch(() => undefined);
    await on(one, RUNTIME);
  });
  await prepared[0];
  await on(controlPlane, INIT);
  const join = (await on(controlPlane, "kubeadm token create --print-join-command")).trim();
  await prepared[1];
  await on(node, `${join} --node-name "$NAME"`);
  return on(controlPlane, READY);
}
