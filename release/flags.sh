# shellcheck shell=bash
# shellcheck disable=SC2034
# Sourced. reproducible TRIPLE sets `flags` to the options of cargo with which a program for TRIPLE
# names no folder of the machine that built it, so that two machines can make the same one.
reproducible() {
  cargo fetch --quiet --locked --target "$1"
  local folder remapped="'--remap-path-prefix=$PWD='"
  for folder in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/; do
    remapped+=", '--remap-path-prefix=$folder='"
  done
  flags=(--config "target.$1.rustflags=[$remapped]")
}
