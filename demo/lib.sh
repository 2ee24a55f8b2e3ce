# demo/lib.sh: how the demo says what it does and counts what it proves. Sourced by demo/run.
#
# chapter TEXT        a new part of the story
# say TEXT            a line of explanation
# check NAME CMD...   one proof: CMD must succeed; its output is kept and shown when it fails
# refuse NAME REASON CMD...  CMD must fail and say REASON
#
# Outcomes go to $out/checks.tsv (CHAPTER, NAME, pass|fail, DETAIL) for the report. A check may set
# a detail for the report by writing one line to $out/detail.

passed=0
failed=0
current=""
if [ -t 1 ] && [ "${plain:-}" != yes ]; then
    bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' normal=$'\e[0m'
else
    bold="" green="" red="" normal=""
fi

chapter() {
    current=$1
    printf '\n%s%s%s\n' "$bold" "$1" "$normal"
}

say() { printf '  %s\n' "$*"; }

# outcome pass|fail NAME OUTPUT-FILE
outcome() {
    local detail=""
    [ ! -s "$out/detail" ] || detail=$(head -n 1 "$out/detail" | tr '\t' ' ')
    if [ "$1" = pass ]; then
        passed=$((passed + 1))
        printf '  %sok%s    %s%s\n' "$green" "$normal" "$2" "${detail:+: $detail}"
    else
        failed=$((failed + 1))
        printf '  %sFAIL%s  %s\n' "$red" "$normal" "$2"
        tail -n 15 "$3" | sed 's/^/        /'
        detail=$(tail -n 1 "$3" | tr '\t' ' ')
    fi
    printf '%s\t%s\t%s\t%s\n' "$current" "$2" "$1" "$detail" >>"$out/checks.tsv"
}

check() {
    local name=$1
    shift
    : >"$out/detail"
    if "$@" >"$out/output" 2>&1; then
        outcome pass "$name" "$out/output"
    else
        outcome fail "$name" "$out/output"
    fi
}

refuse() {
    local name=$1 reason=$2
    shift 2
    : >"$out/detail"
    if ! "$@" >"$out/output" 2>&1 && grep -qi -- "$reason" "$out/output"; then
        grep -i -m 1 -- "$reason" "$out/output" | sed "s/^trustchain: [^:]*: //" >"$out/detail"
        outcome pass "$name" "$out/output"
    else
        echo "(wanted a refusal that says \"$reason\")" >>"$out/output"
        outcome fail "$name" "$out/output"
    fi
}
