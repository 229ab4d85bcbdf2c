#!/usr/bin/env bash
# Counts the instructions of the hot paths of the shipped program, and fails when one exceeds
# bench/instructions.txt. With --all it also counts the path in the driver, which is optimised for
# that; with --write it does so and records the counts as the new baseline.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

skip() { echo "skipped: $*"; exit 0; }

[ "$(uname -sm)" = "Linux x86_64" ] || skip "the counts in bench/instructions.txt are those of Linux on x86-64"
if ! command -v valgrind >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  { apt-get update && apt-get install --yes --no-install-recommends valgrind; } >/dev/null ||
    echo "valgrind cannot be installed"
fi
command -v valgrind >/dev/null || skip "valgrind counts instructions, and is not installed (apt-get install valgrind)"

driver=() written=()
case "${1:-}" in
--all) driver=(--release) ;;
--write) driver=(--release) written=(--write) ;;
esac
program="${BYOKEY_RELEASE_BIN:-$(release/program.sh)}"
bench=(cargo run --locked --quiet "${driver[@]}" --package byokey-bench --)
if [ ${#driver[@]} = 0 ] && [ -n "${BYOKEY_BENCH:-}" ]; then
  bench=("$BYOKEY_BENCH")
fi
exec "${bench[@]}" instructions "${written[@]}" "$program"
