# The offline verbs on a product: init, key, pki, image, sign, verify, encrypt, decrypt.

bats_require_minimum_version 1.5.0
load tool_helpers

setup_file() {
    make_product
}

@test "init: folders, modes, settings and an ignore file" {
    [ "$(stat -c %a "$PROJECT/secure_keys")" = 700 ]
    for secret in secure_keys/secure_boot_signing_key.pem secure_keys/flash_encryption_key.bin \
        pki/ca_key.pem pki/server_key.pem; do
        [ "$(stat -c %a "$PROJECT/$secret")" = 600 ]
    done
    [ "$(stat -c %s "$FLASH_KEY")" = 32 ]
    [ -d "$PROJECT/releases" ]
    grep -q '^name = thermo$' "$PROJECT/trustchain.ini"
    cd "$PROJECT"
    git init -q .
    run git status --porcelain --untracked-files=all
    [[ "$output" != *secure_keys* && "$output" != *_key.pem* ]]
    [[ "$output" == *partitions.csv* ]]
    rm -rf .git
}

@test "init: the server certificate holds for every address of the server" {
    "$TRUSTCHAIN" init "$BATS_TEST_TMPDIR/x" --url https://updates.example.com:9000 --no-keys
    [ ! -e "$BATS_TEST_TMPDIR/x/secure_keys" ]
    cd "$BATS_TEST_TMPDIR/x/pki"
    for host in localhost updates.example.com; do
        openssl verify -x509_strict -purpose sslserver -verify_hostname $host \
            -CAfile ca_cert.pem server_cert.pem
    done
    for ip in 127.0.0.1 10.0.2.2; do
        openssl verify -x509_strict -verify_ip $ip -CAfile ca_cert.pem server_cert.pem
    done
    run ! openssl verify -x509_strict -verify_hostname example.com -CAfile ca_cert.pem \
        server_cert.pem
}

@test "init: partition tables for every flash size fit and are valid" {
    for size in 2MB 4MB 8MB 16MB; do
        "$TRUSTCHAIN" init "$BATS_TEST_TMPDIR/$size" --name x --no-keys --no-pki --flash-size $size
        "$TRUSTCHAIN" partition build "$BATS_TEST_TMPDIR/$size/partitions.csv" \
            --flash-size $size -o "$BATS_TEST_TMPDIR/table"
        run "$TRUSTCHAIN" partition show "$BATS_TEST_TMPDIR/table"
        [[ "$output" == *ota_0,app,ota_0,0x20000,*,encrypted*ota_1,app,ota_1,* ]]
    done
    refused 2 "at least 2MB" "$TRUSTCHAIN" init "$BATS_TEST_TMPDIR/no" --flash-size 1MB
}

@test "init: a folder that holds something is left as it is" {
    mkdir "$BATS_TEST_TMPDIR/full" "$BATS_TEST_TMPDIR/empty"
    touch "$BATS_TEST_TMPDIR/full/file"
    refused 1 "not empty" "$TRUSTCHAIN" init "$BATS_TEST_TMPDIR/full"
    refused 1 "not empty" "$TRUSTCHAIN" init "$PROJECT"
    "$TRUSTCHAIN" init "$BATS_TEST_TMPDIR/empty" --no-keys --no-pki
    [ -f "$BATS_TEST_TMPDIR/empty/trustchain.ini" ]
}

@test "init: names and URLs that would break other things are usage errors" {
    for url in http://h:1 https:// ftp://x "https://a b" "https://u@h"; do
        refused 2 "--url" "$TRUSTCHAIN" init "$BATS_TEST_TMPDIR/no" --url "$url"
    done
    for name in "" ../x "a b" .hidden "$(printf 'n%.0s' {1..32})"; do
        refused 2 "--name" "$TRUSTCHAIN" init "$BATS_TEST_TMPDIR/no" --name "$name"
    done
}

