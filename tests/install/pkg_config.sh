#!/bin/sh
# pkg_config.sh <compiler> <prefix> <component> <directory of consumers> <work directory>
set -eu
compiler=$1 prefix=$2 component=$3 consumers=$4 work=$5
package=msgkit-$(printf %s "$component" | tr _ -)
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name "$package.pc")")
export PKG_CONFIG_PATH
flags=$(pkg-config --cflags --libs "$package")
echo "$package: $flags"
# Flags are a list of words by pkg-config's contract.
# shellcheck disable=SC2086
"$compiler" -std=c++20 "$consumers/$component.cpp" -o "$work/pkg_config_$component" $flags
"$work/pkg_config_$component"
