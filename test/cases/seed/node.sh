#!/bin/bash
# Clowder's node script of demo.k8s.local (a1b2c3d4e5); the service rendered it and its SHA-256 is in user data.
KUBERNETES_VERSION='1.19.7'
CONTAINER_RUNTIME='docker'
CRI_SOCKET='/var/run/dockershim.sock'
IMAGE_REPOSITORY='registry.k8s.io'
KERNEL_FLOOR='5.3'
CONTAINERD_FLOOR='1.6.0'
NEEDS_CRICTL='yes'
ECR_CREDENTIALS=''
INTERNAL_NAME='api.internal.demo.k8s.local'
CONTROL_PLANE_ADDRESSES='172.20.32.10'
ENDPOINT='172.20.32.10:6443'
LIMIT_MATERIAL='180'
LIMIT_ARTIFACTS='600'
LIMIT_RUNTIME='300'
LIMIT_REGISTERED='900'
mkdir -p /opt/clowder
cat >/opt/clowder/artifacts.tsv <<'END_OF_CLOWDER_FILE'
kubeadm	amd64	https://dl.k8s.io/release/v1.19.7/bin/linux/amd64/kubeadm	beside
kubelet	amd64	https://dl.k8s.io/release/v1.19.7/bin/linux/amd64/kubelet	beside
kubectl	amd64	https://dl.k8s.io/release/v1.19.7/bin/linux/amd64/kubectl	beside
containerd	amd64	https://github.com/containerd/containerd/releases/download/v1.7.32/containerd-1.7.32-linux-amd64.tar.gz	4db81bc7c67ec5e5e38ec43f287e1eab6962035cd1f4a904694700ca40698b03
runc	amd64	https://github.com/opencontainers/runc/releases/download/v1.2.9/runc.amd64	b21fda1d5a1510b19c3f6fb43ecb3a92887654a9d0c2b64e84b8b08f24ff0e30
crictl	amd64	https://github.com/kubernetes-sigs/cri-tools/releases/download/v1.29.0/crictl-v1.29.0-linux-amd64.tar.gz	d16a1ffb3938f5a19d5c8f45d363bd091ef89c0bc4d44ad16b933eede32fdcbb
kubeadm	arm64	https://dl.k8s.io/release/v1.19.7/bin/linux/arm64/kubeadm	beside
kubelet	arm64	https://dl.k8s.io/release/v1.19.7/bin/linux/arm64/kubelet	beside
kubectl	arm64	https://dl.k8s.io/release/v1.19.7/bin/linux/arm64/kubectl	beside
containerd	arm64	https://github.com/containerd/containerd/releases/download/v1.7.32/containerd-1.7.32-linux-arm64.tar.gz	631e7079dba58806e5a03158773030e4ac63c69343afe02e5419fb848485569c
runc	arm64	https://github.com/opencontainers/runc/releases/download/v1.2.9/runc.arm64	c155ae4716480be73a1c3bbedfa23df179800ba39ca83eb59f5b1b9b72a7ecbd
crictl	arm64	https://github.com/kubernetes-sigs/cri-tools/releases/download/v1.29.0/crictl-v1.29.0-linux-arm64.tar.gz	0b615cfa00c331fb9c4524f3d4058a61cc487b33a3436d1269e7832cf283f925
calico	any	https://docs.projectcalico.org/archive/v3.17/manifests/calico-vxlan.yaml	tls
END_OF_CLOWDER_FILE
mkdir -p /opt/clowder
cat >/opt/clowder/groups.json <<'END_OF_CLOWDER_FILE'
{
  "master-us-east-1a": {
    "labels": {
      "kops.k8s.io/instancegroup": "master-us-east-1a",
      "node-role.kubernetes.io/control-plane": ""
    },
    "taints": null
  },
  "nodes-us-east-1a": {
    "labels": {
      "kops.k8s.io/instancegroup": "nodes-us-east-1a",
      "node-role.kubernetes.io/node": ""
    },
    "taints": []
  }
}
END_OF_CLOWDER_FILE
mkdir -p /opt/clowder
cat >/opt/clowder/material.py <<'END_OF_CLOWDER_FILE'
"""Join material from the bucket, put where kubeadm looks for it.

    material.py pki SOURCE DIRECTORY     the cluster's keys and certificates, keys for root alone
    material.py ca SOURCE FILE           the cluster's CA certificate
    material.py fill TEMPLATE SOURCE     prints a kubeadm configuration with this node's facts and the token filled in
"""
import datetime
import json
import os
import re
import sys

# Settings of kubelet that a prepared image needs; KubeletConfiguration is the last document of the template.
KUBELET_ADDITIONS = "/etc/clowder/kubelet.yaml"


def load(path):
    with open(path) as file:
        return json.load(file)


