#!/usr/bin/env bash
# Installs a keyring and a message bus for tests/tests/signin_keyring.rs, if apt and the right to
# use it are available. Otherwise those tests are skipped with a message.
set -euo pipefail

for program in gnome-keyring-daemon dbus-run-session dbus-send; do
  command -v "$program" >/dev/null || missing=1
done
[ -n "${missing:-}" ] || exit 0

if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
  echo "skipped: no apt or no right to use it; the keyring tests need gnome-keyring and dbus"
  exit 0
fi
apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends gnome-keyring dbus dbus-bin
