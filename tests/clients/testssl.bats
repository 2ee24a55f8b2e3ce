# Debian's testssl.sh against the server as `init` and `serve` set it up: no weakness.

bats_require_minimum_version 1.5.0
load ../cli/fleet_helpers

setup() {
    SERVER_PID=
    command -v testssl >/dev/null || skip "testssl is not installed (package testssl.sh)"
    make_fleet "$BATS_TEST_TMPDIR/project"
}

teardown() {
    stop_server || true
}

# Without DNS, where a server that does not answer holds every question up. The status tells how many
# checks could not be carried out: which ones is in the report.
scan() {
    timeout 280 testssl --color 0 --quiet --warnings batch --nodns none --ip 127.0.0.1 --add-ca "$CA" \
        -p -s -f -P -S -U --jsonfile "$1" "$URL" >"$1.out" 2>&1 || echo "# testssl ended with $?" >>"$1.out"
}

# A check that did not come to an end on a busy machine (WARN) is asked again, at most three times in
# all; a finding of any scan stands. Checks this testssl.sh cannot carry out here are named and left.
@test "testssl.sh reports no weakness" {
    start_fleet "$BATS_TEST_TMPDIR/project"
    local reports=()
    for attempt in 1 2 3; do
        reports+=("$BATS_TEST_TMPDIR/report$attempt.json")
        scan "${reports[-1]}"
        run python3 "$BATS_TEST_DIRNAME/testssl_report.py" "${reports[@]}"
        [ "$status" -ne 0 ] || break
    done
    echo "$output"
    tail -n 20 "${reports[-1]}.out"
    [ "$status" -ne 2 ] || skip "$output"
    [ "$status" -eq 0 ]
}
