#!/usr/bin/env bash
# Measures the server next to an echo process and to other app-servers; see docs/performance.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

cargo build --release --locked --package byokey-app-server --package byokey-bench
target="${CARGO_TARGET_DIR:-target}/release"
exec "$target/byokey-bench" --byokey "$target/byokey" "$@"
