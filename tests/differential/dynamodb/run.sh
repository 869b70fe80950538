#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: run.sh [CASES] [SEED] [DIFFERENCES]   (from anywhere; needs build/src/apps/virga/virga, mvn, java >= 17,
# and a Python with boto3: PYTHON=…, default the project's .venv)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$root/build/differential-dynamodb
python=${PYTHON:-$root/.venv/bin/python}
mkdir -p "$work"
[ -d "$work/lib" ] ||
    mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$work/lib"
exec "$python" "$here/compare.py" --virga "${VIRGA_BIN:-$root/build/src/apps/virga/virga}" \
    --lib "$work/lib" --cases "${1:-3000}" --seed "${2:-1}" --most "${3:-1}"
