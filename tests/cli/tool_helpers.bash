# What the bats files of the offline verbs share: a project, an application and a bootloader.

source "${BASH_SOURCE[0]%/*}/release_helpers.bash"

# make_boot_elf OUT: a bootloader: runs from SRAM, has no application descriptor
make_boot_elf() {
    cat >"$1.S" <<'END'
        .section .iram.text, "ax"
        .globl _start
_start: j _start
        .balign 4
        .section .dram0.data, "aw"
        .ascii "bootloader data "
END
    riscv64-unknown-elf-gcc -march=rv32imac -misa-spec=2.2 -mabi=ilp32 -nostdlib -nostartfiles \
        -Wl,--build-id=none -Wl,-e_start -Wl,--section-start=.iram.text=0x40870000 \
        -Wl,--section-start=.dram0.data=0x40872000 -o "$1" "$1.S"
}

# The parts of a product in $SHARED: project p with its keys, app.bin, boot.bin and both signed,
# factory and production eFuses.
make_product() {
    export SHARED=$BATS_FILE_TMPDIR
    export PROJECT=$SHARED/p SIGNING_KEY=$SHARED/p/secure_keys/secure_boot_signing_key.pem
    export FLASH_KEY=$SHARED/p/secure_keys/flash_encryption_key.bin
    "$TRUSTCHAIN" init "$PROJECT" --name thermo
    make_image "$SHARED/app.bin" 1.2.3 thermo 2
    make_boot_elf "$SHARED/boot.elf"
    "$TRUSTCHAIN" image make "$SHARED/boot.elf" -o "$SHARED/boot.bin"
    "$TRUSTCHAIN" sign "$SHARED/app.bin" -o "$SHARED/app.signed" --key "$SIGNING_KEY"
    "$TRUSTCHAIN" sign "$SHARED/boot.bin" -o "$SHARED/boot.signed" --key "$SIGNING_KEY"
    "$TRUSTCHAIN" efuse new "$SHARED/factory.efuse" --mac 60:55:f9:f7:2c:a2 --rev 1
    cp "$SHARED/factory.efuse" "$SHARED/production.efuse"
    "$TRUSTCHAIN" efuse burn "$SHARED/production.efuse" release --yes \
        --signing-key "$SIGNING_KEY" --flash-key "$FLASH_KEY"
}

# All there is in the test's folder, but for what bats keeps there.
test_files() {
    find "$BATS_TEST_TMPDIR" ! -name 'separate-stderr-*' | sort
}

# refused STATUS PATTERN COMMAND...: that exit status, nothing on stdout, one line on stderr with
# PATTERN, and no new file in the test's folder, hidden ones included
refused() {
    local expected=$1 pattern=$2 before
    shift 2
    before=$(test_files)
    run --separate-stderr "$@"
    echo "$* -> $status: $stderr"
    [ "$status" -eq "$expected" ]
    [ -z "$output" ]
    [ "$(wc -l <<<"$stderr")" -eq 1 ]
    [[ "$stderr" == "trustchain: "*$pattern* ]]
    [ "$(test_files)" = "$before" ]
}

# every_verb: the words of each verb that does the work itself, one a line. What is below a verb is
# found by asking, not by how --help looks: only a name that is a verb answers with its own usage.
every_verb() { # WORD...
    local word found=""
    for word in $("$TRUSTCHAIN" "$@" --help | grep -o '^  [a-z][a-z0-9]*  ' | sort -u); do
        "$TRUSTCHAIN" "$@" "$word" --usage >/dev/null 2>&1 </dev/null || continue
        found=1
        every_verb "$@" "$word"
    done
    [ -n "$found" ] || echo "$*"
}

# bytes FILE OFFSET COUNT: as hex
bytes() {
    xxd -p -s "$2" -l "$3" -c 256 "$1"
}

# patch FILE OFFSET HEX: overwrites bytes in place
patch() {
    xxd -r -p <<<"$3" | dd of="$1" bs=1 seek="$(($2))" conv=notrunc status=none
}

# repair_block_crc FILE OFFSET: the CRC-32 of a signature block, after it was changed
repair_block_crc() {
    python3 -c '
import sys, zlib
with open(sys.argv[1], "r+b") as file:
    file.seek(int(sys.argv[2]))
    block = file.read(1196)
    file.write(zlib.crc32(block).to_bytes(4, "little"))' "$1" "$2"
}
