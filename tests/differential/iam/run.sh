#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: run.sh [CASES] [SEED]   (from anywhere; needs build/src/libvirga.a, node, npm)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$root/build/differential-iam
mkdir -p "$work"
cd "$work"
[ -d node_modules/@cloud-copilot/iam-simulate ] ||
    npm install --no-save --no-audit --no-fund @cloud-copilot/iam-simulate@0.1.173 >/dev/null
${CC:-cc} -std=gnu11 -D_GNU_SOURCE -O2 -I"$root/src" "$here/driver.c" "$root/build/src/libvirga.a" \
    -o driver -lcrypto -lz -lm
exec node "$here/compare.mjs" ./driver "${1:-20000}" "${2:-1}"
