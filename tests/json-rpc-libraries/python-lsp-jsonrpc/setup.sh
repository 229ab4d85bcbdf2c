#!/usr/bin/env bash
# Installs the library into a virtual environment.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ../../library.sh

leave_if_done requirements.txt
need python3
python3 -m venv "$cache/venv"
"$cache/venv/bin/pip" install --quiet --disable-pip-version-check \
  --requirement requirements.txt
done_now
