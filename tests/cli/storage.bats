# The offline verbs on what a device stores: partition, efuse, flash, otadata.

bats_require_minimum_version 1.5.0
load tool_helpers

setup_file() {
    make_product
}

# formats.md 3.4
@test "partition: the published tables, byte for byte, and back" {
    cd "$BATS_TEST_TMPDIR"
    cat >single.csv <<END
# a comment
nvs,      data, nvs,     ,        0x6000,
phy_init, data, phy,     ,        0x1000,
factory,  app,  factory, ,        1M,
END
    cat >two.csv <<END
nvs,      data, nvs,     ,  0x4000,
otadata,  data, ota,     ,  0x2000,
phy_init, data, phy,     ,  0x1000,
factory,  app,  factory, ,  1M,
ota_0,    app,  ota_0,   ,  1M,
ota_1,    app,  ota_1,   ,  1M,
END
    "$TRUSTCHAIN" partition build single.csv -o single
    "$TRUSTCHAIN" partition build - -o - <two.csv >two
    [ "$(sha256_of single)" = 7f00b6c042a89b15b0cac534f82ed988caf29278ff5700b0c511eb1b5bb7c820 ]
    [ "$(sha256_of two)" = d1c0e9d02fa9d26cd2e1984e7b5dd20157204f501ddc83ce82229e5f3175ee8b ]
    "$TRUSTCHAIN" partition show two | "$TRUSTCHAIN" partition build - -o - | cmp - two
    [ "$("$TRUSTCHAIN" partition show two --json | field '[4]["offset"]')" = $((0x110000)) ]
}

@test "partition: what the generator refuses, with the line it is on" {
    cd "$BATS_TEST_TMPDIR"
    refused_csv() { # PATTERN LINE...
        local pattern=$1
        shift
        printf '%s\n' "$@" >table.csv
        refused 1 "$pattern" "$TRUSTCHAIN" partition build table.csv -o out --flash-size 4MB
    }
    refused_csv "line 2" "nvs,data,nvs,0x9000,0x4000," "app,app,ota_0,0x12000,1M,"
    refused_csv "line 2" "nvs,data,nvs,0x9000,0x4000," "x,data,nvs,0xa000,0x4000,"
    refused_csv "line 1" "nvs,data,nvs,0x9000,"
    refused_csv "line 1" "nvs,data,nvs,0x9000,0x4000,secret"
    refused_csv "line" "app,app,ota_0,0x10000,8M,"
    refused_csv "" "# nothing"
    "$TRUSTCHAIN" partition build "$PROJECT/partitions.csv" -o table
    patch table 44 00
    refused 1 "checksum" "$TRUSTCHAIN" partition show table
}

@test "efuse new: the factory chip of the facts" {
    [ "$(stat -c '%s %a' "$SHARED/factory.efuse")" = "336 600" ]
    [ "$(bytes "$SHARED/factory.efuse" 0x18 8)" = a22cf7f95560feff ]
    [ "$(bytes "$SHARED/factory.efuse" 0x26 1)" = 04 ]
    [ "$("$TRUSTCHAIN" efuse show "$SHARED/factory.efuse" MAC)" = 60:55:f9:f7:2c:a2 ]
    refused 1 "exists already" "$TRUSTCHAIN" efuse new "$SHARED/factory.efuse"
    refused 2 "--mac" "$TRUSTCHAIN" efuse new "$BATS_TEST_TMPDIR/x" --mac 60:55:f9:f7:2c
    refused 2 "--rev" "$TRUSTCHAIN" efuse new "$BATS_TEST_TMPDIR/x" --rev 500
    "$TRUSTCHAIN" efuse new "$BATS_TEST_TMPDIR/random"
    run ! cmp -s "$BATS_TEST_TMPDIR/random" "$SHARED/factory.efuse"
}

