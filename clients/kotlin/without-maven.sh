#!/usr/bin/env bash
# Compiles the client with npm's Kotlin compiler, for environments without Maven's repository, and
# runs the quick start with it against a loopback backend. The tests need JUnit, which npm does not
# have.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

version=2.4.20
cache=../../.cache/kotlin-compiler
lib=$cache/node_modules/kotlin-compiler/lib
out=target/without-maven

java=$({ java -version 2>&1 || true; } | sed -nE 's/.* version "([0-9]+).*/\1/p')
if [ "${java:-0}" -lt 17 ] || ! command -v npm >/dev/null; then
  echo "kotlin client: skipped, there is no Java 17 or no npm"
  exit 0
fi
if [ ! -e "$lib/kotlin-compiler.jar" ]; then
  mkdir -p "$cache"
  if ! npm install --prefix "$cache" --no-save --no-package-lock --ignore-scripts --no-audit \
    --no-fund --loglevel=error "kotlin-compiler@$version"; then
    echo "kotlin client: skipped, npm cannot install the Kotlin compiler"
    exit 0
  fi
fi

compiler=$lib/kotlin-compiler.jar
for jar in stdlib script-runtime reflect daemon-client; do compiler+=:$lib/kotlin-$jar.jar; done
libraries=$lib/kotlinx-coroutines-core-jvm.jar
compiler+=:$libraries:$lib/annotations-13.0.jar
compile() {
  java -Xmx1g -cp "$compiler" org.jetbrains.kotlin.cli.jvm.K2JVMCompiler \
    -kotlin-home "$cache/node_modules/kotlin-compiler" -no-reflect -jvm-target 17 \
    -language-version 2.2 -api-version 2.2 "$@"
}

rm -rf "$out"
mkdir -p "$out"
compile -Xexplicit-api=strict -Werror -cp "$libraries" -d "$out/byokey-client.jar" \
  src/main/kotlin src/generated/kotlin
compile -cp "$libraries:$out/byokey-client.jar" -d "$out/quick-start.jar" \
  src/test/kotlin/byokey/QuickStart.kt
echo "kotlin client: compiled into clients/kotlin/$out"

if [ -z "${BYOKEY_RELEASE_BIN:-${BYOKEY_BIN:-}}" ]; then
  echo "kotlin client: the quick start is skipped, BYOKEY_RELEASE_BIN is not set"
  exit 0
fi
../suite/overheard.sh ./quick-start.sh \
  "$lib/kotlin-stdlib.jar:$libraries:$out/byokey-client.jar:$out/quick-start.jar"
