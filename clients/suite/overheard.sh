#!/usr/bin/env bash
# Runs a client's tests against the program with its traffic recorded:
#
#   overheard.sh COMMAND [ARGUMENT...]
#
# The program's output at the level `trace` is recorded, and searched afterwards for every secret of
# the tests; see tests/src/overheard.rs. The program is BYOKEY_BIN, or a build without optimisation:
# a shipped one has no events at the level `trace`.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"

if ! command -v flock >/dev/null; then
  echo "overheard: skipped, there is no flock; the tests run all the same"
  export BYOKEY_BIN="${BYOKEY_RELEASE_BIN:-${BYOKEY_BIN:-}}"
  exec "$@"
fi
if ! [ -x "${BYOKEY_OVERHEARD:-}" ]; then
  cargo build --quiet --locked --manifest-path "$root/Cargo.toml" --package byokey-tests \
    --bin overheard
  BYOKEY_OVERHEARD="${CARGO_TARGET_DIR:-$root/target}/debug/overheard"
fi
exec "$BYOKEY_OVERHEARD" "$@"