@test "efuse burn release: every fuse of a production device" {
    fuse() {
        "$TRUSTCHAIN" efuse show "$SHARED/production.efuse" "$1"
    }
    for pair in SECURE_BOOT_EN=1 SPI_BOOT_CRYPT_CNT=7 DIS_PAD_JTAG=1 DIS_USB_JTAG=1 \
        SOFT_DIS_JTAG=7 DIS_DIRECT_BOOT=1 DIS_DOWNLOAD_MANUAL_ENCRYPT=1 DIS_DOWNLOAD_ICACHE=1 \
        ENABLE_SECURITY_DOWNLOAD=1 KEY_PURPOSE_0=4 KEY_PURPOSE_1=9 RD_DIS=1 \
        SECURE_BOOT_KEY_REVOKE0=0 SECURE_BOOT_KEY_REVOKE1=1 SECURE_BOOT_KEY_REVOKE2=1; do
        echo "$pair: $(fuse "${pair%=*}")"
        [ "$(fuse "${pair%=*}")" = "${pair#*=}" ]
    done
    # RD_DIS, the cache and JTAG group, purposes and contents of both keys; not SECURE_VERSION
    protection=$(fuse WR_DIS)
    for bit in 0 2 8 9 23 24; do ((protection >> bit & 1)); done
    [ $((protection >> 18 & 1)) -eq 0 ]
    [ "$(fuse BLOCK_KEY1)" = "$("$TRUSTCHAIN" key digest "$SIGNING_KEY")" ]
    # the XTS key lies reversed in its block (flash-encryption.md 1.1)
    [ "$(bytes "$SHARED/production.efuse" 0x70 32)" = \
        "$(xxd -p -c 1 "$FLASH_KEY" | tac | tr -d '\n')" ]
}

@test "efuse: secrets are never printed" {
    key=$(xxd -p -c 64 "$FLASH_KEY")
    block=$(bytes "$SHARED/production.efuse" 0x70 32)
    cp "$SHARED/production.efuse" "$BATS_TEST_TMPDIR/open"
    patch "$BATS_TEST_TMPDIR/open" 4 00 # as if the key were not read-protected
    for file in "$SHARED/production.efuse" "$BATS_TEST_TMPDIR/open"; do
        for option in "" --json BLOCK_KEY0; do
            run "$TRUSTCHAIN" efuse show "$file" $option
            [ "$status" -eq 0 ]
            [[ "$output" != *"$key"* && "$output" != *"$block"* ]]
        done
    done
    [ "$("$TRUSTCHAIN" efuse show "$BATS_TEST_TMPDIR/open" KEY0)" = secret ]
    [ "$("$TRUSTCHAIN" efuse show "$SHARED/production.efuse" KEY0)" = read-protected ]
    [ "$("$TRUSTCHAIN" efuse show "$SHARED/production.efuse" --json |
        field '["keys"][0]["purpose"]')" = XTS_AES_128_KEY ]
}

@test "efuse burn: bits only go up, protections hold, all or nothing" {
    cd "$BATS_TEST_TMPDIR"
    cp "$SHARED/production.efuse" e
    cp e before
    refused_burn() { # PATTERN ARGUMENT...
        local pattern=$1
        shift
        refused 1 "$pattern" "$TRUSTCHAIN" efuse burn e "$@" --yes
        cmp e before
    }
    refused_burn "cannot go back" field SOFT_DIS_JTAG 1
    refused_burn "write-protected" field RD_DIS 3
    refused_burn "write-protected" field DIS_TWAI 1
    refused_burn "burned already" key KEY0 XTS_AES_128_KEY "$FLASH_KEY"
    refused_burn "burned already" key KEY2 SECURE_BOOT_DIGEST0 "$SIGNING_KEY"
    refused_burn "write-protected" key KEY2 HMAC_UP "$FLASH_KEY"
    refused_burn "KEY0" release --signing-key "$SIGNING_KEY" --flash-key "$FLASH_KEY"
    "$TRUSTCHAIN" efuse burn e field SECURE_VERSION 1 --yes
    [ "$("$TRUSTCHAIN" efuse show e SECURE_VERSION)" = 1 ]
    cp "$SHARED/factory.efuse" e
    cp e before
    refused_burn "KEY5 for XTS" key KEY5 XTS_AES_128_KEY "$FLASH_KEY"
    # the last step of a release is not possible: none of the others happens
    "$TRUSTCHAIN" efuse burn e field WR_DIS $((1 << 15 | 3 << 20)) --yes
    cp e before
    refused_burn "SECURE_BOOT_EN" release --signing-key "$SIGNING_KEY" --flash-key "$FLASH_KEY"
}

