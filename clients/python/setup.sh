#!/usr/bin/env bash
# Installs the requirements of the Python client's tests, under .cache/. Quick if they are
# installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
cache="$(cd ../.. && pwd)/.cache/python-client"

if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
  echo "skipped: there is no python3, or one older than 3.10"
  rm -f "$cache/installed"
  exit 0
fi
fingerprint="$(python3 --version; command -v python3; cksum <requirements.txt)"
if [ "$(cat "$cache/installed" 2>/dev/null)" = "$fingerprint" ]; then
  echo "installed already"
  exit 0
fi
rm -rf "$cache"
python3 -m venv "$cache/venv"
"$cache/venv/bin/pip" install --quiet --disable-pip-version-check --requirement requirements.txt
echo "$fingerprint" >"$cache/installed"
