# fleet run: native devices against the real server, what they say compared with what it says.

bats_require_minimum_version 1.5.0
load tool_helpers
load fleet_helpers

setup_file() {
    export SHARED=$BATS_FILE_TMPDIR
    mkdir "$SHARED/pki" "$SHARED/other_pki"
    make_pki "$SHARED/pki" "Test CA"
    make_pki "$SHARED/other_pki" "Other CA"
    "$TRUSTCHAIN" key new "$SHARED/key.pem"
    "$TRUSTCHAIN" key new "$SHARED/other_key.pem"
    signed_image "$SHARED/v1.bin" 1.0.0 thermo 0 200000
    signed_image "$SHARED/v2.bin" 1.1.0 thermo 0 200000
    "$TRUSTCHAIN" sign --key "$SHARED/other_key.pem" --output "$SHARED/foreign.bin" \
        "$SHARED/v2.bin.unsigned"
}

setup() {
    RELEASES=$BATS_TEST_TMPDIR/releases
    SERVER_PID=
    mkdir "$RELEASES"
    SIZE=$(stat -c %s "$SHARED/v2.bin")
    LOG=$BATS_TEST_TMPDIR/fleet.log
    SUMMARY=$BATS_TEST_TMPDIR/summary.json
}

teardown() {
    stop_server || true
}

# fleet [OPTION...]: a run; JSON in $SUMMARY, events in $LOG
fleet() {
    "$TRUSTCHAIN" fleet run --server "$URL" --ca "$SHARED/pki/ca.pem" --key "$SHARED/key.pem" \
        --image "$SHARED/v1.bin" --poll 2 --log "$LOG" --json "$@" >"$SUMMARY"
}

# is PATH VALUE: a member of the summary
is() {
    local got
    got=$(field "$1" <"$SUMMARY")
    [ "$got" = "$2" ] || { echo "$1 is $got, not $2"; cat "$SUMMARY"; return 1; }
}

# answers PATTERN: how many lines of the server's access log match
answers() {
    grep -cE "$1" "$BATS_TEST_TMPDIR/server.log" || true
}

# devices EVENT: the ids that logged it, sorted
devices() {
    sed -n "s/^[^ ]* \([^ ]*\) event=$1 .*/\1/p" "$LOG" | sort
}

@test "50 devices update, a fifth fails and rolls back; the server counted the same" {
    publish "$SHARED/v2.bin" >/dev/null
    start_server
    fleet --devices 50 --fail 20 --once --seconds 120
    is "['updated']" 40
    is "['rolled_back']" 10
    is "['settled']" 50
    is "['versions']" "{'1.1.0': 40, '1.0.0': 10}"
    is "['outcomes']['updated']" 40
    is "['states']['quiet']" 50
    is "['downloads']" 50
    [ "$(field "['faults'].values()" <"$SUMMARY" | tr -dc 1-9)" = "" ]
    stop_server
    [ "$(answers "GET /ota/thermo/stable.bin 200 $SIZE ")" -eq 50 ]
    [ "$(answers 'GET /ota/thermo/stable.bin (200|304) ')" -eq "$(field "['polls']" <"$SUMMARY")" ]
    [ "$(devices rolled_back | uniq | wc -l)" -eq 10 ]
    [ "$(devices confirmed | uniq | wc -l)" -eq 40 ]
}

@test "the same seed draws the same devices, with any number of threads" {
    publish "$SHARED/v2.bin" >/dev/null
    start_server
    fleet --devices 20 --fail 30 --seed 5 --once --seconds 120 --threads 1
    devices rolled_back >"$BATS_TEST_TMPDIR/first"
    fleet --devices 20 --fail 30 --seed 5 --once --seconds 120 --threads 3 --share-verdicts
    [ "$(wc -l <"$BATS_TEST_TMPDIR/first")" -eq 6 ]
    devices rolled_back | cmp - "$BATS_TEST_TMPDIR/first"
    fleet --devices 20 --fail 30 --seed 6 --once --seconds 120
    [ "$(devices rolled_back | wc -l)" -eq 6 ]
    run ! cmp -s <(devices rolled_back) "$BATS_TEST_TMPDIR/first"
}

@test "broken downloads are gone on with, and end in the same image" {
    publish "$SHARED/v2.bin" >/dev/null
    start_server
    fleet --devices 20 --drop 100 --once --seconds 120 --seed 3
    is "['drops']" 20
    is "['updated']" 20
    is "['versions']" "{'1.1.0': 20}"
    [ "$(field "['resumes']" <"$SUMMARY")" -gt 5 ]
    stop_server
    [ "$(answers 'stable.bin 206 ')" -eq "$(field "['resumes']" <"$SUMMARY")" ]
    [ "$(grep -c 'request=download status=206' "$LOG")" -eq "$(field "['resumes']" <"$SUMMARY")" ]
    [ "$(grep -c 'event=dropped$' "$LOG")" -eq 20 ]
}