@test "efuse burn: steps one by one, dry runs, usage" {
    cd "$BATS_TEST_TMPDIR"
    cp "$SHARED/factory.efuse" e
    "$TRUSTCHAIN" efuse burn e key BLOCK_KEY0 XTS_AES_128_KEY "$FLASH_KEY" --yes
    "$TRUSTCHAIN" efuse burn e key BLOCK5 SECURE_BOOT_DIGEST0 "$SIGNING_KEY" --yes
    "$TRUSTCHAIN" efuse burn e field SPI_BOOT_CRYPT_CNT 7 --yes
    "$TRUSTCHAIN" encrypt "$SHARED/app.bin" -o - --offset 0 --efuse e |
        cmp - <("$TRUSTCHAIN" encrypt "$SHARED/app.bin" -o - --offset 0 --key "$FLASH_KEY")
    cp e before
    run "$TRUSTCHAIN" efuse burn e field SECURE_BOOT_EN 1 --dry-run
    [ "$status" -eq 0 ]
    [[ "$output" == *SECURE_BOOT_EN*"nothing burned"* ]]
    cmp e before
    refused 2 "no eFuse field" "$TRUSTCHAIN" efuse burn e field NO_SUCH 1
    refused 2 "does not fit" "$TRUSTCHAIN" efuse burn e field SECURE_BOOT_EN 2
    refused 2 "no key block" "$TRUSTCHAIN" efuse burn e key KEY6 USER "$FLASH_KEY"
    refused 2 "no key purpose" "$TRUSTCHAIN" efuse burn e key KEY2 NONE "$FLASH_KEY"
    refused 2 "needs --signing-key" "$TRUSTCHAIN" efuse burn e release
    refused 2 "FILE field" "$TRUSTCHAIN" efuse burn e
    refused 2 "no eFuse field" "$TRUSTCHAIN" efuse show e NO_SUCH
    cmp e before
}

@test "efuse: longer files keep their tail" {
    cd "$BATS_TEST_TMPDIR"
    cat "$SHARED/factory.efuse" <(head -c 688 /dev/urandom) >long
    tail -c 688 long >tail
    "$TRUSTCHAIN" efuse burn long field SECURE_BOOT_EN 1 --yes
    [ "$(stat -c %s long)" = 1024 ]
    tail -c 688 long | cmp - tail
}

build() {
    "$TRUSTCHAIN" flash build --partitions "$PROJECT/partitions.csv" \
        --bootloader "$SHARED/boot.signed" --app ota_0="$SHARED/app.signed" "$@"
}

@test "flash build: parts at their places, encrypted where the chip decrypts" {
    cd "$BATS_TEST_TMPDIR"
    build -o plain
    build -o cipher --efuse "$SHARED/production.efuse"
    build -o keyed --key "$FLASH_KEY"
    cmp cipher keyed
    [ "$(stat -c %s cipher)" = $((4 << 20)) ]
    "$TRUSTCHAIN" partition build "$PROJECT/partitions.csv" -o table
    cmp -n "$(stat -c %s "$SHARED/boot.signed")" plain "$SHARED/boot.signed"
    cmp -n 3072 -i 0x8000:0 plain table
    cmp -n "$(stat -c %s "$SHARED/app.signed")" -i $((0x20000)):0 plain "$SHARED/app.signed"
    # encrypted whole: bootloader, table sector, otadata and NVS keys, update, app; the rest plain
    app=$(stat -c %s "$SHARED/app.signed")
    python3 - $(stat -c %s "$SHARED/boot.signed") $app <<'END'
import sys
plain, cipher = open("plain", "rb").read(), open("cipher", "rb").read()
boot, app = map(int, sys.argv[1:])
encrypted = [(0, boot), (0x8000, 0x1000), (0xd000, 0x3000), (0x10000, 0x2000), (0x20000, app)]
for at in range(0, len(plain), 16):
    inside = any(start <= at < start + length for start, length in encrypted)
    same = plain[at:at + 16] == cipher[at:at + 16]
    assert same != inside, hex(at)
    assert inside or plain[at:at + 16] in (b"\xff" * 16, cipher[at:at + 16])
END
    head -c 3072 <("$TRUSTCHAIN" decrypt <(tail -c +$((0x8001)) cipher | head -c 4096) -o - \
        --key "$FLASH_KEY" --offset 0x8000) | cmp - table
    "$TRUSTCHAIN" flash read cipher --partition ota_0 -o app --efuse "$SHARED/production.efuse"
    cmp -n "$app" app "$SHARED/app.signed"
}

