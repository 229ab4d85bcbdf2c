#!/usr/bin/env bash
# Installs the codex that the tests compare with, under .cache/codex, if npm is available. Otherwise
# those tests report that they are skipped. codex itself reaches only loopback there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# The version that the protocol matches. The long run also installs older versions, each beside it.
level=$(sed -n 's/^pub const CODEX_LEVEL: &str = "\(.*\)";$/\1/p' protocol/src/lib.rs)
version=${CODEX_VERSION:-$level}
folder=.cache/codex${CODEX_VERSION:+-$CODEX_VERSION}
program="$folder/codex"

if [ -e "$folder/version" ] && [ "$(cat "$folder/version")" = "$version" ]; then
  echo "codex $version: installed already"
  exit 0
fi
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "codex: skipped, there is no node or no npm"
  exit 0
fi

echo "codex $version: installing"
rm -rf "$folder"
mkdir -p "$folder"
if ! npm install --prefix "$folder" --no-save --no-package-lock --ignore-scripts --no-audit \
  --no-fund --loglevel=error "@openai/codex@$version"; then
  echo "codex: skipped, npm cannot install it"
  exit 0
fi
# The binary itself; npm's .bin has a script that starts it.
native=$(find "$folder/node_modules" -path '*/vendor/*/bin/codex' -type f)
if [ -z "$native" ]; then
  echo "codex: skipped, there is none for this system"
  exit 0
fi
ln -s "${native#"$folder/"}" "$program"
"$program" --version
echo "$version" >"$folder/version"
