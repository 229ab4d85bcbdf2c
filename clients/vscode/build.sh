#!/usr/bin/env bash
# Type-checks the extension, bundles it with the client library, and packages it:
#
#   build.sh                     out/byokey-account.vsix, without the program
#   build.sh PROGRAM             the same, with PROGRAM inside, for this platform
#   build.sh PROGRAM TARGET...   out/byokey-account-TARGET.vsix for each: VS Code's names of platforms
set -euo pipefail
program=${1:+$(realpath "$1")}
cd "$(dirname "${BASH_SOURCE[0]}")"
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

# package FILE [OPTION...]
package() {
  (cd out/package && "$tools/vsce" package "${@:2}" --no-dependencies --allow-unused-files-pattern \
    --allow-missing-repository --out "../$1" >/dev/null)
  echo "packed: $PWD/out/$1"
}

if [ -z "$program" ]; then
  package byokey-account.vsix
  exit
fi
name=byokey
[[ $program != *.exe ]] || name=byokey.exe
install -D -m 755 "$program" "out/package/bin/$name"
if [ $# = 1 ]; then
  package byokey-account.vsix --target "$(node -p '`${process.platform}-${process.arch}`')"
fi
for target in "${@:2}"; do
  package "byokey-account-$target.vsix" --target "$target"
done
