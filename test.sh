#!/usr/bin/env bash
# The gate: runs everything that must pass before a change lands, and prints the time of each step.
#
#   ./test.sh             the gate
#   ./test.sh --fast      only what needs no other tool than cargo, without optimisation: minutes
#   ./test.sh --long      the gate, and then what takes hours: other systems, older codex, mutants,
#                         fuzzing, a million sequences of the model, large clients
#   ./test.sh --long-only the second half of that
#
# It needs cargo and a C compiler. Other missing tools are named, with the skipped steps; `.ci/run`
# installs them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

root=$PWD
target="${CARGO_TARGET_DIR:-$root/target}"
logs="$target/gate"
rm -rf "$logs"
mkdir -p "$logs"

fast=false gate=true long=false
case "${1:-}" in
--fast) fast=true gate=false ;;
--long) long=true ;;
--long-only) long=true gate=false ;;
"") ;;
*)
  sed -n '2,12s/^# \{0,1\}//p' "$0"
  exit 2
  ;;
esac

. tests/steps.sh

# --- The gate.

# Each kind of test with further requirements has a script that installs them, under .cache/.
tools() {
  local setup
  for setup in tests/*/setup.sh clients/*/setup.sh release/setup.sh; do
    # Only the long run tests Windows.
    if [ -x "$setup" ] && [ "$setup" != tests/windows/setup.sh ]; then
      echo "-- $setup"
      "$setup"
    fi
  done
}

lints() {
  cargo clippy --workspace --all-targets --locked -- -D warnings
  cargo clippy --package byokey-app-server --no-default-features --locked -- -D warnings
}

dependencies() {
  if ! command -v cargo-deny >/dev/null; then
    skip "dependencies: cargo-deny is not installed (cargo install cargo-deny --version 0.20.2 --locked)"
    return
  fi
  cargo deny --locked --all-features check --hide-inclusion-graph bans licenses sources
}

# The two shipped programs. The small one first: both are built at the same path.
releases() {
  release/program.sh --small >"$logs/small"
  release/program.sh >"$logs/full"
}

# Selecting other packages changes the features of dependencies, which are rebuilt then. All that
# the tests need is built at once; the program then by itself, with its default features.
build_tests() {
  cargo build --workspace --bins --tests --locked
  cargo build --locked --package byokey-app-server --bin byokey
  cp "$target/debug/byokey" "$logs/byokey"
}

# Whether comments and documents use the field's terms.
words() {
  if command -v python3 >/dev/null; then
    docs/words.py --check
  else
    skip "words: there is no python3"
  fi
}

# Whether the tables of tests are those that the sources make.
tables() {
  if command -v python3 >/dev/null; then
    tests/readme.py --check
  else
    skip "tables: there is no python3"
  fi
}

clients() {
  local run
  # It was built with the tests, and records the log of the program in the clients' tests.
  export BYOKEY_OVERHEARD="$target/debug/overheard"
  for run in clients/*/test.sh; do
    if [ -x "$run" ]; then
      echo "-- $run"
      "$run" 2>&1 | tee -a "$logs/clients.log"
    fi
  done
  local line
  while IFS= read -r line; do
    skipped+=("clients: ${line#skipped: }")
  done < <(skips_of_clients "$logs/clients.log")
}

# What users install, and that it works from a server on this machine.
packages() {
  case $BYOKEY_RELEASE_BIN in
  *-linux-musl/*) ;;
  *)
    skip "packages: the program is not static"
    return
    ;;
  esac
  if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    skip "packages: there is no python3, or one older than 3.11"
    return
  fi
  export PYTHONDONTWRITEBYTECODE=1
  release/build --out "$logs/dist"
  BYOKEY_DIST="$logs/dist" release/check 2>&1 | tee "$logs/packages.log"
  local line
  while IFS= read -r line; do
    skipped+=("packages: ${line#*: }")
  done < <(grep -ao 'SKIPPED: .*' "$logs/packages.log" | sort -u)
}

if $fast; then
  step "formatting" cargo fmt --all --check
  step "unit tests" run_tests fast --workspace --lib --bins
  step "transcripts" run_tests transcripts --workspace --test transcripts --test tidy
fi

if $gate; then
  step "formatting" cargo fmt --all --check
  # Linking the programs keeps one processor busy for minutes; the rest runs on the other.
  background "tools" tools
  background "release" releases
  step "lints" lints
  step "documentation" env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
  step "dependencies" dependencies
  step "words" words
  step "tables" tables
  step "build of the tests" build_tests
  await "tools"
  await "release"
  export BYOKEY_BIN="$logs/byokey" BYOKEY_BENCH="$target/debug/byokey-bench"
  export BYOKEY_RELEASE_BIN BYOKEY_SMALL_BIN
  BYOKEY_RELEASE_BIN=$(cat "$logs/full")
  BYOKEY_SMALL_BIN=$(cat "$logs/small")
  step "tests" run_tests tests --workspace
  step "clients" clients
  step "packages" packages
  step "instruction counts" bench/instructions.sh
fi

# --- The long run.

if $long; then
  . tests/long.sh
fi