@test "key: digest is SHA-256 of the key as the signature block stores it" {
    size=$(stat -c %s "$SHARED/app.signed")
    dd if="$SHARED/app.signed" bs=1 skip=$((size - 4096 + 36)) count=776 status=none \
        of="$BATS_TEST_TMPDIR/key"
    expected=$(sha256_of "$BATS_TEST_TMPDIR/key")
    [ "$("$TRUSTCHAIN" key digest "$SIGNING_KEY")" = "$expected" ]
    "$TRUSTCHAIN" key public "$SIGNING_KEY" -o "$BATS_TEST_TMPDIR/pub.pem"
    [ "$("$TRUSTCHAIN" key digest "$BATS_TEST_TMPDIR/pub.pem")" = "$expected" ]
    "$TRUSTCHAIN" key digest "$SIGNING_KEY" -o "$BATS_TEST_TMPDIR/digest"
    [ "$(bytes "$BATS_TEST_TMPDIR/digest" 0 64)" = "$expected" ]
    openssl pkey -pubin -in "$BATS_TEST_TMPDIR/pub.pem" -noout
    [ "$("$TRUSTCHAIN" key public "$SIGNING_KEY")" = "$(cat "$BATS_TEST_TMPDIR/pub.pem")" ]
}

@test "key new: private, never replacing" {
    "$TRUSTCHAIN" key new "$BATS_TEST_TMPDIR/k.bin" --type xts128
    [ "$(stat -c '%s %a' "$BATS_TEST_TMPDIR/k.bin")" = "32 600" ]
    before=$(sha256_of "$BATS_TEST_TMPDIR/k.bin")
    refused 1 "exists already" "$TRUSTCHAIN" key new "$BATS_TEST_TMPDIR/k.bin" --type xts128
    refused 1 "exists already" "$TRUSTCHAIN" key new "$BATS_TEST_TMPDIR/k.bin"
    [ "$(sha256_of "$BATS_TEST_TMPDIR/k.bin")" = "$before" ]
    refused 2 "--type" "$TRUSTCHAIN" key new "$BATS_TEST_TMPDIR/x" --type des
}

@test "pki: a CA and a server certificate of their own" {
    cd "$BATS_TEST_TMPDIR"
    "$TRUSTCHAIN" pki ca pki --name "my CA" --days 100
    "$TRUSTCHAIN" pki server --ca-cert pki/ca_cert.pem --ca-key pki/ca_key.pem --name a.example \
        --ip 192.0.2.7 --cert s.pem --key-out s.key
    openssl verify -x509_strict -purpose sslserver -verify_ip 192.0.2.7 -CAfile pki/ca_cert.pem s.pem
    [ "$(openssl x509 -in pki/ca_cert.pem -noout -subject)" = "subject=CN = my CA" ]
    [ "$(stat -c %a s.key)" = 600 ]
    refused 1 "exists already" "$TRUSTCHAIN" pki ca pki
    refused 2 "--name" "$TRUSTCHAIN" pki server pki
    refused 1 "not a host name" "$TRUSTCHAIN" pki server pki --name "a,DNS:b"
}

@test "image info: an application in words and JSON" {
    run "$TRUSTCHAIN" image info "$SHARED/app.signed"
    [ "$status" -eq 0 ]
    [[ "$output" == *"app         thermo 1.2.3, secure version 2"* ]]
    [[ "$output" == *"RSA-3072 by key $("$TRUSTCHAIN" key digest "$SIGNING_KEY"): ok"* ]]
    "$TRUSTCHAIN" image info "$SHARED/app.signed" --json >"$BATS_TEST_TMPDIR/info"
    [ "$(field '["app"]["version"]' <"$BATS_TEST_TMPDIR/info")" = 1.2.3 ]
    [ "$(field '["checks"]["digest"]' <"$BATS_TEST_TMPDIR/info")" = ok ]
    [ "$(field '["app"]["elf_sha256"]' <"$BATS_TEST_TMPDIR/info")" = \
        "$(sha256_of "$SHARED/app.bin.elf")" ]
    [ "$(field '["segments"][0]["memory"]' <"$BATS_TEST_TMPDIR/info")" = flash ]
    [ "$("$TRUSTCHAIN" image info "$SHARED/boot.bin" --json | field '["kind"]')" = bootloader ]
}

