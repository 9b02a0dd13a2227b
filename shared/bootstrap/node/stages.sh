# shellcheck shell=bash
# Stages, each with a limit of its own, and what is told when one does not end. Sourced by the stub and by the role scripts.
set -Eeuo pipefail
RUN=/run/clowder
NUMBER=${NUMBER:-0}
export CLOWDER_TAIL=$RUN/log

s3() { python3 /opt/clowder/s3.py "$@"; }

# refuse REASON MESSAGE: ends the stage; the first reason that was given is the one that is told.
refuse() {
  because "$@"
  exit 1
}
because() {
  if [[ ! -e $RUN/reason ]]; then
    printf '%s' "$2" >"$RUN/message"
    printf '%s' "$1" >"$RUN/reason"
  fi
}

# stage NAME SECONDS REASON COMMAND…: a beacon when COMMAND ends well; otherwise the failed beacon and the end of the script.
# The command has a process group of its own, so that all of it can be ended; it leaves results in files, never in variables.
stage() {
  local name=$1 limit=$2 reason=$3 code=0 work watchdog
  shift 3
  NUMBER=$((NUMBER + 1))
  rm -f "$RUN"/{reason,message,timed-out}
  echo "clowder: stage $name"
  set -m
  (
    set +m
    trap 'because "'"$reason"'" "exit code $?: $BASH_COMMAND"' ERR
    "$@"
  ) </dev/null &
  work=$!
  (sleep "$limit" && touch "$RUN/timed-out" && kill -KILL -- "-$work") &
  watchdog=$!
  set +m
  wait "$work" || code=$?
  kill -KILL -- "-$watchdog" 2>/dev/null || true
  ((code == 0)) || kill -KILL -- "-$work" 2>/dev/null || true
  wait "$watchdog" 2>/dev/null || true
  if [[ -e $RUN/timed-out ]]; then
    fail "$name" StageTimedOut "stage $name did not end within $limit s"
  elif ((code != 0)); then
    fail "$name" "$(cat "$RUN/reason" 2>/dev/null || echo "$reason")" "$(cat "$RUN/message" 2>/dev/null || echo "exit code $code")"
  fi
  told
  (python3 /opt/clowder/beacon.py reached "$(printf '%02d' "$NUMBER")" "$name" ||
    echo "clowder: stage $name ended, its beacon was refused") &
  BEACON=$!
}
# Waits for the last beacon; the stage after it need not. A bare `wait` would wait for tee too.
told() { [[ -z ${BEACON:-} ]] || wait "$BEACON" || true; }

fail() {
  told
  sleep 0.3 # the log goes through tee
  CLOWDER_RETRY_SECONDS=20 python3 /opt/clowder/beacon.py failed "$@" || echo "clowder: the failed beacon was refused"
  exit 1
}

# fetch KEY FILE REASON: an object of the state bucket; REASON is told when the bucket refuses it.
fetch() {
  local code=0 said
  said=$(s3 get "$CLOWDER_PREFIX$1" "$2" 2>&1) || code=$?
  case $code in
  0) ;;
  4) refuse "$3" "$said" ;;
  *) refuse BucketUnreachable "$said" ;;
  esac
}
