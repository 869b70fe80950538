# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

verb_up() {
    case "${1:-}" in
    -h | --help)
        cat <<'HELP'
usage: ./dev up [OPTION OF virga serve…]

Builds and runs the daemon in the foreground, with its data in .cache/data unless --data or
--ephemeral says otherwise. In another shell: eval "$(build/virga env)"
HELP
        return 0
        ;;
    esac
    need_apt build run
    need_sdks
    build_kind_gcc
    case " $* " in
    *" --data"* | *" --ephemeral"*) exec build/virga serve "$@" ;;
    *) exec build/virga serve --data "$VG_CACHE/data" "$@" ;;
    esac
}

build_kind_gcc() {
    # shellcheck source=tools/dev/build.sh
    . tools/dev/build.sh
    build_kind gcc || die "the build failed: see the messages above"
}
