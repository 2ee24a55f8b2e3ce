# `trustchain chip run`: how a run ends, what it leaves in its files, and bad input.

bats_require_minimum_version 1.5.0
load tool_helpers

# A bootloader in SRAM that erases the sector at 0x200000, programs its first 16 bytes with 0x5A,
# says eight random letters and "wrote", and waits for the watchdog.
make_writer_elf() {
    cat >"$1.S" <<'END'
        .section .iram.text, "ax"
        .globl _start
_start: li      s0, 0x60003000          # SPI1
        li      s1, 0x60000000          # UART0
        li      s2, 0x200000
        li      a0, 0x06                # write enable
        li      a1, 0x80000000          # command phase
        call    flash
        li      a0, 0x20                # erase 4 KB
        li      a1, 0xC0000000          # command and address
        call    flash
        call    idle
        li      t0, 0x5A5A5A5A
        sw      t0, 0x58(s0)
        sw      t0, 0x5C(s0)
        sw      t0, 0x60(s0)
        sw      t0, 0x64(s0)
        li      a0, 0x06
        li      a1, 0x80000000
        call    flash
        li      a0, 0x02                # program
        li      a1, 0xC8000000          # command, address, data out
        call    flash
        call    idle
        li      t1, 0x600B2808          # random numbers, a letter each
        li      t2, 8
1:      lw      t0, (t1)
        andi    t0, t0, 15
        addi    t0, t0, 'a'
        sb      t0, (s1)
        addi    t2, t2, -1
        bnez    t2, 1b
        la      t1, text
1:      lbu     t0, (t1)
        beqz    t0, 1f
        sb      t0, (s1)
        addi    t1, t1, 1
        j       1b
1:      j       1b
flash:  li      t0, 0x70000000
        or      t0, t0, a0
        sw      t0, 0x20(s0)
        sw      a1, 0x18(s0)
        li      t0, 0x5C000000          # 24 address bits
        sw      t0, 0x1C(s0)
        sw      s2, 4(s0)
        li      t0, 127                 # 16 bytes
        sw      t0, 0x24(s0)
        li      t0, 7
        sw      t0, 0x28(s0)
        li      t0, 0x40000
        sw      t0, (s0)
1:      lw      t0, (s0)
        bnez    t0, 1b
        ret
idle:   mv      s3, ra
1:      li      a0, 0x05                # read status
        li      a1, 0x90000000          # command, data in
        call    flash
        lw      t0, 0x58(s0)
        andi    t0, t0, 1
        bnez    t0, 1b
        jr      s3
        .balign 4
        .section .dram0.data, "aw"
text:   .asciz  "\nwrote\n"
        .balign 4
END
    link_boot_elf "$1"
}

# A bootloader that keeps the RSA accelerator busy: each store takes the host tens of milliseconds.
make_busy_elf() {
    cat >"$1.S" <<'END'
        .section .iram.text, "ax"
        .globl _start
_start: li      s0, 0x6008A800
        li      t0, 95                  # 96 words
        sw      t0, 4(s0)
        li      t0, 1
1:      sw      t0, 12(s0)             # X^Y mod M
        j       1b
        .section .dram0.data, "aw"
        .word   0
END
    link_boot_elf "$1"
}

link_boot_elf() {
    riscv64-unknown-elf-gcc -march=rv32imac -misa-spec=2.2 -mabi=ilp32 -nostdlib -nostartfiles \
        -Wl,--build-id=none -Wl,-e_start -Wl,--section-start=.iram.text=0x40870000 \
        -Wl,--section-start=.dram0.data=0x40872000 -o "$1" "$1.S"
}

setup_file() {
    export SHARED=$BATS_FILE_TMPDIR
    make_writer_elf "$SHARED/writer.elf"
    "$TRUSTCHAIN" image make "$SHARED/writer.elf" -o "$SHARED/writer.bin"
    head -c 4M /dev/zero | tr '\0' '\377' >"$SHARED/blank"
    cp "$SHARED/blank" "$SHARED/writer"
    dd if="$SHARED/writer.bin" of="$SHARED/writer" conv=notrunc status=none
    head -c 4096 /dev/zero | dd of="$SHARED/writer" bs=4096 seek=512 conv=notrunc status=none
    "$TRUSTCHAIN" efuse new "$SHARED/efuse" --mac 60:55:f9:f7:2c:a2 --rev 1
}

setup() {
    F=$BATS_TEST_TMPDIR/flash
    E=$BATS_TEST_TMPDIR/efuse
    cp "$SHARED/writer" "$F"
    cp "$SHARED/efuse" "$E"
}

