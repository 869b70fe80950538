# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

verb_demo() {
    case "${1:-}" in
    -h | --help)
        cat <<'HELP'
usage: ./dev demo

Builds everything, starts a daemon on a free port with a temporary data folder, deploys
examples/notes (an HTTP API, functions in Python, Node and C, a table) through the AWS CLI, shows a
denied write until the policy is attached, sends traffic, kills the daemon with SIGKILL in the
middle of it, restarts it, verifies that nothing acknowledged is lost, and closes with a short
account with times. Nothing stays behind.
HELP
        return 0
        ;;
    esac
    need_apt build run
    need_sdks
    npm_ci e2e-node "$VG_ROOT/tests/e2e/node"
    # shellcheck source=tools/dev/up.sh
    . tools/dev/up.sh
    say "building"
    build_kind_gcc
    "$VG_PY" tools/demo/demo.py
}
