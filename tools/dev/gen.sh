# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

verb_gen() {
    case "${1:-}" in
    -h | --help)
        cat <<'HELP'
usage: ./dev gen [SERVICE…]

Refreshes models/ from the service models in the pinned botocore (tests/requirements.txt). What a
build needs is committed there; only a newer botocore or a new service asks for this.
HELP
        return 0
        ;;
    esac
    need_venv
    "$VG_PY" tools/modelgen/reduce.py "$@"
}
