# For the setup scripts beside this folder's libraries: where to install, and whether it is done.
# The stamp holds the checksum of everything that pins the installation.

library=$(basename "$PWD")
cache=$(cd ../../.. && pwd)/.cache/json-rpc-libraries/$library
mkdir -p "$cache"

# Usage: leave_if_done FILE... ; leaves the script when these files were installed before.
leave_if_done() {
  pinned=$(cat "$@" | sha256sum)
  if [ "$(cat "$cache/installed" 2>/dev/null)" = "$pinned" ]; then
    exit 0
  fi
  rm -f "$cache/installed"
}

# Remembers that the installation is complete.
done_now() {
  echo "$pinned" >"$cache/installed"
}

# Usage: need PROGRAM ; leaves the script when the program is not there.
need() {
  if ! command -v "$1" >/dev/null; then
    echo "$library: $1 is not installed" >&2
    exit 1
  fi
}
