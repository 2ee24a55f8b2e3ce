#!/bin/bash
# Fetch the sources of mbedTLS 3.6 and lwIP 2.2 into build/sources/{mbedtls,lwip}.
#
#   cmake/fetch-sources.sh [FOLDER]        FOLDER defaults to build/sources
#
# They are Debian 13's source packages. apt downloads them through a configuration of its own in
# FOLDER/apt, so that nothing of the machine changes: the machine's Debian mirror, the suite
# trixie, Debian's keyring. apt checks the archive's signature, dpkg-source the checksums.
# TRUSTCHAIN_DEBIAN_MIRROR=URI names another mirror. Does nothing when both are there already;
# an interrupted run leaves no half-unpacked folder.
set -euo pipefail

suite=trixie
keyring=${TRUSTCHAIN_DEBIAN_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}
folder=$(realpath -m "${1:-$(dirname "$0")/../build/sources}")

fail() {
    echo "fetch-sources: $1" >&2
    exit 1
}

# The version an unpacked tree says it is: "3.6.4"; empty when there is none.
mbedtls_version() {
    sed -n 's/^#define MBEDTLS_VERSION_STRING  *"\(.*\)"/\1/p' \
        "$1/include/mbedtls/build_info.h" 2>/dev/null || true
}

lwip_version() {
    awk '/^#define LWIP_VERSION_(MAJOR|MINOR|REVISION) / { v = v (v == "" ? "" : ".") $3 }
         END { print v }' "$1/src/include/lwip/init.h" 2>/dev/null || true
}

usable() { # NAME TREE
    case $1:$("$1_version" "$2") in
    mbedtls:3.6.* | lwip:2.2.*) return 0 ;;
    *) return 1 ;;
    esac
}

# Where this machine gets Debian itself from, as apt reads its own configuration (both formats).
machine_mirror() {
    local codename
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 2>/dev/null |
        awk -v codename="$codename" '$1 == codename && $2 == "main" { print $3; exit }'
}

apt_private() {
    local tool=$1
    shift
    "$tool" -q \
        -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$apt/sources.list.d" \
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o Dir::State="$apt/state" -o Dir::State::status="$apt/state/status" \
        -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root \
        -o APT::Update::Error-Mode=any -o Acquire::Retries=3 \
        -o Acquire::AllowInsecureRepositories=false -o Acquire::Languages=none "$@"
}

configure_apt() {
    local mirror=${TRUSTCHAIN_DEBIAN_MIRROR:-$(machine_mirror)}
    [ -n "$mirror" ] || fail "no Debian mirror in this machine's apt configuration \
(name one: TRUSTCHAIN_DEBIAN_MIRROR=http://...)"
    [ -r "$keyring" ] || fail "$keyring: missing (apt-get install debian-archive-keyring)"
    apt=$folder/apt
    mkdir -p "$apt"/{sources.list.d,state/lists/partial,cache/archives/partial}
    : >"$apt/state/status"
    printf 'Types: deb-src\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' \
        "$mirror" "$suite" "$keyring" >"$apt/sources.list.d/$suite.sources"
}

update_lists() {
    local log=$apt/update.log
    apt_private apt-get update >"$log" 2>&1 && return
    if grep -q 'NO_PUBKEY\|EXPKEYSIG\|is not signed' "$log"; then
        fail "$keyring: does not hold the keys of Debian $suite \
(apt-get install --only-upgrade debian-archive-keyring)"
    fi
    fail "the list of Debian $suite source packages could not be fetched: \
$(grep -m1 '^E:\|^Err' "$log" | head -c 200) (check the network; details in $log)"
}

# Download, unpack beside the target, check the version, rename.
fetch() { # PACKAGE WANTED
    local name=$1 wanted=$2 work=$folder/tmp-$1.$$
    rm -rf "$folder/tmp-$name".*
    mkdir -p "$work"
    (cd "$work" && apt_private apt-get source --download-only "$name") >"$apt/$name.log" 2>&1 ||
        fail "$name: download failed: $(grep -m1 '^E:' "$apt/$name.log" | head -c 200) \
(check the network and run again; details in $apt/$name.log)"
    (cd "$work" && dpkg-source -x -- *.dsc tree) >>"$apt/$name.log" 2>&1 ||
        fail "$name: could not be unpacked (details in $apt/$name.log)"
    usable "$name" "$work/tree" ||
        fail "$name: Debian $suite has $("${name}_version" "$work/tree"), this build needs $wanted \
(unpack $name $wanted into $folder/$name by hand)"
    rm -rf "${folder:?}/$name"
    mv "$work/tree" "$folder/$name"
    rm -rf "$work"
    echo "fetch-sources: $name $("${name}_version" "$folder/$name")"
}

if usable mbedtls "$folder/mbedtls" && usable lwip "$folder/lwip"; then
    exit 0
fi
for tool in apt-get dpkg-source flock; do
    command -v "$tool" >/dev/null ||
        fail "$tool: not found (apt-get install apt dpkg-dev util-linux)"
done
mkdir -p "$folder"
exec 9>"$folder/.lock"
flock 9
if usable mbedtls "$folder/mbedtls" && usable lwip "$folder/lwip"; then
    exit 0
fi
configure_apt
update_lists
usable mbedtls "$folder/mbedtls" || fetch mbedtls 3.6.x
usable lwip "$folder/lwip" || fetch lwip 2.2.x
