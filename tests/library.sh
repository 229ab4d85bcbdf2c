# For the setup scripts of libraries, each in a folder of its own below a folder here: the place of the
# installation, and its stamp.
# The stamp is the checksum of everything that pins the installation.

library=$(basename "$PWD")
cache=$(cd ../../.. && pwd)/.cache/$(basename "$(dirname "$PWD")")/$library
mkdir -p "$cache"

# Usage: leave_if_done FILE... ; exits the script if these files were installed before.
leave_if_done() {
  pinned=$(cat "$@" | sha256sum)
  if [ "$(cat "$cache/installed" 2>/dev/null)" = "$pinned" ]; then
    exit 0
  fi
  rm -f "$cache/installed"
}

# Records that the installation is complete.
done_now() {
  echo "$pinned" >"$cache/installed"
}

# Usage: need PROGRAM ; exits the script if the program is missing.
need() {
  if ! command -v "$1" >/dev/null; then
    echo "$library: $1 is not installed" >&2
    exit 1
  fi
}
