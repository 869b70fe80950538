# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

verb_bench() {
    case "${1:-}" in
    -h | --help)
        cat <<'HELP'
usage: ./dev bench [NAME…] [--quick]

Measures Virga and its peers on this machine, one after the other, prints the figures and writes
bench/RESULTS.md. Names: start, dynamodb, store, http, lambda, chain, auth, profile; without one
all. --quick: short runs.
Peers are installed into .cache/bench: MiniStack and moto server (PyPI), dynalite (npm), DynamoDB
Local (Maven), fakecloud (Cargo: compiled once, which takes long; without cargo it is left out),
AWS's runtime interface emulator (Go; without go it is left out), nginx, wrk and valgrind (Debian).
HELP
        return 0
        ;;
    esac
    need_apt build bench run
    need_sdks
    # shellcheck source=tools/dev/up.sh
    . tools/dev/up.sh
    say "building"
    build_kind_gcc
    bench_peers
    "$VG_PY" bench/run.py "$@"
}

bench_peers() {
    local dir=$VG_CACHE/bench
    mkdir -p "$dir"
    if ! stamp_is bench-pypi bench/peers/requirements.txt; then
        say "peers from PyPI"
        /usr/bin/python3 -m venv "$dir/venv"
        "$dir/venv/bin/pip" install -q --disable-pip-version-check -r bench/peers/requirements.txt &&
            stamp_set bench-pypi bench/peers/requirements.txt
    fi
    if ! stamp_is bench-npm bench/peers/package-lock.json; then
        say "peers from npm"
        mkdir -p "$dir/npm"
        cp bench/peers/package.json bench/peers/package-lock.json "$dir/npm/"
        (cd "$dir/npm" && "$VG_NPM" ci --silent --no-audit --no-fund) &&
            stamp_set bench-npm bench/peers/package-lock.json
    fi
    need_dynamodb_local
    if [ ! -x "$dir/cargo/bin/fakecloud" ] && command -v cargo >/dev/null; then
        say "compiling fakecloud (this takes long, once)"
        cargo install -q fakecloud --version 0.51.0 --locked --root "$dir/cargo" || say "no fakecloud"
    fi
    if [ ! -x "$dir/go/bin/aws-lambda-rie" ] && command -v go >/dev/null; then
        say "AWS's runtime interface emulator"
        GOBIN=$dir/go/bin go install github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie@latest ||
            say "no runtime interface emulator"
    fi
}
