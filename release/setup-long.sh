#!/usr/bin/env bash
# Builds what release/check uses in the long run only, under .cache/release-long/: cargo-binstall, and a
# reader of the lists of crates in programs. Minutes; the second time it is quick.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cache=$PWD/.cache/release-long
# A binstall that the pinned Rust compiles.
binstall=1.19.1 audit_info=0.5.4

if [ "$(cat "$cache/installed" 2>/dev/null)" = "$binstall $audit_info" ]; then
  echo "installed already"
  exit 0
fi
# Not optimised: each of them runs once.
export CARGO_PROFILE_DEV_DEBUG=0
install=(cargo install --locked --debug --root "$cache" --target-dir "$cache/target")
if "${install[@]}" rust-audit-info --version "$audit_info" &&
  "${install[@]}" cargo-binstall --version "$binstall" --no-default-features \
    --features rustls,fancy-no-backtrace; then
  echo "$binstall $audit_info" >"$cache/installed"
else
  echo "skipped: cargo cannot install rust-audit-info $audit_info or cargo-binstall $binstall"
fi
rm -rf "$cache/target"
