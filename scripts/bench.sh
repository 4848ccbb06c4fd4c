#!/usr/bin/env bash
# Builds the release preset and runs the benchmarks:  scripts/bench.sh [--json] [--no-setup] [--pairs N] [--seconds S] [filter]
# Installs what the peers among the references need. Every row is the ratio of a subject and a reference measured in turns in the same run; see benchmarks/harness.hpp.
# With --json standard output carries one JSON object per row and nothing else. Exits 1 when a benchmark fails to run; a
# missed budget is reported in its row ("ok": false, MISS) and in the last line.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() { echo "usage: scripts/bench.sh [--json] [--no-setup] [--pairs N] [--seconds S] [filter]" >&2; exit 2; }
setup=yes
options=()
filter=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --json) options+=(--json) ;;
    --no-setup) setup=no ;;
    --pairs|--seconds) [[ $# -ge 2 ]] || usage; options+=("$1" "$2"); shift ;;
    -*) usage ;;
    *) [[ ${#filter[@]} -eq 0 ]] || usage; filter=("$1") ;;
  esac
  shift
done
say() { echo "$@" >&2; }

if [[ $setup == yes ]]; then scripts/setup.sh --bench >&2; fi
say "== build (preset release)"
cmake --preset release -DMSGKIT_BUILD_BENCHMARKS=ON >&2
cmake --build --preset release --target benchmarks >&2

# The server rows write databases where they run: the file system of the build tree, never a tmpfs.
mkdir -p build/release/bench
cd build/release/bench
say "== $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) CPUs, load $(cut -d' ' -f1-3 /proc/loadavg)," \
    "$(stat -f -c %T .), ${CXX:-c++} $(${CXX:-c++} -dumpfullversion)"
rows=0
missed=0
while read -r program; do
  [[ -n $program ]] || continue
  "$program" --list "${filter[@]}" >/dev/null 2>&1 || continue
  say "== $(basename "$program")"
  output=$(mktemp)
  if ! "$program" "${options[@]}" "${filter[@]}" | tee "$output"; then
    rm -f "$output"
    say "bench.sh: $(basename "$program") failed"
    exit 1
  fi
  rows=$((rows + $(wc -l <"$output")))
  missed=$((missed + $(grep -cE '"ok":false| MISS  ' "$output" || true)))
  rm -f "$output"
done <../benchmarks.txt

if [[ $rows -eq 0 ]]; then
  say "bench.sh: no row matches ${filter[*]:-}"
  exit 1
fi
say "== $rows rows, $missed missed their budget"