@test "image info: a bootloader's descriptor" {
    [[ "$("$TRUSTCHAIN" image info "$SHARED/boot.bin")" != *"bootloader  version"* ]] # has none
    cd "$BATS_TEST_TMPDIR"
    cat >boot.S <<'END'
        .section .dram0.bootdesc, "aw"
        .byte 0x50, 0, 0, 3
        .word 7
        .ascii "ours"
        .zero 68
        .section .iram.text, "ax"
        .globl _start
_start: j _start
        .balign 4
END
    riscv64-unknown-elf-gcc -march=rv32imac -misa-spec=2.2 -mabi=ilp32 -nostdlib -nostartfiles \
        -Wl,--build-id=none -Wl,-e_start -Wl,--section-start=.dram0.bootdesc=0x40870000 \
        -Wl,--section-start=.iram.text=0x40872000 -o boot.elf boot.S
    "$TRUSTCHAIN" image make boot.elf -o boot.bin
    run "$TRUSTCHAIN" image info boot.bin
    [ "$status" -eq 0 ]
    [[ "$output" == *"bootloader  version 7, secure version 3, ours"* ]]
    "$TRUSTCHAIN" image info boot.bin --json >info
    [ "$(field '["bootloader"]["idf_version"]' <info)" = ours ]
    [ "$(field '["bootloader"]["secure_version"]' <info)" = 3 ]
}

@test "image info: says which check a chip would fail" {
    check() { # OFFSET HEX FIELD
        cp "$SHARED/app.bin" "$BATS_TEST_TMPDIR/bad"
        patch "$BATS_TEST_TMPDIR/bad" "$1" "$2"
        run "$TRUSTCHAIN" image info "$BATS_TEST_TMPDIR/bad" --json
        [ "$status" -eq 1 ]
        [ "$(field "['checks']['$3']" <<<"$output")" != ok ]
    }
    check 12 0000 target     # ESP32
    check 15 6300 target     # a newer chip only
    check 0x130 ff checksum  # segment data
    check 8 00 digest        # header byte outside the checksum
    run "$TRUSTCHAIN" image info "$SHARED/app.bin" --chip-rev 65535
    [ "$status" -eq 0 ]
}

@test "image info and verify: text from an image cannot steer a terminal or break the JSON" {
    cd "$BATS_TEST_TMPDIR"
    sed 's/text32 "1.2.3"/text32 "1\\033[2J\\377"/' "$SHARED/app.bin.elf.S" >odd.S
    grep -q '033' odd.S
    riscv64-unknown-elf-gcc -march=rv32imac -misa-spec=2.2 -mabi=ilp32 -nostdlib -nostartfiles \
        -Wl,--build-id=none -Wl,-e_start -Wl,--section-start=.flash.appdesc=0x42000020 \
        -Wl,--section-start=.flash.rodata=0x42000120 \
        -Wl,--section-start=.flash.text=0x42400020 -o odd.elf odd.S
    "$TRUSTCHAIN" image make odd.elf -o odd.bin
    "$TRUSTCHAIN" sign odd.bin -o odd.signed --key "$SIGNING_KEY"
    [[ "$("$TRUSTCHAIN" image info odd.signed)" == *"thermo 1?[2J?,"* ]]
    [[ "$("$TRUSTCHAIN" verify odd.signed --key "$SIGNING_KEY")" == *"thermo 1?[2J?,"* ]]
    [ "$("$TRUSTCHAIN" image info odd.signed --json | field '["app"]["version"]')" = '1?[2J?' ]
    [ "$("$TRUSTCHAIN" verify odd.signed --key "$SIGNING_KEY" --json |
        field '["app"]["version"]')" = '1?[2J?' ]
    cp odd.signed $'na\xffme'
    [ "$("$TRUSTCHAIN" image info $'na\xffme' --json | field '["file"]')" = 'na?me' ]
}

@test "image make: options reach the header, the secure pad ends a page" {
    "$TRUSTCHAIN" image make "$SHARED/app.bin.elf" -o "$BATS_TEST_TMPDIR/a" --secure-pad-v2 \
        --flash-mode qio --flash-freq 20m --flash-size 8MB --min-rev-full 1 --max-rev-full 99
    [ "$(bytes "$BATS_TEST_TMPDIR/a" 2 2)" = 0032 ]
    [ "$(bytes "$BATS_TEST_TMPDIR/a" 15 4)" = 01006300 ]
    [ $(($(stat -c %s "$BATS_TEST_TMPDIR/a") % 65536)) -eq 0 ]
    refused 2 "--flash-mode" "$TRUSTCHAIN" image make "$SHARED/app.bin.elf" -o x --flash-mode spi
}

