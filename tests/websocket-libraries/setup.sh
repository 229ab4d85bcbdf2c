#!/usr/bin/env bash
# Installs the WebSocket libraries that the tests drive the server with, under .cache/.
# What is there already in the pinned version is left alone. A library that cannot be had is
# reported; its test then says that it is skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
cache=$(cd ../.. && pwd)/.cache/websocket-libraries

# Usage: install LIBRARY PROGRAM FILE... ; calls install_LIBRARY unless that was done for these
# files. The stamp holds the checksum of everything that pins the installation.
install() {
  library=$1 program=$2 target=$cache/$1
  shift 2
  pinned=$(cd "$library" && cat "$@" | sha256sum)
  [ "$(cat "$target/installed" 2>/dev/null)" != "$pinned" ] || return 0
  rm -f "$target/installed"
  mkdir -p "$target"
  if command -v "$program" >/dev/null && "install_$library"; then
    echo "$pinned" >"$target/installed"
  else
    echo "$library: not installed; its test will be skipped" >&2
  fi
}

install_websockets() {
  python3 -m venv "$target/venv" &&
    "$target/venv/bin/pip" install --quiet --disable-pip-version-check \
      --requirement websockets/requirements.txt
}

install_ws() {
  cp ws/package.json ws/package-lock.json "$target" &&
    npm ci --prefix "$target" --ignore-scripts --no-audit --no-fund --silent
}

install websockets python3 requirements.txt
install ws npm package.json package-lock.json
