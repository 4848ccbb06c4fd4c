#!/usr/bin/env bash
# Builds Debian packages of the programs and the libraries:  scripts/package.sh [--no-setup] [DIRECTORY]
# They are written to DIRECTORY, build/packages unless named.
set -euo pipefail
cd "$(dirname "$0")/.."
setup=yes
out=
for argument in "$@"; do
  case $argument in
    --no-setup) setup=no ;;
    -*) echo "usage: scripts/package.sh [--no-setup] [DIRECTORY]" >&2; exit 2 ;;
    *) out=$argument ;;
  esac
done
out=$(realpath -m "${out:-build/packages}")
if [[ $setup == yes ]]; then scripts/setup.sh --package; fi
cmake --preset release -DMSGKIT_BUILD_TESTS=OFF -DMSGKIT_BUILD_EXAMPLES=OFF -DMSGKIT_BUILD_BENCHMARKS=OFF
cmake --build --preset release --parallel "$(nproc)"
cpack -G DEB --config build/release/CPackConfig.cmake -B "$out"
rm -rf "$out/_CPack_Packages"
ls -l "$out"/*.deb
