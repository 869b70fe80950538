# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

verb_bench() {
    case "${1:-}" in
    -h | --help)
        cat <<'HELP'
usage: ./dev bench [NAME…] [--quick]

Measures Virga and its peers on this machine, one after the other, prints the figures and puts them
into bench/RESULTS.md; what was not measured stays there as it is. Names: start, dynamodb, store,
http, lambda, chain, auth, s3, profile; without one all. --quick: short runs.
Peers are installed into .cache/bench: MiniStack and moto server (PyPI), dynalite (npm), DynamoDB
Local (Maven), fakecloud (Cargo: compiled once, which takes long; without cargo it is left out),
AWS's runtime interface emulator (Go; without go it is left out), nginx, wrk and valgrind (Debian).
For s3 also s3s-fs (Cargo), versitygw and MinIO (Go), compiled when it is asked for.
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
    case " $* " in
    *" s3 "* | "  " | " --quick ") bench_peers_s3 ;;
    esac
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

# What is missing is left out of the measurement.
bench_peers_s3() {
    local dir=$VG_CACHE/bench
    if [ ! -x "$dir/cargo/bin/s3s-fs" ] && command -v cargo >/dev/null; then
        say "compiling s3s-fs (once)"
        cargo install -q s3s-fs --version 0.14.1 --features binary --locked --root "$dir/cargo" || say "no s3s-fs"
    fi
    command -v go >/dev/null || return 0
    if [ ! -x "$dir/go/bin/versitygw" ]; then
        say "compiling versitygw (once)"
        GOBIN=$dir/go/bin go install github.com/versity/versitygw/cmd/versitygw@v1.8.0 || say "no versitygw"
    fi
    if [ ! -x "$dir/go/bin/minio" ]; then
        say "compiling MinIO (once)"
        GOBIN=$dir/go/bin go install github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c || say "no MinIO"
    fi
}
