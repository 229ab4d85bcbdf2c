#!/usr/bin/env bash
# Fetches the Kotlin compiler and the libraries for building and testing the client into
# .cache/maven. Existing ones are kept. Without JDK 17, Maven, or access to Maven's repository, this
# is reported, and the tests are skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

cache=../../.cache/maven
stamp=$cache/byokey-client.fetched
wanted=$(cksum <pom.xml)

if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
  echo "kotlin client: set up already"
  exit 0
fi
missing=$(./requirements.sh)
if [ -n "$missing" ]; then
  echo "kotlin client: skipped, $missing"
  exit 0
fi

mkdir -p "$cache"
repository=$(cd "$cache" && pwd)
# Compiling and starting the tests without running one fetches all dependencies.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! mvn --batch-mode -Dstyle.color=never -Dmaven.repo.local="$repository" -Dtest=Nothing \
  -Dsurefire.failIfNoSpecifiedTests=false test >"$log" 2>&1; then
  if grep -q "Could not transfer\|Could not resolve\|could not be resolved" "$log"; then
    echo "kotlin client: skipped, Maven's repository cannot be reached"
    exit 0
  fi
  grep -v "^Download" "$log"
  exit 1
fi
echo "$wanted" >"$stamp"
