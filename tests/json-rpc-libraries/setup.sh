#!/usr/bin/env bash
# Installs the JSON-RPC libraries that the tests drive the server with, under .cache/.
# What is there already in the pinned version is left alone. A library that cannot be had is
# reported; its test then says that it is skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

for setup in */setup.sh; do
  if ! "$setup"; then
    echo "$(dirname "$setup"): not installed; its test will be skipped" >&2
  fi
done
