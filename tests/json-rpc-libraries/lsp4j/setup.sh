#!/usr/bin/env bash
# Fetches the library with Maven and compiles the driver against it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ../../library.sh

leave_if_done pom.xml src/main/java/driver/*.java
need mvn
need javac
cp pom.xml "$cache"
if ! mvn --batch-mode --quiet --file "$cache/pom.xml" dependency:copy-dependencies \
  -DoutputDirectory=lib >"$cache/maven.log" 2>&1; then
  echo "lsp4j: Maven could not fetch it" >&2
  exit 1
fi
javac -cp "$cache/lib/*" -d "$cache/classes" src/main/java/driver/*.java
done_now
