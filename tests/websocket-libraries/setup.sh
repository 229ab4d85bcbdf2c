#!/usr/bin/env bash
# Installs the WebSocket libraries that the tests drive the server with, under .cache/. Those
# installed in the pinned version are kept. A failed installation is reported; its test is skipped
# then.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
cache=$(cd ../.. && pwd)/.cache/websocket-libraries

# Usage: install LIBRARY PROGRAM FILE... ; calls install_LIBRARY unless it was run for these files.
# The stamp is the checksum of everything that pins the installation.
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

# The first Python 2.7 with pip: one of pyenv, which is not on the path, or one on it.
python2() {
  kept=$(pyenv versions --bare 2>/dev/null </dev/null | grep '^2\.7' | tail -n 1) || true
  for candidate in ${kept:+"$(pyenv prefix "$kept")/bin/python2.7"} python2.7 python2; do
    if "$candidate" -c 'import sys, pip; sys.exit(sys.version_info[:2] != (2, 7))' \
      >/dev/null 2>&1 </dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "autobahn: there is no Python 2.7 with pip" >&2
  return 1
}

install_autobahn() {
  python=$(python2) &&
    rm -rf "$target/site" &&
    "$python" -W ignore -m pip install --quiet --disable-pip-version-check --no-deps \
      --target "$target/site" --requirement autobahn/requirements.txt &&
    # A package of this kind outside the interpreter's own folders must declare its kind.
    touch "$target/site/zope/__init__.py"
}

install websockets python3 requirements.txt
install ws npm package.json package-lock.json
install autobahn cc requirements.txt
