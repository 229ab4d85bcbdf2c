#!/usr/bin/env bash
# Builds the program for another machine and prints its path: release/cross.sh TRIPLE
#
#   aarch64-unknown-linux-musl, x86_64-unknown-linux-musl   with zig as the C compiler and linker
#   x86_64-pc-windows-gnu                                   with mingw
#
# cargo-zigbuild and zig come from PyPI, into .cache/release/zig. Exit code 3: the tools are missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

triple=${1:?usage: release/cross.sh TRIPLE}
tools=$PWD/.cache/release/zig
zigbuild=0.24.1 zig=0.17.1

missing() {
  echo "no program for $triple: $1" >&2
  exit 3
}

[ -d "$(rustc --print target-libdir --target "$triple")" ] || rustup target add "$triple" >&2 ||
  missing "its standard library is missing, and rustup cannot add it"

case $triple in
*-linux-musl)
  if [ "$(cat "$tools/installed" 2>/dev/null)" != "$zigbuild $zig" ]; then
    rm -rf "$tools"
    python3 -m venv "$tools" >&2 &&
      "$tools/bin/pip" install --quiet --disable-pip-version-check \
        "cargo-zigbuild==$zigbuild" "ziglang==$zig" >&2 || missing "pip cannot install zig"
    echo "$zigbuild $zig" >"$tools/installed"
  fi
  PATH="$tools/bin:$PATH"
  build=zigbuild
  ;;
*-windows-gnu)
  command -v x86_64-w64-mingw32-gcc >/dev/null || missing "there is no mingw"
  build=build
  ;;
*) missing "it is built on such a machine, with release/program.sh" ;;
esac

# shellcheck source=release/flags.sh
. release/flags.sh
reproducible "$triple"

cargo "$build" --release --locked --package byokey-app-server --target "$triple" "${flags[@]}" >&2
program=${CARGO_TARGET_DIR:-$PWD/target}/$triple/release/byokey
[ -e "$program" ] || program=$program.exe
echo "$program"
