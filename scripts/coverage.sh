#!/usr/bin/env bash
# Line coverage of the libraries by their own tests:  scripts/coverage.sh [--minimum PERCENT]
# Builds preset `coverage`, runs the unit tests of libsmpp and libcore, prints lines covered per storey, and below each
# the files with uncovered lines. With --minimum the script fails when wire or session of a protocol library falls short.
# Needs gcovr (Debian package of the same name).
set -euo pipefail
cd "$(dirname "$0")/.."

minimum=0
case ${1:-} in
  "") ;;
  --minimum) minimum=${2:?percent} ;;
  *) echo "usage: scripts/coverage.sh [--minimum PERCENT]" >&2; exit 2 ;;
esac
command -v gcovr >/dev/null || { echo "coverage.sh: gcovr is missing (Debian: gcovr)" >&2; exit 1; }

build=build/coverage
targets=(core_test smpp_test smpp_session_test smpp_text_test)
log=$(cmake --preset coverage 2>&1) || { printf '%s\n' "$log"; exit 1; }
cmake --build "$build" --target "${targets[@]}"
find "$build" -name '*.gcda' -delete
for target in "${targets[@]}"; do
  program=$(find "$build/tests" -type f -name "$target" -perm -u+x | head -n 1)
  echo "== $target"
  "$program" --gtest_brief=1
done

# Unwinding and unreachable branches of inlined code are no lines of ours to cover; lines are what counts.
gcovr --root . --filter 'lib[a-z0-9]+/' \
  --exclude-unreachable-branches --json-summary "$build/coverage.json" "$build" >/dev/null
exec python3 -B scripts/coverage_report.py "$build/coverage.json" "$minimum"
