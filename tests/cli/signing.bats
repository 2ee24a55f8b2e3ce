# Signing keys of every kind: ECDSA, under a passphrase; signatures made elsewhere.

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
    refused 1 "not by a trusted key" "$TRUSTCHAIN" verify "$SHARED/ec.signed" \
        --key "$SHARED/ec2.pem"
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

# typed TEXT COMMAND...: runs it on a terminal of its own where somebody types TEXT at each prompt;
# prints what the terminal shows
typed() {
    python3 - "$@" <<'END'
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
shown = b""
while True:
    try:
        piece = os.read(terminal, 1024)
    except OSError:
        break
    if not piece:
        break
    shown += piece
    if piece.rstrip(b" ").endswith(b":"):
        os.write(terminal, sys.argv[1].encode() + b"\n")
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
}

@test "passphrase: made and opened from a file and the environment" {
    (umask 077; echo correct horse >phrase; echo wrong >wrong)
    for type in rsa3072 ecdsa-p256; do
        rm -f locked.pem out
        "$TRUSTCHAIN" key new locked.pem --type $type --protect --passphrase-file phrase
        [ "$(stat -c %a locked.pem)" = 600 ]
        grep -q 'BEGIN ENCRYPTED PRIVATE KEY' locked.pem
        openssl pkey -in locked.pem -passin file:phrase -noout
        refused 1 "does not open" "$TRUSTCHAIN" sign "$SHARED/app.bin" -o out --key locked.pem \
            --passphrase-file wrong
        "$TRUSTCHAIN" key public locked.pem --passphrase-file phrase -o public.pem
        for how in "--passphrase-file phrase" ""; do
            rm -f out
            TRUSTCHAIN_PASSPHRASE="correct horse" "$TRUSTCHAIN" sign "$SHARED/app.bin" -o out \
                --key locked.pem $how
            "$TRUSTCHAIN" verify out --key public.pem
        done
    done
}

@test "passphrase: typed at a terminal, not echoed" {
    python3 -c 'import os; os.openpty()' 2>/dev/null ||
        skip "no pseudo-terminals here (is /dev/pts mounted?)"
    (umask 077; echo correct horse >phrase)
    for type in rsa3072 ecdsa-p256; do
        rm -f locked.pem out
        "$TRUSTCHAIN" key new locked.pem --type $type --protect --passphrase-file phrase
        "$TRUSTCHAIN" key public locked.pem --passphrase-file phrase -o public.pem
        run typed "correct horse" "$TRUSTCHAIN" sign "$SHARED/app.bin" -o out --key locked.pem
        [ "$status" -eq 0 ]
        [[ "$output" == *"passphrase of locked.pem:"* && "$output" != *horse* ]]
        "$TRUSTCHAIN" verify out --key public.pem
        rm -f out
        run typed "battery staple" "$TRUSTCHAIN" sign "$SHARED/app.bin" -o out --key locked.pem
        [ "$status" -eq 1 ]
        [[ "$output" == *"does not open with this passphrase"* && "$output" != *battery* ]]
        [ ! -e out ]
    done
    run typed "correct horse" "$TRUSTCHAIN" key new asked.pem --type ecdsa-p256 --protect
    [ "$status" -eq 0 ]
    [[ "$output" != *horse* ]]
    openssl pkey -in asked.pem -passin file:phrase -noout
}

@test "passphrase: nobody to ask, files open to others, empty ones" {
    (umask 077; echo secret >phrase; : >empty; echo >blank)
    "$TRUSTCHAIN" key new locked.pem --type ecdsa-p256 --protect --passphrase-file phrase
    refused 1 "no terminal to ask on (set TRUSTCHAIN_PASSPHRASE" setsid -w "$TRUSTCHAIN" sign \
        "$SHARED/app.bin" -o out --key locked.pem
    refused 1 "no terminal" setsid -w "$TRUSTCHAIN" key new other.pem --protect
    refused 1 "empty" "$TRUSTCHAIN" key digest locked.pem --passphrase-file empty
    refused 1 "holds no passphrase" "$TRUSTCHAIN" key digest locked.pem --passphrase-file blank
    chmod 644 phrase
    refused 1 "open to others" "$TRUSTCHAIN" sign "$SHARED/app.bin" -o out --key locked.pem \
        --passphrase-file phrase
    refused 2 "--protect is for signing keys" "$TRUSTCHAIN" key new x --type xts128 --protect
}

# What an HSM would do with the 32 bytes in digest: pss KEY OUT, ecdsa KEY OUT
pss() {
    openssl pkeyutl -sign -inkey "$1" -in digest -out "$2" -pkeyopt digest:sha256 \
        -pkeyopt rsa_padding_mode:pss -pkeyopt rsa_pss_saltlen:"${3:-32}"
}

ecdsa() {
    openssl pkeyutl -sign -inkey "$1" -in digest -out "$2"
}

