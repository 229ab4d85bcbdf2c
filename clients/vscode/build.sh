#!/usr/bin/env bash
# Type-checks the extension, bundles it with the client library, and packages it:
#
#   build.sh [PROGRAM]     out/byokey-account.vsix, with PROGRAM inside if it is given
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
program=${1:+$(realpath "$1")}
tools="$(cd ../.. && pwd)/.cache/vscode/tools/node_modules/.bin"

"$tools/tsc" --project .
rm -rf out
"$tools/esbuild" src/extension.ts --bundle --platform=node --target=node20 --format=cjs \
  --external:vscode --alias:@byokey/client=../typescript/src/index.ts \
  --outfile=out/extension.cjs --log-level=warning

# Packaged from a folder of its own, so that only the files listed here are included.
mkdir -p out/package/out
cp package.json README.md out/package/
cp ../../LICENSE-MIT out/package/LICENSE.txt
cp out/extension.cjs out/package/out/
target=()
if [ -n "$program" ]; then
  install -D -m 755 "$program" out/package/bin/byokey
  target=(--target "$(node -p '`${process.platform}-${process.arch}`')")
fi
(cd out/package && "$tools/vsce" package "${target[@]}" --no-dependencies --allow-unused-files-pattern \
  --allow-missing-repository --out ../byokey-account.vsix >/dev/null)
echo "packed: $PWD/out/byokey-account.vsix"
