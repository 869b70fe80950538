# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

verb_build() {
    case "${1:-}" in
    -h | --help)
        cat <<'HELP'
usage: ./dev build [gcc|clang|asan|fuzz]

  gcc     build/        (default) the program as it is used
  clang   build-clang/  the same, by the other compiler
  asan    build-asan/   AddressSanitizer, UBSan, one malloc per arena allocation, costly checks
  fuzz    build-fuzz/   libFuzzer programs
HELP
        return 0
        ;;
    esac
    need_apt build
    build_kind "${1:-gcc}" || die "the build failed: see the messages above"
}

build_kind() {
    case "$1" in
    gcc) need_build build gcc ;;
    clang)
        need_apt clang
        need_build build-clang clang
        ;;
    asan)
        need_build build-asan gcc -Db_sanitize=address,undefined -Darena=malloc \
            -Ddebug_checks=true -Db_lundef=false
        ;;
    fuzz)
        need_apt clang
        need_build build-fuzz clang -Db_sanitize=address,undefined -Darena=malloc \
            -Ddebug_checks=true -Db_lundef=false -Dfuzz=true
        ;;
    *) die "no such build: $1" ;;
    esac
}