# chip STATUS OPTION...: that exit status within a minute; stdin is empty
chip() {
    local expected=$1
    shift
    run --separate-stderr timeout 60 \
        "$TRUSTCHAIN" chip run --flash "$F" --efuse "$E" "$@" </dev/null
    echo "chip run $* -> $status: $stderr"
    [ "$status" -eq "$expected" ]
}

# start_run OPTION...: a run in the background at real-time pace, its UART on fd 7; RUN is its pid
start_run() {
    mkfifo "$BATS_TEST_TMPDIR/uart"
    "$TRUSTCHAIN" chip run --flash "$F" --efuse "$E" --quiet --network \
        --uart "$BATS_TEST_TMPDIR/uart" "$@" 3>&- &
    RUN=$!
    exec 7<"$BATS_TEST_TMPDIR/uart"
}

@test "blank and garbage flash: the ROM says so and the run stops by itself" {
    cp "$SHARED/blank" "$F"
    chip 1
    [[ "$output" == *"invalid header: 0xffffffff"* ]]
    [[ "$output" == *"rst:0x7 (TG0_WDT_HPSYS)"* ]]
    [[ "$stderr" == *"5 resets in a row without reaching an application"* ]]
    cmp "$SHARED/blank" "$F"
    head -c 2M /dev/urandom >"$F"
    chip 1
    [[ "$stderr" == *"5 resets in a row"* ]]
}

@test "without an eFuse file a factory chip is used" {
    cp "$SHARED/blank" "$F"
    run --separate-stderr timeout 60 "$TRUSTCHAIN" chip run --flash "$F" --max-resets 1 </dev/null
    [ "$status" -eq 0 ]
    [[ "$output" == *"rst:0x1 (POWERON),boot:0xc (SPI_FAST_FLASH_BOOT)"* ]]
}