@test "firmware that never comes up is rolled back by the bootloader" {
    publish "$SHARED/v2.bin" >/dev/null
    start_server
    fleet --devices 4 --crash 50 --once --seconds 120
    is "['versions']" "{'1.1.0': 2, '1.0.0': 2}" || is "['versions']" "{'1.0.0': 2, '1.1.0': 2}"
    is "['rolled_back']" 2
    [ "$(grep -c 'event=rolled_back .*reset before it confirmed itself' "$LOG")" -eq 2 ]
}

@test "devices that are off ask nothing, slow ones arrive later" {
    publish "$SHARED/v2.bin" >/dev/null
    start_server
    fleet --devices 10 --offline 30 --slow 20 --once --seconds 120 --seed 2
    is "['online']" 7
    is "['states']['off']" 3
    is "['updated']" 7
    is "['versions']" "{'1.1.0': 7, '1.0.0': 3}"
    [ "$(field "['seconds'] > $SIZE / 65536.0" <"$SUMMARY")" = True ]
    stop_server
    [ "$(answers "stable.bin 200 $SIZE ")" -eq 7 ]
}

@test "an image of another key is refused by every device, verdicts shared or not" {
    "$TRUSTCHAIN" release publish "$SHARED/foreign.bin" --releases "$RELEASES" --product thermo \
        --unchecked --as 1.1.0 >/dev/null
    start_server
    local option
    for option in --once "--once --share-verdicts"; do
        fleet --devices 8 $option --seconds 120
        is "['refused']" 8
        is "['updated']" 0
        is "['versions']" "{'1.0.0': 8}"
        [ "$(grep -c 'event=refused .*not verified: ' "$LOG")" -eq 8 ]
    done
}

@test "nothing to update: polls go on until the time is over" {
    publish "$SHARED/v1.bin" >/dev/null
    start_server
    fleet --devices 5 --seconds 4 --resume
    is "['updated']" 0
    is "['downloads']" 0
    [ "$(field "['polls'] >= 8" <"$SUMMARY")" = True ]
    [ "$(field "['sessions_resumed']" <"$SUMMARY")" -eq $(($(field "['connections']" <"$SUMMARY") - 5)) ]
    stop_server
    [ "$(answers 'stable.bin 304 ')" -eq "$(field "['polls']" <"$SUMMARY")" ]
    run ! fleet --devices 5 --seconds 2 --once
}

@test "ids and tokens come from a file; tokens are in no log" {
    publish "$SHARED/v2.bin" >/dev/null
    start_server
    printf 'lamp-a,topsecret1\nlamp-b,topsecret2\n' >"$BATS_TEST_TMPDIR/tokens"
    chmod 600 "$BATS_TEST_TMPDIR/tokens"
    fleet --token-file "$BATS_TEST_TMPDIR/tokens" --once --seconds 120
    is "['devices']" 2
    [ "$(devices confirmed | paste -sd' ')" = "lamp-a lamp-b" ]
    run ! grep -r topsecret "$LOG" "$SUMMARY"
    chmod 644 "$BATS_TEST_TMPDIR/tokens"
    SUMMARY=/dev/null LOG=/dev/null
    run --separate-stderr fleet --token-file "$BATS_TEST_TMPDIR/tokens"
    [ "$status" -eq 1 ]
    [[ "$stderr" == "trustchain: $BATS_TEST_TMPDIR/tokens: "* ]]
}

# run_with URL OPTION...: a run that must end by itself
run_with() {
    "$TRUSTCHAIN" fleet run --server "$1" --key "$SHARED/key.pem" --image "$SHARED/v1.bin" "${@:2}"
}

# a project whose devices 1 to N are to go from v1.bin to v2.bin: server, set and actions; the
# devices' tokens in $TOKENS
start_ddi() {
    local project=$BATS_TEST_TMPDIR/project version secret set
    TOKENS=$BATS_TEST_TMPDIR/tokens.csv
    make_fleet "$project"
    for version in 1 2; do
        "$TRUSTCHAIN" sign --key "$project/secure_keys/secure_boot_signing_key.pem" \
            --output "$BATS_TEST_TMPDIR/v$version.bin" "$SHARED/v$version.bin.unsigned"
    done
    "$TRUSTCHAIN" release publish "$BATS_TEST_TMPDIR/v2.bin" --project "$project" >/dev/null
    secret=$("$TRUSTCHAIN" token create --role admin --project "$project" test | head -n 1)
    set=$("$BATS_TEST_DIRNAME/../../bench/fleet/seed.py" "$project/fleet.db" \
        "$BATS_TEST_TMPDIR/v2.bin" "$1" "$TOKENS")
    start_fleet "$project"
    set -- -sS --fail --cacert "$CA" -o /dev/null -H "Authorization: Bearer $secret" \
        -H "Content-Type: application/json"
    curl "$@" -X PUT -d '{"value":"00:00:05"}' "$MANAGE/rest/v1/system/configs/pollingTime"
    curl "$@" -d @"$TOKENS.assign.0" "$MANAGE/rest/v1/distributionsets/$set/assignedTargets"
}

# ddi [OPTION...]
ddi() {
    "$TRUSTCHAIN" fleet run --server "$URL" --project "$BATS_TEST_TMPDIR/project" \
        --image "$BATS_TEST_TMPDIR/v1.bin" --tenant DEFAULT --log "$LOG" --json "$@" >"$SUMMARY"
}

