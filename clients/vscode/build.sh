#!/usr/bin/env bash
# Type-checks the extension, bundles it with the client library, and packages it:
#
#   build.sh                     out/byokey-account.vsix, without the program
#   build.sh PROGRAM             the same, with PROGRAM inside, for this platform
#   build.sh PROGRAM TARGET...   out/byokey-account-TARGET.vsix for each: VS Code's names of platforms
#
# PROGRAM is relative to the folder that this is called in. BYOKEY_VSIX_FOLDER is the folder of the
# packages, out/ by default.
set -euo pipefail
program=${1:+$(realpath "$1")}
out=$(realpath -m "${BYOKEY_VSIX_FOLDER:-$(dirname "${BASH_SOURCE[0]}")/out}")
cd "$(dirname "${BASH_SOURCE[0]}")"
tools="$(cd ../.. && pwd)/.cache/vscode/tools/node_modules/.bin"

"$tools/tsc" --project .
rm -rf "$out/package" "$out/test" "$out"/*.vsix
"$tools/esbuild" src/extension.ts --bundle --platform=node --target=node20 --format=cjs --minify \
  --external:vscode --alias:@byokey/client=../typescript/src/index.ts \
  --outfile="$out/extension.cjs" --log-level=warning

# Packaged from a folder of its own, so that only the files listed here are included.
package=$out/package
mkdir -p "$package/out" "$package/media"
node manifest.mjs >"$package/package.json"
cp -r CHANGELOG.md walkthrough "$package"
# How it is tried, built and tested is for those that have the sources.
sed '/^## Try it without an account$/,/^## Limits$/{/^## Limits$/!d}' README.md >"$package/README.md"
cp media/icon.png "$package/media/"
sed "s/^  *//" ../../LICENSE-MIT ../../LICENSE-APACHE >"$package/LICENSE.txt"
cp "$out/extension.cjs" "$package/out/"

# pack FILE [OPTION...]
pack() {
  # Links of the README lead to the repository's page.
  local page
  page=$(node -p 'JSON.parse(require("fs").readFileSync(process.argv[1])).homepage' "$package/package.json")
  (cd "$package" && "$tools/vsce" package "${@:2}" --no-dependencies --allow-unused-files-pattern \
    --baseContentUrl "${page}clients/vscode/" --baseImagesUrl "${page}clients/vscode/" \
    --out "$out/$1" >/dev/null)
  echo "packed: $out/$1"
}

if [ -z "$program" ]; then
  pack byokey-account.vsix
  exit
fi
name=byokey
[[ $program != *.exe ]] || name=byokey.exe
install -D -m 755 "$program" "$package/bin/$name"
if [ $# = 1 ]; then
  pack byokey-account.vsix --target "$(node -p '`${process.platform}-${process.arch}`')"
fi
for target in "${@:2}"; do
  pack "byokey-account-$target.vsix" --target "$target"
done
