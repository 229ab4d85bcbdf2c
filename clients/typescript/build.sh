#!/usr/bin/env bash
# Builds the package into dist/: ECMAScript modules, and beside them CommonJS in dist/cjs/.
#
#   build.sh              rebuilds it
#   build.sh --if-absent  builds it if it is missing
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if [ "${1:-}" = --if-absent ] && [ -e dist/cjs/package.json ]; then
  exit 0
fi
tsc=../../.cache/typescript-client/node_modules/.bin/tsc
if [ ! -x "$tsc" ]; then
  echo "clients/typescript/setup.sh has not installed the compiler" >&2
  exit 1
fi
rm -rf dist
"$tsc" --project tsconfig.json
"$tsc" --project tsconfig.cjs.json
echo '{ "type": "commonjs" }' >dist/cjs/package.json
