# shellcheck shell=bash
# User data, after the names of this instance and the files it carries: fetch this role's script, check it, run it.
# Run by cloud-init as root; cloud-init copies what is printed to the console.
mkdir -p /run/clowder /opt/clowder /etc/clowder
exec > >(tee -a /var/log/clowder.log /run/clowder/log) 2>&1
# A prepared image says here what is different about it: endpoints, cgroup driver.
if [[ -e /etc/clowder/node.env ]]; then
  set -a
  # shellcheck source=/dev/null
  . /etc/clowder/node.env
  set +a
fi
# shellcheck source=stages.sh
. /opt/clowder/stages.sh

CLOWDER_USERID=$(s3 userid) || {
  echo "clowder: node $CLOWDER_NODE_KEY failed at stage started: RoleNotValid: no credentials or no way to STS"
  exit 1
}
export CLOWDER_USERID
FACTS=$(s3 metadata meta-data/local-ipv4 meta-data/local-hostname) || fail started MetadataUnreachable "local-ipv4 and local-hostname"
# The node's name is EC2's private DNS name; with several domains in the DHCP options it is followed by others.
{ read -r CLOWDER_ADDRESS && read -r CLOWDER_NODE_NAME _; } <<<"${FACTS,,}"
export CLOWDER_ADDRESS CLOWDER_NODE_NAME
env | grep '^CLOWDER_' | sort >/etc/clowder/clowder.env

fetch_script() {
  local found
  # The key is kept whole in user data, for machines that read it.
  fetch "${CLOWDER_SCRIPT#"$CLOWDER_PREFIX"}" /opt/clowder/bootstrap.sh ScriptRefused
  found=$(sha256sum /opt/clowder/bootstrap.sh | cut -d' ' -f1)
  [[ $found == "$CLOWDER_SCRIPT_SHA256" ]] ||
    refuse ChecksumMismatch "$CLOWDER_SCRIPT has SHA-256 $found and should have $CLOWDER_SCRIPT_SHA256"
}
stage started 180 ScriptRefused fetch_script
told
exec bash /opt/clowder/bootstrap.sh
