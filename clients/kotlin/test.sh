#!/usr/bin/env bash
# Builds the client and runs its tests, offline. The program is BYOKEY_RELEASE_BIN or BYOKEY_BIN;
# without either, the tests against the real server are skipped with a message.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

./setup.sh
cache=../../.cache/maven
if [ "$(cat "$cache/byokey-client.fetched" 2>/dev/null)" != "$(cksum <pom.xml)" ]; then
  echo "kotlin client: tests skipped, they need Maven; trying the compiler of npm"
  exec ./without-maven.sh
fi
# The quick start names no program, so it finds BYOKEY_BIN, which is set to the recording wrapper.
overheard=(../suite/overheard.sh)
if [ -z "${BYOKEY_RELEASE_BIN:-${BYOKEY_BIN:-}}" ]; then
  overheard=()
  echo "kotlin client: tests against the real server skipped, BYOKEY_RELEASE_BIN is not set"
fi
# A class without a source must not be tested, nor be part of the API.
rm -rf target
"${overheard[@]}" mvn --batch-mode --offline -Dmaven.repo.local="$(cd "$cache" && pwd)" -Dstyle.color=never test "$@"
