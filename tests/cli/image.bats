# image info: what a chip would fail on, and why; files that are no images.

bats_require_minimum_version 1.5.0
load tool_helpers

setup_file() {
    make_product
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# finds STATUS PATTERN [OPTION...]: `image info image` has that exit status and a line with PATTERN
finds() {
    local expected=$1 pattern=$2
    shift 2
    run --separate-stderr "$TRUSTCHAIN" image info image "$@"
    echo "$output$stderr"
    [ "$status" -eq "$expected" ]
    [ -z "$stderr" ]
    [[ "$output" == *"$pattern"* ]]
}

# patched OFFSET HEX: `image` is the application with these bytes
patched() {
    cp "$SHARED/app.bin" image
    patch image "$1" "$2"
}

@test "why: chip, revision, memory, alignment, overlap, entry, checksum, digest" {
    patched 12 0900
    finds 1 "fails       chip: is for chip id 0x0009, an ESP32-C6 has 0x000d"
    patched 15 6500
    finds 1 "fails       revision: needs chip revision v1.1 or later, this one is v0.0"
    finds 1 "this one is v0.1" --efuse "$SHARED/factory.efuse"
    run "$TRUSTCHAIN" image info image --chip-rev 101
    [[ "$output" != *revision:* ]]
    patched 17 6300
    finds 1 "is for chip revisions up to v0.99, this one is v2.0" --chip-rev 200
    patched 24 20000060
    finds 1 "fails       memory: segment 0: 0x60000020 and "
    patched 24 24000042
    finds 1 "fails       alignment: segment 0: load address 0x42000024 and file offset 0x20"
    patched 24 2000fb42
    finds 1 "above 0x42c00000 the bootloader maps"
    patched 4 00000040
    finds 1 "fails       entry: entry point 0x40000000 lies in no loaded segment"
    patched 0x130 ff
    finds 1 "fails       checksum: the byte at 0x"
    [[ "$output" == *"fails       digest: the SHA-256 at 0x"* ]]
    patched 23 00
    finds 0 "note        digest: no SHA-256 is appended"
    cp "$SHARED/app.bin" image
    finds 0 "  digest      ok"
    [[ "$output" != *fails* && "$output" != *note* ]]
}

@test "why: segments that overlap, and where the bootloader stands" {
    cat >two.S <<'END'
        .section .iram.text, "ax"
        .globl _start
_start: .fill 64, 1, 0x13
        .section .dram0.data, "aw"
        .fill 64, 1, 3
END
    riscv64-unknown-elf-gcc -march=rv32imac -misa-spec=2.2 -mabi=ilp32 -nostdlib -nostartfiles \
        -Wl,--build-id=none -Wl,-e_start -Wl,--section-start=.iram.text=0x40870000 \
        -Wl,--section-start=.dram0.data=0x40872000 -o two.elf two.S
    "$TRUSTCHAIN" image make two.elf -o image
    [ "$(bytes image 96 4)" = 00208740 ]
    patch image 96 20008740
    finds 1 "fails       overlap: segments 0 and 1 claim the same memory"
    patch image 96 f0c58740
    finds 1 "fails       memory: segment 1: ends at 0x4087c630, above 0x4087c610 the ROM stands"
    patch image 96 00000042
    finds 1 "0x42000000 is for applications, a bootloader runs from HP SRAM (an application's"
}

@test "why: slot, flash size, secure version, descriptor" {
    cp "$SHARED/app.bin" image
    size=$(stat -c %s image)
    finds 1 "fails       slot: takes $size bytes, the slot has $((size - 1))" \
        --slot-size $((size - 1))
    finds 0 "app" --slot-size "$size"
    finds 1 "fails       flash size: the header says 4MB, the chip has 2MB" --flash-size 2MB
    finds 0 "note        flash size: the header says 4MB: the rest of 8MB stays" --flash-size 8MB
    finds 1 "fails       secure version: is 2, the device accepts 3 or later" --min-secure-version 3
    cp "$SHARED/factory.efuse" device
    "$TRUSTCHAIN" efuse burn device field SECURE_VERSION 7 --yes
    finds 1 "is 2, the device accepts 3 or later" --efuse device
    patched 3 50
    finds 1 "the header's code 5 is none an ESP32-C6 knows"
    patched 32 00
    finds 1 "descriptor, 0xabcd5432 at offset 0x20, is missing"
}

@test "an application for MMU pages of 32 KB: signed, verified, flashed, and whom it is not for" {
    make_image app 1.2.3 thermo 0 64 15
    cp app image
    finds 0 "note        mmu page: built for 32 KB MMU pages: not for Trustchain's bootloader"
    [[ "$output" != *fails* ]]
    "$TRUSTCHAIN" sign app -o signed --key "$SIGNING_KEY"
    run -0 "$TRUSTCHAIN" verify signed --key "$SIGNING_KEY"
    [ "$output" = "signed: accepted: app thermo 1.2.3, secure version 0" ]
    sed '/^nvs_keys/d' "$PROJECT/partitions.csv" >table.csv
    "$TRUSTCHAIN" flash build --partitions table.csv --bootloader "$SHARED/boot.signed" \
        --app ota_0=signed -o flash
    "$TRUSTCHAIN" flash map flash | grep "ota_0            app thermo 1.2.3"
    patch image 212 10 # it says 64 KB: then its second segment is where no such page has it
    finds 1 "fails       alignment: segment 2: load address 0x42400020 and file offset 0x8020"
    refused 1 "an offset or size is not aligned" "$TRUSTCHAIN" sign image -o no --key "$SIGNING_KEY"
    patch image 212 00 # it says nothing: what its segments suit
    finds 1 "mmu page: built for 32 KB MMU pages"
    [[ "$output" != *alignment* ]]
    patch image 212 0e # 16 KB: their window ends at 4 MB
    finds 1 "fails       memory: segment 2: ends at 0x"
    [[ "$output" == *"behind the window of 16 KB MMU pages"* ]]
}

@test "why: signatures as the eFuses have it: revoked, unknown, none, misplaced, changed" {
    "$TRUSTCHAIN" key new other.pem
    cp "$SHARED/app.signed" image
    finds 0 "RSA-3072 by key" --efuse "$SHARED/production.efuse"
    finds 0 "note        padding: the last MMU page" --efuse "$SHARED/production.efuse"
    "$TRUSTCHAIN" sign "$SHARED/app.bin" -o image --key other.pem
    finds 1 "fails       signature: block 0: the device does not know its key" \
        --efuse "$SHARED/production.efuse"
    cp "$SHARED/production.efuse" device
    cp "$SHARED/app.signed" image
    "$TRUSTCHAIN" efuse show device | grep SECURE_BOOT_KEY_REVOKE
    "$TRUSTCHAIN" efuse burn device field SECURE_BOOT_KEY_REVOKE0 1 --yes
    finds 1 "fails       signature: block 0: its key has digest slot 0, which is revoked" \
        --efuse device
    cp "$SHARED/app.bin" image
    finds 0 "signature   none"
    finds 1 "fails       signature: there is none at 0x" --efuse "$SHARED/production.efuse"
    sector=$(($(stat -c %s "$SHARED/app.signed") - 4096))
    { head -c $sector "$SHARED/app.signed"; head -c 16 /dev/zero
        tail -c 4096 "$SHARED/app.signed"; } >image
    finds 1 "a signature sector lies at 0x$(printf %x $((sector + 16))), devices look at 0x$(
        printf %x $sector)"
    { cat "$SHARED/app.bin"; head -c 5000 /dev/zero; } >image
    finds 0 "note        length: 5000 bytes follow the image"
    cp "$SHARED/app.signed" image
    patch image $((sector - 1)) 00
    finds 1 "fails       signature: " --efuse "$SHARED/production.efuse"
}

