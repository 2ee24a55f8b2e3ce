# trustchain efuse: the audit.

bats_require_minimum_version 1.5.0
load tool_helpers

setup_file() {
    make_product
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

@test "audit: what efuse burn release makes has no error" {
    run --separate-stderr "$TRUSTCHAIN" efuse audit "$SHARED/production.efuse"
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    [ "${lines[-1]}" = "43 rules: errors 0, warnings 0, notes 7" ]
    [ "$(grep -c '^info ' <<<"$output")" -eq 7 ]
}

@test "audit: a factory chip fails, gravest first, each with reason and remedy" {
    run --separate-stderr "$TRUSTCHAIN" efuse audit "$SHARED/factory.efuse"
    [ "$status" -eq 1 ]
    [ "$stderr" = "trustchain: $SHARED/factory.efuse: 10 errors found" ]
    [[ "${lines[0]}" == "error    secure-boot-off         the ROM boots "*" (burn SECURE_BOOT_EN)" ]]
    [ "${lines[-1]}" = "43 rules: errors 10, warnings 2, notes 7" ]
    [ "$(cut -d' ' -f1 <<<"$output" | head -n -1 | uniq | tr '\n' ' ')" = "error warning info " ]
}

@test "audit: JSON says the same" {
    cp "$SHARED/production.efuse" e
    run --separate-stderr "$TRUSTCHAIN" efuse audit e --json
    [ "$status" -eq 0 ]
    [ "$(python3 -c 'import json, sys; print(json.load(sys.stdin)["errors"])' <<<"$output")" = 0 ]
    patch e 0x04 00 # RD_DIS and DIS_ICACHE: the flash key becomes readable
    run --separate-stderr "$TRUSTCHAIN" efuse audit e --json
    [ "$status" -eq 1 ]
    python3 - "$output" <<'PY'
import json, sys
audit = json.loads(sys.argv[1])
errors = [f for f in audit["findings"] if f["severity"] == "error"]
assert audit["rules"] == 43 and audit["errors"] == 1 == len(errors), audit
assert errors[0]["rule"] == "xts-key-readable", errors
assert set(errors[0]) == {"rule", "severity", "reason", "remedy"}
PY
}

@test "audit: docs/efuse.md lists every finding" {
    run "$TRUSTCHAIN" efuse audit "$SHARED/factory.efuse"
    for rule in $(awk '/^(error|warning|info) /{ print $1 ":" $2 }' <<<"$output"); do
        grep -q "^| ${rule#*:} | ${rule%:*} |" "$BATS_TEST_DIRNAME/../../docs/efuse.md"
    done
    [ "$(grep -cE '^\| [a-z0-9-]+ \| (error|warning|info) \|' \
        "$BATS_TEST_DIRNAME/../../docs/efuse.md")" -eq 43 ]
}

@test "audit: bad files and usage" {
    head -c 335 "$SHARED/production.efuse" >short
    refused 1 "short: is 335 bytes" "$TRUSTCHAIN" efuse audit short
    refused 1 "No such file" "$TRUSTCHAIN" efuse audit missing
    refused 2 "" "$TRUSTCHAIN" efuse audit
    refused 2 "" "$TRUSTCHAIN" efuse audit a b
    run "$TRUSTCHAIN" efuse audit --help
    [ "$status" -eq 0 ]
    [[ "$output" == "Usage: trustchain efuse audit "* ]]
}
