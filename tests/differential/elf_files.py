"""ELF files: made up section by section, and linked by gcc from generated scripts."""
import pathlib
import struct
import subprocess

SECTION_BYTES = 40
HEADER_BYTES = 52
PROGBITS, INIT_ARRAY, FINI_ARRAY, PREINIT_ARRAY, NOBITS = 1, 14, 15, 16, 8
PAGE = 0x10000
FLASH, SRAM, SRAM_END, LP_SRAM = 0x42000000, 0x40800000, 0x4086E000, 0x50000000


def section(address, data, name, kind=PROGBITS, flags=2, align=4):
    return {"address": address, "data": data, "name": name, "kind": kind, "flags": flags,
            "align": align}


def write_elf(sections, entry):
    names, body, rows = b"\0", b"", [bytes(SECTION_BYTES)]
    for each in sections:
        rows.append(struct.pack("<10I", len(names), each["kind"], each["flags"], each["address"],
                                HEADER_BYTES + len(body), len(each["data"]), 0, 0, each["align"],
                                0))
        names += each["name"].encode() + b"\0"
        body += each["data"]
    rows.append(struct.pack("<10I", len(names), 3, 0, 0, HEADER_BYTES + len(body),
                            len(names) + len(".shstrtab") + 1, 0, 0, 1, 0))
    body += names + b".shstrtab\0"
    body += bytes(-len(body) % 4)
    header = b"\x7fELF\x01\x01\x01" + bytes(9) + struct.pack(
        "<HHIIIIIHHHHHH", 2, 243, 1, entry, 0, HEADER_BYTES + len(body), 0, HEADER_BYTES, 32, 0,
        SECTION_BYTES, len(rows), len(rows) - 1)
    return header + body + b"".join(rows)


def content(rng, length):
    return rng.randbytes(length) if rng.random() < 0.8 else bytes(length)


def app_descriptor(rng):
    descriptor = bytearray(256)
    descriptor[0:4] = b"\x32\x54\xcd\xab"
    descriptor[180] = rng.choice([0, 16])
    return bytes(descriptor)