def write(path, text, mode):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)
    os.chmod(path, mode)


def pki(source, directory):
    material = load(source)
    token_seconds(material["tokenExpiry"])
    for name, text in material["files"].items():
        path = os.path.join(directory, name)
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        write(path, text, 0o644 if name.endswith((".crt", ".pub")) else 0o600)


def ca(source, path):
    write(path, load(source)["ca.crt"], 0o644)


def token_seconds(expiry):
    """kubeadm takes 0 for "never": a token whose time has passed must not become one that never ends."""
    end = datetime.datetime.strptime(expiry.split(".")[0].rstrip("Z"), "%Y-%m-%dT%H:%M:%S")
    seconds = int((end - datetime.datetime.utcnow()).total_seconds())
    if seconds < 60:
        sys.exit("the bootstrap token of this cluster ended at %s" % expiry)
    return seconds


def facts(material):
    group = os.environ.get("CLOWDER_GROUP", "")
    found = {
        "ADDRESS": os.environ["CLOWDER_ADDRESS"],
        "NODE_NAME": os.environ["CLOWDER_NODE_NAME"],
        "GROUP": group,
        "TAINTS": load("/opt/clowder/groups.json")[group]["taints"],
        "CGROUP_DRIVER": os.environ.get("CGROUP_DRIVER", "systemd"),
        "TOKEN": material["token"],
        "CA_CERT_HASH": material["caCertHash"],
    }
    if "tokenExpiry" in material:
        found["TOKEN_TTL"] = "%ds" % token_seconds(material["tokenExpiry"])
    return found


def fill(template, source):
    known = facts(load(source))
    with open(template) as file:
        text = file.read()
    # A placeholder that is a whole value may become any JSON, which is YAML too; inside a longer one it becomes words.
    text = re.sub(r'"@([A-Z_]+)@"', lambda match: json.dumps(known[match.group(1)]), text)
    text = re.sub(r"@([A-Z_]+)@", lambda match: str(known[match.group(1)]), text)
    if "kind: KubeletConfiguration" in text and os.path.exists(KUBELET_ADDITIONS):
        with open(KUBELET_ADDITIONS) as file:
            text += file.read()
    sys.stdout.write(text)


if __name__ == "__main__":
    os.umask(0o077)
    {"pki": pki, "ca": ca, "fill": fill}[sys.argv[1]](*sys.argv[2:])
END_OF_CLOWDER_FILE
mkdir -p /opt/clowder
cat >/opt/clowder/kubeadm-join.yaml <<'END_OF_CLOWDER_FILE'
apiVersion: kubeadm.k8s.io/v1beta2
kind: JoinConfiguration
discovery:
  bootstrapToken:
    token: "@TOKEN@"
    apiServerEndpoint: "172.20.32.10:6443"
    caCertHashes:
    - "@CA_CERT_HASH@"
  timeout: 2m0s
nodeRegistration:
  name: "@NODE_NAME@"
  criSocket: /var/run/dockershim.sock
  taints: "@TAINTS@"
  kubeletExtraArgs:
    node-ip: "@ADDRESS@"
    node-labels: clowder.io/instance-group=@GROUP@
    cloud-provider: aws
END_OF_CLOWDER_FILE
. /opt/clowder/stages.sh

# Stage `artifacts`: what the node lacks, downloaded beside each other and checked. What is there in the right version stays.

architecture() { [[ $(uname -m) == aarch64 ]] && echo arm64 || echo amd64; }

# download NAME FILE: an artifact of artifacts.tsv (name, architecture, URL, SHA-256 | `beside` | `tls`).
download() {
  local url sum file=$2 found said
  read -r url sum < <(awk -v name="$1" -v arch="$(architecture)" '$1 == name && ($2 == arch || $2 == "any") { print $3, $4 }' \
    /opt/clowder/artifacts.tsv)
  said=$(curl -fsSL --retry 4 --retry-connrefused --connect-timeout 10 -o "$file" "$url" 2>&1) || refuse ArtifactUnreachable "$url: $said"
  if [[ $sum == beside ]]; then
    sum=$(curl -fsSL --retry 4 --retry-connrefused --connect-timeout 10 "$url.sha256") || refuse ArtifactUnreachable "$url.sha256"
    sum=${sum%% *}
  fi
  [[ $sum == tls ]] && return 0
  found=$(sha256sum "$file" | cut -d' ' -f1)
  [[ $found == "$sum" ]] || refuse ChecksumMismatch "$url has SHA-256 $found and should have $sum"
}

