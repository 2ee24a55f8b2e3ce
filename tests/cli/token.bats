# Signing keys in a PKCS#11 token: SoftHSM2 holds them.

bats_require_minimum_version 1.5.0
load tool_helpers

# import KEY LABEL ID
import() {
    softhsm2-util --import "$1" --token release --label "$2" --id "$3" --pin 1234 >/dev/null
}

setup_file() {
    make_product
    cd "$SHARED"
    export SOFTHSM2_CONF=$SHARED/softhsm.conf
    mkdir tokens
    printf 'directories.tokendir = %s/tokens\nlog.level = ERROR\n' "$SHARED" >"$SOFTHSM2_CONF"
    softhsm2-util --init-token --free --label release --so-pin 12345678 --pin 1234 >/dev/null
    "$TRUSTCHAIN" key new ec.pem --type ecdsa-p256
    import "$SIGNING_KEY" rsa 01
    import ec.pem ec 02
    (umask 077; openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out short.pem) 2>&1
    import short.pem short 03
    (umask 077; echo 1234 >pin; echo 4321 >wrong)
    export MODULE="module-path=/usr/lib/softhsm/libsofthsm2.so"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# uri LABEL
uri() {
    echo "pkcs11:token=release;object=$1?$MODULE"
}

@test "token: RSA-3072 and ECDSA P-256 sign as the key file does" {
    for key in "rsa $SIGNING_KEY" "ec $SHARED/ec.pem"; do
        token=$(uri "${key% *}")
        rm -f out
        TRUSTCHAIN_PIN=1234 "$TRUSTCHAIN" sign "$SHARED/app.bin" -o out --key "$token"
        "$TRUSTCHAIN" verify out --key "${key#* }"
        "$TRUSTCHAIN" sign "$SHARED/boot.bin" -o out --key "$token&pin-source=file:$SHARED/pin"
        "$TRUSTCHAIN" verify out --key "${key#* }"
        "$TRUSTCHAIN" sign "$SHARED/boot.bin" -o out --key "$token" --passphrase-file "$SHARED/pin"
        "$TRUSTCHAIN" verify out --key "${key#* }"
        [ "$(TRUSTCHAIN_PIN=1234 "$TRUSTCHAIN" key digest "$token")" = \
            "$("$TRUSTCHAIN" key digest "${key#* }")" ]
        TRUSTCHAIN_PIN=1234 "$TRUSTCHAIN" key public "$token" -o public.pem
        cmp public.pem <(openssl pkey -in "${key#* }" -pubout)
    done
}

@test "token: many images in one call, the PIN given once" {
    for i in 1 2 3 4 5 6; do cp "$SHARED/app.bin" $i.bin; done
    TRUSTCHAIN_PIN=1234 "$TRUSTCHAIN" sign ./*.bin -o out/ --key "$(uri rsa)"
    "$TRUSTCHAIN" verify out/{1..6}.bin --key "$SIGNING_KEY"
}

@test "token: beside a key file, and the module from the environment" {
    "$TRUSTCHAIN" key new k2.pem
    PKCS11_MODULE_PATH=${MODULE#*=} TRUSTCHAIN_PIN=1234 "$TRUSTCHAIN" sign "$SHARED/app.bin" \
        -o out --key k2.pem --key "pkcs11:token=release;id=%01"
    "$TRUSTCHAIN" verify out --key k2.pem
    "$TRUSTCHAIN" verify out --key "$SIGNING_KEY"
}

@test "token: what cannot be is one line, and writes nothing" {
    # the engine leaves its tables of methods behind when it has loaded no key (libp11 0.4.12)
    export ASAN_OPTIONS=detect_leaks=0
    sign() { # PATTERN URI
        refused 1 "$1" setsid -w "$TRUSTCHAIN" sign "$SHARED/app.bin" -o out --key "$2"
    }
    sign "needs a PIN and there is no terminal" "$(uri rsa)"
    sign "the PIN is wrong" "$(uri rsa)&pin-source=$SHARED/wrong"
    sign "no such private key" "$(uri none)&pin-source=$SHARED/pin"
    sign "is a key of type RSA, 2048 bits" "$(uri short)&pin-source=$SHARED/pin"
    sign "can be read by every user" "$(uri rsa)&pin-value=1234"
    sign "wrong percent-encoding" "$(uri rsa)&pin-source=%2"
    sign "longer than" "$(uri "$(printf %2000s x | tr ' ' x)")"
    sign "cannot be opened" "$(uri rsa)&pin-source=/no/such"
    for module in /no/such "$SHARED/pin"; do
        sign "$module: cannot be loaded" "pkcs11:object=rsa?module-path=$module"
    done
    install -m 644 "$SHARED/pin" open
    sign "open to others" "$(uri rsa)&pin-source=open"
}
