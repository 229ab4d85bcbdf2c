#!/usr/bin/env bash
# Counts the instructions of the hot paths and fails when one has become dearer than
# bench/instructions.txt says. With --write, makes the counts of now the ones to hold on to.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

skip() { echo "skipped: $*"; exit 0; }

[ "$(uname -sm)" = "Linux x86_64" ] || skip "the counts in bench/instructions.txt are those of Linux on x86-64"
if ! command -v valgrind >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  { apt-get update && apt-get install --yes --no-install-recommends valgrind; } >/dev/null ||
    echo "valgrind cannot be installed"
fi
command -v valgrind >/dev/null || skip "valgrind counts instructions, and is not installed (apt-get install valgrind)"

cargo build --release --locked --quiet --package byokey-app-server --package byokey-bench
target="${CARGO_TARGET_DIR:-target}/release"
"$target/byokey-bench" instructions "$@" "$target/byokey"
