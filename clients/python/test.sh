#!/usr/bin/env bash
# Tests the Python client: its types, its tests on several Pythons, and its wheel.
# BYOKEY_RELEASE_BIN or BYOKEY_BIN names the server; without either it is built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root="$(cd ../.. && pwd)"
cache="$root/.cache/python-client"
export PYTHONDONTWRITEBYTECODE=1

if ! [ -e "$cache/installed" ]; then
  echo "skipped: setup.sh found no python3, or one older than 3.10"
  exit 0
fi
if [ -z "${BYOKEY_RELEASE_BIN:-}${BYOKEY_BIN:-}" ]; then
  cargo build --quiet --locked --manifest-path "$root/Cargo.toml" --package byokey-app-server
  export BYOKEY_BIN="${CARGO_TARGET_DIR:-$root/target}/debug/byokey"
fi

echo "-- types"
"$cache/venv/bin/mypy" --cache-dir "$cache/mypy"

# The wheel is installed into an empty environment, and the tests run against it.
echo "-- wheel"
rm -rf "$cache/wheel" "$cache/installed-wheel"
"$cache/venv/bin/python" -m hatchling build --target wheel --directory "$cache/wheel"

# Usage: run_with PYTHON [ARGUMENT...]
run_with() {
  "$1" --version
  rm -rf "$cache/installed-wheel"
  "$1" -m venv "$cache/installed-wheel"
  "$cache/installed-wheel/bin/python" -m pip install --quiet --disable-pip-version-check \
    --no-index --no-deps "$cache"/wheel/*.whl
}

# The oldest sufficient Python of this machine, and the default one.
oldest=
for minor in 10 11 12 13 14; do
  for python in $(command -v "python3.$minor" || true) ~/.pyenv/versions/3."$minor".*/bin/python3; do
    if [ -z "$oldest" ] && "$python" -c '' 2>/dev/null; then oldest="$python"; fi
  done
done

echo "-- tests, oldest Python"
run_with "${oldest:-$cache/venv/bin/python}"
"$root/clients/suite/overheard.sh" \
  "$cache/installed-wheel/bin/python" -W error -m unittest discover --start-directory tests

echo "-- tests, default Python"
run_with "$cache/venv/bin/python"
PYTHONPATH="$(echo "$cache"/installed-wheel/lib/python3.*/site-packages)" \
  "$root/clients/suite/overheard.sh" "$cache/venv/bin/pytest" --quiet -p no:cacheprovider
