#!/usr/bin/env bash
# Installs what tests/tests/hardening.rs and no_trace_disk.rs look through, where apt and the
# right to use it are there. Otherwise those tests say that they are skipped.
set -euo pipefail

for program in strace setpriv; do
  command -v "$program" >/dev/null || missing=1
done
[ -n "${missing:-}" ] || exit 0

if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
  echo "skipped: no apt or no right to use it; the tests of the protection need strace and setpriv"
  exit 0
fi
apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends strace util-linux
