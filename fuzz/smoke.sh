#!/usr/bin/env bash
# Runs each fuzz target for so many seconds: fuzz/smoke.sh [SECONDS]
#
# Needs a nightly tool chain and cargo-fuzz; without them it says so and does nothing. A crash, an
# input that takes over five seconds, or more than 256 MiB of memory fail the run; the input is
# then under fuzz/artifacts/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
seconds=${1:-10}

if ! cargo +nightly --version >/dev/null 2>&1; then
  echo "skipped: fuzzing needs a nightly tool chain (rustup toolchain install nightly)"
  exit 0
fi
if ! cargo +nightly fuzz --version >/dev/null 2>&1; then
  echo "skipped: fuzzing needs cargo-fuzz (cargo install cargo-fuzz --locked)"
  exit 0
fi

for target in framing envelope params refresh_answer jwt_claims; do
  echo "==> $target, $seconds s"
  # What is found goes to the corpus, which is not kept; the seeds are only read. There is no
  # unsafe code here for a sanitizer to watch.
  mkdir -p "corpus/$target"
  cargo +nightly fuzz run --fuzz-dir . --sanitizer none "$target" "corpus/$target" "seeds/$target" \
    -- -max_total_time="$seconds" -timeout=5 -rss_limit_mb=256 -max_len=8192 -print_final_stats=1 \
    2>&1 | tee "corpus/$target.log" | grep -E "^(==|stat::number_of|Done|SUMMARY|.*panicked)" || true
  if [ "${PIPESTATUS[0]}" -ne 0 ] || grep -qE "SUMMARY: libFuzzer|^error" "corpus/$target.log"; then
    tail -n 40 "corpus/$target.log"
    exit 1
  fi
done
