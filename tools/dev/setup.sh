# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

verb_setup() {
    case "${1:-}" in
    -h | --help)
        cat <<'HELP'
usage: ./dev setup

Installs what build, up, demo, test, lint, fmt, gen and fuzz need: Debian packages (through apt,
with sudo where you are not root), Python packages into .venv, npm packages and the SDKs for
functions into the project's own folders. Every verb does its own part of this by itself, so
calling setup is never necessary; it is quick when nothing is to be done. What only ./dev bench
needs (peers) is installed by ./dev bench.
HELP
        return 0
        ;;
    esac
    need_apt build clang python lint run
    need_venv
    need_node
    need_sdks
    npm_ci e2e-node "$VG_ROOT/tests/e2e/node"
    need_apparmor
    say "all is there"
}

# Ubuntu 24.04 takes user namespaces from programs without a profile of their own.
need_apparmor() {
    local knob=/proc/sys/kernel/apparmor_restrict_unprivileged_userns
    [ "$(cat "$knob" 2>/dev/null || echo 0)" = 1 ] || return 0
    [ "$(id -u)" = 0 ] && [ ! -d /etc/apparmor.d ] && return 0
    local file=/etc/apparmor.d/virga-jail
    local text
    text="abi <abi/4.0>,
include <tunables/global>
profile virga-jail $VG_ROOT/build*/**virga-jail flags=(unconfined) {
  userns,
}"
    [ "$(cat "$file" 2>/dev/null)" = "$text" ] && return 0
    say "AppArmor profile for virga-jail"
    printf '%s\n' "$text" | as_root tee "$file" >/dev/null && as_root apparmor_parser -r "$file" ||
        say "no AppArmor profile: functions may be refused"
}
