#!/usr/bin/env bash
# Installs what msgkit needs:  scripts/setup.sh [--run | --package | --test | --bench] [--list]
#   --run    to build and run the gateway (what scripts/run.sh needs)
#   --package  and to make Debian packages
#   --test   to build everything and run every test, peers included (default)
#   --bench  and to run the benchmarks beside their peers
#   --list   print the package names and change nothing
# Debian 12 and Ubuntu 24.04. Needs root or sudo only if something is missing; may be run again at any time.
# Touches nothing but packages and tests/interop/node_modules. Services of installed packages are not started.
set -euo pipefail
cd "$(dirname "$0")/.."

# One line per package: <set> <package> [command that serves as well]. A command counts wherever it comes from, so that
# a newer Node.js or compiler on the machine is left alone. Libraries count by their package.
packages() {
  local boost=libboost1.81-dev fuzzer_runtime=libclang-rt-14-dev
  # shellcheck disable=SC1091
  if [[ $(. /etc/os-release && echo "$ID $VERSION_ID") == "ubuntu 24.04" ]]; then
    boost=libboost1.83-dev fuzzer_runtime=libclang-rt-18-dev
  fi
  cat <<TABLE
run g++ g++
run cmake cmake
run ninja-build ninja
run pkg-config pkg-config
run libc6-dev
run libasio-dev
run libcurl4-openssl-dev
run libre2-dev
run libfmt-dev
run libssl-dev
run libexpat1-dev
run $boost
run libsqlite3-dev
run tzdata
run libpq-dev
run libmariadb-dev
run libtomlplusplus-dev
run nlohmann-json3-dev
run libspdlog-dev
run libcli11-dev
run prometheus-cpp-dev
run curl curl
package dpkg-dev dpkg-shlibdeps
package file file
run libmimetic-dev
run libc-ares-dev
run libpugixml-dev
test libgtest-dev
test libgmock-dev
test python3 python3
test openssl openssl
test prosody prosody
test ejabberd ejabberdctl
test python3-slixmpp
test go-sendxmpp go-sendxmpp
test kannel
test postgresql
test haproxy
test mariadb-server mariadbd
test libnet-smpp-perl
test tshark tshark
test gcovr gcovr
test doxygen doxygen
test libsmpp34-dev
test graphicsmagick gm
test ffmpeg ffmpeg
test postfix postfix
test python3-aiosmtpd
test python3-jsonschema
test python3-yaml
test swaks swaks
test dnsmasq-base dnsmasq
test nginx-light nginx
test systemd systemd-analyze
test mosquitto mosquitto
test mosquitto-clients mosquitto_pub
test redis-server redis-server
test redis-tools redis-cli
test python3-paho-mqtt
test python3-redis
test ca-certificates
test nodejs node
test npm npm
test clang clang++
test $fuzzer_runtime
bench wrk wrk
bench librestinio-dev
TABLE
}

set_name=test
list=no
for argument in "$@"; do
  case $argument in
    --run) set_name=run ;;
    --package) set_name=package ;;
    --test) set_name=test ;;
    --bench) set_name=bench ;;
    --list) list=yes ;;
    *) echo "usage: scripts/setup.sh [--run | --package | --test | --bench] [--list]" >&2; exit 2 ;;
  esac
done

say() { echo "setup: $*"; }

# Each set holds those before it.
wanted() {
  case $set_name in
    run) packages | grep '^run ' ;;
    package) packages | grep -E '^(run|package) ' ;;
    test) packages | grep -v '^bench ' ;;
    bench) packages ;;
  esac
}

installed() {  # package [command]
  if [[ -n ${2:-} ]] && command -v "$2" >/dev/null; then return 0; fi
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

as_root() {
  if [[ $(id -u) -eq 0 ]]; then "$@"; else sudo "$@"; fi
}

apt() {
  as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
    apt-get -q -y -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@"
}

retry() {
  local attempt
  for attempt in 1 2 3; do
    "$@" && return 0
    say "attempt $attempt of 3 failed: $*"
    sleep $((attempt * 5))
  done
  return 1
}

# Packages such as kannel would start a daemon when they are installed. policy-rc.d is Debian's way to say no; one that
# the administrator has put there stays.
policy=/usr/sbin/policy-rc.d
policy_is_ours=no
forbid_service_starts() {
  [[ ! -e $policy ]] || return 0
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
  as_root chmod 755 "$policy"
  policy_is_ours=yes
}
allow_service_starts() {
  if [[ $policy_is_ours == yes ]]; then as_root rm -f "$policy"; policy_is_ours=no; fi
}
trap allow_service_starts EXIT

install_packages() {
  local missing=() package command
  while read -r _ package command; do
    installed "$package" "$command" || missing+=("$package")
  done <<<"$(wanted)"  # not <(wanted): a bare chroot may have no /proc, hence no /dev/fd
  if [[ ${#missing[@]} -eq 0 ]]; then
    say "all packages are installed"
    return
  fi
  say "missing: ${missing[*]}"
  if ! command -v apt-get >/dev/null; then
    say "this is not Debian or Ubuntu; please install their equivalents"
    exit 1
  fi
  if [[ $(id -u) -ne 0 ]] && ! command -v sudo >/dev/null; then
    say "root or sudo is needed to install them"
    exit 1
  fi
  forbid_service_starts
  say "apt-get update"
  retry apt update >/dev/null
  say "apt-get install"
  retry apt install --no-install-recommends "${missing[@]}"
  allow_service_starts
}

# node-smpp, pinned by tests/interop/package-lock.json. npm writes node_modules/.package-lock.json last.
install_node_modules() {
  local here=tests/interop
  if [[ $here/node_modules/.package-lock.json -nt $here/package-lock.json ]]; then
    say "npm packages are installed"
    return
  fi
  say "npm ci in $here"
  if retry npm --prefix "$here" ci --ignore-scripts; then
    touch "$here/node_modules/.package-lock.json"
  elif [[ -n ${CI:-} ]]; then
    exit 1
  else
    say "WARNING: node-smpp is not installed; its interoperability tests will be skipped"
  fi
}

if [[ $list == yes ]]; then
  wanted | awk '{print $2}'
  exit 0
fi
install_packages
if [[ $set_name != run ]]; then install_node_modules; fi
say "done"
