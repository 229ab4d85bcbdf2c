#!/usr/bin/env bash
# Sets up all that the tests need and runs every test.
#
# It needs cargo and a C compiler. Tests that drive clients in other languages also need what
# those are written in; where that is missing they say so and are skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# Each kind of test that needs more than cargo brings a script that installs it, under .cache/.
for setup in tests/*/setup.sh clients/*/setup.sh; do
  [ -x "$setup" ] || continue
  echo "==> $setup"
  "$setup"
done

# What is measured, and where secrets are searched for, is the program as it is shipped.
echo "==> cargo build --release"
cargo build --release --locked --package byokey-app-server
export BYOKEY_RELEASE_BIN="${CARGO_TARGET_DIR:-$PWD/target}/release/byokey"

# As many random sequences of the model of connections as take about a minute.
export BYOKEY_MODEL_SEQUENCES="${BYOKEY_MODEL_SEQUENCES:-50000}"

echo "==> cargo test"
cargo test --workspace --locked "$@"

# It was built with the tests. The clients' tests hear what the program says through it.
export BYOKEY_OVERHEARD="${CARGO_TARGET_DIR:-$PWD/target}/debug/overheard"

for run in clients/*/test.sh; do
  [ -x "$run" ] || continue
  echo "==> $run"
  "$run"
done
