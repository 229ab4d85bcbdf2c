#!/usr/bin/env bash
# Checks each client library as its ecosystem does before a release. Part of `./test.sh --long`: the
# tools come from the registries. What is missing is named, with what was skipped for it.
#
#   check-packages.sh [typescript] [python] [rust] [kotlin]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$(cd .. && pwd)
tools=$root/.cache/package-checks
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

npm_tools=(publint@0.3.25 @arethetypeswrong/cli@0.18.5 pyright@1.1.414)
python_tools=(build==1.6.1 twine==7.0.0)

skip() {
  echo "packages: skipped, $*"
}

# Installs the tools of npm once; fails where npm cannot.
with_npm_tools() {
  command -v npm >/dev/null || return 1
  if [ "$(cat "$tools/npm.installed" 2>/dev/null)" != "${npm_tools[*]}" ]; then
    mkdir -p "$tools/npm"
    npm install --prefix "$tools/npm" --no-save --no-package-lock --no-audit --no-fund \
      --ignore-scripts --loglevel=error "${npm_tools[@]}" || return 1
    echo "${npm_tools[*]}" >"$tools/npm.installed"
  fi
}

with_python_tools() {
  [ -x "$root/.cache/python-client/venv/bin/python" ] || return 1
  if [ "$(cat "$tools/python.installed" 2>/dev/null)" != "${python_tools[*]}" ]; then
    "$root/.cache/python-client/venv/bin/python" -m venv --clear "$tools/python"
    "$tools/python/bin/pip" install --quiet --disable-pip-version-check "${python_tools[@]}" || return 1
    echo "${python_tools[*]}" >"$tools/python.installed"
  fi
}

# Fails unless every line of the input is in the file.
holds() {
  local wanted
  while read -r wanted; do
    if ! grep -qxF -- "$wanted" "$1"; then
      echo "packages: $wanted is not in it" >&2
      return 1
    fi
  done
}

typescript() {
  if ! with_npm_tools || [ ! -x "$root/.cache/typescript-client/node_modules/.bin/tsc" ]; then
    skip "TypeScript: npm cannot install the tools, or clients/typescript/setup.sh has not run"
    return
  fi
  local bin=$tools/npm/node_modules/.bin
  # As in a fresh clone: publishing has to build.
  rm -rf typescript/dist
  (cd typescript && npm publish --dry-run --json >"$scratch/npm.json" 2>"$scratch/npm.log") || {
    cat "$scratch/npm.log" >&2
    return 1
  }
  grep -o '"path": "[^"]*"' "$scratch/npm.json" | cut -d'"' -f4 >"$scratch/npm.files"
  holds "$scratch/npm.files" <<<"dist/index.js
dist/index.d.ts
dist/cjs/index.js
dist/cjs/index.d.ts
dist/cjs/package.json
LICENSE-APACHE
LICENSE-MIT
README.md"
  "$bin/publint" --strict typescript
  (cd "$scratch" && npm pack --silent "$root/clients/typescript" >/dev/null)
  "$bin/attw" --format ascii --no-emoji "$scratch"/byokey-client-*.tgz
}

