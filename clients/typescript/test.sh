#!/usr/bin/env bash
# Builds the package and runs its tests. They need the installations of setup.sh, python3, and the
# program: BYOKEY_RELEASE_BIN, BYOKEY_BIN, or a cargo build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

tsc=../../.cache/typescript-client/node_modules/.bin/tsc
if [ ! -x "$tsc" ] || ! command -v node >/dev/null; then
  echo "TypeScript client: skipped, ./setup.sh has not installed its tools"
  exit 0
fi
rm -rf .build
./build.sh
"$tsc" --project tsconfig.test.json
../suite/overheard.sh node --test .build/test/*.test.js