@test "flash build: no known plaintext in an encrypted flash" {
    build -o "$BATS_TEST_TMPDIR/cipher" --key "$FLASH_KEY"
    for text in thermo 1.2.3 "bootloader data" ota_0 otadata; do
        grep -q "$text" <(cat "$SHARED/boot.signed" "$SHARED/app.signed" "$PROJECT/partitions.csv")
        run ! grep -q -a "$text" "$BATS_TEST_TMPDIR/cipher"
    done
}

@test "flash map and otadata show: what is where, and which slot boots" {
    cd "$BATS_TEST_TMPDIR"
    build -o flash --efuse "$SHARED/production.efuse" --otadata ota_1 \
        --app ota_1="$SHARED/app.signed"
    run "$TRUSTCHAIN" flash map flash --efuse "$SHARED/production.efuse"
    [[ "$output" == *"ota_1 "*"app thermo 1.2.3"*encrypted* ]]
    [[ "$output" == *"nvs "*empty* ]]
    run "$TRUSTCHAIN" otadata show flash --offset 0xd000 --efuse "$SHARED/production.efuse"
    [[ "$output" == *"seq 2, state VALID, bootable"*"boots     ota_1"* ]]
    [ "$("$TRUSTCHAIN" otadata show flash --offset 0xd000 --key "$FLASH_KEY" --json |
        field '["slot"]')" = 1 ]
    build -o flash
    [ "$("$TRUSTCHAIN" otadata show flash --offset 0xd000 --json | field '["slot"]')" = None ]
    refused 1 "0x2000 bytes" "$TRUSTCHAIN" otadata show flash --offset 0x3ff000
    refused 1 "no partition of this flash" "$TRUSTCHAIN" flash read flash -p none -o out
    build -o flash --key "$FLASH_KEY"
    refused 1 "if it is encrypted" "$TRUSTCHAIN" flash map flash
    "$TRUSTCHAIN" key new other --type xts128
    refused 1 "right key" "$TRUSTCHAIN" flash map flash --key other
}

@test "flash build: what the device would refuse is not built" {
    cd "$BATS_TEST_TMPDIR"
    refused_build() { # PATTERN BOOTLOADER SLOT=APP OPTION...
        local pattern=$1 boot=$2 app=$3
        shift 3
        refused 1 "$pattern" "$TRUSTCHAIN" flash build -o out --bootloader "$boot" --app "$app" \
            --partitions "$PROJECT/partitions.csv" "$@"
    }
    boot=$SHARED/boot.signed app=$SHARED/app.signed device="--efuse $SHARED/production.efuse"
    refused_build "no valid signature" "$SHARED/boot.bin" ota_0="$app" $device
    refused_build "no valid signature" "$boot" ota_0="$SHARED/app.bin" $device
    "$TRUSTCHAIN" key new k2.pem
    "$TRUSTCHAIN" sign "$SHARED/app.bin" -o foreign --key k2.pem
    refused_build "not by a trusted key" "$boot" ota_0=foreign $device
    refused_build "not by a trusted key" "$boot" ota_0="$app" --trust k2.pem
    refused_build "not a bootloader" "$app" ota_0="$app"
    refused_build "not an application" "$boot" ota_0="$boot"
    refused_build "no application partition" "$boot" factory="$app"
    refused_build "no application partition" "$boot" nvs="$app"
    refused_build "given twice" "$boot" ota_0="$app" --app ota_0="$app"
    refused_build "no OTA slot" "$boot" ota_0="$app" --otadata nvs
    refused_build "no flash encryption key" "$boot" ota_0="$app" --key "$FLASH_KEY" \
        --efuse "$SHARED/factory.efuse"
    refused_build "" "$boot" ota_0="$app" --size 2MB
    make_image big.bin 1 thermo 0 $((0x1D0000))
    refused_build "" "$boot" ota_0=big.bin
    cp "$boot" large && head -c 40000 /dev/zero >>large
    refused_build "" large ota_0="$app"
    cp "$app" longer && echo more >>longer
    refused_build "5 bytes after the end" "$boot" ota_0=longer
    cp "$SHARED/production.efuse" newer
    "$TRUSTCHAIN" efuse burn newer field SECURE_VERSION 7 --yes
    refused_build "too old" "$boot" ota_0="$app" --efuse newer
    head -c 20000 /dev/urandom >content
    refused_build "does not fit" "$boot" ota_0="$app" --data nvs=content
    head -c 100 content >small
    build -o out --data nvs=small
    cmp -n 100 -i $((0x9000)):0 out small
}

