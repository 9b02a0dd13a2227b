# shellcheck shell=bash
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