def flash_sections(rng):
    """Runs of sections at awkward places of a page: near its ends, touching, with small gaps."""
    pages = rng.sample(range(0, 200, 2), rng.randint(0, 4))
    described = False
    sections = []
    for i, page in enumerate(sorted(pages) if rng.random() < 0.5 else pages):
        place = rng.choice([0x20, 0x20, 0x20, 0, 4, 8, 0x18, 0x28, 0x40, 0xFFF0, 0xFFF4, 0xFFF8,
                            0xFFFC, rng.randrange(0, PAGE, 4)])
        address = FLASH + page * PAGE + place
        rest = PAGE - (address & (PAGE - 1))
        length = rng.choice([rng.randint(1, 600), rng.randint(1, 70000), rest, rest - 8, rest - 16,
                             rest - 24])
        if not described and rng.random() < 0.6:
            described = True
            sections.append(section(address, app_descriptor(rng), ".flash.appdesc"))
            address, length = address + 256, length - 256
        parts = rng.randint(1, 3)
        for part in range(parts):
            share = max(1, length // parts)
            sections.append(section(address, content(rng, share), f".flash.{i}_{part}",
                                    rng.choice([PROGBITS] * 3 + [INIT_ARRAY, FINI_ARRAY]),
                                    rng.choice([2, 3, 6]), rng.choice([1, 4, 16])))
            address += (share + 3) // 4 * 4 + (4 if rng.random() < 0.05 else 0)
    return sections, described


def ram_sections(rng):
    sections = []
    address = SRAM + rng.randrange(0, 0x1000, 4)
    for i in range(rng.randint(0, 7)):
        length = rng.choice([0, rng.randint(1, 40), rng.randint(1, 4000), rng.randint(1, 90000)])
        if address + length >= SRAM_END:
            break
        sections.append(section(address, content(rng, length), f".dram0.{i}",
                                rng.choice([PROGBITS] * 3 + [NOBITS, INIT_ARRAY, PREINIT_ARRAY])))
        address += (length + 3) // 4 * 4 + rng.choice([0, 0, 0, 0, 4, 8, 100, 4096])
    if rng.random() < 0.3:
        sections.append(section(LP_SRAM, content(rng, rng.randint(1, 500)), ".lp.data"))
    return sections


def made_up(rng):
    """(bytes, does it have an application descriptor)"""
    sections, described = flash_sections(rng)
    sections += ram_sections(rng)
    loaded = [each for each in sections if each["data"]]
    entry = rng.choice(loaded)["address"] if loaded else 0
    sections.append(section(0, b"comment", ".comment", flags=0))
    if rng.random() < 0.5:
        rng.shuffle(sections)
    return write_elf(sections, entry), described


def mangled(rng, elf):
    """Cut short, or with a few bytes of the headers changed."""
    if rng.random() < 0.3:
        return elf[:rng.randrange(1, len(elf))]
    changed = bytearray(elf)
    table = int.from_bytes(elf[32:36], "little")
    for _ in range(rng.randint(1, 3)):
        low, high = rng.choice([(0, HEADER_BYTES), (table, len(elf))])
        changed[rng.randrange(low, high)] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
    return bytes(changed)


SOURCE = """
__attribute__((section(".appdesc"), used)) const unsigned descriptor[64] = {{0xABCD5432u, 1}};
__attribute__((section(".ro1"), used)) const char ro1[{}] = {{1, 2, 3}};
__attribute__((section(".ro2"), used)) const char ro2[{}] = {{4}};
__attribute__((section(".dat"), used)) char dat[{}] = {{9, 9}};
__attribute__((section(".ir"), used)) int ir(int a) {{ return a * 3; }}
__attribute__((section(".lpd"), used)) char lp[{}] = {{7}};
__attribute__((section(".big"), used)) const char big[{}] = {{1}};
char bss[777];
__attribute__((constructor)) void set(void) {{ bss[1] = 2; }}
void _start(void) {{ for (;;) bss[2] += (char)(ir(3) + ro1[1] + dat[1]); }}
"""


def linker_script(rng):
    ram = f""" . = {SRAM + rng.randrange(64) * 4:#x};
 .iram : ALIGN(4) {{ *(.ir) {rng.choice(['. = ALIGN(4);', ''])} }}
 .dram : ALIGN({rng.choice([4, 8, 16])}) {{ *(.dat) *(.data*) *(.sdata*) }}
 .bss : ALIGN(4) {{ *(.bss*) *(.sbss*) }}
"""
    described = rng.random() < 0.8
    align = rng.choice([1, 4, 16])
    head = (f" .flash.appdesc : {{ KEEP(*(.appdesc)) }}\n .flash.rodata : ALIGN({align}) {{"
            if described else " .flash.rodata : { *(.appdesc)")
    big = (f" . = ALIGN(0x10000) + 0x10000 + {rng.choice([0, 8, 0x20, 0x123C]):#x};\n"
           " .flash.big : { *(.big) }\n"
           if rng.random() < 0.5 else " .flash.big : ALIGN(4) { *(.big) }\n")
    flash = f""" . = {FLASH + 0x20:#x};
{head} *(.ro1) *(.ro2) *(.rodata*) }}
 .init_array : {{ KEEP(*(.init_array*)) }}
 . = ALIGN(0x10000) + 0x20;
 .flash.text : {{ *(.text*) }}
{big}"""
    lp = f" . = {LP_SRAM:#x};\n .lp : {{ *(.lpd) }}\n"
    parts = [ram, flash, lp] if rng.random() < 0.5 else [flash, ram, lp]
    script = "ENTRY(_start)\nSECTIONS {\n" + "".join(parts) + " /DISCARD/ : { *(.eh_frame) }\n}\n"
    return script, described


def linked(rng):
    """As made_up(), by the compiler."""
    lengths = [rng.randint(1, most) for most in (3000, 70000, 9000, 200, 40000)]
    pathlib.Path("linked.c").write_text(SOURCE.format(*lengths))
    script, described = linker_script(rng)
    pathlib.Path("linked.ld").write_text(script)
    subprocess.run(["riscv64-unknown-elf-gcc", "-march=rv32imac", "-mabi=ilp32", "-misa-spec=2.2",
                    "-nostdlib", "-nostartfiles", "-ffreestanding", rng.choice(["-Os", "-O2"]),
                    rng.choice(["-g", "-g0"]), "-Wl,--no-relax,--no-warn-rwx-segments", "-T",
                    "linked.ld", "-o", "linked.elf", "linked.c"], check=True)
    return pathlib.Path("linked.elf").read_bytes(), described