@test "why: the same in JSON, and from stdin" {
    patched 12 0900
    run "$TRUSTCHAIN" image info - --json <image
    [ "$status" -eq 1 ]
    echo "$output" >json
    python3 - <<'END'
import json
info = json.load(open("json"))
assert info["file"] == "stdin"
assert info["findings"][0] == {"check": "chip", "fails": True,
                               "why": "is for chip id 0x0009, an ESP32-C6 has 0x000d"}
assert info["checks"]["target"] != "ok"
END
    [ "$("$TRUSTCHAIN" image info "$SHARED/app.bin" --json |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["findings"])')" = "[]" ]
}

@test "signature blocks are named with their curve" {
    (umask 077; openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime192v1 -out p192.pem)
    "$TRUSTCHAIN" key new p256.pem --type ecdsa-p256
    "$TRUSTCHAIN" sign "$SHARED/app.bin" -o image --key p256.pem
    finds 0 "signature   ECDSA P-256 by key $("$TRUSTCHAIN" key digest p256.pem): ok"
    "$TRUSTCHAIN" sign "$SHARED/app.bin" --digest-only -o digest
    openssl pkeyutl -sign -inkey p192.pem -in digest -out p192.sig
    "$TRUSTCHAIN" sign "$SHARED/app.bin" -o image --public-key p192.pem --signature p192.sig
    finds 0 "signature   ECDSA P-192 by key $("$TRUSTCHAIN" key digest p192.pem): ok"
}

@test "no image: ELF, cut off, encrypted, something else" {
    info() { echo "$TRUSTCHAIN" image info "$1"; }
    head -c 200 "$SHARED/app.bin" >cut
    refused 1 "cut: ends after 200 bytes, before the image does" $(info cut)
    refused 1 "is an ELF file (trustchain image make" $(info "$SHARED/app.bin.elf")
    "$TRUSTCHAIN" encrypt "$SHARED/app.signed" -o secret --key "$FLASH_KEY" --offset 0x20000
    refused 1 "looks encrypted (trustchain decrypt" $(info secret)
    head -c 8192 /dev/zero >zero
    refused 1 "zero: is no ESP32-C6 image: not this kind of data" $(info zero)
    "$TRUSTCHAIN" decrypt secret -o - --key "$FLASH_KEY" --offset 0x20000 |
        "$TRUSTCHAIN" image info - | grep "thermo 1.2.3"
}
