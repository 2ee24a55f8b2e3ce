# The manual page and Bash completion say what the command says; the package has all three.

bats_require_minimum_version 1.5.0
load tool_helpers

setup() {
    top=$BATS_TEST_DIRNAME/../..
}

@test "manual page: every verb, every option, and nothing a pager complains of" {
    "$top/packaging/man/make" "$TRUSTCHAIN" >"$BATS_TEST_TMPDIR/page"
    for verb in init "key digest" sign "partition build" "otadata set" "efuse burn" "chip run" \
        "range report"; do
        grep -qx "\.SS \"trustchain $verb\"" "$BATS_TEST_TMPDIR/page"
    done
    run ! grep -qx '\.SS "trustchain key"' "$BATS_TEST_TMPDIR/page"
    for option in $("$TRUSTCHAIN" sign --help | grep -o -- '--[a-z]*=' | tr -d =); do
        grep -qF -e "${option//-/\\-}" "$BATS_TEST_TMPDIR/page"
    done
    # no line of text is taken for a request
    run ! grep "^[.']" <(grep -v '^\.\(TH\|SH\|SS\|TP\|TQ\|B\|I\|IR\|nf\|fi\)\( \|$\)' "$BATS_TEST_TMPDIR/page")
}

@test "manual page: every variable of the environment that is read" {
    "$top/packaging/man/make" "$TRUSTCHAIN" | sed -n 's/^\.B \(TRUSTCHAIN_[A-Z_]*\)$/\1/p' | sort \
        >"$BATS_TEST_TMPDIR/named"
    cd "$top"
    grep -rhoE '"TRUSTCHAIN_[A-Z_]+"' tool host server fleet chip range --include='*.c' |
        tr -d '"' | sort -u | diff - "$BATS_TEST_TMPDIR/named"
}

# usage WORD...: the long options of a verb, as --usage says them
usage() {
    "$TRUSTCHAIN" "$@" --usage | grep -o -- '\[--[a-z0-9-]*' | tr -d '[' | sort
}

# completed WORD...: what Tab offers after these words
completed() {
    (
        source "$top/packaging/completion/trustchain"
        compopt() { :; }
        COMP_WORDS=("$TRUSTCHAIN" "$@")
        COMP_CWORD=$#
        COMPREPLY=()
        _trustchain
        echo "${COMPREPLY[*]}"
    )
}

@test "manual page and completion: every option of every verb" {
    "$top/packaging/man/make" "$TRUSTCHAIN" | sed 's/\\-/-/g' >"$BATS_TEST_TMPDIR/page"
    every_verb >"$BATS_TEST_TMPDIR/verbs"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/verbs")" -ge 34 ]
    while read -ra verb; do
        echo "${verb[*]}"
        grep -qx "\.SS \"trustchain ${verb[*]}\"" "$BATS_TEST_TMPDIR/page"
        options=$(usage "${verb[@]}")
        [ "$(completed "${verb[@]}" -- | tr ' ' '\n' | sort)" = "$options" ]
        sed -n "/^\.SS \"trustchain ${verb[*]}\"$/,/^\.fi$/p" "$BATS_TEST_TMPDIR/page" \
            >"$BATS_TEST_TMPDIR/section"
        for option in $options; do
            [[ $option = --help || $option = --usage || $option = --version ]] ||
                grep -qw -e "$option" "$BATS_TEST_TMPDIR/section"
        done
    done <"$BATS_TEST_TMPDIR/verbs"
}

@test "completion: verbs, verbs below them, options, else files" {
    [ "$(completed part)" = partition ]
    [ "$(completed otadata "")" = "show set" ]
    [ "$(completed key dig)" = digest ]
    [[ "$(completed sign --ke)" == --key* ]]
    [ "$(completed partition build --flash)" = --flash-size ]
    [ "$(completed sign app)" = "" ]
}

@test "completion: words with a fixed place, and never in the place of a value" {
    [ "$(completed efuse burn "")" = "" ]
    words=$("$TRUSTCHAIN" efuse burn --help | grep -o ' FILE [a-z]*' | cut -c7- | xargs)
    [[ " $words " = *" key release "* ]]
    [ "$(completed efuse burn efuse.bin "")" = "$words" ]
    [ "$(completed efuse burn --signing-key key.pem --yes efuse.bin re)" = release ]
    [ "$(completed efuse burn --signing-key = key.pem efuse.bin de)" = development ]
    [ "$(completed efuse burn efuse.bin --signing-key "")" = "" ]
    [ "$(completed efuse burn efuse.bin key "")" = "" ]
    [ "$(completed nosuchverb "")" = "" ]
}

@test "package: the command runs from it, its documents are whole, the token engine is named" {
    command -v dpkg-shlibdeps >/dev/null || skip "no dpkg-shlibdeps (apt install dpkg-dev)"
    package=$("$top/packaging/package" "$BATS_TEST_TMPDIR/made" 2>/dev/null)
    dpkg-deb -x "$package" "$BATS_TEST_TMPDIR/root"
    cd "$BATS_TEST_TMPDIR/root/usr"
    [ "$(bin/trustchain --version)" = "$("$TRUSTCHAIN" --version)" ]
    cmp <(zcat share/man/man1/trustchain.1.gz) <("$top/packaging/man/make" "$TRUSTCHAIN")
    cmp share/bash-completion/completions/trustchain "$top/packaging/completion/trustchain"
    cmp lib/systemd/system/trustchain.service "$top/packaging/systemd/trustchain.service"
    cmp lib/systemd/system/trustchain.socket "$top/packaging/systemd/trustchain.socket"
    dpkg-deb -e "$package" "$BATS_TEST_TMPDIR/control"
    for script in postinst prerm; do
        sh -n "$BATS_TEST_TMPDIR/control/$script"
        [ -x "$BATS_TEST_TMPDIR/control/$script" ]
    done
    account=$(sed -n 's/^User=//p' lib/systemd/system/trustchain.service)
    grep -q " $account$" "$BATS_TEST_TMPDIR/control/postinst" # the account it makes
    cd share/doc/trustchain
    for page in guides/*.md; do
        for link in $(grep -o '](\.\./[^)#]*' "$page" | cut -c3-); do
            [ -f "guides/$link" ]
        done
    done
    control=$(dpkg-deb -f "$package")
    grep -q '^Depends: .*libssl3' <<<"$control"
    grep -qx 'Suggests: libengine-pkcs11-openssl' <<<"$control"
    grep -qx 'Recommends: libpq5' <<<"$control" # loaded by name: dpkg-shlibdeps cannot know
}

@test "package: the command is hardened as Debian's own are" {
    command -v dpkg-shlibdeps >/dev/null || skip "no dpkg-shlibdeps (apt install dpkg-dev)"
    # the release build: the sanitized one has no need of it
    package=$(TRUSTCHAIN="" "$top/packaging/package" "$BATS_TEST_TMPDIR/made" 2>/dev/null)
    dpkg-deb -x "$package" "$BATS_TEST_TMPDIR/root"
    command=$BATS_TEST_TMPDIR/root/usr/bin/trustchain
    readelf -hW "$command" | grep -q 'DYN (Position-Independent'
    readelf -dW "$command" | grep -q 'BIND_NOW'
    readelf -lW "$command" | grep -q 'GNU_RELRO'
    readelf -lW "$command" | grep 'GNU_STACK' | grep -q ' RW '
    readelf -sW --dyn-syms "$command" | grep -q '__stack_chk_fail'
    readelf -sW --dyn-syms "$command" | grep -q '__memcpy_chk'
}
