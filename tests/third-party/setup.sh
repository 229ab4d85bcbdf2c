#!/usr/bin/env bash
# Installs the clients of the drivers here: the Python ones under .cache/, the npm one beside its
# driver, the Rust one in cargo's target folder. Existing installations are kept.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root="$(cd ../.. && pwd)"
cache="$root/.cache/third-party"
mkdir -p "$cache"

# install NAME FINGERPRINT COMMAND...: runs the command unless it was run with this fingerprint.
install() {
  local stamp="$cache/$1.stamp" fingerprint="$2"
  if [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$fingerprint" ]; then
    echo "$1: installed already"
    return
  fi
  rm -f "$stamp"
  echo "$1: installing"
  "${@:3}"
  echo "$fingerprint" >"$stamp"
}

python_clients() {
  python3 -m venv --clear "$cache/venv"
  "$cache/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
    --requirement python/requirements.txt
}

# Without the optional packages, which are copies of codex that byokey replaces.
npm_client() {
  npm ci --prefix codex-acp --omit=optional --ignore-scripts --no-audit --no-fund --loglevel=error
}

if command -v python3 >/dev/null; then
  install python "$(python3 --version; command -v python3; cksum <python/requirements.txt)" \
    python_clients
else
  echo "python: skipped, there is no python3"
fi

if command -v node >/dev/null && command -v npm >/dev/null; then
  install npm "$(node --version; cksum <codex-acp/package-lock.json; pwd)" npm_client
else
  echo "npm: skipped, there is no node or no npm"
fi

echo "cargo: building"
cargo build --quiet --locked --manifest-path rust-sdk/Cargo.toml \
  --target-dir "${CARGO_TARGET_DIR:-$root/target}"
