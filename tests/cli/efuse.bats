# trustchain efuse: the audit, the forms of other tools, plans.

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

# espefuse keeps the register file, all bytes reversed; ours starts at register 0x2C (efuse.md 7.2)
to_virt() {
    python3 -c '
import sys
efuse = open(sys.argv[1], "rb").read()[:336]
open(sys.argv[2], "wb").write((bytes(0x2C) + efuse + bytes(512 - 0x2C - 336))[::-1])' "$@"
}

# The JSON that `espefuse summary` gives, made from an eFuse file and the field table of efuse.md 2
to_summary() {
    python3 - "$BATS_TEST_DIRNAME/../../docs/efuse.md" "$@" <<'PY'
import json, re, sys
efuse = open(sys.argv[2], "rb").read()
start = [0, 24] + [48 + 32 * n for n in range(9)]
summary = {}
for line in open(sys.argv[1]):
    row = re.match(r"\| (\w+) \| (\d+) \| (\d+) \| (\d+) \| 0x", line)
    if not row or row[1].startswith(("RPT4_", "RESERVED", "USB_DREF", "ADC1", "BLOCK_USR")):
        continue
    block, bit, bits = map(int, row.groups()[1:])
    at, size = start[block], 24 if block < 2 else 32
    value = int.from_bytes(efuse[at:at + size], "little") >> bit & (1 << bits) - 1
    raw, kind = hex(value), "uint:%d" % bits
    if bits > 32 or row[1] == "MAC_EXT":
        raw, kind = "0x" + value.to_bytes(bits // 8, "little").hex(), "bytes:%d" % (bits // 8)
    summary[row[1]] = dict(block=block, word=bit // 32, pos=bit % 32, bit_len=bits, raw_value=raw,
                           efuse_type=kind)
json.dump(summary, open(sys.argv[3], "w"), indent=4)
PY
}

# edit_summary EXPRESSION: on `s`, from sum.json to bad.json
edit_summary() {
    python3 -c '
import json, sys
s = json.load(open("sum.json"))
exec(sys.argv[1])
json.dump(s, open("bad.json", "w"))' "$1"
}

@test "convert: the 512 bytes of espefuse --virt and back" {
    to_virt "$SHARED/factory.efuse" expected
    run "$TRUSTCHAIN" efuse convert "$SHARED/factory.efuse" -o virt --to espefuse
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    cmp expected virt
    [ "$(stat -c %a virt)" = 600 ]
    "$TRUSTCHAIN" efuse convert virt -o back --to qemu
    cmp "$SHARED/factory.efuse" back
    "$TRUSTCHAIN" efuse convert - -o - --to espefuse <virt >again
    cmp virt again
}

@test "convert: a read-protected key stays behind, and that is said" {
    cp "$SHARED/production.efuse" masked
    patch masked 0x70 "$(printf '%064d' 0)"
    run "$TRUSTCHAIN" efuse convert "$SHARED/production.efuse" -o virt --to espefuse
    [ "$status" -eq 0 ]
    [ "$output" = "KEY0 is read-protected: zeros in the espefuse form, its content is lost" ]
    run "$TRUSTCHAIN" efuse convert virt -o back --to qemu
    [[ "$output" == "KEY0 is read-protected"* ]]
    cmp masked back
}

@test "show and audit: the three forms say the same" {
    cp "$SHARED/production.efuse" ours
    patch ours 0xb0 a1 # something in KEY2
    "$TRUSTCHAIN" efuse convert ours -o virt --to espefuse
    "$TRUSTCHAIN" efuse convert virt -o masked --to qemu
    to_summary masked sum.json
    "$TRUSTCHAIN" efuse show ours >expected
    run "$TRUSTCHAIN" efuse show virt
    [[ "${lines[0]}" == "form: the 512 bytes of espefuse --virt"* ]]
    diff <(tail -n +2 <<<"$output") expected
    run "$TRUSTCHAIN" efuse show sum.json
    [[ "${lines[0]}" == "form: espefuse's JSON summary"* ]]
    diff <(tail -n +2 <<<"$output") expected
    [ "$("$TRUSTCHAIN" efuse show - MAC <sum.json)" = 60:55:f9:f7:2c:a2 ]
    refused 1 "USB_DREFH: is not in espefuse's summary" "$TRUSTCHAIN" efuse show sum.json USB_DREFH
    "$TRUSTCHAIN" efuse show sum.json --json | grep -q '"form": "summary"'
    [ "$("$TRUSTCHAIN" efuse show sum.json --json | grep -c USB_DREFH)" -eq 0 ]

    "$TRUSTCHAIN" efuse audit ours | head -n -1 >expected
    for form in virt sum.json; do
        run --separate-stderr "$TRUSTCHAIN" efuse audit "$form"
        [ "$status" -eq 0 ]
        [[ "${lines[0]}" == "form: "*", without read-protected keys" ]]
        [ "${lines[1]}" = "not judged: xts-key-weak" ]
        diff <(tail -n +3 <<<"$output" | head -n -1) expected
    done
    run "$TRUSTCHAIN" efuse audit masked # as if it were a chip with a key of zeros
    [ "$status" -eq 1 ]
    [[ "$output" == *"xts-key-weak"* ]]
}

@test "summary: what is none of an ESP32-C6, incomplete or out of range" {
    to_summary "$SHARED/production.efuse" sum.json
    bad() { # EXPRESSION PATTERN
        edit_summary "$1"
        for verb in show audit; do
            refused 1 "bad.json: $2" "$TRUSTCHAIN" efuse $verb bad.json
        done
        rm bad.json
    }
    bad 's = {}' "has no WR_DIS"
    bad 'del s["SECURE_BOOT_EN"]' "has no SECURE_BOOT_EN"
    bad 'del s["BLOCK_KEY5"]' "has no BLOCK_KEY5"
    bad 's["RD_DIS"]["word"] = 2' "has a RD_DIS that is none"
    bad 's["RD_DIS"]["pos"] = 1 << 40' "has a RD_DIS that is none"
    bad 's["RD_DIS"]["block"] = 1' "has a RD_DIS that is none"
    bad 's["RD_DIS"]["bit_len"] = 8' "has a RD_DIS that is none"
    bad 's["RD_DIS"]["raw_value"] = "0x80"' "has a RD_DIS that is none"
    bad 's["RD_DIS"]["raw_value"] = "0x1g"' "has a RD_DIS that is none"
    bad 's["RD_DIS"]["raw_value"] = "0x"' "has a RD_DIS that is none"
    bad 's["RD_DIS"]["raw_value"] = 1' "has a RD_DIS that is none"
    bad 'del s["RD_DIS"]["raw_value"]' "has a RD_DIS that is none"
    bad 's["RD_DIS"] = 0' "has a RD_DIS that is none"
    bad 's["BLOCK_KEY0"]["raw_value"] += "00"' "has a BLOCK_KEY0 that is none"
    bad 's["BLOCK_KEY0"]["bit_len"] = -8' "has a BLOCK_KEY0 that is none"
    bad 's["BLOCK_KEY0"].update(bit_len=248, raw_value="0x" + "11" * 31)' "has a BLOCK_KEY0 that"
    bad 's["MAC"].update(bit_len=64, raw_value="0x" + "11" * 8)' "has a MAC that is none"
    bad 's["OPTIONAL_UNIQUE_ID"]["bit_len"] = 257' "has a OPTIONAL_UNIQUE_ID that is none"
    printf '{"WR_DIS": ' >cut.json
    refused 1 "cut.json: is no JSON summary of espefuse: line 1" "$TRUSTCHAIN" efuse show cut.json
    refused 1 "sum.json: is a summary" "$TRUSTCHAIN" efuse convert sum.json -o out --to qemu
}

@test "burn: a file of espefuse --virt stays one" {
    cp "$SHARED/factory.efuse" ours
    to_virt ours virt
    patch virt 0x1f0 0123456789abcdef # registers 0x008 to 0x00F: not ours to change
    cp virt registers
    for words in "field SECURE_VERSION 1" "field CUSTOM_NONE 1" "key KEY0 XTS_AES_128_KEY $FLASH_KEY" \
        "key KEY1 SECURE_BOOT_DIGEST0 $SIGNING_KEY" "key KEY0 USER $FLASH_KEY"; do
        for file in ours virt; do
            run "$TRUSTCHAIN" efuse burn $file $words --yes
            echo "$status: ${output#*: }" >said.$file
        done
        diff said.ours said.virt
    done
    grep -q "^1: .*is burned already" said.virt
    [ "$("$TRUSTCHAIN" efuse show virt RD_DIS)" = 1 ]
    "$TRUSTCHAIN" efuse convert ours -o expected --to espefuse
    patch expected 0x1f0 0123456789abcdef
    cmp expected virt
    [ "$(bytes virt $((512 - 0x2c - 0x70 - 32)) 32)" = "$(printf '%064d' 0)" ]
    [ "$(bytes ours 0x70 32)" != "$(printf '%064d' 0)" ]
    [ "$(stat -c %a virt)" = 600 ]
    to_summary ours sum.json
    cp sum.json before
    refused 1 "sum.json: is espefuse's summary, which cannot be burned" \
        "$TRUSTCHAIN" efuse burn sum.json field DIS_TWAI 1 --yes
    cmp sum.json before
}

@test "show: all 110 fields, as a table, as JSON, one by one" {
    fields=$(grep -oE '^\| [A-Z0-9_]+ \| [0-9]+ \| [0-9]+ \| [0-9]+ \| 0x' \
        "$BATS_TEST_DIRNAME/../../docs/efuse.md" | cut -d' ' -f2)
    [ "$(wc -l <<<"$fields")" -eq 110 ]
    "$TRUSTCHAIN" efuse show "$SHARED/production.efuse" >table
    "$TRUSTCHAIN" efuse show "$SHARED/production.efuse" --json >json
    diff <(tail -n 110 table | cut -d' ' -f1) - <<<"$fields"
    diff <(python3 -c 'import json; print(*json.load(open("json"))["fields"], sep="\n")' | sort) \
        <(sort <<<"$fields")
    for field in $fields; do
        value=$("$TRUSTCHAIN" efuse show "$SHARED/production.efuse" $field)
        grep -qE "^$field +$value +[L-]  " table
    done
    grep -q '"BLOCK_KEY0": "read-protected"' json
    grep -q "\"BLOCK_KEY1\": \"$("$TRUSTCHAIN" efuse show "$SHARED/production.efuse" KEY1)\"" json
}

@test "burn: fields of many bytes, once, with their block" {
    cp "$SHARED/factory.efuse" e
    burn() {
        "$TRUSTCHAIN" efuse burn e field "$@" --yes
    }
    refused 2 "is no MAC address" burn CUSTOM_MAC 60:55:f9:f7:2c
    refused 2 "is 48 hex digits" burn BLOCK_USR_DATA 00
    refused 2 "KEY0: is a key block" burn KEY0 "$(printf '%064d' 1)"
    refused 1 "MAC: is write-protected (WR_DIS bit 20)" burn MAC 02:00:00:00:00:01
    cmp e "$SHARED/factory.efuse"
    burn CUSTOM_MAC 02:11:22:33:44:55
    [ "$(bytes e $((0x50 + 25)) 7)" = 02112233445500 ] # printed order: esp_efuse_mac_get_custom()
    [ "$("$TRUSTCHAIN" efuse show e CUSTOM_MAC)" = 02:11:22:33:44:55 ]
    cp e before
    burn CUSTOM_MAC 02:11:22:33:44:55
    cmp e before
    refused 1 "CUSTOM_MAC: shares its coded block" burn CUSTOM_MAC 02:11:22:33:44:57
    refused 1 "BLOCK_USR_DATA: shares its coded block" burn BLOCK_USR_DATA "$(printf '%048d' 1)"
    cmp e before
    burn SYS_DATA_PART2 "$(printf 'ab%062d' 1)"
    [ "$(bytes e 0x130 32)" = "$(printf 'ab%062d' 1)" ]
    burn RD_DIS 0x40
    [ "$("$TRUSTCHAIN" efuse show e BLOCK_SYS_DATA2)" = "$(printf '%064d' 0)" ]
}

@test "verify, flash build, decrypt: eFuses in any form, a hidden key is asked for" {
    "$TRUSTCHAIN" efuse convert "$SHARED/production.efuse" -o virt --to espefuse
    "$TRUSTCHAIN" efuse convert virt -o masked --to qemu
    to_summary masked sum.json
    build=(flash build --partitions "$PROJECT/partitions.csv" --bootloader "$SHARED/boot.signed"
        --app "ota_0=$SHARED/app.signed")
    "$TRUSTCHAIN" "${build[@]}" --efuse "$SHARED/production.efuse" -o expected
    head -c 4096 expected >sector
    "$TRUSTCHAIN" decrypt sector -o plain --efuse "$SHARED/production.efuse" --offset 0
    for form in virt sum.json; do
        "$TRUSTCHAIN" verify "$SHARED/app.signed" --efuse $form
        refused 1 "app.bin: " "$TRUSTCHAIN" verify "$SHARED/app.bin" --efuse $form
        refused 1 "$form: does not show its flash encryption key" \
            "$TRUSTCHAIN" "${build[@]}" --efuse $form -o out
        refused 1 "$form: does not show its flash encryption key" \
            "$TRUSTCHAIN" decrypt sector -o out --efuse $form --offset 0
        "$TRUSTCHAIN" "${build[@]}" --efuse $form --key "$FLASH_KEY" -o out
        cmp expected out
        "$TRUSTCHAIN" decrypt sector -o out --efuse $form --key "$FLASH_KEY" --offset 0
        cmp plain out
        rm out
    done
    refused 1 "virt: is in espefuse's form" "$TRUSTCHAIN" chip run --flash expected --efuse virt
    # A key that the form does show is used, and compared.
    to_virt "$SHARED/factory.efuse" open
    patch open $((511 - 0x2c - 11)) 04 # KEY_PURPOSE_0: XTS_AES_128_KEY, readable
    xxd -p -c 64 "$FLASH_KEY" >key.hex
    patch open $((512 - 0x2c - 0x70 - 32)) "$(cat key.hex)"
    "$TRUSTCHAIN" decrypt sector -o out --efuse open --offset 0
    cmp plain out
    rm out
    head -c 32 /dev/urandom >wrong
    chmod 600 wrong
    refused 1 "wrong: is not the flash encryption key of open" \
        "$TRUSTCHAIN" decrypt sector -o out --efuse open --key wrong --offset 0
}

@test "convert: bad files and usage" {
    head -c 5000 /dev/zero >long
    refused 1 "long: is 5000 bytes" "$TRUSTCHAIN" efuse convert long -o out --to qemu
    head -c 300000 /dev/zero >huge
    refused 1 "huge: " "$TRUSTCHAIN" efuse show huge
    refused 1 "" "$TRUSTCHAIN" efuse convert "$SHARED/factory.efuse" -o none/out --to qemu
    refused 2 "" "$TRUSTCHAIN" efuse convert "$SHARED/factory.efuse" -o out
    refused 2 "" "$TRUSTCHAIN" efuse convert "$SHARED/factory.efuse" --to qemu
    refused 2 "--to is qemu or espefuse" \
        "$TRUSTCHAIN" efuse convert "$SHARED/factory.efuse" -o out --to esp32
    run "$TRUSTCHAIN" efuse convert --help
    [[ "$output" == "Usage: trustchain efuse convert "* ]]
}

steps_only() {
    grep -v '^    \|^left open\|^nothing burned'
}

@test "plan: the profiles are what efuse burn burns, step by step" {
    for profile in release development; do
        "$TRUSTCHAIN" efuse plan $profile >planned
        "$TRUSTCHAIN" efuse burn "$SHARED/factory.efuse" $profile --dry-run \
            --signing-key "$SIGNING_KEY" --flash-key "$FLASH_KEY" >burned
        diff <(steps_only <planned) <(steps_only <burned)
        [ "$(grep -c '^    impossible afterwards: ' planned)" -eq "$(steps_only <planned | wc -l)" ]
    done
    [ "$("$TRUSTCHAIN" efuse plan release | steps_only | wc -l)" -eq 14 ]
    [ "$("$TRUSTCHAIN" efuse plan release | grep -c '^left open')" -eq 0 ]
    [ "$("$TRUSTCHAIN" efuse plan development | grep -c '^left open: ')" -eq 8 ]
}

@test "plan: development boots what is signed and stays open" {
    cp "$SHARED/factory.efuse" e
    "$TRUSTCHAIN" efuse burn e development --yes --signing-key "$SIGNING_KEY" \
        --flash-key "$FLASH_KEY"
    "$TRUSTCHAIN" verify "$SHARED/app.signed" --efuse e
    for field in SECURE_BOOT_EN=1 SPI_BOOT_CRYPT_CNT=1 DIS_PAD_JTAG=0 DIS_DIRECT_BOOT=1; do
        [ "$("$TRUSTCHAIN" efuse show e "${field%=*}")" = "${field#*=}" ]
    done
}

# custom STEP...: a plan file of these steps; % stands for those that close everything but the
# serial port
custom() {
    {
        echo "[product]"
        echo "name = thermo"
        echo "[efuse]"
        for step in "$@"; do
            if [ "$step" != % ]; then
                echo "step = $step"
                continue
            fi
            for close in "SECURE_BOOT_KEY_REVOKE1 1" "SECURE_BOOT_KEY_REVOKE2 1" "DIS_PAD_JTAG 1" \
                "DIS_USB_JTAG 1" "DIS_DIRECT_BOOT 1" "DIS_DOWNLOAD_MANUAL_ENCRYPT 1" \
                "DIS_DOWNLOAD_ICACHE 1" "WR_DIS 5"; do
                echo "step = $close"
            done
        done
    } >plan.ini
}

@test "plan: custom steps in an order that holds" {
    custom "KEY4 XTS_AES_128_KEY" "KEY2 SECURE_BOOT_DIGEST0" % "SECURE_BOOT_EN 1" \
        "SPI_BOOT_CRYPT_CNT 7" "DIS_DOWNLOAD_MODE 1"
    run --separate-stderr "$TRUSTCHAIN" efuse plan plan.ini
    [ "$status" -eq 0 ]
    [ "$(steps_only <<<"$output" | wc -l)" -eq 13 ]
    [[ "${lines[0]}" == " 1  KEY4 "*" XTS_AES_128_KEY "* ]]
    [[ "${lines[24]}" == "13  DIS_DOWNLOAD_MODE "* ]]
    [[ "${lines[25]}" == "    impossible afterwards: writing flash over the serial port"* ]]
}

@test "plan: orders that brick, cannot be burned, or leave a hole" {
    bad() { # PATTERN STEP...
        local pattern=$1
        shift
        custom "$@"
        refused 1 "$pattern" "$TRUSTCHAIN" efuse plan plan.ini
        rm plan.ini
    }
    xts="KEY0 XTS_AES_128_KEY" digest="KEY1 SECURE_BOOT_DIGEST0"
    bad "SECURE_BOOT_EN: must not come here: Secure Boot is on and no signing key" \
        "$xts" "SECURE_BOOT_EN 1" "$digest"
    bad "SPI_BOOT_CRYPT_CNT: must not come here: flash encryption is on without a key" \
        "SPI_BOOT_CRYPT_CNT 7" "$xts"
    bad "SECURE_BOOT_KEY_REVOKE0: must not come here: no signing key can ever" \
        % "SECURE_BOOT_KEY_REVOKE0 1"
    bad "RD_DIS: must not come here: the ROM reads zeros instead of the digest" \
        "$digest" "RD_DIS 2"
    bad "KEY1: cannot be read-protected, or is already" "RD_DIS 2" "KEY1 HMAC_UP"
    bad "DIS_ICACHE: must not come here: no code runs from flash" "DIS_ICACHE 1"
    bad "KEY_PURPOSE_1: must not come here: a block has the purpose of a digest" "KEY_PURPOSE_1 9"
    bad "KEY1: must not come here: slot 0 is revoked" "SECURE_BOOT_KEY_REVOKE0 1" "$digest"
    bad "KEY0: cannot be read-protected: RD_DIS is write-protected (secret keys come before" \
        "WR_DIS 1" "$xts"
    bad "KEY0: is write-protected by WR_DIS bit 23" "WR_DIS 0x800000" "$xts"
    bad "KEY1: is write-protected by WR_DIS bit 9" "WR_DIS 0x200" "$digest"
    bad "SECURE_BOOT_EN: is write-protected (WR_DIS bit 15)" "$digest" "WR_DIS 0x8000" \
        "SECURE_BOOT_EN 1"
    bad "DIS_PAD_JTAG: is write-protected (WR_DIS bit 2)" "WR_DIS 4" "DIS_PAD_JTAG 1"
    bad "KEY5: cannot hold this key" "KEY5 XTS_AES_128_KEY"
    bad "KEY2: is burned already, or another block has this purpose" "$xts" "KEY2 XTS_AES_128_KEY"
    bad "SECURE_BOOT_EN: comes after the serial port was closed" \
        "$xts" "$digest" "ENABLE_SECURITY_DOWNLOAD 1" "SECURE_BOOT_EN 1"
}

@test "plan: each hole is refused with its name, and can be accepted by it" {
    all=("KEY0 XTS_AES_128_KEY" "KEY1 SECURE_BOOT_DIGEST0" "SECURE_BOOT_KEY_REVOKE1 1"
        "SECURE_BOOT_KEY_REVOKE2 1" "DIS_PAD_JTAG 1" "DIS_USB_JTAG 1" "DIS_DIRECT_BOOT 1"
        "DIS_DOWNLOAD_MANUAL_ENCRYPT 1" "DIS_DOWNLOAD_ICACHE 1" "WR_DIS 1" "SECURE_BOOT_EN 1"
        "SPI_BOOT_CRYPT_CNT 7" "DIS_DOWNLOAD_MODE 1")
    custom "${all[@]}"
    "$TRUSTCHAIN" efuse plan plan.ini
    hole() { # RULE BEFORE AFTER: with the step BEFORE replaced by AFTER, or left out
        custom "${all[@]}"
        grep -q "^step = $2\$" plan.ini
        if [ -n "$3" ]; then sed -i "s/^step = $2\$/step = $3/" plan.ini
        else sed -i "/^step = $2\$/d" plan.ini; fi
        refused 1 "plan.ini: leaves a hole, $1: " "$TRUSTCHAIN" efuse plan plan.ini
        echo "accept = $1" >>plan.ini
        run --separate-stderr "$TRUSTCHAIN" efuse plan plan.ini
        [ "$status" -eq 0 ]
        [[ "${lines[-1]}" == "accepted:  $1 "* ]]
        rm plan.ini
    }
    hole secure-boot-off "SECURE_BOOT_EN 1" ""
    hole flash-encryption-off "SPI_BOOT_CRYPT_CNT 7" "SPI_BOOT_CRYPT_CNT 3"
    hole crypt-count-open "SPI_BOOT_CRYPT_CNT 7" "SPI_BOOT_CRYPT_CNT 1"
    hole digest-slot-open "SECURE_BOOT_KEY_REVOKE2 1" ""
    hole rd-dis-open "WR_DIS 1" ""
    hole pad-jtag-on "DIS_PAD_JTAG 1" ""
    hole usb-jtag-on "DIS_USB_JTAG 1" ""
    hole direct-boot-on "DIS_DIRECT_BOOT 1" ""
    hole manual-encrypt-on "DIS_DOWNLOAD_MANUAL_ENCRYPT 1" ""
    hole download-cache-on "DIS_DOWNLOAD_ICACHE 1" ""
    hole download-mode-open "DIS_DOWNLOAD_MODE 1" ""
    hole revocation-frozen "WR_DIS 1" "WR_DIS 0x21"
    custom "${all[@]:0:12}" "WR_DIS 0x40000"
    echo "accept = download-mode-open" >>plan.ini
    refused 1 "leaves a hole, secure-version-frozen: " "$TRUSTCHAIN" efuse plan plan.ini
    for rule in no-digest cache-off fast-wake no-such-rule; do # a brick, a note, none
        custom "${all[@]}"
        echo "accept = $rule" >>plan.ini
        refused 1 "plan.ini: line 17: $rule cannot be accepted" "$TRUSTCHAIN" efuse plan plan.ini
    done
}

@test "plan and burn custom: steps and keys of a project" {
    cp -r "$PROJECT" p
    cp "$SHARED/factory.efuse" e
    refused 1 "p/trustchain.ini: has no step" "$TRUSTCHAIN" efuse plan custom --project p
    refused 1 "p/trustchain.ini: has no step" "$TRUSTCHAIN" efuse burn e custom --project p --yes
    "$TRUSTCHAIN" key new --type xts128 p/secure_keys/hmac.bin
    custom "KEY3 XTS_AES_128_KEY" "KEY2 SECURE_BOOT_DIGEST0" "KEY5 HMAC_UP secure_keys/hmac.bin" % \
        "SECURE_BOOT_EN 1" "SPI_BOOT_CRYPT_CNT 7" "UART_PRINT_CONTROL 3" \
        "ENABLE_SECURITY_DOWNLOAD 1"
    sed -n '/^\[efuse\]/,$p' plan.ini >>p/trustchain.ini
    "$TRUSTCHAIN" efuse plan custom --project p >planned
    "$TRUSTCHAIN" efuse burn e custom --project p --dry-run >burned
    cmp e "$SHARED/factory.efuse"
    diff <(steps_only <planned) <(steps_only <burned)
    refused 2 "cannot be unburned" "$TRUSTCHAIN" efuse burn e custom --project p
    "$TRUSTCHAIN" efuse burn e custom --project p --yes
    "$TRUSTCHAIN" efuse audit e
    [ "$("$TRUSTCHAIN" efuse show e UART_PRINT_CONTROL)" = 3 ]
    [ "$("$TRUSTCHAIN" efuse show e KEY2)" = \
        "$("$TRUSTCHAIN" key digest "$SIGNING_KEY" | grep -o '[0-9a-f]\{64\}')" ]
    [ "$(bytes e 0x110 32)" = "$(bytes p/secure_keys/hmac.bin 0 32)" ]
    [ "$(bytes e 0xd0 32)" = "$(bytes "$FLASH_KEY" 0 32 | fold -w2 | tac | tr -d '\n')" ]
    "$TRUSTCHAIN" verify "$SHARED/app.signed" --efuse e
    # The rest of the project is as it was for those who read it.
    "$TRUSTCHAIN" release list --project p

    # What fails burns nothing.
    cp "$SHARED/factory.efuse" e
    sed -i 's|hmac.bin|none.bin|' p/trustchain.ini
    "$TRUSTCHAIN" efuse plan custom --project p >/dev/null
    refused 1 "p/secure_keys/none.bin: " "$TRUSTCHAIN" efuse burn e custom --project p --yes
    sed -i 's| secure_keys/none.bin||' p/trustchain.ini
    refused 1 "KEY5: the project has no such key" "$TRUSTCHAIN" efuse burn e custom --project p --yes
    sed -i '/HMAC_UP/s|$| secure_keys/hmac.bin|; /DIS_PAD_JTAG/d' p/trustchain.ini
    refused 1 "e: leaves a hole, pad-jtag-on" "$TRUSTCHAIN" efuse burn e custom --project p --yes
    cmp e "$SHARED/factory.efuse"
    "$TRUSTCHAIN" efuse burn e field DIS_PAD_JTAG 1 --yes # then this device has none
    "$TRUSTCHAIN" efuse burn e custom --project p --yes
    # One signing key in two slots is seen with the real keys.
    cp "$SHARED/factory.efuse" e
    sed -i 's|^step = SECURE_BOOT_KEY_REVOKE1 1|step = KEY1 SECURE_BOOT_DIGEST1 '"$SIGNING_KEY|" \
        p/trustchain.ini
    refused 1 "e: leaves a hole, digest-repeated" "$TRUSTCHAIN" efuse burn e custom --project p --yes
}

@test "burn: a whole device with the keys of a project, and none that stays open" {
    cp "$SHARED/factory.efuse" e
    "$TRUSTCHAIN" efuse burn e release --project "$PROJECT" --yes
    cmp e "$SHARED/production.efuse"
    cp "$SHARED/factory.efuse" e
    "$TRUSTCHAIN" efuse burn e field WR_DIS 0x300020 --yes # revocation of slot 0: never
    cp e before
    refused 1 "e: leaves a hole, revocation-frozen" \
        "$TRUSTCHAIN" efuse burn e release --project "$PROJECT" --yes
    cmp e before
    cp "$SHARED/factory.efuse" e
    "$TRUSTCHAIN" efuse burn e field DIS_DOWNLOAD_MODE 1 --yes
    refused 1 "KEY0: comes after the serial port was closed" \
        "$TRUSTCHAIN" efuse burn e release --project "$PROJECT" --yes
}

@test "plan: files that are no plan, and usage" {
    bad() {
        refused 1 "plan.ini: line $1" "$TRUSTCHAIN" efuse plan plan.ini
    }
    custom "KEY1 NO_PURPOSE"
    bad "4: NO_PURPOSE is no key purpose"
    custom "NO_FIELD 1"
    bad "4: NO_FIELD is neither a field"
    custom "SPI_BOOT_CRYPT_CNT 8"
    bad "4: SPI_BOOT_CRYPT_CNT cannot have the bits 8 burned, it has 3"
    custom "SECURE_BOOT_EN 0"
    bad "4: SECURE_BOOT_EN cannot have the bits 0"
    custom "SECURE_BOOT_EN"
    bad '4: a step is "KEYn PURPOSE'
    custom "SECURE_BOOT_EN 1 2"
    bad '4: a step is "KEYn PURPOSE'
    custom "$(printf '%099d' 0) 1"
    bad "4: 000"
    custom % % % % % %
    bad "44: one step too many"
    printf '[efuse]\nallow = all\n' >plan.ini
    bad "2: [[]efuse] has no setting allow"
    printf '[efuse]\nnonsense\n' >plan.ini
    bad "2: "
    printf '[product]\nname = x\n' >plan.ini
    refused 1 "plan.ini: has no step" "$TRUSTCHAIN" efuse plan plan.ini
    refused 1 "production: cannot be opened" "$TRUSTCHAIN" efuse plan production
    refused 2 "" "$TRUSTCHAIN" efuse plan
    refused 2 "needs --project" "$TRUSTCHAIN" efuse plan custom
    refused 2 "is for \`custom'" "$TRUSTCHAIN" efuse plan release --project "$PROJECT"
    refused 1 "none/trustchain.ini: cannot be read" "$TRUSTCHAIN" efuse plan custom --project none
    refused 2 "from --project" "$TRUSTCHAIN" efuse burn "$SHARED/factory.efuse" custom --yes
    refused 2 "from --project" "$TRUSTCHAIN" efuse burn "$SHARED/factory.efuse" custom --yes \
        --project "$PROJECT" --flash-key "$FLASH_KEY"
    refused 2 "" "$TRUSTCHAIN" efuse burn "$SHARED/factory.efuse" production --yes
    run "$TRUSTCHAIN" efuse plan --help
    [ "$status" -eq 0 ]
    [[ "$output" == "Usage: trustchain efuse plan "* ]]
}

@test "a file in use: nothing burns or replaces it, and it is not waited for" {
    cp "$SHARED/factory.efuse" e
    head -c 4M /dev/zero >f
    cp f f.before
    build=(flash build --partitions "$PROJECT/partitions.csv" --bootloader "$SHARED/boot.signed"
        --app "ota_0=$SHARED/app.signed" -o)
    exec 8<e 9<f
    flock 8
    flock 9
    in_use="is in use by another run (wait for it or stop it)"
    refused 1 "e: $in_use" "$TRUSTCHAIN" efuse burn e field DIS_TWAI 1 --yes 8<&- 9<&-
    refused 1 "e: $in_use" "$TRUSTCHAIN" efuse convert e -o e --to espefuse 8<&- 9<&-
    refused 1 "f: $in_use" "$TRUSTCHAIN" "${build[@]}" f 8<&- 9<&-
    refused 1 "f: $in_use" "$TRUSTCHAIN" otadata set f --offset 0xd000 --slot ota_1 -o f 8<&- 9<&-
    cmp e "$SHARED/factory.efuse"
    cmp f f.before
    exec 8<&- 9<&-
    "$TRUSTCHAIN" efuse burn e field DIS_TWAI 1 --yes
    "$TRUSTCHAIN" "${build[@]}" f
    [ "$("$TRUSTCHAIN" efuse show e DIS_TWAI)" = 1 ]
    cmp -s f f.before && return 1
    "$TRUSTCHAIN" "${build[@]}" - >out
    cmp f out
}
