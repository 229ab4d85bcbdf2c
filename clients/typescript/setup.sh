#!/usr/bin/env bash
# Installs the tools for building and testing the package, under .cache/, and builds it, if node and
# npm are installed. The package itself has no dependencies.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

packages=(typescript@7.0.2 @types/node@20.19.43 esbuild@0.28.2)
tools=../../.cache/typescript-client
stamp="$tools/installed"

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "TypeScript client: skipped, there is no node or no npm"
  exit 0
fi
if ! node --eval 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)'; then
  echo "TypeScript client: skipped, it needs Node 20 or later"
  exit 0
fi
if [ -e "$stamp" ] && [ "$(cat "$stamp")" = "${packages[*]}" ]; then
  echo "TypeScript client: tools installed already"
else
  echo "TypeScript client: installing ${packages[*]}"
  rm -rf "$tools"
  mkdir -p "$tools"
  npm install --prefix "$tools" --no-save --no-package-lock --no-audit --no-fund --loglevel=error \
    "${packages[@]}"
  echo "${packages[*]}" >"$stamp"
fi
./build.sh