@test "DDI: every action ends once, and the store says of it what its device said" {
    start_ddi 20
    ddi --token-file "$TOKENS" --fail 20 --drop 25 --once --seconds 120
    is "['updated']" 16
    is "['rolled_back']" 4
    is "['drops']" 5
    is "['outcomes']['updated']" 16
    [ "$(sql "SELECT COUNT(*) FROM action")" -eq 20 ]
    [ "$(sql "SELECT COUNT(*) FROM action WHERE active = 1")" -eq 0 ]
    # ACTION finished|error of the store beside ACTION success|failure of the fleet's log
    sql "SELECT a.id || ' ' || t.controller_id || ' ' || a.state FROM action AS a
         JOIN target AS t ON t.id = a.target ORDER BY 1" >"$BATS_TEST_TMPDIR/store"
    sed -n 's/^[^ ]* \([^ ]*\) request=feedback action=\([0-9]*\) execution=closed finished=\([a-z]*\) status=200$/\2 \1 \3/p' \
        "$LOG" | sed 's/success$/finished/; s/failure$/error/' | sort >"$BATS_TEST_TMPDIR/log"
    diff "$BATS_TEST_TMPDIR/store" "$BATS_TEST_TMPDIR/log"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/log")" -eq 20 ]
    [ "$(field "['feedbacks']" <"$SUMMARY")" -eq "$(grep -c 'request=feedback .*status=200$' "$LOG")" ]
    stop_server
    [ "$(answers 'POST .*/feedback 200 ')" -eq "$(field "['feedbacks']" <"$SUMMARY")" ]
}

@test "DDI: devices without a token, or with a wrong one, are not let in" {
    start_ddi 2
    run --separate-stderr ddi --devices 2 --seconds 3
    [ "$status" -eq 1 ]
    [[ "$stderr" == "trustchain: $URL: let no device in "* ]]
    sed -i 's/,./,X/' "$TOKENS"
    run --separate-stderr ddi --token-file "$TOKENS" --seconds 3
    [ "$status" -eq 1 ]
    [[ "$stderr" == "trustchain: $URL: let no device in "* ]]
    [ "$(field "['faults']['denied']" <"$SUMMARY")" -eq "$(field "['polls']" <"$SUMMARY")" ]
    [ "$(sql "SELECT COUNT(*) FROM action WHERE active = 1")" -eq 2 ]
}

@test "no server, another authority, another name: one line, exit 1" {
    start_server
    run --separate-stderr run_with "$URL" --ca "$SHARED/other_pki/ca.pem" -n 3 --seconds 3 --poll 1
    [ "$status" -eq 1 ]
    [[ "$stderr" == "trustchain: $URL: shows a certificate that "* ]]
    [ "$(wc -l <<<"$stderr")" -eq 1 ]
    run --separate-stderr run_with "https://127.0.0.2:$PORT" --ca "$SHARED/pki/ca.pem" -n 3 \
        --seconds 3 --poll 1
    [ "$status" -eq 1 ]
    stop_server
    run --separate-stderr run_with "$URL" --ca "$SHARED/pki/ca.pem" -n 3 --seconds 3 --poll 1
    [ "$status" -eq 1 ]
    [[ "$stderr" == "trustchain: $URL: answered no device "* ]]
    [ "$(wc -l <<<"$stderr")" -eq 1 ]
}

@test "misuse is refused before anything runs" {
    local ca="--ca $SHARED/pki/ca.pem" url=https://localhost:1
    refused 2 "devices is 1 to 1000000" run_with $url $ca --devices 0
    refused 2 "devices is 1 to 1000000" run_with $url $ca --devices 1000001
    refused 2 "how many devices" run_with $url $ca
    refused 2 "fail is 0 to 100" run_with $url $ca -n 1 --fail 101
    refused 2 "drop is 0 to 100" run_with $url $ca -n 1 --drop x
    refused 2 "whom do devices trust" run_with $url -n 1
    refused 2 "what do devices run" "$TRUSTCHAIN" fleet run -n 1 $ca --key "$SHARED/key.pem"
    refused 2 "is not the address of a server" run_with http://localhost:1 $ca -n 1
    refused 2 "is not the address of a server" run_with https://localhost:99999 $ca -n 1
    refused 2 "--tenant is 1 to 32" run_with $url $ca -n 1 --tenant a/b
    refused 2 "--prefix is 1 to 32" run_with $url $ca -n 1 --prefix ""
    refused 1 "is no image that devices would run" "$TRUSTCHAIN" fleet run -n 1 $ca \
        --key "$SHARED/other_key.pem" --image "$SHARED/v1.bin"
    refused 1 "is no image that devices would run" "$TRUSTCHAIN" fleet run -n 1 $ca \
        --key "$SHARED/key.pem" --image "$SHARED/v1.bin.unsigned"
    refused 1 "does not fit a slot" run_with $url $ca -n 1 --slot 8192
    refused 1 "is not a readable certificate" run_with $url --ca "$SHARED/v1.bin" -n 1
}
