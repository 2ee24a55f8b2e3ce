#!/bin/bash
# Our files against Espressif's tools (esptool, espsecure, espefuse) and theirs against ours.
#
#     TRUSTCHAIN=build/release/trustchain tests/oracle/run.sh [COMMAND...]
#
# COMMAND (bats on all files here) runs with the tools on its PATH.
#
# The tools live in build/oracle/, made once for each state of requirements.txt. Exit status 77 and
# a line "skipped: reason" where PyPI cannot be reached; anything else that fails is a failure.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
folder=$here/../../build/oracle
venv=$folder/venv
: "${TRUSTCHAIN:?the trustchain binary to test}"
TRUSTCHAIN=$(realpath "$TRUSTCHAIN")
export TRUSTCHAIN

index_url() {
    echo "${PIP_INDEX_URL:-$("$venv/bin/pip" config get global.index-url 2>/dev/null ||
        echo https://pypi.org/simple)}"
}

pypi_answers() {
    curl --silent --fail --location --max-time 20 --output /dev/null "$(index_url)/esptool/"
}

# The copy of requirements.txt comes last: a half-made environment is never taken for ready.
make_venv() {
    rm -rf "$venv"
    mkdir -p "$folder"
    python3 -m venv "$venv"
    if "$venv/bin/pip" --quiet --disable-pip-version-check install \
        --requirement "$here/requirements.txt" >"$folder/pip.log" 2>&1; then
        cp "$here/requirements.txt" "$folder/made-of"
    elif pypi_answers; then
        cat "$folder/pip.log" >&2
        echo "the tools of requirements.txt cannot be installed" >&2
        exit 1
    else
        echo "skipped: PyPI cannot be reached ($(index_url))"
        exit 77
    fi
}

cmp -s "$here/requirements.txt" "$folder/made-of" || make_venv
export PATH=$venv/bin:$PATH
[ $# -gt 0 ] || set -- bats "$here"
exec "$@"
