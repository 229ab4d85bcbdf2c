#!/usr/bin/env bash
# Installs opencode under .cache/opencode, if npm is available. Otherwise its test reports that it is
# skipped. It takes 350 MB, so only the long run does this.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

version=1.18.33
folder=.cache/opencode

if [ -e "$folder/version" ] && [ "$(cat "$folder/version")" = "$version" ]; then
  echo "opencode $version: installed already"
  exit 0
fi
if ! command -v npm >/dev/null; then
  echo "opencode: skipped, there is no npm"
  exit 0
fi
echo "opencode $version: installing"
rm -rf "$folder"
mkdir -p "$folder"
if ! npm install --prefix "$folder" --no-save --no-package-lock --no-audit --no-fund \
  --loglevel=error "opencode-ai@$version"; then
  echo "opencode: skipped, npm cannot install it"
  exit 0
fi
echo "$version" >"$folder/version"
