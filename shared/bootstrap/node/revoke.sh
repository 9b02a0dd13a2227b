#!/bin/bash
# Run by a timer on control planes: when the service has signed the cluster's revocation with the cluster's own CA key, the
# bootstrap tokens end, and so does the timer.
set -euo pipefail
WORK=$(mktemp -d)
MARKER=$WORK/revoke.json
trap 'rm -rf "$WORK"' EXIT

# Not there yet is the usual answer.
CLOWDER_RETRY_SECONDS=0 python3 /opt/clowder/s3.py get "${CLOWDER_PREFIX}revoke.json" "$MARKER" 2>/dev/null || exit 0
read -r uid nonce at signature < <(python3 -c 'import json, sys
marker = json.load(open(sys.argv[1]))
print(*(marker[key] for key in ("uid", "nonce", "at", "signature")))' "$MARKER")
printf '%s\n' "$uid" "$nonce" "$at" >"$WORK/signed"
base64 -d <<<"$signature" >"$WORK/signature"
openssl x509 -in /etc/kubernetes/pki/ca.crt -noout -pubkey >"$WORK/key"
if [[ $uid != "$CLOWDER_UID" ]] || ! openssl dgst -sha256 -verify "$WORK/key" -signature "$WORK/signature" "$WORK/signed" >/dev/null; then
  echo "clowder: a revocation that is not signed for this cluster is left alone" >&2
  exit 1
fi
kubectl --kubeconfig /etc/kubernetes/admin.conf -n kube-system delete secrets \
  --field-selector type=bootstrap.kubernetes.io/token --ignore-not-found
echo "clowder: bootstrap tokens revoked"
# The verdict is in: no more probes among the user's pods.
systemctl disable --now clowder-collector.timer clowder-audit.timer
systemctl disable --now clowder-revoke.timer
