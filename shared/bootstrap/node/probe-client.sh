# shellcheck shell=bash
# Body of the probe client's script: a machine outside Calico that enters the NodePorts.
export NUMBER=1 # the stub's stage

listen() {
  systemctl daemon-reload
  systemctl enable --now clowder-probe-client.service
  until (exec 3<>"/dev/tcp/$CLOWDER_ADDRESS/$PROBE_CLIENT_PORT") 2>/dev/null; do sleep 0.3; done
}

stage listening "$LIMIT_LISTENING" ProbeClientFailed listen
told
