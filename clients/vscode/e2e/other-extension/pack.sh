#!/usr/bin/env bash
# Packs the other extension of the end-to-end test as out/other.vsix. build.sh empties that folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
../../../../.cache/vscode/tools/node_modules/.bin/vsce package --no-dependencies --allow-missing-repository \
  --skip-license --allow-unused-files-pattern --out ../../out/other.vsix >/dev/null