@test "elsewhere: the digest to sign is that of all before the signature sector" {
    sector=$(sector_of "$SHARED/app.signed")
    expected=$(head -c "$sector" "$SHARED/app.signed" | sha256sum | cut -d' ' -f1)
    for image in app.bin app.signed ec.signed; do
        [ "$("$TRUSTCHAIN" sign "$SHARED/$image" --digest-only)" = "$expected" ]
    done
    "$TRUSTCHAIN" sign "$SHARED/app.bin" --digest-only -o digest
    [ "$(bytes digest 0 33)" = "$expected" ]
    refused 1 "is no image" "$TRUSTCHAIN" sign "$SIGNING_KEY" --digest-only
    refused 2 "takes no key" "$TRUSTCHAIN" sign "$SHARED/app.bin" --digest-only --key "$SIGNING_KEY"
}

@test "elsewhere: RSA-PSS and ECDSA signatures become blocks, also appended" {
    "$TRUSTCHAIN" sign "$SHARED/app.bin" --digest-only -o digest
    pss "$SIGNING_KEY" rsa.sig
    "$TRUSTCHAIN" key public "$SIGNING_KEY" -o rsa.pub
    "$TRUSTCHAIN" sign "$SHARED/app.bin" -o out --public-key rsa.pub --signature rsa.sig
    "$TRUSTCHAIN" verify out --key "$SIGNING_KEY"
    [ "$(reversed out $(($(sector_of out) + 812)) 384)" = \
        "$(bytes rsa.sig 0 384 | tr -d '\n')" ]
    "$TRUSTCHAIN" key new k2.pem
    pss k2.pem k2.sig
    "$TRUSTCHAIN" sign out -o both --append --public-key k2.pem --signature k2.sig
    "$TRUSTCHAIN" verify both --key k2.pem
    "$TRUSTCHAIN" verify both --key rsa.pub

    ecdsa "$SHARED/ec1.pem" der.sig
    "$TRUSTCHAIN" sign "$SHARED/app.bin" -o out --public-key "$SHARED/ec1.pem" --signature der.sig
    "$TRUSTCHAIN" verify out --key "$SHARED/ec1.pem"
    sector=$(sector_of out)
    { reversed out $((sector + 101)) 32; reversed out $((sector + 133)) 32; } | xxd -r -p >raw.sig
    "$TRUSTCHAIN" sign "$SHARED/app.bin" -o same --public-key "$SHARED/ec1.pem" --signature raw.sig
    cmp out same
    "$TRUSTCHAIN" sign "$SHARED/app.bin" -o two --key "$SHARED/ec2.pem" \
        --public-key "$SHARED/ec1.pem" --signature der.sig
    for i in 1 2; do "$TRUSTCHAIN" verify two --key "$SHARED/ec$i.pem"; done

    (umask 077; openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime192v1 -out p192.pem)
    ecdsa p192.pem p192.sig
    "$TRUSTCHAIN" sign "$SHARED/app.bin" -o out --public-key p192.pem --signature p192.sig
    "$TRUSTCHAIN" verify out --key p192.pem
}

@test "elsewhere: what does not verify is not written" {
    "$TRUSTCHAIN" sign "$SHARED/app.bin" --digest-only -o digest
    "$TRUSTCHAIN" key public "$SIGNING_KEY" -o rsa.pub
    pss "$SIGNING_KEY" good.sig
    pss "$SIGNING_KEY" salt.sig 20
    ecdsa "$SHARED/ec1.pem" ec.sig
    { cat ec.sig; echo; } >long.sig
    xxd -p -c 1 good.sig | tac | xxd -r -p >little.sig
    head -c 64 /dev/zero >zero.sig
    "$TRUSTCHAIN" sign "$SHARED/boot.bin" --digest-only -o digest
    pss "$SIGNING_KEY" other.sig
    place() { # PUBLIC SIGNATURE
        echo "$TRUSTCHAIN" sign "$SHARED/app.bin" -o out --public-key "$1" --signature "$2"
    }
    for wrong in salt little other; do
        refused 1 "$wrong.sig: its signature does not verify" $(place rsa.pub $wrong.sig)
    done
    refused 1 "ec.sig: is 7" $(place rsa.pub ec.sig)
    refused 1 "good.sig: is no ECDSA signature" $(place "$SHARED/ec1.pem" good.sig)
    refused 1 "long.sig: is no ECDSA signature" $(place "$SHARED/ec1.pem" long.sig)
    refused 1 "zero.sig: its signature does not verify" $(place "$SHARED/ec1.pem" zero.sig)
    refused 1 "ec.sig: its signature does not verify" $(place "$SHARED/ec2.pem" ec.sig)
    refused 1 "no/such" $(place rsa.pub no/such)
    refused 2 "each --public-key needs its --signature" "$TRUSTCHAIN" sign "$SHARED/app.bin" \
        -o out --public-key rsa.pub
    refused 2 "at most three" $(place rsa.pub good.sig) --key a --key b --key c
}
