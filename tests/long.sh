# The second half of `./test.sh --long`: steps that take hours, or need rare tools. Sourced.

other_systems() {
  local system features
  for system in x86_64-pc-windows-gnu x86_64-apple-darwin aarch64-unknown-linux-musl; do
    if ! [ -d "$(rustc --print target-libdir --target "$system")" ] &&
      ! rustup target add "$system"; then
      skip "lints for $system: its standard library is missing, and rustup cannot add it"
      continue
    fi
    # Nothing is linked, so without a C compiler for that system `true` can replace it: a
    # dependency's C code is not checked, all of Rust is.
    local stand_in=("CC_${system//-/_}=true" "AR_${system//-/_}=true")
    if [ "$system" = x86_64-pc-windows-gnu ] && command -v x86_64-w64-mingw32-gcc >/dev/null; then
      stand_in=()
    fi
    for features in --all-features --no-default-features; do
      env "${stand_in[@]}" cargo clippy --package byokey-app-server --target "$system" "$features" \
        --locked -- -D warnings
    done
  done
}

# Their database comes from the network and changes daily: a new entry must not block an unrelated
# change.
advisories() {
  if ! command -v cargo-deny >/dev/null; then
    skip "advisories: cargo-deny is not installed"
  elif ! cargo deny --locked check --hide-inclusion-graph advisories 2>"$logs/advisories"; then
    if grep -qi "fetch\|network\|connect\|resolve" "$logs/advisories"; then
      skip "advisories: their database cannot be reached from here"
    else
      cat "$logs/advisories"
      return 1
    fi
  fi
}

windows() {
  tests/windows/setup.sh
  BYOKEY_WINDOWS=1 run_tests windows --package byokey-tests --test windows
}

# All generators of code: the gate has two of them.
generators() {
  tests/generators/setup.sh --all
  run_tests generators --package byokey-tests --test schema_generators
}

# Logins shared by an older codex and this program.
older_codex() {
  local version
  for version in 0.98.0; do
    CODEX_VERSION=$version tests/codex/setup.sh
    if [ -x ".cache/codex-$version/codex" ]; then
      CODEX_BIN="$root/.cache/codex-$version/codex" run_tests "codex-$version" \
        --package byokey-tests --test signin_codex --test signin_keyring
    else
      skip "codex $version: npm cannot install it"
    fi
  done
}

# `tests/codex/next.sh` from its installation to its report: the recorded version is as it was
# recorded, and an older one is not.
next_codex() {
  local level base expected code
  level=$(sed -n 's/^pub const CODEX_LEVEL: &str = "\(.*\)";$/\1/p' protocol/src/lib.rs)
  for base in "$level" 0.169.0; do
    expected=$([ "$base" = "$level" ] && echo 0 || echo 1)
    code=0
    timeout 30m tests/codex/next.sh "$level" "$base" >"$logs/next-$base" 2>&1 || code=$?
    if [ $code = 2 ]; then
      skip "codex $level beside $base: $(tail -n 1 "$logs/next-$base")"
      continue
    fi
    echo "codex $level beside $base: exit code $code, expected $expected"
    [ $code = $expected ] || {
      cat "$logs/next-$base"
      return 1
    }
  done
  # What 0.170 added to a notification.
  [ $code = 2 ] || grep -q '+ account/updated params.reason: null' "$logs/next-0.169.0"
}

# Beside the fastest of the older codex, as far as was looked.
far_backend() {
  local version=0.98.0 codex=()
  CODEX_VERSION=$version tests/codex/setup.sh
  if [ -x ".cache/codex-$version/codex" ]; then
    codex=("$root/.cache/codex-$version/codex app-server")
  else
    skip "the far backend beside codex $version: npm cannot install it"
  fi
  ./bench.sh far --delays 50 "${codex[@]}"
}

# An older codex, and opencode, on a login that they do not get.
agents() {
  local version=0.169.0
  tests/codex/opencode.sh
  CODEX_VERSION=$version tests/codex/setup.sh
  if [ -x ".cache/codex-$version/codex" ]; then
    CODEX_BIN="$root/.cache/codex-$version/codex" \
      run_tests "agents" --package byokey-tests --test run
  else
    skip "byokey run with codex $version: npm cannot install it"
  fi
}

# Optimised, or it takes a day.
model() {
  BYOKEY_MODEL_SEQUENCES=1000000 \
    run_tests model --profile no-trace --package byokey-tests --test connections_model
}

# One fiftieth, another one each week: all of them take days.
all_mutants() {
  if ! cargo mutants --version >/dev/null 2>&1; then
    skip "mutants that are made: cargo-mutants is not installed (cargo install cargo-mutants --locked)"
    return
  fi
  local shard=${BYOKEY_MUTANTS_SHARD:-$(($(date +%V | sed 's/^0//') % 50))/50}
  echo "part $shard; BYOKEY_MUTANTS_SHARD chooses another"
  cargo mutants --shard "$shard" --output "$target"
}

# The packages of all machines that can be built for here; the program for aarch64 runs under qemu,
# the one for Windows under Wine, and cargo-binstall installs the one of this machine.
all_packages() {
  local triple program programs=()
  export PYTHONDONTWRITEBYTECODE=1
  release/setup.sh
  release/setup-long.sh
  for triple in aarch64-unknown-linux-musl x86_64-pc-windows-gnu; do
    if program=$(release/cross.sh "$triple"); then
      programs+=(--program "$triple=$program")
    else
      skip "packages for $triple: see above"
    fi
  done
  command -v qemu-aarch64-static >/dev/null ||
    skip "the program for aarch64: there is no qemu-aarch64-static (apt-get install qemu-user-static)"
  BYOKEY_RELEASE_BIN=$(release/program.sh) release/build --out "$logs/all" "${programs[@]}"
  BYOKEY_DIST="$logs/all" release/check
}

# Two builds at the same place give the same bytes.
reproducible() {
  local first second
  first=$(release/program.sh)
  cp "$first" "$logs/first"
  rm -rf "$(dirname "$first")"
  second=$(release/program.sh)
  cmp "$logs/first" "$second"
}

# It takes seconds, and a mutant that does not apply any more is found before the hours.
step "mutants that apply" tests/mutants/run.py --check
step "client packages" clients/check-packages.sh
step "generators" generators
step "lints, other systems" other_systems
step "advisories" advisories
step "Windows" windows
step "packages for all machines" all_packages
step "the same program twice" reproducible
step "older codex" older_codex
step "next codex" next_codex
step "agents" agents
step "far backend" far_backend
step "model of connections" model
step "instruction counts, all" bench/instructions.sh --all
step "fuzzing" fuzz/long.sh "${BYOKEY_FUZZ_SECONDS:-600}"
step "mutants that are made" all_mutants
step "mutants that are written" tests/mutants/run.py
