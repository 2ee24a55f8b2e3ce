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
    # Nothing behind a NUL byte is silently left out.
    chmod 600 "$BATS_TEST_TMPDIR/tokens"
    printf 'lamp-a,topsecret1\n\0lamp-b,topsecret2\n' >"$BATS_TEST_TMPDIR/tokens"
    run --separate-stderr fleet --token-file "$BATS_TEST_TMPDIR/tokens" --once --seconds 20
    [ "$status" -eq 1 ]
    [ "$stderr" = "trustchain: $BATS_TEST_TMPDIR/tokens: is no text: there is a NUL byte in it" ]
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

@test "DDI: whatever devices do, the summary, the store and the access log have the same counts" {
    start_ddi 40
    ddi --token-file "$TOKENS" --fail 20 --crash 10 --drop 30 --slow 10 --offline 15 --seed 4 \
        --once --seconds 200
    is "['online']" 34
    is "['settled']" 34
    is "['states']" "{'off': 6, 'quiet': 34, 'downloading': 0, 'installing': 0, 'trial': 0}"
    [ "$(field "['faults'].values()" <"$SUMMARY" | tr -dc 1-9)" = "" ]
    stop_server
    [ "$(sql "SELECT state, active, COUNT(*) FROM action GROUP BY state, active ORDER BY state")" = \
"error|0|$(field "['rolled_back']" <"$SUMMARY")
finished|0|$(field "['updated']" <"$SUMMARY")
running|1|6" ]
    [ "$(($(field "['rolled_back']" <"$SUMMARY") + $(field "['updated']" <"$SUMMARY")))" -eq 34 ]
    is "['versions']['1.1.0']" "$(field "['updated']" <"$SUMMARY")"
    is "['polls']" "$(answers 'GET /DEFAULT/controller/v1/[^/]* 200 ')"
    is "['feedbacks']" "$(answers 'POST .*/feedback 200 ')"
    is "['downloads']" "$(answers 'GET .*/artifacts/[^/]* (200|206) ')"
    is "['resumes']" "$(answers 'GET .*/artifacts/[^/]* 206 ')"
    is "['requests']" "$(answers ' (GET|POST|PUT) /DEFAULT/controller/v1/')"
    # Who is off was never heard of; the others asked what the log of the fleet says they asked.
    [ "$(sql "SELECT COUNT(*) FROM target WHERE update_status = 'pending'")" -eq 6 ]
    is "['drops']" "$(grep -c 'event=dropped$' "$LOG")"
    is "['drops'] > 5" True
}

# A tenant where devices enrol themselves, and get 1.1.0 then.
start_enrolling() {
    local version
    PROJECT=$BATS_TEST_TMPDIR/project
    start_managed
    for version in 1 2; do
        "$TRUSTCHAIN" sign --key "$PROJECT/secure_keys/secure_boot_signing_key.pem" \
            --output "$BATS_TEST_TMPDIR/v$version.bin" "$SHARED/v$version.bin.unsigned"
    done
    set_setting enrolment token
    set_setting pollingTime 00:00:05
    remote set add thermo:1.1.0 "$BATS_TEST_TMPDIR/v2.bin"
    manage POST /targetfilters '{"name":"all","query":"id==*"}' >/dev/null
    manage POST /targetfilters/1/autoAssignDS '{"id":1,"type":"forced"}' >/dev/null
}

# enrolled_and_updated ID...
enrolled_and_updated() {
    [ "$(sql "SELECT t.controller_id, t.update_status, s.version FROM target AS t
        LEFT JOIN dist_set AS s ON s.id = t.installed_set ORDER BY t.controller_id")" = \
        "$(printf '%s|in_sync|1.1.0\n' "$@")" ]
}

@test "DDI: devices enrol with the tenant's gateway token, and are updated" {
    start_enrolling
    set_setting authentication.gatewaytoken.enabled true
    set_setting authentication.gatewaytoken.key a-gateway-token-of-many-characters
    (umask 077 && echo wrong-gateway-token >"$BATS_TEST_TMPDIR/gateway")
    run --separate-stderr ddi --devices 3 --gateway-token-file "$BATS_TEST_TMPDIR/gateway" --seconds 3
    [ "$status" -eq 1 ]
    [[ "$stderr" == "trustchain: $URL: let no device in "* ]]
    [ "$(sql "SELECT COUNT(*) FROM target")" -eq 0 ]
    echo a-gateway-token-of-many-characters >"$BATS_TEST_TMPDIR/gateway"
    ddi --devices 3 --prefix gw --gateway-token-file "$BATS_TEST_TMPDIR/gateway" --once --seconds 60
    is "['updated']" 3
    enrolled_and_updated gw000001 gw000002 gw000003
    run ! grep -r "a-gateway-token" "$LOG" "$SUMMARY" "$BATS_TEST_TMPDIR/server.log"
}

@test "DDI: devices show the certificates that pki device made, new and resumed sessions alike" {
    start_enrolling
    "$TRUSTCHAIN" pki device --project "$PROJECT" lamp-c lamp-a lamp-b lamp-d
    ddi --certificates "$PROJECT/pki/devices" --devices 3 --once --seconds 60
    is "['devices']" 3
    is "['updated']" 3
    enrolled_and_updated lamp-a lamp-b lamp-c
    ddi --certificates "$PROJECT/pki/devices" --resume --seconds 12
    is "['devices']" 4
    is "['faults']['denied']" 0
    [ "$(field "['sessions_resumed']" <"$SUMMARY")" -gt 3 ]
    [ "$(sql "SELECT COUNT(*) FROM target")" -eq 4 ]
    # Of another authority: TLS or the server refuses it.
    "$TRUSTCHAIN" pki ca "$BATS_TEST_TMPDIR/foreign"
    "$TRUSTCHAIN" pki device --ca-cert "$BATS_TEST_TMPDIR/foreign/ca_cert.pem" \
        --ca-key "$BATS_TEST_TMPDIR/foreign/ca_key.pem" --out "$BATS_TEST_TMPDIR/foreign" lamp-e
    run --separate-stderr ddi --certificates "$BATS_TEST_TMPDIR/foreign" --seconds 3
    [ "$status" -eq 1 ]
    [ "$(sql "SELECT COUNT(*) FROM target")" -eq 4 ]
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

@test "Ctrl-C and SIGTERM end a run with its summary, whole logs and no lost connection" {
    publish "$SHARED/v2.bin" >/dev/null
    start_server
    local signal pid
    for signal in INT TERM; do
        rm -f "$LOG"
        "$TRUSTCHAIN" fleet run --server "$URL" --ca "$SHARED/pki/ca.pem" --key "$SHARED/key.pem" \
            --image "$SHARED/v1.bin" --devices 20 --slow 100 --poll 2 --log "$LOG" --json \
            >"$SUMMARY" 3>&- &
        pid=$!
        for _ in $(seq 300); do
            ! grep -q event=offered "$LOG" 2>/dev/null || break
            sleep 0.1
        done
        kill -"$signal" "$pid"
        wait "$pid"
        is "['states']['downloading'] > 0" True
        is "['downloads']" "$(grep -c event=offered "$LOG")"
        [ "$(field "['faults'].values()" <"$SUMMARY" | tr -dc 1-9)" = "" ]
        [ "$(tail -c 1 "$LOG" | xxd -p)" = 0a ]
    done
}

@test "how far it is: a line now and then" {
    publish "$SHARED/v1.bin" >/dev/null
    start_server
    run --separate-stderr run_with "$URL" --ca "$SHARED/pki/ca.pem" -n 2 --poll 1 --seconds 11
    [ "$status" -eq 0 ]
    [[ "$stderr" =~ ^after\ 10\ s:\ 0/2\ updates\ ended,\ [0-9]+\ polls/s,\ [0-9.]+\ MB/s$ ]]
}

@test "how far it is: a bar on a terminal" {
    script -qc true /dev/null >/dev/null 2>&1 ||
        skip "no pseudo-terminals here (is /dev/pts mounted?)"
    publish "$SHARED/v1.bin" >/dev/null
    start_server
    local shown
    shown=$(script -qec "'$TRUSTCHAIN' fleet run --server '$URL' --ca '$SHARED/pki/ca.pem' \
        --key '$SHARED/key.pem' --image '$SHARED/v1.bin' -n 2 --poll 1 --seconds 2" /dev/null)
    [[ "$shown" == *$'\r['*"] 1 s, 0/2 updates ended, "*" polls/s, "*" MB/s"* ]]
    [[ "$shown" == *"2 devices, 2 of them switched on, "* ]]
}

@test "misuse is refused before anything runs" {
    local ca="--ca $SHARED/pki/ca.pem" url=https://localhost:1
    refused 2 "one of these" run_with $url $ca --tenant T --certificates x --token-file y
    refused 2 "of which tenant" run_with $url $ca --certificates x
    refused 2 "how many devices" run_with $url $ca --tenant T --gateway-token-file x
    refused 1 "has no certificate of a device" run_with $url $ca --tenant T \
        --certificates "$SHARED/other_pki"
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
