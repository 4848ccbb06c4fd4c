#!/usr/bin/env bash
# Runs the libFuzzer targets:  scripts/fuzz.sh SECONDS [target...]
# Every target runs SECONDS on the committed seeds plus what earlier runs found. The first finding stops the script; the
# offending input is kept below build/fuzz/findings/<target>. New interesting inputs are minimised into
# build/fuzz/corpus/<target>; nothing is written into the source tree.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-}
if [[ ! $seconds =~ ^[1-9][0-9]*$ ]]; then
  echo "usage: scripts/fuzz.sh SECONDS [target...]" >&2
  exit 2
fi
shift
command -v clang++ >/dev/null || { echo "fuzz.sh: clang++ is missing (Debian: clang libclang-rt-14-dev)" >&2; exit 1; }

build=build/fuzz
limits=(-rss_limit_mb=2048 -timeout=10 -max_len=65536)

echo "== configure and build (preset fuzz)"
configure_log=$(cmake --preset fuzz 2>&1) || { printf "%s\n" "$configure_log"; exit 1; }
mapfile -t known < "$build/fuzz_targets.txt"
targets=("$@")
[[ ${#targets[@]} -gt 0 ]] || targets=("${known[@]}")
for target in "${targets[@]}"; do
  printf '%s\n' "${known[@]}" | grep -qx -- "$target" || {
    printf 'fuzz.sh: no target %s; there are: %s\n' "$target" "${known[*]}" >&2
    exit 2
  }
done
cmake --build "$build" --target "${targets[@]}"

# Names the binary, since where an executable lands depends on its directory.
binary_of() { find "$build" -type f -name "$1" -perm -u+x -not -path '*/CMakeFiles/*' | head -n 1; }

for target in "${targets[@]}"; do
  echo "== $target, ${seconds} s"
  binary=$(binary_of "$target")
  seeds=tests/fuzz/corpus/$target
  corpus=$build/corpus/$target
  fresh=$build/corpus/$target.new
  findings=$build/findings/$target
  rm -rf "$fresh"
  mkdir -p "$corpus" "$fresh" "$findings"
  if ! "$binary" "${limits[@]}" -max_total_time="$seconds" -print_final_stats=1 -verbosity=1 \
      -artifact_prefix="$findings/" "$fresh" "$corpus" "$seeds" >"$findings/log" 2>&1; then
    tail -n 60 "$findings/log"
    echo "fuzz.sh: $target has a finding; inputs in $findings, full log in $findings/log" >&2
    exit 1
  fi
  grep -E 'stat::number_of_executed_units|stat::average_exec_per_sec|stat::peak_rss_mb' "$findings/log" || true
  "$binary" "${limits[@]}" -merge=1 "$corpus" "$fresh" >>"$findings/log" 2>&1
  rm -rf "$fresh"
  echo "   corpus: $(find "$corpus" -type f | wc -l) inputs beside $(find "$seeds" -type f | wc -l) seeds"
done
echo "== no findings in ${#targets[@]} target(s)"
