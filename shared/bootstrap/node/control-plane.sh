# shellcheck shell=bash
# Body of the control plane's script. The first planned address initialises the cluster; each of the others waits for the one
# before it, because etcd takes one new member at a time.
PKI=/etc/kubernetes/pki
ADMIN=/etc/kubernetes/admin.conf
export NUMBER=1 # the stub's stage
CONTROL_PLANE_INDEX=0
PREVIOUS_ADDRESS=
for address in $CONTROL_PLANE_ADDRESSES; do
  [[ $address == "$CLOWDER_ADDRESS" ]] && break
  PREVIOUS_ADDRESS=$address
  CONTROL_PLANE_INDEX=$((CONTROL_PLANE_INDEX + 1))
done

get_material() {
  [[ " $CONTROL_PLANE_ADDRESSES " == *" $CLOWDER_ADDRESS "* ]] ||
    refuse AddressNotPlanned "$CLOWDER_ADDRESS is none of the planned $CONTROL_PLANE_ADDRESSES"
  write_hosts
  fetch pki/control-plane.json "$RUN/material.json" MaterialRefused
  restore_material "$RUN/material.json"
}
restore_material() {
  local said
  said=$(material pki "$1" "$PKI" 2>&1) || refuse MaterialInvalid "$(tail -n 1 <<<"$said")"
}

bring_up_control_plane() {
  if ((CONTROL_PLANE_INDEX == 0)); then
    material fill /opt/clowder/kubeadm-init.yaml "$RUN/material.json" >"$RUN/kubeadm-init.yaml"
    run_kubeadm ControlPlaneFailed init --config "$RUN/kubeadm-init.yaml" --skip-phases=addon/kube-proxy --skip-token-print
    rm -f "$RUN/kubeadm-init.yaml"
  else
    wait_for_api "$PREVIOUS_ADDRESS:6443" "$PKI/ca.crt" "$((LIMIT_CONTROL_PLANE_UP * CONTROL_PLANE_INDEX))"
    join "$RUN/material.json" "$PKI/ca.crt"
  fi
  wait_for_api "$CLOWDER_ADDRESS:6443" "$PKI/ca.crt" 120
}

# Order matters: where Calico finds the API without kube-proxy, then its kinds, then what it shall be, then itself: so it starts
# in eBPF mode and never as something else.
apply_calico() {
  ((CONTROL_PLANE_INDEX == 0)) || return 0
  export KUBECONFIG=$ADMIN
  local folder=/opt/clowder/calico
  apply "$folder/services-endpoint.yaml"
  awk 'BEGIN { RS = "\n?---\n" } /(^|\n)kind: CustomResourceDefinition/ { print "---"; print }' "$folder/calico.yaml" >"$folder/kinds.yaml"
  apply "$folder/kinds.yaml"
  kubectl wait --for=condition=Established --timeout=60s crd/felixconfigurations.crd.projectcalico.org crd/ippools.crd.projectcalico.org
  apply "$folder/configuration.yaml"
  if [[ -n $CALICO_MTU ]]; then sed -i "s/veth_mtu: \"0\"/veth_mtu: \"$CALICO_MTU\"/" "$folder/calico.yaml"; fi
  apply "$folder/calico.yaml"
  apply /opt/clowder/cluster-admins.yaml
}
# Kinds that were just made are not found at once.
apply() {
  local tries=0 said
  until said=$(kubectl apply -f "$1" 2>&1); do
    ((++tries < 20)) || refuse CalicoNotApplied "$1: $(tail -n 3 <<<"$said")"
    sleep 0.5
  done
  echo "$said"
}

register() {
  wait_for_own_node "$ADMIN"
  rm -f "$RUN/material.json"
  systemctl daemon-reload
  systemctl enable --now clowder-node-labels.timer clowder-bootstrap-access.timer clowder-collector.timer clowder-audit.timer
}

stage material "$LIMIT_MATERIAL" MaterialInvalid get_material
stage artifacts "$LIMIT_ARTIFACTS" ArtifactUnreachable get_artifacts
stage runtime "$LIMIT_RUNTIME" RuntimeFailed start_runtime
stage control-plane-up "$((LIMIT_CONTROL_PLANE_UP * (CONTROL_PLANE_INDEX + 1)))" ControlPlaneFailed bring_up_control_plane
stage calico-applied "$LIMIT_CALICO_APPLIED" CalicoNotApplied apply_calico
stage add-ons-applied "$LIMIT_ADD_ONS_APPLIED" AddOnsNotApplied apply_add_ons
stage registered "$LIMIT_REGISTERED" NotRegistered register
told
