# Signing keys of every kind: ECDSA.

bats_require_minimum_version 1.5.0
load tool_helpers

setup_file() {
    make_product
    cd "$SHARED"
    for i in 1 2 3; do "$TRUSTCHAIN" key new ec$i.pem --type ecdsa-p256; done
    "$TRUSTCHAIN" sign app.bin -o ec.signed --key ec1.pem
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# sector_of SIGNED: where its signature sector starts
sector_of() {
    echo $(($(stat -c %s "$1") - 4096))
}

# reversed FILE OFFSET COUNT: the bytes as hex, last one first
reversed() {
    bytes "$@" | fold -w2 | tac | tr -d '\n'
}

# der_integer HEX: an ASN.1 INTEGER of a positive number
der_integer() {
    local hex=$1
    while [[ $hex == 00* ]]; do hex=${hex:2}; done
    [[ $hex == [89a-f]* ]] && hex=00$hex
    printf '02%02x%s' $((${#hex} / 2)) "$hex"
}

@test "ECDSA: key, digest, sign, verify; bootloaders too" {
    [ "$(stat -c %a "$SHARED/ec1.pem")" = 600 ]
    openssl pkey -in "$SHARED/ec1.pem" -noout -text | grep -q prime256v1
    sector=$(sector_of "$SHARED/ec.signed")
    [ "$(bytes "$SHARED/ec.signed" $sector 4)" = e7030000 ]
    [ "$(bytes "$SHARED/ec.signed" $((sector + 36)) 1)" = 02 ]
    [ "$(bytes "$SHARED/ec.signed" $((sector + 1216)) 4)" = ffffffff ]
    digest=$("$TRUSTCHAIN" key digest "$SHARED/ec1.pem")
    [ "$digest" = "$(tail -c +$((sector + 37)) "$SHARED/ec.signed" | head -c 65 |
        sha256sum | cut -d' ' -f1)" ]
    "$TRUSTCHAIN" verify "$SHARED/ec.signed" --key "$SHARED/ec1.pem"
    "$TRUSTCHAIN" verify "$SHARED/ec.signed" --digest "$digest"
    refused 1 "not by a trusted key" "$TRUSTCHAIN" verify "$SHARED/ec.signed" --key "$SHARED/ec2.pem"
    "$TRUSTCHAIN" key public "$SHARED/ec1.pem" -o public.pem
    "$TRUSTCHAIN" sign "$SHARED/boot.bin" -o boot.signed --key "$SHARED/ec1.pem"
    "$TRUSTCHAIN" verify boot.signed --key public.pem
    patch boot.signed $(($(sector_of boot.signed) + 110)) 5a5a5a
    repair_block_crc boot.signed $(sector_of boot.signed)
    refused 1 "signature" "$TRUSTCHAIN" verify boot.signed --key public.pem
}

@test "ECDSA: openssl finds the signature good" {
    signed=$SHARED/ec.signed sector=$(sector_of "$SHARED/ec.signed")
    r=$(der_integer "$(reversed "$signed" $((sector + 101)) 32)")
    s=$(der_integer "$(reversed "$signed" $((sector + 133)) 32)")
    xxd -r -p <<<"30$(printf %02x $(((${#r} + ${#s}) / 2)))$r$s" >signature.der
    head -c "$sector" "$signed" | openssl dgst -sha256 -binary >digest
    "$TRUSTCHAIN" key public "$SHARED/ec1.pem" -o public.pem
    openssl pkeyutl -verify -pubin -inkey public.pem -sigfile signature.der -in digest
    "$TRUSTCHAIN" key public "$SHARED/ec2.pem" -o other.pem
    run ! openssl pkeyutl -verify -pubin -inkey other.pem -sigfile signature.der -in digest
}

@test "ECDSA: three keys; a sector holds one scheme" {
    "$TRUSTCHAIN" sign "$SHARED/ec.signed" -o three --append --key "$SHARED/ec2.pem" \
        --key "$SHARED/ec3.pem"
    for i in 1 2 3; do "$TRUSTCHAIN" verify three --key "$SHARED/ec$i.pem"; done
    refused 1 "another scheme" "$TRUSTCHAIN" sign "$SHARED/ec.signed" -o out --append \
        --key "$SIGNING_KEY"
    refused 1 "another scheme" "$TRUSTCHAIN" sign "$SHARED/app.signed" -o out --append \
        --key "$SHARED/ec1.pem"
    refused 1 "another scheme" "$TRUSTCHAIN" sign "$SHARED/app.bin" -o out --key "$SIGNING_KEY" \
        --key "$SHARED/ec1.pem"
}

@test "ECDSA: eFuses that hold the digest accept, also a P-192 key's" {
    cp "$SHARED/factory.efuse" device.efuse
    "$TRUSTCHAIN" efuse burn device.efuse release --yes --signing-key "$SHARED/ec1.pem" \
        --flash-key "$FLASH_KEY"
    "$TRUSTCHAIN" verify "$SHARED/ec.signed" --efuse device.efuse
    refused 1 "not by a trusted key" "$TRUSTCHAIN" verify "$SHARED/app.signed" --efuse device.efuse
    (umask 077; openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime192v1 -out p192.pem)
    [ "$("$TRUSTCHAIN" key digest p192.pem | tr -d '\n' | wc -c)" -eq 64 ]
}
