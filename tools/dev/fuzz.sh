# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

verb_fuzz() {
    case "${1:-}" in
    -h | --help)
        cat <<'HELP'
usage: ./dev fuzz [NAME] [SECONDS]

Builds the libFuzzer programs (src/**/*_fuzz.c) with clang, ASan and UBSan and runs one, or each,
for SECONDS (60). Seeds are tests/fuzz/NAME/, what it finds interesting goes to .cache/fuzz/NAME,
a crashing input to .cache/fuzz/NAME-crash-*. Without a NAME it lists them and runs all.
HELP
        return 0
        ;;
    esac
    need_apt build clang
    # shellcheck source=tools/dev/build.sh
    . tools/dev/build.sh
    say "building the fuzzers"
    build_kind fuzz || die "the fuzz build failed: see the messages above"
    local seconds=60 only=
    case "${1:-}" in
    "") ;;
    *[!0-9]*) only=$1 seconds=${2:-60} ;;
    *) seconds=$1 ;;
    esac
    local exe failed=0
    for exe in build-fuzz/src/fuzz_*; do
        [ -f "$exe" ] && [ -x "$exe" ] || continue
        [ -z "$only" ] || [ "${exe##*/fuzz_}" = "$only" ] || continue
        fuzz_one "$exe" "$seconds" || failed=1
    done
    return $failed
}

fuzz_one() { # fuzz_one PROGRAM SECONDS: a random seed, printed, so that a run can be repeated
    local name=${1##*/fuzz_} seed=$((RANDOM * 32768 + RANDOM + 1))
    local corpus=$VG_CACHE/fuzz/$name seeds=$VG_ROOT/tests/fuzz/$name
    mkdir -p "$corpus"
    local dirs=("$corpus")
    [ -d "$seeds" ] && dirs+=("$seeds")
    local dict=()
    [ -f "$VG_ROOT/tests/fuzz/$name.dict" ] && dict=("-dict=$VG_ROOT/tests/fuzz/$name.dict")
    say "fuzz $name for $2 s, seed $seed"
    if ! "$1" -max_total_time="$2" -seed="$seed" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        "${dict[@]}" -artifact_prefix="$VG_CACHE/fuzz/$name-" "${dirs[@]}" >"$corpus.log" 2>&1; then
        tail -n 40 "$corpus.log" >&2
        return 1
    fi
    grep -E 'number_of_executed_units|average_exec' "$corpus.log" | sed 's/^/    /' >&2
}
