# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

verb_gen() {
    case "${1:-}" in
    -h | --help)
        cat <<'HELP'
usage: ./dev gen [SERVICE…|--coverage]

Refreshes models/ from the service models in the botocore pinned in tools/modelgen/requirements.txt.
SERVICE names a model (dynamodb, lambda …); without one all that are there are refreshed. What a
build needs is committed; only a newer botocore or a new service asks for this.
The README's table of what works follows from models/ and the services' service.toml; --coverage
writes only that.
HELP
        return 0
        ;;
    esac
    need_venv
    if [ "${1:-}" = --coverage ]; then
        "$VG_PY" tools/docs/coverage.py
        return 0
    fi
    local req=tools/modelgen/requirements.txt
    if ! stamp_is gen "$req"; then
        say "botocore into .cache/gen"
        rm -rf "$VG_CACHE/gen"
        "$VG_PY" -m pip install -q --disable-pip-version-check --target "$VG_CACHE/gen" -r "$req" ||
            die "botocore could not be installed"
        stamp_set gen "$req"
    fi
    PYTHONPATH=$VG_CACHE/gen "$VG_PY" tools/modelgen/reduce.py "$@"
    "$VG_PY" tools/docs/coverage.py
}
