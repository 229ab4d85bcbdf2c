#!/usr/bin/env bash
# Measures the server next to an echo process and to other app-servers; see docs/performance.md.
# Without arguments it prints a table; see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

small=$(release/program.sh --small)
full=$(release/program.sh)
exec cargo run --release --locked --quiet --package byokey-bench -- --byokey "$full" --slim "$small" "$@"
