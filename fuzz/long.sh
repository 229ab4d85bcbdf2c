#!/usr/bin/env bash
# Runs each target with inputs made from the seeds for this time: fuzz/long.sh SECONDS [TARGET...]
#
# Needs cargo alone. The inputs are those of the tests in another order, selected by
# BYOKEY_FUZZ_START and printed on each line. A crash, an input that takes over a second, or more
# than 256 MiB of memory fail the run and name the input.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
seconds=${1:?usage: fuzz/long.sh SECONDS [TARGET...]}
shift
[ $# -gt 0 ] || set -- framing envelope params refresh_answer jwt_claims upgrade_head callback_request

export BYOKEY_FUZZ_SECONDS=$seconds BYOKEY_FUZZ_START=${BYOKEY_FUZZ_START:-$(date +%s)}
smoke=(--quiet --locked --profile no-trace --package byokey-fuzz --test smoke)
cargo test "${smoke[@]}" --no-run
for target in "$@"; do
  # An endless input would hang without a timeout.
  timeout $((seconds + 600)) cargo test "${smoke[@]}" -- --exact "$target" --nocapture |
    grep -aoE "$target: .*|.*panicked.*|.*fails for.*"
done
