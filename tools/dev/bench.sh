# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

verb_bench() {
    die "not built yet"
}
