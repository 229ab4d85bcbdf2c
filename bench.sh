#!/usr/bin/env bash
# Measures the server next to an echo process and to other app-servers; see docs/performance.md.
# Without arguments it prints a table; --help tells the rest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

target="${CARGO_TARGET_DIR:-target}/release"
cargo build --release --locked --package byokey-app-server --no-default-features
cp "$target/byokey" "$target/byokey-slim"
cargo build --release --locked --package byokey-app-server --package byokey-bench
exec "$target/byokey-bench" --byokey "$target/byokey" --slim "$target/byokey-slim" "$@"
