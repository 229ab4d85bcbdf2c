#!/usr/bin/env bash
# Installs the tools of tests/tests/hardening.rs, no_trace_disk.rs and no_trace_memory, if apt and
# the right to use it are available. Otherwise those tests are skipped with a message.
set -euo pipefail

missing=()
command -v strace >/dev/null || missing+=(strace)
command -v setpriv >/dev/null || missing+=(util-linux)
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
  echo "skipped: no apt or no right to use it; the tests of the protection need ${missing[*]}"
  exit 0
fi
apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