@test "sign: layout, and the verdict of verify by key, digest and eFuses" {
    unsigned=$(stat -c %s "$SHARED/app.bin")
    signed=$(stat -c %s "$SHARED/app.signed")
    sector=$(((unsigned + 4095) / 4096 * 4096))
    [ "$signed" -eq $((sector + 4096)) ]
    cmp -n "$unsigned" "$SHARED/app.bin" "$SHARED/app.signed"
    [ "$(bytes "$SHARED/app.signed" $sector 4)" = e7020000 ]
    [ "$(bytes "$SHARED/app.signed" $((sector + 1216)) 4)" = ffffffff ]
    "$TRUSTCHAIN" verify "$SHARED/app.signed" --key "$SIGNING_KEY"
    "$TRUSTCHAIN" verify "$SHARED/app.signed" \
        --digest "$("$TRUSTCHAIN" key digest "$SIGNING_KEY")"
    "$TRUSTCHAIN" verify "$SHARED/app.signed" --efuse "$SHARED/production.efuse"
    "$TRUSTCHAIN" verify "$SHARED/boot.signed" --efuse "$SHARED/production.efuse"
    cat "$SHARED/app.bin" | "$TRUSTCHAIN" sign - -o - --key "$SIGNING_KEY" |
        "$TRUSTCHAIN" verify - --key "$SIGNING_KEY"
}

@test "sign: up to three keys, at once and appended; verify takes any of them" {
    cd "$BATS_TEST_TMPDIR"
    for i in 2 3 4; do "$TRUSTCHAIN" key new k$i.pem; done
    "$TRUSTCHAIN" sign "$SHARED/app.bin" -o two --key "$SIGNING_KEY" --key k2.pem
    "$TRUSTCHAIN" sign two -o three --append --key k3.pem
    for key in "$SIGNING_KEY" k2.pem k3.pem; do "$TRUSTCHAIN" verify three --key "$key"; done
    [ "$("$TRUSTCHAIN" verify three --key k2.pem --json | field '["signatures"][1]["trusted"]')" = True ]
    refused 1 "not by a trusted key" "$TRUSTCHAIN" verify three --key k4.pem
    refused 1 "no room" "$TRUSTCHAIN" sign three -o out --append --key k4.pem
    refused 1 "by this key already" "$TRUSTCHAIN" sign two -o out --append --key k2.pem
    refused 1 "signed already" "$TRUSTCHAIN" sign two -o out --key k3.pem
    refused 1 "not signed yet" "$TRUSTCHAIN" sign "$SHARED/app.bin" -o out --append --key k3.pem
    sector=$(($(stat -c %s two) - 4096))
    patch two $((sector + 900)) 00
    refused 1 "no valid signature" "$TRUSTCHAIN" sign two -o out --append --key k3.pem
    repair_block_crc two $sector
    refused 1 "does not verify" "$TRUSTCHAIN" sign two -o out --append --key k3.pem
}

@test "sign: what no device would run is not signed" {
    cd "$BATS_TEST_TMPDIR"
    for damage in "12 0000" "0x130 ff" "8 00"; do
        cp "$SHARED/app.bin" bad
        patch bad $damage
        refused 1 "no image an ESP32-C6 would run" "$TRUSTCHAIN" sign bad -o out \
            --key "$SIGNING_KEY"
    done
    cp "$SHARED/app.bin" bad
    head -c 5000 /dev/zero >>bad
    refused 1 "after the end" "$TRUSTCHAIN" sign bad -o out --key "$SIGNING_KEY"
}

@test "verify: every refusal of a device, by its reason" {
    cd "$BATS_TEST_TMPDIR"
    sector=$(($(stat -c %s "$SHARED/app.signed") - 4096))
    refused_after() { # PATTERN OFFSET HEX
        cp "$SHARED/app.signed" bad
        patch bad "$2" "$3"
        refused 1 "bad: refused: *$1" "$TRUSTCHAIN" verify bad --key "$SIGNING_KEY"
        rm bad
    }
    refused_after "made for another chip" 12 0000
    refused_after "checksum" 0x130 ff
    refused_after "SHA-256" 8 00
    refused_after "signature" $((sector + 1100)) 00
    refused_after "SHA-256" $((sector - 1)) 00
    refused 1 "refused" "$TRUSTCHAIN" verify "$SHARED/app.bin" --key "$SIGNING_KEY"
    refused 1 "refused" "$TRUSTCHAIN" verify "$SHARED/app.signed" --key "$SIGNING_KEY" \
        --slot-size 8192
    refused 1 "refused" "$TRUSTCHAIN" verify "$SHARED/app.signed" --key "$SIGNING_KEY" \
        --min-secure-version 3
    refused 1 "trusts no signing key" "$TRUSTCHAIN" verify "$SHARED/app.signed" \
        --efuse "$SHARED/factory.efuse"
    run "$TRUSTCHAIN" verify "$SHARED/app.bin" --key "$SIGNING_KEY" --json
    [ "$status" -eq 1 ]
    [ "$(field '["verdict"]' <<<"$output")" = refused ]
}

