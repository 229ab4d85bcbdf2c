#!/usr/bin/env bash
# Runs the compiled quick start against a loopback backend:
#
#   quick-start.sh CLASS_PATH
#
# BYOKEY_BIN names the program.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

told=$(mktemp)
"$BYOKEY_BIN" dev-backend >"$told" &
backend=$!
trap 'kill "$backend"; rm -f "$told"' EXIT
for _ in $(seq 100); do
  grep -q app-server "$told" && break
  sleep 0.1
done
read -r -a args <<<"$(sed -n 's/.*byokey app-server/app-server/p' "$told")"
printed=$(timeout 60 java -cp "$1" QuickStartKt "${args[@]}")
echo "kotlin client: the quick start prints $printed"
[[ $printed == *ada@example.test* ]]
