# A trial of the example application on the virtual chip: what its self-test sees.

bats_require_minimum_version 1.5.0
load tool_helpers

DEVICE=${TRUSTCHAIN_DEVICE_BUILD:-$BATS_TEST_DIRNAME/../../build/device}

# firmware VERSION: $BATS_TEST_TMPDIR/VERSION.elf
firmware() {
    "$BATS_TEST_DIRNAME/../../device/app/build-firmware" --device-build "$DEVICE" \
        --ca "$PROJECT/pki/ca_cert.pem" --url https://10.0.2.2:8443 --product thermo \
        --version "$1" --out "$BATS_TEST_TMPDIR/$1.elf"
}

# Two records of otadata (formats.md 4): slot 0 VALID, slot 1 NEW.
put_records() { # FLASH
    local label
    label=$(printf 'ff%.0s' {1..20})
    patch "$1" 0xd000 "01000000${label}020000009a984347"
    patch "$1" 0xe000 "02000000${label}000000007437f655"
}

@test "an image whose pinned authority is unusable is given up by itself" {
    make_product
    cd "$BATS_TEST_TMPDIR"
    firmware 1.0.0
    firmware 1.1.0
    openssl x509 -in "$PROJECT/pki/ca_cert.pem" -outform DER -out ca.der
    python3 - <<'END'
elf, ca = open("1.1.0.elf", "rb").read(), open("ca.der", "rb").read()
assert elf.count(ca) == 1
open("1.1.0.elf", "wb").write(elf.replace(ca, b"\x31" + ca[1:]))
END
    for name in 1.0.0 1.1.0; do
        "$TRUSTCHAIN" image make $name.elf -o $name.bin --secure-pad-v2
        "$TRUSTCHAIN" sign $name.bin -o $name.signed --key "$SIGNING_KEY"
    done
    "$TRUSTCHAIN" image make "$DEVICE/boot.elf" -o loader.bin
    "$TRUSTCHAIN" flash build -o flash --size 4MB --partitions "$PROJECT/partitions.csv" \
        --bootloader loader.bin --app ota_0=1.0.0.signed --app ota_1=1.1.0.signed
    put_records flash
    "$TRUSTCHAIN" chip run --flash flash --efuse "$SHARED/factory.efuse" --seconds 30 \
        --log log --until "trustchain app 1.0.0" </dev/null
    grep -q "trustchain app 1.1.0, slot ota_1" log
    grep -q "self-test failed: the pinned authority cannot be used" log
    [ "$(bytes flash $((0xe018)) 4)" = 03000000 ] # INVALID: not tried again
}
