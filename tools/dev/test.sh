# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

TEST_STEPS="lint unit clang asan e2e e2e-asan differential crash fuzz"
TEST_DEEP="tsan"

verb_test() {
    case "${1:-}" in
    -h | --help)
        cat <<'HELP'
usage: ./dev test [STEP…] [--deep] [-k EXPRESSION] [-x] [-- PYTEST ARGUMENT…]

Steps, in this order when none is named:
  lint      clang-format, the project's rules, ruff, shellcheck
  unit      gcc build; unit tests, wire and signature conformance cases
  clang     clang build; unit tests
  asan      ASan+UBSan build, one malloc per arena allocation; unit tests
  e2e       real clients against the daemon: boto3, AWS CLI, JavaScript SDK, the examples
  e2e-asan  the same against the sanitized daemon
  differential  random requests to Virga and to an independent oracle: DynamoDB Local,
            @cloud-copilot/iam-simulate, awscrt; what AWS's rules do not explain fails
  crash     kill -9 a hundred times under mixed load, restart, compare with what was acknowledged
            (VIRGA_KILLS sets another number)
  fuzz      each fuzzer for some seconds
--deep adds tsan and runs differential, crash and fuzz for longer. -k and what follows -- go to pytest.
Closes with "N passed, N failed"; the exit code is not 0 when one failed.
HELP
        return 0
        ;;
    esac
    local steps=() pytest=() deep=0
    while [ $# -gt 0 ]; do
        case "$1" in
        --deep) deep=1 ;;
        -k | -m) pytest+=("$1" "$2") && shift ;;
        -x) pytest+=("$1") ;;
        --) shift && pytest+=("$@") && break ;;
        -*) die "no such option: $1 (./dev test --help)" ;;
        *) steps+=("$1") ;;
        esac
        shift
    done
    if [ ${#steps[@]} -eq 0 ]; then
        # shellcheck disable=SC2206
        steps=($TEST_STEPS)
        # shellcheck disable=SC2206
        [ $deep = 0 ] || steps+=($TEST_DEEP)
    fi
    test_setup
    local step started
    for step in "${steps[@]}"; do
        case " $TEST_STEPS $TEST_DEEP conformance " in
        *" $step "*) ;;
        *) die "no such step: $step (./dev test --help)" ;;
        esac
        say "$step"
        started=$SECONDS
        "step_${step//-/_}" || tally "$step" 0 1 0
        printf '    %s took %d s\n' "$step" $((SECONDS - started)) >&2
    done
    test_close
}

test_setup() {
    need_apt build python run cli
    need_venv
    # shellcheck source=tools/dev/build.sh
    . tools/dev/build.sh
    # shellcheck source=tools/dev/lint.sh
    . tools/dev/lint.sh
    # shellcheck source=tools/dev/fuzz.sh
    . tools/dev/fuzz.sh
    VG_TALLY=$VG_CACHE/tally.$$
    export VG_TALLY
    mkdir -p "$VG_CACHE"
    : >"$VG_TALLY"
    # Whatever a test starts inherits this, so that what is left behind can be told from others'.
    export VIRGA_TEST_RUN=run-$$
    # boto3 as most have it: awscrt is here for its checksums alone.
    export BOTO_DISABLE_CRT=true
    trap 'test_sweep >/dev/null; rm -f "$VG_TALLY"' EXIT
}

tally() { printf '%s\t%s\t%s\t%s\n' "$@" >>"$VG_TALLY"; } # NAME PASSED FAILED SKIPPED

# Ends what this run started and what is still there; prints one line for each.
test_sweep() {
    local env pid
    for env in /proc/[0-9]*/environ; do
        pid=${env#/proc/}
        pid=${pid%/environ}
        [ "$pid" != $$ ] && [ "$pid" != "$BASHPID" ] || continue
        tr '\0' '\n' 2>/dev/null <"$env" | grep -qxF "VIRGA_TEST_RUN=$VIRGA_TEST_RUN" || continue
        # Our own subshells, and this function's pipeline, end by themselves.
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != dev ] || continue
        local what
        what=$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) || continue
        case "$what" in "" | "tr "* | "grep "*) continue ;; esac
        kill -9 "$pid" 2>/dev/null && printf '%s %s\n' "$pid" "$what"
    done
    return 0
}

test_close() {
    local left
    left=$(test_sweep)
    if [ -n "$left" ]; then
        printf 'left behind:\n%s\n' "$left" >&2
        tally "left behind" 0 1 0
    fi
    "$VG_PY" tools/dev/tally.py close "$VG_TALLY"
}

