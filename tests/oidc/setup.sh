#!/usr/bin/env bash
# Installs an OpenID provider and a browser driver beside their scripts, and the browser itself with
# apt if it is missing. A failed installation is reported; the tests are skipped then.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root="$(cd ../.. && pwd)"
stamp="$root/.cache/oidc.stamp"

if ! command -v chromium >/dev/null; then
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends chromium ||
      echo "chromium: skipped, apt cannot install it"
  else
    echo "chromium: skipped, no apt or no right to use it"
  fi
fi

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "the OpenID provider: skipped, there is no node or no npm"
  exit 0
fi
fingerprint="$(node --version; cksum <package-lock.json; pwd)"
if [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$fingerprint" ]; then
  echo "the OpenID provider: installed already"
  exit 0
fi
echo "the OpenID provider: installing"
rm -f "$stamp"
if ! npm ci --ignore-scripts --no-audit --no-fund --loglevel=error; then
  echo "the OpenID provider: skipped, npm cannot install it"
  exit 0
fi
mkdir -p "$root/.cache"
echo "$fingerprint" >"$stamp"
