# shellcheck shell=bash
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
