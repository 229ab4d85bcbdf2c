#!/usr/bin/env bash
# Builds the jar and puts it into the repository under .cache/maven, without running the tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

mvn --batch-mode --quiet -Dmaven.repo.local="$(cd ../../.cache/maven && pwd)" -DskipTests install
