# shellcheck shell=bash
# Stage `runtime`: kernel settings, the container runtime for this version, images that lie ready, kubelet's unit.

start_runtime() {
  # Felix goes back to iptables below this kernel and says so in its log alone.
  at_least "$KERNEL_FLOOR" "$(uname -r | grep -oE '^[0-9]+\.[0-9]+')" ||
    refuse KernelTooOld "kernel $(uname -r): Calico's eBPF data plane needs $KERNEL_FLOOR"
  modprobe -a overlay br_netfilter || true
  printf '%s\n' overlay br_netfilter >/etc/modules-load.d/kubernetes.conf
  printf '%s = 1\n' net.ipv4.ip_forward net.bridge.bridge-nf-call-iptables >/etc/sysctl.d/90-kubernetes.conf
  # The second needs br_netfilter; kubeadm's preflight judges.
  sysctl -q -p /etc/sysctl.d/90-kubernetes.conf || true
  "start_$CONTAINER_RUNTIME"
  install_kubelet_unit
}

start_containerd() {
  if [[ -z ${KEEP_CONTAINERD_CONFIGURATION:-} ]]; then
    mkdir -p /etc/containerd
    containerd_configuration >/etc/containerd/config.toml
    # The distribution's unit starts the distribution's containerd, which may be older than the one that was fetched.
    systemctl cat containerd.service 2>/dev/null | grep -qxF "ExecStart=$(command -v containerd)" ||
      containerd_unit >/etc/systemd/system/containerd.service
    systemctl daemon-reload
    systemctl enable containerd
    systemctl restart containerd || refuse RuntimeFailed "$(journal containerd)"
  fi
  until ctr version >/dev/null 2>&1; do sleep 0.2; done
  import_images ctr -n k8s.io images import
}

# Docker 19.03 and later, for dockershim; systemd as cgroup driver as kubelet has it.
start_docker() {
  mkdir -p /etc/docker
  cat >/etc/docker/daemon.json <<JSON
{"exec-opts": ["native.cgroupdriver=${CGROUP_DRIVER:-systemd}"], "storage-driver": "overlay2",
 "log-driver": "json-file", "log-opts": {"max-size": "100m"}}
JSON
  systemctl enable docker
  systemctl restart docker || refuse RuntimeFailed "$(journal docker)"
  until docker info >/dev/null 2>&1; do sleep 0.2; done
  import_images docker load -i
}

import_images() {
  [[ -d /opt/clowder/images ]] || return 0
  find /opt/clowder/images -type f -name '*.tar*' -print0 | xargs -0 -r -n 1 -P 2 "$@"
}

journal() { journalctl -u "$1" -n 15 --no-pager -o cat 2>/dev/null || true; }

# Version 3 of the file came with containerd 2.0 and renamed the plugins.
containerd_configuration() {
  local pause systemd=true
  pause=$(kubeadm config images list --kubernetes-version "v$KUBERNETES_VERSION" --image-repository "$IMAGE_REPOSITORY" 2>/dev/null |
    grep /pause:)
  [[ ${CGROUP_DRIVER:-systemd} == systemd ]] || systemd=false
  if at_least 2.0.0 "$(version_of containerd --version)"; then
    cat <<TOML
version = 3
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "$pause"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
  SystemdCgroup = $systemd
TOML
  else
    cat <<TOML
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$pause"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = $systemd
TOML
  fi
}

containerd_unit() {
  cat <<UNIT
[Unit]
Description=containerd
After=network.target

[Service]
ExecStart=$(command -v containerd)
Type=notify
Delegate=yes
KillMode=process
Restart=always
RestartSec=2
LimitNOFILE=1048576
TasksMax=infinity
OOMScoreAdjust=-999

[Install]
WantedBy=multi-user.target
UNIT
}

# As kubeadm's packages install it: https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/kubelet-integration/
install_kubelet_unit() {
  cat >/etc/systemd/system/kubelet.service <<UNIT
[Unit]
Description=kubelet
After=network-online.target $CONTAINER_RUNTIME.service
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=$(command -v kubelet) \$KUBELET_KUBECONFIG_ARGS \$KUBELET_CONFIG_ARGS \$KUBELET_KUBEADM_ARGS \$KUBELET_EXTRA_ARGS
Restart=always
RestartSec=2

[Install]
WantedBy=multi-user.target
UNIT
  systemctl daemon-reload
  systemctl enable kubelet
}