python() {
  if ! with_python_tools; then
    skip "Python: pip cannot install the tools, or clients/python/setup.sh has not run"
    return
  fi
  "$root/.cache/python-client/venv/bin/mypy" --config-file python/pyproject.toml --cache-dir "$tools/mypy" \
    --strict python/src
  if with_npm_tools; then
    "$tools/npm/node_modules/.bin/pyright" --project python
  else
    skip "pyright: npm cannot install it"
  fi
  # The licences come along as in release/build.
  cp -r python "$scratch/source"
  cp ../LICENSE-APACHE ../LICENSE-MIT "$scratch/source"
  "$tools/python/bin/python" -m build --outdir "$scratch/python" "$scratch/source" >"$scratch/build.log" 2>&1 || {
    cat "$scratch/build.log" >&2
    return 1
  }
  "$tools/python/bin/twine" check --strict "$scratch/python"/*
  "$tools/python/bin/python" -m zipfile -l "$scratch/python"/*.whl | awk '{print $1}' |
    sed 's/^byokey-[0-9.]*\.dist-info/dist-info/' >"$scratch/wheel.files"
  holds "$scratch/wheel.files" <<<"byokey/py.typed
byokey/sync.py
dist-info/licenses/LICENSE-APACHE
dist-info/licenses/LICENSE-MIT"
}

# Every dependency has a version, and each package has its files. With the network cargo checks what
# it checks before an upload, all packages together, as none of them is in the registry yet.
rust() {
  local package packages=(byokey-protocol byokey-base byokey-rpc byokey-client)
  for package in "${packages[@]}"; do
    if ! cargo package --locked --list --allow-dirty --package "$package" >"$scratch/$package.files"; then
      return 1
    fi
    holds "$scratch/$package.files" <<<"LICENSE-APACHE
LICENSE-MIT
src/lib.rs"
  done
  cargo metadata --locked --no-deps --format-version 1 | python3 -c '
import json, sys
published = {"byokey-protocol", "byokey-base", "byokey-rpc", "byokey-client"}
problems = []
for package in json.load(sys.stdin)["packages"]:
    if package["name"] not in published:
        continue
    for member in ("description", "license", "homepage", "repository"):
        if not package[member]:
            problems.append(package["name"] + " has no " + member)
    for needed in package["dependencies"]:
        if needed["kind"] != "dev" and needed.get("path") and needed["req"] == "*":
            problems.append(package["name"] + " needs " + needed["name"] + " of any version")
        if needed["kind"] != "dev" and needed.get("path") and needed["name"] not in published:
            problems.append(package["name"] + " needs " + needed["name"] + ", which is not published")
sys.exit("packages: " + "; ".join(problems) if problems else 0)
'
  if ! cargo publish --dry-run --locked --no-verify --allow-dirty "${packages[@]/#/--package=}" 2>"$scratch/publish.log"; then
    if grep -q "index\.crates\.io\|Could not resolve\|HTTP request" "$scratch/publish.log"; then
      skip "cargo publish: crates.io cannot be reached"
      return
    fi
    cat "$scratch/publish.log" >&2
    return 1
  fi
}

# What Maven Central insists on.
kotlin() {
  python3 - kotlin/pom.xml <<'PY'
import sys
import xml.etree.ElementTree as tree

pom = tree.parse(sys.argv[1]).getroot()
space = {"m": "http://maven.apache.org/POM/4.0.0"}
wanted = ["name", "description", "url", "licenses/m:license/m:name", "licenses/m:license/m:url",
          "developers/m:developer/m:name", "scm/m:url", "scm/m:connection"]
missing = [path.replace("m:", "") for path in wanted if pom.find(f"m:{path}", space) is None]
plugins = {it.text for it in pom.iterfind(".//m:plugin/m:artifactId", space)}
missing += sorted({"maven-source-plugin", "dokka-maven-plugin"} - plugins)
sys.exit("packages: pom.xml has no " + ", ".join(missing) if missing else 0)
PY
  jars
  ktlint
}

# The three jars of a release, and what has to be in them.
jars() {
  if [ ! -e "$root/.cache/maven/byokey-client.fetched" ]; then
    skip "the jars: clients/kotlin/setup.sh has not run"
    return
  fi
  local build=(mvn --batch-mode --quiet -Dmaven.repo.local="$root/.cache/maven" -Prelease -Dmaven.test.skip=true
    -Dbyokey.target="$scratch/kotlin" package)
  if ! (cd kotlin && "${build[@]}" >"$scratch/maven.log" 2>&1); then
    if grep -q "Could not transfer\|Could not resolve\|could not be resolved" "$scratch/maven.log"; then
      skip "the jars: Maven cannot fetch the plugins of a release"
      return
    fi
    cat "$scratch/maven.log" >&2
    return 1
  fi
  local jar
  for jar in "" -sources -javadoc; do
    python3 -m zipfile -l "$scratch/kotlin"/byokey-client-[0-9]*[0-9]"$jar".jar | awk '{print $1}' >"$scratch/jar$jar.files"
  done
  holds "$scratch/jar.files" <<<"META-INF/LICENSE-APACHE
META-INF/LICENSE-MIT
byokey/ByokeyClient.class
byokey/protocol/Account.class"
  holds "$scratch/jar-sources.files" <<<"byokey/ByokeyClient.kt
byokey/protocol/Account.kt"
  holds "$scratch/jar-javadoc.files" <<<"byokey/ByokeyClient.html
byokey/protocol/Account.html"
}

# Formatting as IntelliJ IDEA has it. Generated code is left out.
ktlint() {
  local jar=$tools/ktlint/ktlint-cli-1.7.1-all.jar
  if [ ! -e "$jar" ] && ! mvn --batch-mode --quiet -Dmaven.repo.local="$root/.cache/maven" dependency:copy \
    -Dartifact=com.pinterest.ktlint:ktlint-cli:1.7.1:jar:all -DoutputDirectory="$tools/ktlint" >/dev/null 2>&1; then
    skip "ktlint: Maven cannot fetch it"
    return
  fi
  (cd kotlin && java -jar "$jar" --relative "src/main/**/*.kt" "src/test/**/*.kt")
}

mkdir -p "$tools"
for package in "${@:-typescript python rust kotlin}"; do
  for one in $package; do
    echo "-- $one"
    "$one"
  done
done
