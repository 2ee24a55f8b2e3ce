#!/bin/sh
# bench/mips/run.sh [RUNS]: instructions per second of the virtual chip beside QEMU's.
#
# Builds one program (program.c) for both machines, runs them in turn RUNS times (default 5) and
# prints JSON rows with the medians. QEMU cannot say how many instructions it ran; it is the same
# program, so the chip's exact count serves for both. Process start is part of QEMU's time (tens of
# milliseconds of about two seconds). MIPS_RUNNER names the runner, else the release build's.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
runs=${1:-5}
runner=${MIPS_RUNNER:-$here/../../build/release/bench/mips/mips_runner}
cross=${CROSS:-riscv64-unknown-elf-}
flags="-march=rv32imac -mabi=ilp32 -misa-spec=2.2 -O2 -ffreestanding -nostdlib -static"

[ -x "$runner" ] || { echo "run.sh: $runner: missing (build the target mips_runner)" >&2; exit 2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build() { # OUTPUT BASE START [FLAGS]
    output=$1 base=$2 start=$3
    shift 3
    # shellcheck disable=SC2086
    "${cross}gcc" $flags "$@" -T "$here/link.ld" -Wl,--no-warn-rwx-segments,--defsym=base="$base" \
        -o "$output" "$here/$start" "$here/program.c" -lgcc
}

build "$work/chip.elf" 0x40800000 start_chip.S
"${cross}objcopy" -O binary "$work/chip.elf" "$work/chip.bin"
set -- $("$runner" "$work/chip.bin")
instructions=$1 result=$3
build "$work/virt.elf" 0x80000000 start_virt.S -DEXPECTED="$result"

emulate() { # MORE_QEMU_ARGUMENTS...: seconds it took; fails when the result is not the chip's
    began=$(date +%s.%N)
    qemu-system-riscv32 -machine virt -bios none -display none -serial none -monitor none \
        "$@" -kernel "$work/virt.elf" </dev/null
    ended=$(date +%s.%N)
    awk "BEGIN { print $ended - $began }"
}

i=0
while [ "$i" -lt "$runs" ]; do
    set -- $("$runner" "$work/chip.bin")
    [ "$3" = "$result" ] || { echo "run.sh: the chip's result changed" >&2; exit 1; }
    echo "$2" >>"$work/chip"
    emulate >>"$work/qemu"
    emulate -icount shift=0 >>"$work/qemu_icount"
    i=$((i + 1))
done

mips() { # FILE: millions of instructions per second in the median run
    sort -n "$1" | awk -v n="$instructions" '
        { t[NR] = $1 }
        END { m = NR % 2 ? t[(NR + 1) / 2] : (t[NR / 2] + t[NR / 2 + 1]) / 2
              printf "%.0f", n / m / 1e6 }'
}

row() { # NAME VALUE BASELINE BASELINE_VALUE
    awk -v n="$1" -v v="$2" -v b="$3" -v w="$4" 'BEGIN {
        printf "{\"name\":\"%s\",\"value\":%s,\"unit\":\"million instr/s\",", n, v
        if (b == "") print "\"baseline\":null,\"baseline_value\":null,\"ratio\":null}"
        else printf "\"baseline\":\"%s\",\"baseline_value\":%s,\"ratio\":%.2f}\n", b, w, v / w }'
}

chip=$(mips "$work/chip") qemu=$(mips "$work/qemu") icount=$(mips "$work/qemu_icount")
row chip.mips "$chip" qemu.mips "$qemu"
row qemu.mips "$qemu" "" ""
row qemu_icount.mips "$icount" "" ""
