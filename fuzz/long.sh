#!/usr/bin/env bash
# Gives the targets inputs made from the seeds for so long each: fuzz/long.sh SECONDS [TARGET...]
#
# Needs cargo alone. The inputs are those of the tests in another order, which BYOKEY_FUZZ_START
# chooses and each line tells. A crash, an input that takes over a second, or more than 256 MiB of
# memory fail the run and name the input.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
seconds=${1:?usage: fuzz/long.sh SECONDS [TARGET...]}
shift
[ $# -gt 0 ] || set -- framing envelope params refresh_answer jwt_claims upgrade_head callback_request

export BYOKEY_FUZZ_SECONDS=$seconds BYOKEY_FUZZ_START=${BYOKEY_FUZZ_START:-$(date +%s)}
smoke=(--quiet --locked --profile no-trace --package byokey-fuzz --test smoke)
cargo test "${smoke[@]}" --no-run
for target in "$@"; do
  # An input that never ends would be waited for.
  timeout $((seconds + 600)) cargo test "${smoke[@]}" -- --exact "$target" --nocapture |
    grep -aoE "$target: .*|.*panicked.*|.*fails for.*"
done
