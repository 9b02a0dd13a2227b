# shellcheck shell=bash
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
