#!/usr/bin/env bash
# Measures the server next to an echo process and to other app-servers; see docs/performance.md.
# Without arguments it prints a table; see --help. --write-docs writes that page from one run, which
# includes the backend far away if the system allows one.
#   ./bench.sh far [--delays 10,50,150] [COMMAND]...
# measures against a backend that is so many milliseconds away, next to other app-servers by their
# command lines, such as '/opt/codex/bin/codex app-server' (the program itself, not npm's script).
#   ./bench.sh --own gnu=target/release/byokey
# has another build of this server as a column too, here one that is linked to the C library of this
# machine (cargo build --release --package byokey-app-server).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

small=$(release/program.sh --small)
full=$(release/program.sh)
if [[ ${1-} == far ]]; then
    shift
    delays=10,50,150
    if [[ ${1-} == --delays ]]; then
        delays=$2
        shift 2
    fi
    cargo build --release --locked --quiet --package byokey-bench
    bench/far.py --delays "$delays" "${CARGO_TARGET_DIR:-target}/release/byokey-bench" "$full" "$small" "$@" || {
        code=$?
        # The system does not allow it, which far.py has explained.
        [[ $code == 3 ]] && exit 0
        exit "$code"
    }
    exit 0
fi
exec cargo run --release --locked --quiet --package byokey-bench -- --byokey "$full" --slim "$small" "$@"
