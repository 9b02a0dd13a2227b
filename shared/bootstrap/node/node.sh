# shellcheck shell=bash
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