# The first x.y.z that a program says about itself; nothing where it is missing.
version_of() {
  local said
  said=$("$@" 2>/dev/null) || return 0
  if [[ $said =~ ([0-9]+\.[0-9]+\.[0-9]+) ]]; then echo "${BASH_REMATCH[1]}"; fi
}
at_least() { [[ -n $2 && $(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]; }

ensure_kubernetes() {
  local name=$1
  shift
  [[ $(version_of "$@") == "$KUBERNETES_VERSION" ]] && return 0
  download "$name" "$DOWNLOADS/$name"
  install -m 0755 "$DOWNLOADS/$name" "/usr/local/bin/$name"
}

# A prepared image may bring its own containerd and runc: any that this kubelet speaks with will do.
ensure_containerd() {
  at_least "$CONTAINERD_FLOOR" "$(version_of containerd --version)" && return 0
  download containerd "$DOWNLOADS/containerd.tar.gz"
  tar -C /usr/local -xzf "$DOWNLOADS/containerd.tar.gz"
}
ensure_runc() {
  at_least 1.1.0 "$(version_of runc --version)" && return 0
  download runc "$DOWNLOADS/runc"
  install -m 0755 "$DOWNLOADS/runc" /usr/local/sbin/runc
}
# kubeadm asks for it until 1.31.
ensure_crictl() {
  command -v crictl >/dev/null && return 0
  download crictl "$DOWNLOADS/crictl.tar.gz"
  tar -C /usr/local/bin -xzf "$DOWNLOADS/crictl.tar.gz" crictl
}

ensure_packages() {
  local name said missing=()
  for name in conntrack socat ethtool iptables; do command -v "$name" >/dev/null || missing+=("$name"); done
  if [[ $CONTAINER_RUNTIME == docker ]] && ! command -v dockerd >/dev/null; then missing+=(docker.io); fi
  ((${#missing[@]} == 0)) && return 0
  command -v apt-get >/dev/null || refuse PreflightFailed "the image lacks ${missing[*]} and has no apt-get"
  export DEBIAN_FRONTEND=noninteractive
  # One that fails may have left only some lists old: the install says what is missing.
  apt-get -q -o DPkg::Lock::Timeout=120 update || true
  said=$(apt-get -qy -o DPkg::Lock::Timeout=120 install --no-install-recommends "${missing[@]}" 2>&1) ||
    refuse ArtifactUnreachable "apt-get install ${missing[*]}: $(tail -n 3 <<<"$said")"
}

get_artifacts() {
  local job jobs=()
  DOWNLOADS=$(mktemp -d /var/tmp/clowder.XXXXXX)
  ensure_packages & jobs+=($!)
  ensure_kubernetes kubeadm kubeadm version -o short & jobs+=($!)
  ensure_kubernetes kubelet kubelet --version & jobs+=($!)
  ensure_kubernetes kubectl kubectl version --client -o json & jobs+=($!)
  if [[ $CONTAINER_RUNTIME == containerd ]]; then
    ensure_containerd & jobs+=($!)
    ensure_runc & jobs+=($!)
    if [[ -n $NEEDS_CRICTL ]]; then ensure_crictl & jobs+=($!); fi
  fi
  if [[ -n $ECR_CREDENTIALS ]]; then ensure_ecr_credential_provider & jobs+=($!); fi
  if [[ ${CONTROL_PLANE_INDEX:-} == 0 ]]; then download calico /opt/clowder/calico/calico.yaml & jobs+=($!); fi
  for job in "${jobs[@]}"; do wait "$job"; done
  rm -rf "$DOWNLOADS"
}

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

# kubeadm, filled in for this node at run time: the token is in the material alone, and in memory-backed files of root's.

material() { python3 /opt/clowder/material.py "$@"; }

# Several control planes have one name inside; host-network pods see the node's hosts file too.
write_hosts() {
  local address
  for address in $CONTROL_PLANE_ADDRESSES; do
    grep -qxF "$address $INTERNAL_NAME" /etc/hosts || echo "$address $INTERNAL_NAME" >>/etc/hosts
  done
}

# wait_for_api HOST:PORT CA SECONDS
wait_for_api() {
  local deadline=$((SECONDS + $3)) said
  until said=$(curl -fsS --max-time 3 --noproxy '*' --cacert "$2" "https://$1/readyz" 2>&1); do
    ((SECONDS < deadline)) || refuse ApiUnreachable "https://$1/readyz for $3 s: $said"
    sleep 0.5
  done
}

# run_kubeadm REASON ARGUMENTS…: no token reaches the log, and what went wrong is told in kubeadm's own words.
run_kubeadm() {
  local reason=$1 log=$RUN/kubeadm.log
  shift
  if kubeadm "$@" ${KUBEADM_IGNORE_PREFLIGHT_ERRORS:+"--ignore-preflight-errors=$KUBEADM_IGNORE_PREFLIGHT_ERRORS"} 2>&1 |
    sed -u -E 's/[a-z0-9]{6}\.[a-z0-9]{16}/<token>/g' | tee "$log"; then
    return 0
  fi
  journal kubelet
  because "$(reason_of "$log" "$reason")" "$(grep -E '\[ERROR|error execution phase|^error' "$log" | tail -n 4 | tr '\n' ' ')"
  return 1
}

# reason_of LOG REASON: discovery is part of kubeadm's preflight phase, so it is looked for first.
reason_of() {
  if grep -qE "couldn't validate the identity of the API Server|cluster-info ConfigMap|invalid discovery token|cluster CA found" "$1"; then
    grep -qE 'connection refused|i/o timeout|no route to host|network is unreachable' "$1" && echo ApiUnreachable || echo JoinRefused
  elif grep -qE 'Unauthorized|[Ff]orbidden' "$1"; then
    echo JoinRefused
  elif grep -qF '[ERROR' "$1"; then
    echo PreflightFailed
  else
    echo "$2"
  fi
}

# wait_for_signature CONFIGURATION CA: kubeadm looks every five seconds whether the control plane has signed cluster-info with its token,
# https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/#configmap-signing. After 20 s it is asked all the same: it says why not.
wait_for_signature() {
  local deadline=$((SECONDS + 20)) id endpoint said
  id=$(sed -nE 's/^ *token: "?([a-z0-9]{6})\..*/\1/p' "$1")
  endpoint=$(sed -nE 's/^ *apiServerEndpoint: "?([^"]+)"?$/\1/p' "$1")
  until said=$(curl -fsS --max-time 3 --noproxy '*' --cacert "$2" "https://$endpoint/api/v1/namespaces/kube-public/configmaps/cluster-info" 2>&1) &&
    [[ $said == *"jws-kubeconfig-$id"* ]]; do
    ((SECONDS < deadline)) || return 0
    sleep 0.5
  done
}

# join MATERIAL CA: a second try after a reset, for an API server that went away in the middle; the first reason is kept.
join() {
  local configuration=$RUN/kubeadm-join.yaml
  material fill /opt/clowder/kubeadm-join.yaml "$1" >"$configuration"
  wait_for_signature "$configuration" "$2"
  if ! run_kubeadm JoinFailed join --config "$configuration"; then
    # kubeadm has tried for minutes until it calls a token refused.
    [[ $(cat "$RUN/reason") =~ ^(PreflightFailed|JoinRefused)$ ]] && exit 1
    echo "clowder: kubeadm reset, then one more try"
    kubeadm reset --force --cri-socket "$CRI_SOCKET" >/dev/null 2>&1 || true
    restore_material "$1"
    run_kubeadm JoinFailed join --config "$configuration"
    rm -f "$RUN"/{reason,message}
  fi
  rm -f "$configuration"
}

wait_for_own_node() {
  until kubectl --kubeconfig "$1" get node "$CLOWDER_NODE_NAME" -o name; do sleep 0.5; done
}

# What a cluster on AWS has beside Kubernetes and Calico.

# kubelet asks it for the passwords of ECR; the kubeadm configuration names the folder.
ensure_ecr_credential_provider() {
  local folder=/opt/clowder/credential-provider
  [[ -x $folder/ecr-credential-provider ]] && return 0
  download ecr-credential-provider "$DOWNLOADS/ecr-credential-provider"
  install -D -m 0755 "$DOWNLOADS/ecr-credential-provider" "$folder/ecr-credential-provider"
}

# Cloud controller, volumes and metrics: applied once, their images are pulled when they can be.
apply_add_ons() {
  ((CONTROL_PLANE_INDEX == 0)) && [[ -e /opt/clowder/add-ons.yaml ]] || return 0
  export KUBECONFIG=$ADMIN
  apply /opt/clowder/add-ons.yaml
}

# Body of a worker's script. The control plane may still be booting: the wait for it is part of the last stage.
export NUMBER=1 # the stub's stage

get_material() {
  write_hosts
  fetch join/node.json "$RUN/material.json" MaterialRefused
  restore_material "$RUN/material.json"
}
restore_material() { material ca "$1" "$RUN/ca.crt"; }

register() {
  wait_for_api "$ENDPOINT" "$RUN/ca.crt" "$((LIMIT_REGISTERED - 30))"
  join "$RUN/material.json" "$RUN/ca.crt"
  wait_for_own_node /etc/kubernetes/kubelet.conf
  rm -f "$RUN/material.json"
}

stage material "$LIMIT_MATERIAL" MaterialInvalid get_material
stage artifacts "$LIMIT_ARTIFACTS" ArtifactUnreachable get_artifacts
stage runtime "$LIMIT_RUNTIME" RuntimeFailed start_runtime
stage registered "$LIMIT_REGISTERED" JoinFailed register
told
