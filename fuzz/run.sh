#!/usr/bin/env bash
# Runs the targets under libFuzzer, guided by coverage: fuzz/run.sh SECONDS [TARGET...]
#
# Needs cargo-fuzz and a C++ compiler; any tool chain will do. A crash, an input that takes over
# five seconds, or more than 256 MiB of memory fail the run; the input is then under
# fuzz/artifacts/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
seconds=${1:?usage: fuzz/run.sh SECONDS [TARGET...]}
shift
[ $# -gt 0 ] || set -- framing envelope params refresh_answer jwt_claims upgrade_head callback_request

for needed in "cargo-fuzz: cargo install cargo-fuzz --locked" "c++: a C++ compiler"; do
  if ! command -v "${needed%%:*}" >/dev/null; then
    echo "skipped: there is no ${needed%%:*}; install ${needed#*: }"
    exit 0
  fi
done

# As in a release, but quick to build, and with symbols for crash reports.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
  CARGO_PROFILE_RELEASE_STRIP=none
for target in "$@"; do
  echo "==> $target, $seconds s"
  # New inputs go to a temporary corpus; the seeds are only read. There is no unsafe code for a
  # sanitizer to check.
  mkdir -p "corpus/$target"
  status=0
  cargo fuzz run --fuzz-dir . --features libfuzzer --sanitizer none "$target" \
    "corpus/$target" "seeds/$target" -- -max_total_time="$seconds" -timeout=5 -rss_limit_mb=256 \
    -max_len=8192 -print_final_stats=1 >"corpus/$target.log" 2>&1 || status=$?
  grep -E "cov: .* DONE|^Done|^stat::|panicked|SUMMARY" "corpus/$target.log" || true
  if [ "$status" -ne 0 ]; then
    tail -n 40 "corpus/$target.log"
    exit 1
  fi
done
