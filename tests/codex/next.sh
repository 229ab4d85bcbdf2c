#!/usr/bin/env bash
# Shows what another version of codex does differently:
#
#   tests/codex/next.sh VERSION [BASE]
#
# Installs both from npm under .cache, plays all scenarios of tests/conformance/ to VERSION, and
# compares its methods, types and recorded exchanges with those of BASE, by default the version that
# the protocol matches. Recordings of BASE are those of the repository; those of VERSION are left in
# .cache/codex-VERSION/recorded/.
#
# The exit code is 0 if nothing changed, 1 if something did, and 2 if it could not be found out.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

cannot() {
  echo "next.sh: $1" >&2
  exit 2
}

version=${1:-}
level=$(sed -n 's/^pub const CODEX_LEVEL: &str = "\(.*\)";$/\1/p' protocol/src/lib.rs)
base=${2:-$level}
[[ $version =~ ^[0-9]+(\.[0-9]+){2}(-[a-z0-9.]+)?$ ]] ||
  cannot "usage: tests/codex/next.sh VERSION [BASE], with versions such as 0.171.0"
known=tests/conformance/recorded/$base
[ -d "$known" ] || cannot "there are no recordings of codex $base in $known"

for one in "$version" "$base"; do
  CODEX_VERSION=$one tests/codex/setup.sh
  [ -x ".cache/codex-$one/codex" ] || cannot "codex $one is not installed; npm says why, above"
done
new=.cache/codex-$version/codex
cargo build --quiet --locked --workspace --bin codex_changes || cannot "the comparison does not build"
changes=${CARGO_TARGET_DIR:-target}/debug/codex_changes

# What changes from run to run is told apart by a second run of the scenarios that differ.
out=.cache/codex-$version/recorded
rm -rf "$out"
record() { python3 tests/conformance/record.py --version "$version" --codex "$new" "$@"; }
echo "codex $version: recording all scenarios"
record --out "$out/first" | grep -v '^ok '
[ -d "$out/first/$version" ] || cannot "nothing was recorded"
mkdir -p "$out/again/$version"
compared=$out/first/$version
for round in 1 2 3; do
  only=()
  while read -r name; do
    only+=(--only "$name")
  done < <("$changes" --differing "$known" "$compared")
  number=$((${#only[@]} / 2))
  # Many scenarios differ because something changed, few perhaps by chance: those alone, undisturbed.
  if [ $number -eq 0 ] || { [ $round -gt 1 ] && [ $number -gt 10 ]; }; then
    break
  fi
  echo "codex $version: recording $number scenarios again"
  record --out "$out/again" --jobs $((round == 1 ? 4 : 1)) "${only[@]}" | grep -v '^ok '
  compared=$out/again/$version
done
requests=$out/codex-$version.json
echo "codex $version: recording model requests"
python3 tests/conformance/requests/record_requests.py --version "$version" --codex "$new" \
  --out "$requests" || echo "model requests: skipped, see above"

echo
echo "From codex $base to $version (+ new, - gone, ~ changed)"
echo
known_requests=tests/conformance/requests/codex-$base.json
[ -e "$known_requests" ] || echo "Model requests of codex $base are not recorded, and not compared."
"$changes" ".cache/codex-$base/codex" "$known" "$new" "$out/first/$version" "$out/again/$version" \
  "$known_requests" "$requests"
case $? in
0) echo "nothing changed" ;;
1) exit 1 ;;
*) cannot "the comparison failed" ;;
esac
