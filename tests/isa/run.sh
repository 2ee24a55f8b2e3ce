#!/bin/sh
# tests/isa/run.sh DIR [RUNNER]: build the RISC-V ISA tests that concern RV32IMAC with M and U mode
# and run each on the virtual chip's core.
#
# DIR is a checkout of github.com/riscv-software-src/riscv-tests with its submodule env
# (github.com/riscv/riscv-test-env). RUNNER is the isa_runner executable of this build
# (default build/release/tests/unit/chip-core/isa_runner). Prints a table; exit 1 if any failed.
#
# All tests of these groups are run. Four ask first what the machine has, and find little to do
# here: breakpoint (there are no debug triggers), pmpaddr (the PMP's granule is 4 bytes), the
# supervisor part of illegal, and csr's floating point. ma_addr and *-misaligned accept a trap or
# the right value; this core gives the value, as the chip's RAM does.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
tests=${1:?usage: run.sh DIR_OF_RISCV_TESTS_CHECKOUT [RUNNER]}
runner=${2:-$here/../../build/release/tests/unit/chip-core/isa_runner}
cross=${CROSS:-riscv64-unknown-elf-}

[ -f "$tests/env/p/riscv_test.h" ] ||
    { echo "run.sh: $tests/env/p: missing (check out the submodule env)" >&2; exit 2; }
[ -x "$runner" ] || { echo "run.sh: $runner: missing (build the target isa_runner)" >&2; exit 2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One test: build, run, one line of the table.
one() {
    group=$1 name=$2
    elf=$work/$group-$name
    # shellcheck disable=SC2086
    "${cross}gcc" -march=rv32imac_zicsr_zifencei -mabi=ilp32 -mcmodel=medany -static -nostdlib \
        -nostartfiles -I"$tests/env/p" -I"$tests/isa/macros/scalar" -T"$here/link.ld" \
        -Wl,--no-warn-rwx-segments -o "$elf" "$tests/isa/$group/$name.S" 2>"$work/log" ||
        { printf '%-8s %-18s does not build: %s\n' "$group" "$name" "$(head -1 "$work/log")"
          return 1; }
    "${cross}objcopy" -O binary "$elf" "$elf.bin"
    tohost=0x$("${cross}nm" "$elf" | awk '$3 == "tohost" { print $1 }')
    if verdict=$("$runner" "$elf.bin" "$tohost"); then
        printf '%-8s %-18s ok\n' "$group" "$name"
    else
        printf '%-8s %-18s %s\n' "$group" "$name" "$verdict"
        return 1
    fi
}

passed=0 failed=0
for group in rv32ui rv32um rv32ua rv32uc rv32mi; do
    for source in "$tests/isa/$group"/*.S; do
        if one "$group" "$(basename "$source" .S)"; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
        fi
    done
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
