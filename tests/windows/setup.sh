#!/usr/bin/env bash
# Builds the program for Windows and prepares Wine to run it, for tests/tests/windows.rs. A failed
# step is reported; those tests are skipped then.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root="$(cd ../.. && pwd)"
cache="$root/.cache/windows"
target=x86_64-pc-windows-gnu
rm -f "$cache/installed"

skip() {
  echo "the program on Windows: skipped, $*"
  exit 0
}

[ "$(uname -sm)" = "Linux x86_64" ] || skip "Wine runs it on 64-bit Linux with an x86 processor"
command -v rustup >/dev/null || skip "there is no rustup to add the target $target"
rustup target list --installed | grep -qx "$target" || rustup target add "$target" ||
  skip "rustup cannot add the target $target"

wine="$(command -v wine64 || ls /usr/lib/wine/wine64 2>/dev/null || true)"
if [ -z "$wine" ] || ! command -v x86_64-w64-mingw32-gcc >/dev/null; then
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || skip "no apt or no right to use it"
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
    wine64 gcc-mingw-w64-x86-64 || skip "apt cannot install Wine and mingw"
  wine="$(command -v wine64 || ls /usr/lib/wine/wine64)"
fi

export WINEPREFIX="$cache/prefix" WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml="
fingerprint="$("$wine" --version; cksum ./*.c)"
if [ "$(cat "$cache/fingerprint" 2>/dev/null)" != "$fingerprint" ]; then
  rm -rf "$cache"
  mkdir -p "$cache"
  # It shows no dialogs: there is no screen, and neither .NET nor a browser.
  env -u DISPLAY timeout 300 "$wine" wineboot --init >/dev/null 2>&1 ||
    skip "Wine cannot make its folder"
  system32="$WINEPREFIX/drive_c/windows/system32"
  [ -e "$system32/bcryptprimitives.dll" ] ||
    x86_64-w64-mingw32-gcc -Wall -O2 -shared -o "$system32/bcryptprimitives.dll" \
      bcryptprimitives.c -ladvapi32
  x86_64-w64-mingw32-gcc -Wall -O2 -o "$cache/parent.exe" parent.c
  echo "$fingerprint" >"$cache/fingerprint"
fi

cd "$root"
CARGO_PROFILE_DEV_DEBUG=0 cargo build --quiet --locked --target "$target" \
  --package byokey-app-server --bin byokey
echo "$wine" >"$cache/installed"
echo "the program on Windows: built, and Wine is ready"
