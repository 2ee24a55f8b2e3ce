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

# Of what is not well, all but: nobody is asked whether a certificate is revoked (devices do not ask,
# and who is revoked among them is in the store), there is no public name, so no record of it in the
# DNS, and the openssl that asks may have no GOST engine.
@test "testssl.sh reports no weakness" {
    local report=$BATS_TEST_TMPDIR/report.json
    start_fleet "$BATS_TEST_TMPDIR/project"
    timeout 280 testssl --color 0 --quiet --warnings batch --ip 127.0.0.1 --add-ca "$CA" \
        -p -s -f -P -S -U --jsonfile "$report" "$URL" >"$BATS_TEST_TMPDIR/out" 2>&1
    run python3 - "$report" <<'END'
import json, sys
rows = json.load(open(sys.argv[1]))
known = {"cert_revocation", "DNS_CAArecord", "engine_problem"}
for row in rows:
    if row["severity"] not in ("OK", "INFO") and row["id"] not in known:
        print(row["severity"], row["id"], row["finding"])
found = {row["id"]: row["finding"] for row in rows}
assert found["cert_chain_of_trust"].startswith("passed"), found["cert_chain_of_trust"]
assert found["heartbleed"] and found["TLS1_3"].startswith("offered"), "it has not looked"
END
    echo "$output"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
}
