#!/usr/bin/env bash
# Installs, builds, and shows the gateway at work:  scripts/run.sh [--once] [--no-setup]
# Starts smppd (a simulated carrier) and msggw (the gateway, store in a temporary directory), sends one message with
# smppc, prints its delivery receipt and its trace, and keeps running until interrupted; with --once it stops everything
# and exits 0 if every step succeeded.
# Environment: MSGKIT_SMPP_PORT (2775), MSGKIT_CARRIER_PORT (2776), MSGKIT_HTTP_PORT (3000), MSGKIT_METRICS_PORT (2550),
#              MSGKIT_STATE_DIR (a temporary directory that is removed at the end)
set -euo pipefail
cd "$(dirname "$0")/.."

once=no
setup=yes
for argument in "$@"; do
  case $argument in
    --once) once=yes ;;
    --no-setup) setup=no ;;
    *) echo "usage: scripts/run.sh [--once] [--no-setup]" >&2; exit 2 ;;
  esac
done
smpp_port=${MSGKIT_SMPP_PORT:-2775}
carrier_port=${MSGKIT_CARRIER_PORT:-2776}
http_port=${MSGKIT_HTTP_PORT:-3000}
metrics_port=${MSGKIT_METRICS_PORT:-2550}
deadline_seconds=30
say() { printf '\n== %s\n' "$*"; }

# ---- build

if [[ $setup == yes ]]; then
  say "install packages"
  scripts/setup.sh --run
fi
say "build (preset release)"
# Shares the tree of scripts/test.sh, but does without its packages where that has not run.
tests=()
grep -qs '^MSGKIT_BUILD_TESTS:BOOL=ON' build/release/CMakeCache.txt ||
  tests=(-DMSGKIT_BUILD_TESTS=OFF -DMSGKIT_BUILD_EXAMPLES=OFF -DMSGKIT_BUILD_BENCHMARKS=OFF)
cmake --preset release "${tests[@]}"
cmake --build --preset release --target msggw smppd smppc
bin=build/release/apps

# ---- processes

state=${MSGKIT_STATE_DIR:-}
state_is_ours=no
if [[ -z $state ]]; then state=$(mktemp -d) && state_is_ours=yes; fi
mkdir -p "$state"
names=()
pids=()

start() {  # name, command...
  local name=$1
  shift
  "$@" >"$state/$name.log" 2>&1 &
  names+=("$name")
  pids+=("$!")
}

# Ends what was started, last first. Fails if one does not end cleanly within the deadline.
stop_all() {
  local i j status failed=0
  for ((i = ${#pids[@]} - 1; i >= 0; --i)); do
    kill -TERM "${pids[i]}" 2>/dev/null || true
    for ((j = 0; j < deadline_seconds * 10; ++j)); do
      kill -0 "${pids[i]}" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "${pids[i]}" 2>/dev/null || true
    status=0
    wait "${pids[i]}" || status=$?
    if [[ $status -ne 0 ]]; then
      echo "run.sh: ${names[i]} exited with status $status" >&2
      tail -n 20 "$state/${names[i]}.log" >&2
      failed=1
    fi
  done
  pids=()
  names=()
  return "$failed"
}

clean_up() {
  local status=$?
  trap - EXIT INT TERM
  stop_all || status=1
  if [[ $state_is_ours == yes ]]; then rm -rf "$state"; fi
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

alive() {
  local i
  for i in "${!pids[@]}"; do
    kill -0 "${pids[i]}" 2>/dev/null && continue
    echo "run.sh: ${names[i]} has ended:" >&2
    tail -n 20 "$state/${names[i]}.log" >&2
    return 1
  done
}

wait_for() {  # what, command...: until it succeeds
  local what=$1 i
  shift
  for ((i = 0; i < deadline_seconds * 10; ++i)); do
    if "$@" 2>/dev/null; then return 0; fi
    alive || return 1
    sleep 0.1
  done
  echo "run.sh: waited $deadline_seconds s in vain for $what" >&2
  return 1
}
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1"); }
ready() { curl -fsS -o "$state/ready" "http://127.0.0.1:$http_port/ready"; }

# ---- the demonstration

say "start smppd, the simulated carrier, on port $carrier_port"
SMPPD_LISTEN=127.0.0.1:$carrier_port start smppd "$bin/smppd/smppd" --config deploy/demo/smppd.toml
wait_for "smppd to listen" listens "$carrier_port"

say "start msggw, the gateway, on port $smpp_port"
MSGGW_STORE_PATH=$state/msggw.db MSGGW_SMPP_LISTEN=127.0.0.1:$smpp_port MSGGW_HTTP_LISTEN=127.0.0.1:$http_port \
  MSGGW_METRICS_LISTEN=127.0.0.1:$metrics_port MSGGW_CARRIERS_0_PORT=$carrier_port \
  start msggw "$bin/msggw/msggw" --config deploy/demo/msggw.toml
wait_for "msggw to be ready" ready

say "send a message and wait for its receipt"
"$bin/smppc/smppc" send --host 127.0.0.1 --port "$smpp_port" --system-id demo --password demo-pw \
  --from 447700900000 --to 447700900123 --text "Hello from msgkit" --wait-receipt --json | tee "$state/sent"
message_id=$(sed -n 's/.*"message_id" *: *"\([^"]*\)".*/\1/p' "$state/sent" | head -n 1)
if [[ -z $message_id ]]; then
  echo "run.sh: smppc printed no message_id" >&2
  exit 1
fi

say "trace of message $message_id"
curl -fsS "http://127.0.0.1:$http_port/messages/$message_id"
echo

if [[ $once == yes ]]; then
  say "stop"
  stop_all
  say "everything worked"
  exit 0
fi
say "running; Ctrl-C ends it"
cat <<TEXT
SMPP      127.0.0.1:$smpp_port   (system_id demo, password demo-pw)
API       http://127.0.0.1:$http_port/messages/$message_id
metrics   http://127.0.0.1:$metrics_port/metrics
logs      $state/msggw.log, $state/smppd.log
again     $bin/smppc/smppc send --port $smpp_port --system-id demo --password demo-pw \\
            --from 447700900000 --to 447700900123 --text "another one" --wait-receipt
TEXT
# A process that ends by itself ends the demonstration with an error.
while alive; do sleep 1; done
exit 1
