#!/bin/bash
# Stands for the programs of a prepared node: notes how each was called, answers as the tests ask it to through files.
# shellcheck disable=SC2012
HERE=$(cd "$(dirname "$0")/.." && pwd)
NAME=$(basename "$0")
VERSION=$(cat "$HERE/kubernetes-version")
echo "$NAME $*" >>"$HERE/calls"

# answer_of VERB: what `<program>.<verb>` says to print; a line `exit N` ends with N.
answer_of() {
  local file=$HERE/$NAME.$1
  [[ -e $file ]] || return 0
  grep -v '^exit ' "$file"
  exit "$(sed -n 's/^exit //p' "$file" | grep . || echo 0)"
}

case $NAME:$1 in
kubelet:--version) echo "Kubernetes v$(cat "$HERE/kubelet-version" 2>/dev/null || echo "$VERSION")" ;;
kubeadm:version) echo "v$VERSION" ;;
kubeadm:config) echo registry.k8s.io/pause:3.10.1 ;;
kubeadm:init | kubeadm:join)
  cp "$3" "$HERE/kubeadm-$1.yaml"
  [[ -e $HERE/hang ]] && exec sleep 60
  answer_of "$1"
  ;;
kubectl:version) echo "{\"clientVersion\": {\"gitVersion\": \"v$VERSION\"}}" ;;
kubectl:*)
  [[ $* == *' -f -' ]] && cat >"$HERE/applied"
  answer_of "$1"
  ;;
containerd:--version) echo "containerd github.com/containerd/containerd 1.7.32 abc" ;;
runc:--version) echo "runc version 1.2.9" ;;
systemctl:cat)
  [[ -e $HERE/systemctl.cat ]] || exit 1
  answer_of cat
  ;;
curl:*)
  url=${!#}
  case $url in
  */readyz) [[ -e $HERE/api-is-up ]] || { echo "curl: (7) Failed to connect: Connection refused" && exit 7; } ;;
  */cluster-info) # signed at the second look
    [[ ! -e $HERE/cluster-info-seen ]] || echo '{"data": {"jws-kubeconfig-abcdef": "signed"}}'
    touch "$HERE/cluster-info-seen"
    ;;
  *)
    for word; do
      [[ $last == -o ]] && target=$word
      last=$word
    done
    [[ -e $HERE/served/$(basename "$url") ]] || { echo "curl: (22) The requested URL returned error: 404" && exit 22; }
    [[ ! -e $HERE/disk-is-full ]] || { echo "curl: (23) Failure writing output to destination" && exit 23; }
    cat "$HERE/served/$(basename "$url")" >"${target:-/dev/stdout}"
    ;;
  esac
  ;;
esac
