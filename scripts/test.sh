#!/usr/bin/env bash
# Installs, builds and tests everything:  scripts/test.sh [--quick | --long] [--soak] [--no-setup]
#   --quick     release build and its tests without sanitizers, peers, crash rounds and soak
#   --long      200 crash rounds instead of 50, more simulator seeds, 5 minutes of fuzzing per target
#   --soak      an hour of steady load on smppd at half of what it takes; otherwise 2 minutes (MSGKIT_SOAK_SECONDS)
#   --no-setup  do not install packages
# Three builds: release (libraries, apps, examples, benchmarks, tests), asan (libraries, engine, unit tests and fuzz
# corpora), tsan (the tests that run threads). Exits non-zero if any step failed; the steps after it still run, so that
# one run shows everything. Figures of the steps and the sum of all tests stand at the end. A test with real peers that
# failed among others runs once more, alone; passing then does not hide it: it is named at the end (docs/adr/0010).
set -uo pipefail
cd "$(dirname "$0")/.."

mode=normal
soak=no
setup=yes
for argument in "$@"; do
  case $argument in
    --quick) mode=quick ;;
    --long) mode=long ;;
    --soak) soak=yes ;;
    --no-setup) setup=no ;;
    *) echo "usage: scripts/test.sh [--quick | --long] [--soak] [--no-setup]" >&2; exit 2 ;;
  esac
done
if [[ $mode == long ]]; then
  export MSGKIT_CRASH_ROUNDS=${MSGKIT_CRASH_ROUNDS:-200} MSGKIT_SIMULATION_SEEDS=${MSGKIT_SIMULATION_SEEDS:-20000}
  export MSGKIT_MAIL_SIMULATION_SEEDS=${MSGKIT_MAIL_SIMULATION_SEEDS:-3000}
fi
export MSGKIT_SOAK_SECONDS=${MSGKIT_SOAK_SECONDS:-120}
if [[ $soak == yes ]]; then MSGKIT_SOAK_SECONDS=3600; fi
jobs=$(nproc)
report=()
failed=()

# step <name> <command...>: runs it, records time and outcome.
step() {
  local name=$1 start=$SECONDS outcome=ok
  shift
  printf '\n== %s\n' "$name"
  "$@" || { outcome=FAILED; failed+=("$name"); }
  report+=("$(printf '%-34s %-6s %4d s' "$name" "$outcome" $((SECONDS - start)))")
  [[ $outcome == ok ]]
}

configure_and_build() {  # preset, then arguments of cmake --build
  local preset=$1
  shift
  local configure=()
  if [[ $preset == release ]]; then configure=(-DMSGKIT_BUILD_BENCHMARKS=ON); fi
  # scripts/run.sh shares the release tree and may have left parts of it out.
  cmake --preset "$preset" -DMSGKIT_BUILD_TESTS=ON -DMSGKIT_BUILD_EXAMPLES=ON "${configure[@]}" && cmake --build --preset "$preset" --parallel "$jobs" "$@"
}

# Sums up the test programs of a run for the last lines.
results=()
run_ctest() {  # preset, then arguments of ctest
  local preset=$1 log status
  shift
  log=build/$preset/ctest.log
  ctest --preset "$preset" --parallel $((jobs + 1)) --no-tests=error --output-junit junit.xml "$@" | tee "$log"
  status=${PIPESTATUS[0]}
  results+=("$preset: $(grep -E '^[0-9]+% tests passed' "$log" || echo 'no result')")
  [[ $status -eq 0 ]] || once_more "$preset" "$log"
}

# once_more <preset> <log>: the failed tests alone, when each of them is one whose peers share the two cores with it.
once_more() {
  local preset=$1 names
  names=$(sed -n '/^The following tests FAILED:/,$s/^[[:space:]]*[0-9]* - \([^ ]*\) (.*/\1/p' "$2" | paste -sd'|')
  [[ -n $names ]] || return 1
  if ctest --preset "$preset" -N -R "^($names)\$" --label-regex "$never_again" | grep -q 'Test *#'; then return 1; fi
  printf '\n== %s: once more, alone: %s\n' "$preset" "$names"
  ctest --preset "$preset" --no-tests=error -R "^($names)\$" || return 1
  results+=("$preset: passed only alone: ${names//|/ }")
}
never_again='unit|simulation|crash|fuzz_replay|architecture|tree|install'

if [[ $setup == yes ]]; then
  step "setup" scripts/setup.sh --test || exit 1
fi

step "release: build" configure_and_build release &&
  if [[ $mode == quick ]]; then
    step "release: test" run_ctest release --label-exclude 'interop|crash|soak'
  else
    step "release: test" run_ctest release
  fi

if [[ $mode != quick ]]; then
  # Sanitized programs need memory of their own; apps and examples add nothing the unit tests do not reach.
  step "asan: build" configure_and_build asan --target unit_tests &&
    step "asan: test" run_ctest asan --label-regex unit
  step "tsan: build" configure_and_build tsan --target thread_tests &&
    step "tsan: test" run_ctest tsan --label-regex threads
fi
if [[ $mode == long ]]; then
  step "fuzz: 300 s per target" scripts/fuzz.sh 300
fi

printf '\n== time per step\n'
printf '%s\n' "${report[@]}"
printf '\n== results\n'
printf '%s\n' "${results[@]}"
if [[ ${#failed[@]} -gt 0 ]]; then
  printf 'FAILED: %s\n' "${failed[@]}"
  exit 1
fi
echo "ALL PASSED"
