#!/usr/bin/env bash
# Installs the code generators for the test of the schema, under .cache/generators/.
#
#   setup.sh          quicktype (Go) and datamodel-code-generator (pydantic): the gate
#   setup.sh --all    json-schema-to-typescript and go-jsonschema too: the long run
#
# A failed installation is reported; its test is skipped then.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
folder=$PWD/.cache/generators
mkdir -p "$folder"

# done_before NAME VERSION: succeeds if that version is installed; otherwise clears its folder.
done_before() {
  if [ "$(cat "$folder/$1/installed" 2>/dev/null)" = "$2" ]; then
    echo "$1 $2: installed already"
    return 0
  fi
  rm -rf "${folder:?}/$1"
  mkdir -p "$folder/$1"
  return 1
}

npm_package() {
  local name=$1 version=$2
  shift 2
  done_before "$name" "$version" && return
  npm install --prefix "$folder/$name" --no-save --no-package-lock --ignore-scripts --no-audit \
    --no-fund --loglevel=error "$name@$version" "$@" && echo "$version" >"$folder/$name/installed"
}

pip_package() {
  local name=$1 version=$2
  shift 2
  done_before "$name" "$version" && return
  python3 -m venv "$folder/$name/venv" &&
    "$folder/$name/venv/bin/pip" install --quiet --disable-pip-version-check "$name==$version" "$@" &&
    echo "$version" >"$folder/$name/installed"
}

go_program() {
  local name=$1 module=$2 version=$3
  done_before "$name" "$version" && return
  GOBIN="$folder/$name" GOFLAGS=-mod=mod go install "$module@$version" &&
    echo "$version" >"$folder/$name/installed"
}

npm_package quicktype 26.0.0 || echo "quicktype: not installed; its test will be skipped" >&2
pip_package datamodel-code-generator 0.89.0 pydantic==2.14.4 ||
  echo "datamodel-code-generator: not installed; its test will be skipped" >&2
if [ "${1:-}" = --all ]; then
  npm_package json-schema-to-typescript 16.0.0 typescript@7.0.2 ||
    echo "json-schema-to-typescript: not installed; its test will be skipped" >&2
  go_program go-jsonschema github.com/atombender/go-jsonschema v0.24.1 ||
    echo "go-jsonschema: not installed; its test will be skipped" >&2
fi