@test "what the guest writes is in the file" {
    chip 0 --until wrote --log "$BATS_TEST_TMPDIR/log"
    [[ "$stderr" == *'stopped at "wrote"'* ]]
    [ "$(bytes "$F" 0x200000 17)" = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5aff" ]
    [ "$(bytes "$F" 0x200fff 1)" = ff ]
    [[ "$output" == *wrote* ]]
    [ "$(cat "$BATS_TEST_TMPDIR/log")" = "$output" ]
}

@test "a text waited for ends the run with its line" {
    chip 0 --until "rst:" --log "$BATS_TEST_TMPDIR/log"
    tail -n 1 "$BATS_TEST_TMPDIR/log" | grep -q '^rst:0x1 (POWERON),boot:0xc (SPI_FAST_FLASH_BOOT)'
    [ "$(tail -c 1 "$BATS_TEST_TMPDIR/log" | od -An -tx1)" = " 0a" ]
}

@test "also when the process is killed" {
    start_run --until never
    until read -r -u 7 line && [[ "$line" == wrote* ]]; do :; done
    kill -9 "$RUN"
    wait "$RUN" || true
    exec 7<&-
    [ "$(bytes "$F" 0x200000 1)" = 5a ]
    chip 0 --until wrote # and the lock is gone
}

@test "texts, break and limits end a run with the right status" {
    chip 1 --fail wrote --until never
    [[ "$stderr" == *'the UART said "wrote"'* ]]
    chip 0 --until never --until entry --fail wrote
    [[ "$stderr" == *'stopped at "entry"'* ]]
    chip 0 --break 0x40870000 --uart none
    [[ "$stderr" == *"stopped at PC 0x40870000"* ]]
    chip 0 --seconds 0.01 --uart none
    chip 1 --seconds 0.01 --until never --uart none
    [[ "$stderr" == *"the time was up before what was waited for"* ]]
    chip 0 --max-resets 2 --uart none
    chip 1 --max-resets 2 --until never --uart none
    chip 0 --network --wall-seconds 0.2 --uart none
}

@test "a guest that wastes the host's time does not outlast the limit or Ctrl-C" {
    make_busy_elf "$BATS_TEST_TMPDIR/busy.elf"
    "$TRUSTCHAIN" image make "$BATS_TEST_TMPDIR/busy.elf" -o "$BATS_TEST_TMPDIR/busy.bin"
    dd if="$BATS_TEST_TMPDIR/busy.bin" of="$F" conv=notrunc status=none
    chip 0 --wall-seconds 1.5
    [[ "$output" == *entry* && "$stderr" == *"the wall-clock time was up"* ]]
    run --separate-stderr timeout -s INT -k 30 2 \
        "$TRUSTCHAIN" chip run --flash "$F" --efuse "$E" </dev/null
    [[ "$stderr" == *"chip: interrupted"* ]]
}

@test "a torn erase and a torn program" {
    chip 0 --cut-power 0x200000:erase --uart none
    [[ "$stderr" == *"flash command 0x20 on 4096 bytes at 0x200000 torn after 2048"* ]]
    [ "$(bytes "$F" 0x2007ff 2)" = ff55 ]
    [ "$(bytes "$F" 0x2008ff 2)" = 5500 ]
    cp "$SHARED/writer" "$F"
    chip 0 --cut-power 0x200008+1:program --uart none
    [[ "$stderr" == *"flash command 0x02 on 16 bytes at 0x200000 torn after 8"* ]]
    [ "$(bytes "$F" 0x200000 16)" = 5a5a5a5a5a5a5a5a5fffffffffffffff ]
    cp "$SHARED/writer" "$F"
    chip 0 --cut-power 0+4M:2 --uart none # the second operation of any kind
    [[ "$stderr" == *"flash command 0x02"* ]]
    cp "$SHARED/writer" "$F"
    chip 1 --cut-power 0x300000 --max-resets 1 --uart none # nothing is written there
}

@test "the same inputs give the same run, another seed other random numbers" {
    local log=$BATS_TEST_TMPDIR/log seed
    for seed in 5 5 6; do
        cp "$SHARED/writer" "$F"
        chip 0 --until wrote --json --seed $seed --log "$log.new"
        json=$output
        figures=$(grep -v -e wall -e mips <<<"$json")
        if [ "$seed" = 6 ]; then
            run ! cmp -s "$log" "$log.new"
        elif [ -e "$log" ]; then
            cmp "$log" "$log.new"
            [ "$figures" = "$first" ]
        else
            mv "$log.new" "$log"
            first=$figures
        fi
    done
    python3 -c 'import json, sys; s = json.load(sys.stdin)
assert s["flash_programs"] == 1 and s["flash_erases"] == 1 and s["unknown_registers"] == 0, s
assert 0 < s["to_bootloader"] < s["instructions"] and s["to_app"] == 0, s' <<<"$json"
}

# hiccup COMMAND...: stop and continue it at odd moments
hiccup() {
    "$@" 3>&- &
    local pid=$!
    while kill -STOP "$pid" 2>/dev/null; do
        sleep "0.00$((RANDOM % 9 + 1))"
        kill -CONT "$pid" 2>/dev/null || true
        sleep "0.00$((RANDOM % 9 + 1))"
    done
    wait "$pid"
}

@test "a secure boot is the same run to the instruction, however the host times it" {
    make_product
    local device=${TRUSTCHAIN_DEVICE_BUILD:-$BATS_TEST_DIRNAME/../../build/device} how first=
    "$TRUSTCHAIN" image make "$device/boot.elf" -o "$SHARED/loader.bin"
    "$TRUSTCHAIN" sign "$SHARED/loader.bin" -o "$SHARED/loader.signed" --key "$SIGNING_KEY"
    "$TRUSTCHAIN" flash build -o "$SHARED/secure" --size 4MB --key "$FLASH_KEY" \
        --partitions "$PROJECT/partitions.csv" --bootloader "$SHARED/loader.signed" \
        --app "ota_0=$SHARED/app.signed"
    for how in env hiccup "nice -n 19"; do
        cp "$SHARED/secure" "$F"
        cp "$SHARED/production.efuse" "$E"
        # shellcheck disable=SC2086
        $how "$TRUSTCHAIN" chip run --flash "$F" --efuse "$E" --seed 7 --seconds 30 --json \
            --log "$BATS_TEST_TMPDIR/log" </dev/null >"$BATS_TEST_TMPDIR/json"
        figures=$(grep -v -e wall -e mips "$BATS_TEST_TMPDIR/json" | cat - "$F" "$E" \
            "$BATS_TEST_TMPDIR/log" | sha256sum)
        [ "${first:=$figures}" = "$figures" ]
    done
    grep -q "RSA secure boot verification succeeded" "$BATS_TEST_TMPDIR/log"
    grep -q "ota_0: version 1.2.3, secure version 2, verified" "$BATS_TEST_TMPDIR/log"
    grep -q '"unknown_registers": 0' "$BATS_TEST_TMPDIR/json"
}

@test "one run a file" {
    start_run
    read -r -u 7 _ # it runs
    cp "$SHARED/writer" "$BATS_TEST_TMPDIR/other"
    refused 1 "is in use by another run" "$TRUSTCHAIN" chip run --flash "$F"
    refused 1 "is in use by another run" "$TRUSTCHAIN" chip run \
        --flash "$BATS_TEST_TMPDIR/other" --efuse "$E"
    refused 1 "is in use by another run" "$TRUSTCHAIN" efuse burn "$E" field DIS_TWAI 1 --yes
    refused 1 "is in use by another run" \
        "$TRUSTCHAIN" efuse convert "$SHARED/factory.efuse" -o "$E" --to qemu
    kill "$RUN"
    wait "$RUN" || true
    exec 7<&-
}

@test "bad files" {
    : >"$BATS_TEST_TMPDIR/empty"
    head -c 1M /dev/zero >"$BATS_TEST_TMPDIR/short"
    head -c 3M /dev/zero >"$BATS_TEST_TMPDIR/odd"
    head -c 335 /dev/zero >"$BATS_TEST_TMPDIR/fuses"
    chmod 600 "$BATS_TEST_TMPDIR"/{empty,short,odd,fuses}
    local bad=$BATS_TEST_TMPDIR
    refused 1 "No such file" "$TRUSTCHAIN" chip run --flash "$bad/missing"
    refused 1 "is a folder" "$TRUSTCHAIN" chip run --flash "$bad"
    refused 1 "not a regular file" "$TRUSTCHAIN" chip run --flash /dev/null
    refused 1 "has 0 bytes" "$TRUSTCHAIN" chip run --flash "$bad/empty"
    refused 1 "has 1048576 bytes" "$TRUSTCHAIN" chip run --flash "$bad/short"
    refused 1 "has 3145728 bytes" "$TRUSTCHAIN" chip run --flash "$bad/odd"
    refused 1 "has 335 bytes" "$TRUSTCHAIN" chip run --flash "$F" --efuse "$bad/fuses"
    refused 1 "is a folder" "$TRUSTCHAIN" chip run --flash "$F" --efuse "$bad"
    refused 1 "is empty" "$TRUSTCHAIN" chip run --flash "$F" --rom "$bad/empty"
    refused 1 "" "$TRUSTCHAIN" chip run --flash "$F" --rom "$bad/short"
    refused 1 "cannot be written" "$TRUSTCHAIN" chip run --flash "$F" --uart "$bad"
    refused 1 "cannot be written" "$TRUSTCHAIN" chip run --flash "$F" --log "$bad/no/log"
    refused 1 "" "$TRUSTCHAIN" chip run --flash "$F" --network --pcap "$bad/no/pcap"
    run --separate-stderr "$TRUSTCHAIN" chip run --flash "$F" --uart /dev/full </dev/null
    echo "UART on a full device -> $status: $stderr"
    [ "$status" -eq 1 ]
    [[ "$stderr" == *"No space left on device"* ]]
}

@test "a longer eFuse file keeps its tail" {
    { cat "$SHARED/efuse"; head -c 688 /dev/zero | tr '\0' 'x'; } >"$E"
    cp "$E" "$BATS_TEST_TMPDIR/before"
    chip 0 --until wrote
    cmp "$E" "$BATS_TEST_TMPDIR/before"
}

@test "usage errors" {
    refused 2 "no flash image given" "$TRUSTCHAIN" chip run
    refused 2 "give --network as well" "$TRUSTCHAIN" chip run --flash "$F" --pcap p
    refused 2 "normal or download" "$TRUSTCHAIN" chip run --flash "$F" --strap up
    refused 2 "seconds above 0" "$TRUSTCHAIN" chip run --flash "$F" --seconds -1
    refused 2 "seconds above 0" "$TRUSTCHAIN" chip run --flash "$F" --wall-seconds nan
    refused 2 "--seed" "$TRUSTCHAIN" chip run --flash "$F" --seed -1
    refused 2 "texts to wait for" "$TRUSTCHAIN" chip run --flash "$F" --until ""
    refused 2 "--break" "$TRUSTCHAIN" chip run --flash "$F" --break main
    refused 2 "options only" "$TRUSTCHAIN" chip run --flash "$F" extra
    for cut in "" x 0x1000:foo 0:0 0+0 1+2+3 :::; do
        refused 2 "--cut-power" "$TRUSTCHAIN" chip run --flash "$F" --cut-power "$cut"
    done
}

@test "download strap" {
    chip 1 --strap download
    [[ "$output" == *"waiting for download"* ]]
    [[ "$stderr" == *"can never run again"* ]]
}
