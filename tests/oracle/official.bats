# Both directions with Espressif's tools, which run.sh puts on the PATH: same bytes, or each accepts
# what the other made.

bats_require_minimum_version 1.5.0
load ../cli/tool_helpers

setup_file() {
    make_product
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# elf2image ELF OUT OPTION...
elf2image() {
    local elf=$1 out=$2
    shift 2
    esptool --chip esp32c6 elf2image --flash-mode dio --flash-size 4MB --flash-freq 80m "$@" \
        -o "$out" "$elf" >/dev/null
}

@test "elf2image: the same bytes for applications and bootloaders" {
    app=$SHARED/app.bin.elf
    elf2image "$app" theirs --elf-sha256-offset 0xb0
    cmp "$SHARED/app.bin" theirs
    elf2image "$app" theirs --elf-sha256-offset 0xb0 --secure-pad-v2
    "$TRUSTCHAIN" image make "$app" -o ours --secure-pad-v2
    cmp ours theirs
    elf2image "$app" theirs --elf-sha256-offset 0xb0 --min-rev-full 1 --max-rev-full 99
    "$TRUSTCHAIN" image make "$app" -o ours --min-rev-full 1 --max-rev-full 99
    cmp ours theirs
    elf2image "$SHARED/boot.elf" theirs
    cmp "$SHARED/boot.bin" theirs
}

@test "elf2image: the same bytes for RAM and flash segments of awkward sizes" {
    cat >mixed.S <<'END'
        .section .flash.appdesc, "a"
        .word 0xABCD5432
        .zero 252
        .section .flash.rodata, "a"
        .zero 4093, 7
        .section .flash.text, "ax"
        .globl _start
_start: j _start
        .section .iram0.text, "ax"
        .zero 70001, 9
        .section .dram0.data, "aw"
        .zero 6, 3
        .section .lp.data, "aw"
        .zero 13, 5
END
    sed -i 's/\.zero \([0-9]*\), \([0-9]\)/.fill \1, 1, \2/' mixed.S
    riscv64-unknown-elf-gcc -march=rv32imac -misa-spec=2.2 -mabi=ilp32 -nostdlib -nostartfiles \
        -Wl,--build-id=none -Wl,-e_start -Wl,--section-start=.flash.appdesc=0x42010020 \
        -Wl,--section-start=.flash.rodata=0x42010120 -Wl,--section-start=.flash.text=0x42000020 \
        -Wl,--section-start=.iram0.text=0x40800000 -Wl,--section-start=.dram0.data=0x40820000 \
        -Wl,--section-start=.lp.data=0x50000000 -o mixed.elf mixed.S
    for pad in "" --secure-pad-v2; do
        elf2image mixed.elf theirs --elf-sha256-offset 0xb0 $pad
        "$TRUSTCHAIN" image make mixed.elf -o ours $pad
        cmp ours theirs
    done
}

# paged ADDRESS LOG2: paged.elf, a descriptor at ADDRESS that records pages of 2^LOG2 bytes
paged() {
    cat >paged.S <<END
        .section .flash.appdesc, "a"
        .word 0xABCD5432
        .zero 176
        .byte $2
        .zero 75
        .section .flash.text, "ax"
        .globl _start
_start: j _start
        .fill 9001, 1, 5
        .section .iram0.text, "ax"
        .fill 30001, 1, 9
END
    riscv64-unknown-elf-gcc -march=rv32imac -misa-spec=2.2 -mabi=ilp32 -nostdlib -nostartfiles \
        -Wl,--build-id=none -Wl,-e_start -Wl,--section-start=.flash.appdesc="$1" \
        -Wl,--section-start=.flash.text=0x42040020 -Wl,--section-start=.iram0.text=0x40800000 \
        -o paged.elf paged.S
}

@test "elf2image: the same bytes for every MMU page size, named, recorded or by address" {
    paged 0x42010020 0
    for size in 8KB 16KB 32KB 64KB; do
        for pad in "" --secure-pad-v2; do
            elf2image paged.elf theirs --elf-sha256-offset 0xb0 --flash-mmu-page-size $size $pad
            "$TRUSTCHAIN" image make paged.elf -o ours --mmu-page-size $size $pad
            cmp ours theirs
        done
        sizes="${sizes:-} $(stat -c %s ours)"
    done
    [ "$(tr ' ' '\n' <<<"$sizes" | sort -u | grep -c .)" -ge 3 ]
    for log2 in 13 14 15 16; do
        paged 0x42010020 $log2
        elf2image paged.elf theirs --elf-sha256-offset 0xb0
        "$TRUSTCHAIN" image make paged.elf -o ours
        cmp ours theirs
    done
    for address in 0x42012020 0x42014020 0x42018020; do
        paged $address 0
        elf2image paged.elf theirs --elf-sha256-offset 0xb0
        "$TRUSTCHAIN" image make paged.elf -o ours
        cmp ours theirs
    done
    paged 0x42010020 12
    run ! elf2image paged.elf theirs --elf-sha256-offset 0xb0
    run ! "$TRUSTCHAIN" image make paged.elf -o no
}

@test "elf2image: the same bytes for each flash option, and without a digest" {
    same() { # OPTION...
        esptool --chip esp32c6 elf2image --elf-sha256-offset 0xb0 "$@" -o theirs \
            "$SHARED/app.bin.elf" >/dev/null
        "$TRUSTCHAIN" image make "$SHARED/app.bin.elf" -o ours "$@"
        cmp ours theirs
    }
    local size=(--flash-size 4MB) freq=(--flash-freq 80m) mode=(--flash-mode dio)
    for each in qio qout dio dout; do same --flash-mode $each "${size[@]}" "${freq[@]}"; done
    for each in 80m 40m 20m; do same --flash-freq $each "${size[@]}" "${mode[@]}"; done
    for each in 1MB 2MB 4MB 8MB 16MB; do same --flash-size $each "${freq[@]}" "${mode[@]}"; done
    same "${size[@]}" "${freq[@]}" "${mode[@]}" --dont-append-digest
}

@test "image-info: finds our images sound" {
    for image in app.bin boot.bin app.signed; do
        run esptool --chip esp32c6 image-info "$SHARED/$image"
        [ "$status" -eq 0 ]
        [[ "$output" == *"Checksum: 0x"*"(valid)"*"Validation hash: "*"(valid)"* ]]
    done
}

@test "key digest: the same 32 bytes" {
    espsecure digest-sbv2-public-key -k "$SIGNING_KEY" -o theirs
    "$TRUSTCHAIN" key digest "$SIGNING_KEY" -o ours
    cmp ours theirs
    espsecure generate-signing-key --version 2 --scheme rsa3072 made.pem
    chmod 600 made.pem
    espsecure digest-sbv2-public-key -k made.pem -o theirs
    "$TRUSTCHAIN" key digest made.pem -o ours
    cmp ours theirs
}

@test "signatures: each accepts the other's, also appended" {
    "$TRUSTCHAIN" key new k2.pem
    "$TRUSTCHAIN" key new k3.pem
    espsecure verify-signature --version 2 -k "$SIGNING_KEY" "$SHARED/app.signed"
    espsecure verify-signature --version 2 -k "$SIGNING_KEY" "$SHARED/boot.signed"
    run ! espsecure verify-signature --version 2 -k k2.pem "$SHARED/app.signed"
    espsecure sign-data --version 2 -k "$SIGNING_KEY" -o theirs "$SHARED/app.bin"
    "$TRUSTCHAIN" verify theirs --key "$SIGNING_KEY"
    run ! "$TRUSTCHAIN" verify theirs --key k2.pem
    # all but CRC and salted signature are the same bytes
    sector=$(($(stat -c %s theirs) - 4096))
    cmp -n $((sector + 812)) theirs "$SHARED/app.signed"
    cmp -i $((sector + 1200)) theirs "$SHARED/app.signed"
    espsecure sign-data --version 2 --append-signatures -k k2.pem -o both "$SHARED/app.signed"
    "$TRUSTCHAIN" sign both -o all --append --key k3.pem
    for key in "$SIGNING_KEY" k2.pem k3.pem; do
        espsecure verify-signature --version 2 -k "$key" all
        "$TRUSTCHAIN" verify all --key "$key"
    done
    run espsecure signature-info-v2 all
    [ "$(grep -c "Signature block [0-2] is valid" <<<"$output")" -eq 3 ]
}

@test "signatures: each accepts the other's for every MMU page size" {
    for log2 in 13 14 15 16; do
        paged 0x42010020 $log2
        elf2image paged.elf app --elf-sha256-offset 0xb0 --secure-pad-v2
        "$TRUSTCHAIN" sign app -o ours --key "$SIGNING_KEY"
        espsecure verify-signature --version 2 -k "$SIGNING_KEY" ours
        espsecure sign-data --version 2 -k "$SIGNING_KEY" -o theirs app
        "$TRUSTCHAIN" verify theirs --key "$SIGNING_KEY"
        cmp -n "$(($(stat -c %s app) + 812))" ours theirs
        [ "$(stat -c %s ours)" = "$(stat -c %s theirs)" ]
        sizes="${sizes:-} $(stat -c %s ours)"
    done
    [ "$(tr ' ' '\n' <<<"$sizes" | sort -u | grep -c .)" -ge 3 ]
}

@test "ECDSA: digests, and each accepts the other's, also appended and on P-192" {
    "$TRUSTCHAIN" key new e1.pem --type ecdsa-p256
    for curve in 192 256; do
        espsecure generate-signing-key --version 2 --scheme ecdsa$curve their$curve.pem
        chmod 600 their$curve.pem
        espsecure digest-sbv2-public-key -k their$curve.pem -o theirs
        "$TRUSTCHAIN" key digest their$curve.pem -o ours
        cmp ours theirs
        espsecure sign-data --version 2 -k their$curve.pem -o signed$curve "$SHARED/app.bin"
        "$TRUSTCHAIN" verify signed$curve --key their$curve.pem
        run ! "$TRUSTCHAIN" verify signed$curve --key e1.pem
    done
    "$TRUSTCHAIN" sign "$SHARED/app.bin" -o ours --key their256.pem
    # all but signature and CRC are the same bytes
    sector=$(($(stat -c %s ours) - 4096))
    cmp -n $((sector + 101)) ours signed256
    cmp -i $((sector + 165)) -n 1031 ours signed256
    cmp -i $((sector + 1200)) ours signed256
    "$TRUSTCHAIN" sign signed256 -o both --append --key e1.pem
    for key in their256.pem e1.pem; do espsecure verify-signature --version 2 -k $key both; done
    run ! espsecure verify-signature --version 2 -k e1.pem ours
}

@test "signatures made elsewhere: the same bytes" {
    head -c $(($(stat -c %s "$SHARED/app.signed") - 4096)) "$SHARED/app.signed" >padded
    "$TRUSTCHAIN" sign padded --digest-only -o digest
    "$TRUSTCHAIN" key new e1.pem --type ecdsa-p256
    openssl pkeyutl -sign -inkey e1.pem -in digest -out e1.sig
    openssl pkeyutl -sign -inkey "$SIGNING_KEY" -in digest -out rsa.sig -pkeyopt digest:sha256 \
        -pkeyopt rsa_padding_mode:pss -pkeyopt rsa_pss_saltlen:32
    "$TRUSTCHAIN" key public "$SIGNING_KEY" -o rsa.pub
    "$TRUSTCHAIN" key public e1.pem -o e1.pub
    for key in rsa e1; do
        espsecure sign-data --version 2 --pub-key $key.pub --signature $key.sig -o theirs padded
        "$TRUSTCHAIN" sign padded -o ours --public-key $key.pub --signature $key.sig
        cmp ours theirs
    done
}

@test "flash encryption: the same bytes at any offset, and a whole factory flash" {
    espsecure generate-flash-encryption-key theirs.key
    chmod 600 theirs.key
    for case in "0 4096" "0x10 16" "0x70 48" "0x20000 4144" "0x3ffff0 16" "0xfffff0 32"; do
        offset=${case% *}
        head -c "${case#* }" /dev/urandom >plain
        espsecure encrypt-flash-data -x -k theirs.key -a "$offset" -o theirs plain
        "$TRUSTCHAIN" encrypt plain -o ours --key theirs.key --offset "$offset"
        cmp ours theirs
        espsecure decrypt-flash-data -x -k theirs.key -a "$offset" -o back ours
        cmp back plain
        "$TRUSTCHAIN" decrypt theirs -o back --key theirs.key --offset "$offset"
        cmp back plain
    done
    "$TRUSTCHAIN" flash build -o flash --partitions "$PROJECT/partitions.csv" --key "$FLASH_KEY" \
        --bootloader "$SHARED/boot.signed" --app ota_0="$SHARED/app.signed"
    espsecure decrypt-flash-data -x -k "$FLASH_KEY" -a 0 -o back flash
    "$TRUSTCHAIN" partition build "$PROJECT/partitions.csv" -o table
    cmp -n "$(stat -c %s "$SHARED/boot.signed")" back "$SHARED/boot.signed"
    cmp -n 3072 -i 0x8000:0 back table
    cmp -n "$(stat -c %s "$SHARED/app.signed")" -i 0x20000:0 back "$SHARED/app.signed"
}

# encrypted_part FILE OFFSET BYTES OUT: filled with 0xFF up to BYTES, encrypted by espsecure
encrypted_part() {
    { cat "$1"; head -c "$3" /dev/zero | tr '\0' '\377'; } | head -c "$3" >padded
    espsecure encrypt-flash-data -x -k "$FLASH_KEY" -a "$2" -o "$4" padded
}

# Espressif's partition table generator is part of ESP-IDF and not on PyPI (gen_esp32part is no
# project there), so the table is compared with what it made once (formats.md 3.4; storage.bats
# has the same vectors), and here as a part of the flash that their tools put together.
@test "factory flash: the bytes esptool and espsecure make from the same parts" {
    "$TRUSTCHAIN" partition build "$PROJECT/partitions.csv" -o table
    elf2image "$SHARED/boot.elf" boot.bin
    elf2image "$SHARED/app.bin.elf" app.bin --elf-sha256-offset 0xb0
    for part in boot app; do
        espsecure sign-data --version 2 -k "$SIGNING_KEY" -o $part.signed $part.bin
    done
    build() { # OPTION...
        "$TRUSTCHAIN" flash build -o ours --partitions table --bootloader boot.signed \
            --app ota_0=app.signed --trust "$SIGNING_KEY" "$@"
    }
    esptool --chip esp32c6 merge-bin -o theirs --pad-to-size 4MB 0x0 boot.signed 0x8000 table \
        0x20000 app.signed
    build
    cmp ours theirs
    encrypted_part boot.signed 0 "$(stat -c %s boot.signed)" boot.part
    encrypted_part table 0x8000 4096 table.part
    encrypted_part /dev/null 0xd000 8192 otadata.part
    encrypted_part /dev/null 0xf000 4096 nvs_keys.part
    encrypted_part /dev/null 0x10000 8192 update.part
    encrypted_part app.signed 0x20000 "$(stat -c %s app.signed)" app.part
    esptool --chip esp32c6 merge-bin -o theirs --pad-to-size 4MB 0x0 boot.part 0x8000 table.part \
        0xd000 otadata.part 0xf000 nvs_keys.part 0x10000 update.part \
        0x20000 app.part
    build --key "$FLASH_KEY"
    cmp ours theirs
    run "$TRUSTCHAIN" flash map theirs --key "$FLASH_KEY"
    [[ "$output" == *"ota_0            app thermo 1.2.3"* ]]
}

# espefuse keeps the register file, all bytes reversed (efuse.md 7.2); ours starts at register 0x2C.
to_virt() {
    python3 -c '
import sys
efuse = open(sys.argv[1], "rb").read()[:336]
open(sys.argv[2], "wb").write((bytes(0x2C) + efuse + bytes(512 - 0x2C - 336))[::-1])' "$@"
}

from_virt() {
    python3 -c '
import sys
registers = open(sys.argv[1], "rb").read()[::-1]
open(sys.argv[2], "wb").write(registers[0x2C:0x2C + 336])' "$@"
}

fuses() {
    espefuse --chip esp32c6 --virt --path-efuse-file virt --do-not-confirm "$@"
}

# ours_as_theirs: every field of `ours` shows the value that espefuse sees in `virt`
ours_as_theirs() {
    fuses summary --format json --file theirs.json
    "$TRUSTCHAIN" efuse show ours --json >ours.json
    python3 - <<'END'
import json
theirs, ours = json.load(open("theirs.json")), json.load(open("ours.json"))["fields"]
numbers = {n: f for n, f in theirs.items() if f["efuse_type"].startswith(("uint", "bool"))}
assert len(numbers) >= 50
for name, field in numbers.items():
    assert int(field["raw_value"], 0) == ours[name], (name, field["raw_value"], ours[name])
assert ours["MAC"] in theirs["MAC"]["value"]
END
}

@test "eFuses: espefuse reads every field of our files as we do" {
    for file in factory production; do
        cp "$SHARED/$file.efuse" ours
        to_virt ours virt
        ours_as_theirs
    done
}

@test "eFuses: we read what espefuse burned, and go on from there as it would" {
    "$TRUSTCHAIN" efuse new blank --mac 60:55:f9:f7:2c:a2
    to_virt blank virt
    head -c 32 /dev/urandom >user.key
    fuses burn-efuse SECURE_VERSION 7 UART_PRINT_CONTROL 3 WDT_DELAY_SEL 2 DIS_TWAI 1
    fuses burn-key BLOCK_KEY3 user.key USER --no-write-protect
    fuses burn-key-digest BLOCK_KEY2 "$SIGNING_KEY" SECURE_BOOT_DIGEST0
    fuses write-protect-efuse SOFT_DIS_JTAG
    from_virt virt ours
    ours_as_theirs
    "$TRUSTCHAIN" verify "$SHARED/boot.signed" --efuse ours
    run "$TRUSTCHAIN" verify "$SHARED/app.signed" --efuse ours # 2, below the 3 bits of 7
    [ "$status" -eq 1 ]
    refused 1 "SOFT_DIS_JTAG: is write-protected" \
        "$TRUSTCHAIN" efuse burn ours field SOFT_DIS_JTAG 1 --yes
    "$TRUSTCHAIN" efuse burn ours field SPI_BOOT_CRYPT_CNT 1 --yes
    fuses burn-efuse SPI_BOOT_CRYPT_CNT 1
    from_virt virt theirs
    cmp ours theirs
}

@test "eFuses: the same burns give the same bits" {
    cp "$SHARED/factory.efuse" ours
    to_virt ours virt
    fuses burn-key BLOCK_KEY0 "$FLASH_KEY" XTS_AES_128_KEY --no-read-protect
    fuses burn-key-digest BLOCK_KEY1 "$SIGNING_KEY" SECURE_BOOT_DIGEST0
    fuses burn-efuse SPI_BOOT_CRYPT_CNT 7 SECURE_BOOT_EN 1 SOFT_DIS_JTAG 7 DIS_PAD_JTAG 1 \
        DIS_USB_JTAG 1 DIS_DIRECT_BOOT 1 DIS_DOWNLOAD_MANUAL_ENCRYPT 1 DIS_DOWNLOAD_ICACHE 1 \
        ENABLE_SECURITY_DOWNLOAD 1 SECURE_BOOT_KEY_REVOKE1 1 SECURE_BOOT_KEY_REVOKE2 1
    fuses write-protect-efuse DIS_ICACHE
    from_virt virt open
    cmp -n 32 -i 0x70 open "$SHARED/production.efuse" # the key, before it is hidden
    "$TRUSTCHAIN" encrypt "$SHARED/app.bin" -o theirs --offset 0 --efuse open
    "$TRUSTCHAIN" encrypt "$SHARED/app.bin" -o ours --offset 0 --key "$FLASH_KEY"
    cmp ours theirs
    fuses read-protect-efuse BLOCK_KEY0
    fuses write-protect-efuse RD_DIS
    from_virt virt theirs
    # espefuse's file shows the hidden key as zeros, as software on the chip sees it
    cp "$SHARED/production.efuse" ours
    dd if=/dev/zero of=ours bs=1 seek=$((0x70)) count=32 conv=notrunc status=none
    cmp ours theirs
    "$TRUSTCHAIN" verify "$SHARED/app.signed" --efuse theirs
}

# The whole is tests/differential/run; any seed holds, a fixed one makes a failure repeatable.
@test "differential: a share of the generated inputs" {
    run python3 "$BATS_TEST_DIRNAME/../differential/differ.py" --seed 1 --count 8
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(grep -c ' same$' <<<"$output")" -ge 4 ]
    [[ "${lines[-1]}" == "48 passed, 0 failed" ]]
}
