#!/usr/bin/env bash
# Installs what release/check uses beside the tools of the machine, under .cache/release/: a node
# that can replace itself with another program, and uv; and libdeflate, which packs better than zlib. The second time it is quick.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cache=$PWD/.cache/release
node=24.12.0 uv=0.13.9 deflate=0.9.0

if [ "$(cat "$cache/installed" 2>/dev/null)" = "$node $uv $deflate" ]; then
  echo "installed already"
  exit 0
fi
rm -rf "$cache"
mkdir -p "$cache"

case $(uname -sm) in
"Linux x86_64") platform=linux-x64 ;;
"Linux aarch64") platform=linux-arm64 ;;
*) platform= ;;
esac
if [ -n "$platform" ] && command -v npm >/dev/null; then
  # The file as it is in the registry, without a script of the package.
  if (cd "$cache" && npm pack --silent "node-$platform@$node" >/dev/null); then
    mkdir "$cache/node-$node"
    tar -xzf "$cache/node-$platform-$node.tgz" -C "$cache/node-$node" --strip-components 1
    rm "$cache/node-$platform-$node.tgz"
  else
    echo "skipped: npm cannot fetch node $node"
  fi
else
  echo "skipped: there is no npm, or no node for this platform"
fi

if command -v python3 >/dev/null &&
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$cache/uv" "uv==$uv"; then
  ls "$cache/uv/bin"
else
  echo "skipped: pip cannot install uv $uv"
fi
if command -v python3 >/dev/null &&
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$cache/deflate" "deflate==$deflate"; then
  echo "libdeflate: deflate $deflate"
else
  echo "skipped: pip cannot install deflate $deflate"
fi
echo "$node $uv $deflate" >"$cache/installed"
