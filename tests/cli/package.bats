# The manual page and Bash completion say what the command says.

bats_require_minimum_version 1.5.0

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
    run ! grep "^[.']" <(grep -v '^\.\(TH\|SH\|SS\|TP\|B\|I\|nf\|fi\)\( \|$\)' "$BATS_TEST_TMPDIR/page")
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

@test "completion: verbs, verbs below them, options, else files" {
    [ "$(completed part)" = partition ]
    [ "$(completed otadata "")" = "show set" ]
    [ "$(completed key dig)" = digest ]
    [[ "$(completed sign --ke)" == --key* ]]
    [ "$(completed partition build --flash)" = --flash-size ]
    [ "$(completed sign app)" = "" ]
}
