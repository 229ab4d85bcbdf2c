# Helpers of `test.sh` to run its steps: each is timed, in seconds and in seconds of CPU. To be
# sourced.

steps=() skipped=() jobs_of=() cpu=0

# Sets `cpu` to the seconds of CPU used by this shell and the commands that it has awaited.
measure_cpu() {
  times >"$logs/times"
  cpu=$(awk '{ for (i = 1; i <= NF; i++) { split($i, part, /[ms]/); all += part[1] * 60 + part[2] } }
    END { printf "%d", all }' "$logs/times")
}

# step NAME COMMAND...
step() {
  local name=$1 began=$SECONDS before
  shift
  printf '\n==> %s\n' "$name"
  running=$name
  measure_cpu && before=$cpu
  "$@"
  running=
  measure_cpu
  steps+=("$(printf '%6d s  %6d s  %s' $((SECONDS - began)) $((cpu - before)) "$name")")
}

# skip "WHAT: WHY": reports a step, or a part of one, that cannot run here.
skip() {
  echo "skipped: $1"
  skipped+=("$1")
}

# background NAME COMMAND...: starts it in parallel to the next steps; `await NAME` waits for it.
background() {
  local name=$1
  shift
  printf '\n==> %s, in the background\n' "$name"
  (
    began=$SECONDS
    "$@"
    measure_background "$began" "$name"
  ) >"$logs/$name.log" 2>&1 &
  jobs_of+=("$name=$!")
}

measure_background() {
  logs=$logs/$2.times
  mkdir "$logs"
  measure_cpu
  printf '%6d s  %6d s  %s (beside the others)' $((SECONDS - $1)) "$cpu" "$2" >"$logs/line"
}

await() {
  local name=$1 job left=()
  printf '\n==> waiting for %s\n' "$name"
  for job in "${jobs_of[@]}"; do
    if [ "${job%=*}" = "$name" ]; then
      running=$name
      wait "${job##*=}" || { cat "$logs/$name.log"; exit 1; }
      running=
    else
      left+=("$job")
    fi
  done
  jobs_of=("${left[@]}")
  cat "$logs/$name.log"
  steps+=("$(cat "$logs/$name.times/line")")
}

# run_tests NAME ARGUMENT...: `cargo test`. The output goes to a log; results, figures, and skipped
# tests with their reasons are shown, failures completely.
run_tests() {
  local name=$1 log="$logs/$1.log" status=0
  shift
  cargo test --locked --no-fail-fast "$@" -- --show-output > >(
    tee "$log" | grep --line-buffered -aiE '^(test result:|running [0-9]+|skipped|figure)|FAILED|panicked'
  ) || status=$?
  # The last lines are written by then, or soon will be.
  wait $! 2>/dev/null || true
  if [ "$status" != 0 ]; then
    sed -n '/^failures:$/,/^test result/p' "$log"
    return "$status"
  fi
  while IFS= read -r line; do
    skipped+=("${line#*: }")
  done < <(grep -aiE '^skipped' "$log" | sort -u)
}

# skips_of_clients LOG: prints the skips in the output of the clients' tests, each once: lines of
# their scripts, of node (two reporters), unittest, pytest and Maven.
skips_of_clients() {
  grep -aoE -e '^skipped: .*' -e '^[A-Za-z]+( client)?: (.* )?skipped, .*' \
    -e '(﹣ |# SKIP).*' -e '^OK \(skipped=.*' -e '^.*[1-9][0-9]* skipped(,.*)? in .*' \
    -e 'Tests run: .*, Skipped: [1-9].* in .*' "$1" | sort -u
}

report() {
  local status=$? line job
  for job in "${jobs_of[@]}"; do
    pkill -P "${job##*=}" || true
    kill "${job##*=}" 2>/dev/null || true
  done
  measure_cpu
  printf '\n    time     CPU  step\n'
  printf '%s\n' "${steps[@]}"
  printf '%6d s  %6d s  total\n' "$SECONDS" "$cpu"
  for line in "${skipped[@]}"; do
    echo "skipped: $line"
  done
  if [ "$status" = 0 ]; then
    echo "everything passed, ${#skipped[@]} skipped"
  else
    echo "FAILED: ${running:-setup}"
  fi
  exit "$status"
}
trap report EXIT
