#!/usr/bin/env bash
# Takes pictures of every state in three themes, into target/vscode, from runs of the end-to-end
# tests, and those of README.md: media/limits.png and media/menu.png. Needs what test.sh needs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export BYOKEY_RELEASE_BIN="${BYOKEY_RELEASE_BIN:-${BYOKEY_BIN:-$PWD/../../target/release/byokey}}"
./build.sh
e2e/other-extension/pack.sh
node --test --test-reporter=spec e2e/login.test.mjs e2e/windows.test.mjs
for part in limits menu; do
  # They are in every package of the extension, and need few colours.
  if ! convert "../../target/vscode/part-$part.png" +dither -colors 48 "png8:media/$part.png"; then
    echo "without ImageMagick media/$part.png has all its colours, and is three times as long"
    install -m 644 "../../target/vscode/part-$part.png" "media/$part.png"
  fi
done
