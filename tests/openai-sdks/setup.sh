#!/usr/bin/env bash
# Installs OpenAI's SDKs, which the tests run against the gateway, under .cache/. Those installed in
# the pinned version are kept. A failed installation is reported; its test is skipped then.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

for setup in */setup.sh; do
  if ! "$setup"; then
    echo "$(dirname "$setup"): not installed; its test will be skipped" >&2
  fi
done
