#!/usr/bin/env bash
# Prints what is missing to build the client with Maven, if anything.
set -euo pipefail

java=$({ javac -version 2>/dev/null || true; } | sed -E 's/^javac ([0-9]+).*/\1/')
if [ "${java:-0}" -lt 17 ]; then
  echo "there is no JDK 17 or later"
elif ! command -v mvn >/dev/null; then
  echo "there is no Maven"
fi
