#!/usr/bin/env bash
# Tests the extension: its parts without an editor, then the packed extension in a real VS Code.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export BYOKEY_RELEASE_BIN="${BYOKEY_RELEASE_BIN:-${BYOKEY_BIN:-$PWD/../../target/release/byokey}}"
tools="$(cd ../.. && pwd)/.cache/vscode/tools/node_modules/.bin"
if [ ! -x "$tools/tsc" ]; then
  echo "skipped: run clients/vscode/setup.sh first; it needs node and npm"
  exit 0
fi

./build.sh
"$tools/esbuild" test/*.test.ts --bundle --platform=node --target=node20 --format=esm \
  --alias:@byokey/client=../typescript/src/index.ts --alias:vscode=./test/support/vscode.ts \
  --outdir=out/test --out-extension:.js=.mjs --log-level=warning
node --test --test-reporter=spec out/test/*.test.mjs
e2e/other-extension/pack.sh
# If a part of the editor is missing, the test reports it and starts nothing that could be recorded.
overheard=()
if node --eval 'import("./e2e/editor.mjs").then((it) => process.exit(it.missing() ? 1 : 0))'; then
  overheard=(../suite/overheard.sh)
fi
"${overheard[@]}" node --test --test-reporter=spec e2e/login.test.mjs e2e/windows.test.mjs
# The package contains the program itself, not one that is recorded.
node --test --test-reporter=spec e2e/package.test.mjs
