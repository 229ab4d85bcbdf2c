#!/usr/bin/env bash
# Installs the library from the lock file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ../../library.sh

leave_if_done package.json package-lock.json
need npm
cp package.json package-lock.json "$cache"
npm ci --prefix "$cache" --ignore-scripts --no-audit --no-fund --silent
done_now