@test "otadata set: the next slot to boot, plain and encrypted" {
    cd "$BATS_TEST_TMPDIR"
    boots() { # FILE OPTION...
        "$TRUSTCHAIN" otadata show "$@" | sed -n 's/^boots *//p'
    }
    set_slot() {
        "$TRUSTCHAIN" otadata set "$@"
    }
    head -c 8192 /dev/zero | tr '\0' '\377' >part
    set_slot part -o part --slot ota_1 --state valid # formats.md 4: seq 2 and its CRC
    label=$(printf 'ff%.0s' {1..20})
    [ "$(bytes part 0 32)" = "02000000${label}020000007437f655" ]
    set_slot part -o next --slot 0 # the VALID record stays
    [ "$(bytes next 0 32)" = "$(bytes part 0 32)" ]
    [ "$(bytes next 4096 32)" = "03000000${label}0000000011504aed" ]
    [ "$(boots next)" = "ota_0 (record 1)" ]
    set_slot next -o next --slot ota_0 --state aborted
    [ "$(boots next)" = "ota_1 (record 0)" ]
    build -o plain
    build -o cipher --key "$FLASH_KEY"
    for options in "" "--key $FLASH_KEY" "--efuse $SHARED/production.efuse"; do
        before=$([ -n "$options" ] && echo cipher || echo plain)
        set_slot $before $options -o after --offset 0xd000 --slot ota_1 --state valid
        [ "$(boots after $options --offset 0xd000)" = "ota_1 (record 0)" ]
        set_slot after $options -o after --offset 0xd000 --slot ota_0
        [ "$(boots after $options --offset 0xd000)" = "ota_0 (record 1)" ]
        cmp -n $((0xd000)) $before after
        cmp -i $((0xf000)) $before after
        [ "$(bytes after $((0xd020)) 16)" = "$(printf 'ff%.0s' {1..16})" ]
    done
    refused 1 "0x2000 bytes" "$TRUSTCHAIN" otadata set part -o out --offset 16 --slot ota_0
    refused 2 "ota_0 to ota_1" "$TRUSTCHAIN" otadata set part -o out --slot ota_2
    refused 2 "ota_0 to ota_1" "$TRUSTCHAIN" otadata set part -o out --slot nvs
    refused 2 "state" "$TRUSTCHAIN" otadata set part -o out --slot ota_1 --state good
    refused 2 "needed" "$TRUSTCHAIN" otadata set part --slot ota_1
    patch part 0 "feffffff${label}02000000$(python3 -c '
import zlib
print((zlib.crc32(b"\xfe\xff\xff\xff", 0xFFFFFFFF) & 0xFFFFFFFF).to_bytes(4, "little").hex())')"
    refused 1 "used up" "$TRUSTCHAIN" otadata set part -o out --slot ota_1
}

@test "partition show: the table in a flash dump, plain and encrypted" {
    cd "$BATS_TEST_TMPDIR"
    "$TRUSTCHAIN" partition build "$PROJECT/partitions.csv" -o table
    "$TRUSTCHAIN" partition show table >expected
    build -o plain
    build -o cipher --key "$FLASH_KEY"
    "$TRUSTCHAIN" partition show plain | cmp - expected
    "$TRUSTCHAIN" partition show cipher --key "$FLASH_KEY" | cmp - expected
    "$TRUSTCHAIN" partition show cipher --efuse "$SHARED/production.efuse" | cmp - expected
    refused 1 "if it is encrypted" "$TRUSTCHAIN" partition show cipher
    "$TRUSTCHAIN" key new wrong --type xts128
    refused 1 "right key" "$TRUSTCHAIN" partition show cipher --key wrong
    refused 1 "too short" "$TRUSTCHAIN" partition show table --key "$FLASH_KEY"
    refused 2 "flash-size" "$TRUSTCHAIN" partition show plain --flash-size 4MB
}
