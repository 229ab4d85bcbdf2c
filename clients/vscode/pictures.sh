#!/usr/bin/env bash
# Takes the pictures of README.md from a run of the end-to-end test: media/limits.png and
# media/menu.png. Needs what test.sh needs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export BYOKEY_RELEASE_BIN="${BYOKEY_RELEASE_BIN:-${BYOKEY_BIN:-$PWD/../../target/release/byokey}}"
./build.sh
node --test e2e/windows.test.mjs
for part in limits menu; do
  install -m 644 "../../target/vscode/part-$part.png" "media/$part.png"
done
