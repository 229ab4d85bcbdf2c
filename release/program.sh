#!/usr/bin/env bash
# Builds the shipped program and prints its path: release/program.sh [--small]
#
# On Linux that is a static program for any distribution (musl, static-pie). If it cannot be built,
# the reason is printed on standard error, and one is built that is linked to this machine's C
# library. --small omits all optional features.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

features=() name=byokey
if [ "${1:-}" = --small ]; then
  features=(--no-default-features) name=byokey-small
  # Small before fast, in the packages too that Cargo.toml optimises for speed.
  export CARGO_PROFILE_RELEASE_OPT_LEVEL=z
  for package in base64 byokey-protocol byokey-rpc mio serde_core serde_json tokio; do
    features+=(--config "profile.release.package.$package.opt-level=\"z\"")
  done
fi

# Prints why there is no static build for the target, if so.
obstacle() {
  if ! [ -d "$(rustc --print target-libdir --target "$1")" ] &&
    ! rustup target add "$1" >/dev/null 2>&1; then
    echo "the standard library for $1 is missing, and rustup cannot add it"
  elif [ -z "$(printenv "CC_${1//-/_}")" ] && ! command -v musl-gcc >/dev/null &&
    ! command -v "${1/-unknown/}-gcc" >/dev/null; then
    echo "ring needs a C compiler for musl, and there is no musl-gcc (apt-get install musl-tools)"
  fi
}

folder="${CARGO_TARGET_DIR:-$PWD/target}"
target=()
host=$(rustc --version --verbose | sed -n 's/^host: //p')
case $host in
*-linux-*)
  musl="${host%%-*}-unknown-linux-musl"
  reason=$(obstacle "$musl")
  if [ -z "$reason" ]; then
    target=(--target "$musl")
    folder="$folder/$musl"
  else
    echo "the program is not static: $reason" >&2
  fi
  ;;
esac

# shellcheck source=release/flags.sh
. release/flags.sh
reproducible "${target[1]:-$host}"

cargo build --release --locked --package byokey-app-server "${features[@]}" \
  "${target[@]}" "${flags[@]}" >&2
# A build with other features replaces this one.
[ "$name" = byokey ] || cp "$folder/release/byokey" "$folder/release/$name"
echo "$folder/release/$name"
