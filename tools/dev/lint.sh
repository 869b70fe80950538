# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

verb_lint() {
    case "${1:-}" in
    -h | --help)
        cat <<'HELP'
usage: ./dev lint [-v]

Checks, without changing anything: clang-format; the project's own rules (tools/lint/lint.py:
layers, banned functions, sizes, names, file-scope state, what may wait, licence lines); ruff for Python;
shellcheck for shell. -v also prints what is over the aims but under the bounds.
HELP
        return 0
        ;;
    esac
    local failed=0 c
    lint_needs
    for c in format rules coverage python shell; do
        "lint_$c" "$@" || {
            failed=1
            printf './dev lint: %s failed\n' "$c" >&2
        }
    done
    return $failed
}

lint_needs() {
    need_apt lint
    need_venv
}

# Files that are the project's: tracked or new, not ignored, not deleted.
tree_files() {
    git ls-files -co --exclude-standard -- "$@" | while read -r f; do [ -f "$f" ] && echo "$f"; done
}

lint_format() {
    tree_files '*.c' '*.h' | xargs -r "$VG_VENV/bin/clang-format" --dry-run -Werror
}

lint_rules() {
    local said
    said=$("$VG_PY" -m pytest -q -p no:cacheprovider tools/lint bench 2>&1) || {
        printf '%s\n' "$said" >&2
        return 1
    }
    "$VG_PY" tools/lint/lint.py "$@"
}

lint_coverage() {
    "$VG_PY" tools/docs/coverage.py --check
}

lint_python() {
    tree_files '*.py' | xargs -r "$VG_VENV/bin/ruff" check --quiet --config tools/lint/ruff.toml
}

lint_shell() {
    { echo dev; echo .ci/run; tree_files '*.sh'; } | xargs -r shellcheck -x
}
