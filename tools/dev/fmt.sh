# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

verb_fmt() {
    case "${1:-}" in
    -h | --help)
        cat <<'HELP'
usage: ./dev fmt [FILE…]

Formats C with clang-format (the pinned version, .clang-format) and sorts what ruff can mend in
Python; all of the tree, or the files named.
HELP
        return 0
        ;;
    esac
    # shellcheck source=tools/dev/lint.sh
    . tools/dev/lint.sh
    lint_needs
    if [ $# -gt 0 ]; then
        printf '%s\n' "$@" | grep -E '\.[ch]$' | xargs -r "$VG_VENV/bin/clang-format" -i
        return 0
    fi
    tree_files '*.c' '*.h' | xargs -r "$VG_VENV/bin/clang-format" -i
    tree_files '*.py' | xargs -r "$VG_VENV/bin/ruff" check --quiet --fix --config tools/lint/ruff.toml
}
