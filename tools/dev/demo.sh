# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

verb_demo() {
    die "not built yet"
}