@test "verify: anti-rollback fuses count" {
    cp "$SHARED/production.efuse" "$BATS_TEST_TMPDIR/e"
    "$TRUSTCHAIN" efuse burn "$BATS_TEST_TMPDIR/e" field SECURE_VERSION 3 --yes
    "$TRUSTCHAIN" verify "$SHARED/app.signed" --efuse "$BATS_TEST_TMPDIR/e"
    "$TRUSTCHAIN" efuse burn "$BATS_TEST_TMPDIR/e" field SECURE_VERSION 7 --yes
    refused 1 "refused" "$TRUSTCHAIN" verify "$SHARED/app.signed" --efuse "$BATS_TEST_TMPDIR/e"
    "$TRUSTCHAIN" verify "$SHARED/boot.signed" --efuse "$BATS_TEST_TMPDIR/e"
}

# flash-encryption.md 1.2, vectors 1 and 3
@test "encrypt and decrypt: the published vectors, both ways" {
    cd "$BATS_TEST_TMPDIR"
    vector() { # KEY OFFSET PLAIN CIPHER
        (umask 077 && xxd -r -p <<<"$1" >key)
        xxd -r -p <<<"$3" >plain
        "$TRUSTCHAIN" encrypt plain -o cipher --key key --offset "$2"
        [ "$(xxd -p -c 256 cipher)" = "$4" ]
        "$TRUSTCHAIN" decrypt - -o - --key key --offset "$2" <cipher | cmp - plain
    }
    vector 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f 0x1000 \
        000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f \
        2755cc2435194803de92960f67cda56154da1a9b073f34201ae66a6aba34a2f3
    vector 0f1e2d3c4b5a69788796a5b4c3d2e1f000112233445566778899aabbccddeeff 0x110070 \
        a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf \
        beb9ef720eb51177456a280e3f17bd651e62fb4422f883d1db47fef336ef894811111390cd8269c0a80137cd2b225312
    cmp <("$TRUSTCHAIN" encrypt "$SHARED/app.signed" -o - --offset 0x20000 --key "$FLASH_KEY") \
        <("$TRUSTCHAIN" encrypt "$SHARED/app.signed" -o - --offset 128K \
            --efuse "$SHARED/production.efuse")
}

@test "encrypt: offsets and lengths of 16, keys of 32 bytes" {
    cd "$BATS_TEST_TMPDIR"
    head -c 20 /dev/urandom >odd
    for size in 16 31 33 64; do (umask 077 && head -c $size /dev/urandom >key$size); done
    refused 1 "multiples of 16" "$TRUSTCHAIN" encrypt odd -o out --key "$FLASH_KEY" --offset 0
    refused 2 "multiple of 16" "$TRUSTCHAIN" encrypt odd -o out --key "$FLASH_KEY" --offset 8
    for size in 16 31 33; do
        refused 1 "is $size bytes" "$TRUSTCHAIN" encrypt "$SHARED/app.bin" -o out \
            --key key$size --offset 0
    done
    refused 1 "XTS-AES-256" "$TRUSTCHAIN" encrypt "$SHARED/app.bin" -o out --key key64 --offset 0
    refused 1 "no flash encryption key" "$TRUSTCHAIN" encrypt "$SHARED/app.bin" -o out \
        --efuse "$SHARED/factory.efuse" --offset 0
    chmod 644 key33
    refused 1 "chmod 600" "$TRUSTCHAIN" encrypt "$SHARED/app.bin" -o out --key key33 --offset 0
    (umask 077 && head -c 32 /dev/urandom >other)
    refused 1 "is not the flash encryption key of" "$TRUSTCHAIN" encrypt "$SHARED/app.bin" \
        -o out --key other --efuse "$SHARED/production.efuse" --offset 0
}
