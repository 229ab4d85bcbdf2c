#!/usr/bin/env bash
# Runs a client's tests against the program, overheard:
#
#   overheard.sh COMMAND [ARGUMENT...]
#
# Everything that the program writes at the level `trace` is kept, and searched afterwards for every
# secret that the tests handed over; see tests/src/overheard.rs. The program is BYOKEY_BIN, or else
# built without optimisation: what is shipped has no events at the level `trace`.
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