run_meson() { # run_meson NAME DIR [MESON ARGUMENT…]
    local name=$1 dir=$2
    shift 2
    rm -f "$dir/meson-logs/testlog.json"
    meson test -C "$dir" --no-rebuild --num-processes 2 "$@" >"$dir/test.log" 2>&1 || true
    "$VG_PY" tools/dev/tally.py meson "$name" "$dir/meson-logs/testlog.json"
}

run_pytest() { # run_pytest NAME ARGUMENT…
    local name=$1 xml=$VG_CACHE/$1.xml rc=0
    shift
    rm -f "$xml"
    "$VG_PY" -m pytest -c tests/pytest.ini --rootdir tests -q --junitxml "$xml" "$@" </dev/null || rc=$?
    [ $rc != 5 ] || { tally "$name" 0 0 0 && return 0; } # nothing selected
    "$VG_PY" tools/dev/tally.py junit "$name" "$xml" $rc
}

step_lint() {
    local c
    lint_needs
    for c in format rules coverage python shell; do
        if "lint_$c"; then tally "lint $c" 1 0 0; else tally "lint $c" 0 1 0; fi
    done
}

step_unit() {
    build_kind gcc || return 1
    run_meson unit build
}

step_conformance() {
    build_kind gcc || return 1
    run_meson conformance build --suite conformance
}

step_clang() {
    build_kind clang || return 1
    run_meson clang build-clang
}

export_sanitizers() {
    export ASAN_OPTIONS=detect_stack_use_after_return=1:detect_leaks=1:abort_on_error=0:exitcode=99
    export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
    export LSAN_OPTIONS=suppressions=$VG_ROOT/tests/lsan.supp:print_suppressions=0
}

step_asan() {
    build_kind asan || return 1
    (export_sanitizers && run_meson asan build-asan)
}

step_tsan() {
    need_build build-tsan gcc -Db_sanitize=thread -Ddebug_checks=true -Db_lundef=false || return 1
    TSAN_OPTIONS=halt_on_error=1:suppressions=$VG_ROOT/tests/tsan.supp run_meson tsan build-tsan
}

e2e_needs() {
    need_sdks
    npm_ci e2e-node "$VG_ROOT/tests/e2e/node"
}

step_e2e() {
    build_kind gcc || return 1
    e2e_needs
    VIRGA_BIN=$VG_ROOT/build/virga run_pytest e2e tests/e2e "${pytest[@]}"
}

step_e2e_asan() {
    build_kind asan || return 1
    e2e_needs
    (export_sanitizers &&
        VIRGA_SLOW=1 VIRGA_BIN=$VG_ROOT/build-asan/virga run_pytest e2e-asan tests/e2e "${pytest[@]}")
}

# run_oracle NAME COMMAND…: what a comparison prints ends with "N passed, M failed".
run_oracle() {
    local name=$1 log=$VG_CACHE/$1.log
    shift
    "$@" </dev/null >"$log" 2>&1 || true
    cut -c1-2000 "$log"
    "$VG_PY" tools/dev/tally.py oracle "differential $name" "$log"
}

# The same cases each time, for a change must not fail by another's luck; --deep draws a seed.
step_differential() {
    build_kind gcc || return 1
    need_dynamodb_local
    need_node
    npm_ci differential-iam "$VG_ROOT/tests/differential/iam"
    local dir=tests/differential seed=${VIRGA_SEED:-1} times=1
    if [ "$deep" = 1 ]; then
        seed=${VIRGA_SEED:-$RANDOM} times=10
    fi
    run_oracle iam "$VG_NODE" $dir/iam/compare.mjs build/tests/differential/iam/policy_driver \
        $((${VIRGA_CASES:-10000} * times)) "$seed"
    run_oracle checksums "$VG_PY" $dir/checksums/compare.py \
        build/tests/differential/checksums/checksum_driver $((1000 * times)) "$seed"
    run_oracle dynamodb "$VG_PY" $dir/dynamodb/compare.py --virga build/virga \
        --lib "$VG_CACHE/bench/maven/lib" --cases $((${VIRGA_CASES:-800} * times)) --seed "$seed"
}

step_crash() {
    build_kind gcc || return 1
    local kills=100
    [ "$deep" = 0 ] || kills=1000
    VIRGA_KILLS=${VIRGA_KILLS:-$kills} VIRGA_BIN=$VG_ROOT/build/virga run_pytest crash tests/crash "${pytest[@]}"
}

step_fuzz() {
    local exe seconds=6
    [ "$deep" = 0 ] || seconds=300
    build_kind fuzz || return 1
    for exe in build-fuzz/src/fuzz_*; do
        [ -f "$exe" ] && [ -x "$exe" ] || continue
        if fuzz_one "$exe" $seconds; then tally "${exe##*/}" 1 0 0; else tally "${exe##*/}" 0 1 0; fi
    done
}
