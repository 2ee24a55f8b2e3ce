#!/usr/bin/env bats
# trustchain range: what a dump gives away, and the page about a run.

bats_require_minimum_version 1.5.0

setup() {
    load tool_helpers.bash
    cd "$BATS_TEST_TMPDIR"
    printf 'the firmware has a secret that must not be read: 0123456789' >plain
    head -c 65536 /dev/zero | openssl enc -aes-128-ctr -K 00000000000000000000000000000001 -iv 0 \
        >noise 2>/dev/null
}

@test "readout: nothing found in noise, plaintext found at its offset" {
    run --separate-stderr "$TRUSTCHAIN" range readout --plain plain noise
    [ "$status" -eq 0 ]
    [[ "$output" == "44 runs of plaintext searched, 0 found; 65536 bytes written, entropy 7.99"* ]]
    cp noise dump
    dd if=plain of=dump bs=1 seek=4097 conv=notrunc status=none
    run --separate-stderr "$TRUSTCHAIN" range readout --json --plain plain dump
    [ "$status" -eq 1 ]
    [[ "$output" == '{"runs_searched":44,"runs_found":44,"written_bytes":65536,'* ]]
    [[ "$stderr" == "trustchain: dump: plaintext at offset 0x1001 "* ]]
}

@test "report: one self-contained page with the outcomes and the picture" {
    printf 'Boot\tfirst <b>\tpass\t\nBoot\tsecond\tfail\twhy\n' >checks
    "$TRUSTCHAIN" range report --checks checks --plain plain --dump noise --title "A & B" -o page
    grep -q '<title>A &amp; B</title>' page
    grep -q '1 passed, 1 failed' page
    grep -q 'first &lt;b&gt;' page
    [ "$(grep -c '<svg' page)" -eq 2 ]
    ! grep -q 'src=\|href=\|<script' page
}

@test "range: bad input" {
    printf 'Boot\tno outcome\n' >torn
    refused 1 "line 1 is not" "$TRUSTCHAIN" range report --checks torn -o page
    refused 1 "missing" "$TRUSTCHAIN" range readout --plain missing noise
    head -c 4096 /dev/zero >blank
    refused 1 "blank: holds nothing that could be searched for" \
        "$TRUSTCHAIN" range readout --plain blank noise
    : >empty
    refused 1 "empty" "$TRUSTCHAIN" range readout --plain plain empty
    refused 2 "needs --plain" "$TRUSTCHAIN" range readout noise
    refused 2 "go together" "$TRUSTCHAIN" range report --checks torn --plain plain -o page
    refused 2 "--nonsense" "$TRUSTCHAIN" range readout --nonsense
    refused 2 "no verb" "$TRUSTCHAIN" range
}
