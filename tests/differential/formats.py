"""One function a format: makes a case from a random generator, in the working folder, and returns
its outcome (tools.compare). The lists of known differences give the reason of each."""
import functools
import os
import pathlib
import random
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import elf_files
from tools import (Mismatch, compare, espefuse_run, espsecure_run, esptool_run, ours_run,
                   script_run, verdicts)

sys.path.append(str(pathlib.Path(__file__).parent.parent / "oracle"))
import nvs as nvs_csv  # noqa: E402

IMAGE_DIFFERENCES = [
    ("we", "is not an ELF file for 32-bit little-endian RISC-V",
     "a damaged identification (class, byte order, type, version), of which they look at little"),
    ("they", "AssertionError", "elf2image fails its own assertion about a flash segment's place"),
]


def image(rng):
    elf, described = (elf_files.linked if rng.random() < 0.25 else elf_files.made_up)(rng)
    if rng.random() < 0.2:
        elf = elf_files.mangled(rng, elf)
    pathlib.Path("app.elf").write_bytes(elf)
    both = []
    for name, values in (("flash-mode", ["qio", "qout", "dio", "dout"]),
                         ("flash-freq", ["80m", "40m", "20m"]),
                         ("flash-size", ["1MB", "2MB", "4MB", "8MB", "16MB"])):
        default = {"flash-mode": "dio", "flash-freq": "80m", "flash-size": "4MB"}[name]
        both += [f"--{name}", rng.choice(values) if rng.random() < 0.7 else default]
    if rng.random() < 0.5:
        both += ["--min-rev-full", str(rng.randrange(101))]
    if rng.random() < 0.5:
        both += ["--max-rev-full", str(rng.randrange(100, 500))]
    if rng.random() < 0.4:
        both += ["--secure-pad-v2"]
    digest = ["--elf-sha256-offset", "0xb0"] if described else []
    theirs = esptool_run("elf2image", *both, *digest, "-o", "theirs", "app.elf")
    ours = ours_run("image", "make", "app.elf", "-o", "ours", *both)
    return compare(theirs, ours, "theirs", "ours", IMAGE_DIFFERENCES)


SMALL_PRIMES = [n for n in range(3, 2000, 2) if all(n % d for d in range(3, 45, 2) if d < n)]
EXPONENT = 65537


def prime(rng, bits):
    while True:
        number = rng.getrandbits(bits) | 3 << (bits - 2) | 1
        if all(number % small for small in SMALL_PRIMES) and (number - 1) % EXPONENT and \
                pow(2, number - 1, number) == 1:
            return number


def rsa_key(rng, bits):
    p, q = prime(rng, bits // 2), prime(rng, bits // 2)
    d = pow(EXPONENT, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(EXPONENT, p * q)
    return rsa.RSAPrivateNumbers(p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q),
                                 rsa.rsa_crt_iqmp(p, q), public).private_key()


@functools.lru_cache(maxsize=None)
def private_key(kind, number):
    """The same few keys of each kind in every run: repeatable, and making one takes long."""
    rng = random.Random(f"{kind}/{number}")
    if kind.startswith("rsa"):
        return rsa_key(rng, int(kind[3:]))
    curve = {"p192": ec.SECP192R1, "p256": ec.SECP256R1, "p384": ec.SECP384R1}[kind]()
    return ec.derive_private_key(rng.getrandbits(curve.key_size - 1), curve)


def key_pem(rng, key, public):
    if public:
        return key.public_key().public_bytes(serialization.Encoding.PEM,
                                             serialization.PublicFormat.SubjectPublicKeyInfo)
    form = rng.choice([serialization.PrivateFormat.PKCS8,
                       serialization.PrivateFormat.TraditionalOpenSSL])
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def write_private(path, data):
    pathlib.Path(path).write_bytes(data)
    os.chmod(path, 0o600)


KEY_DIFFERENCES = [
    ("we", "EC secp384r1", "P-384 is for newer chips; the ESP32-C6 has no such signatures"),
    ("they", "ValueError: Invalid", "a digest takes the public half; a damaged private half fails "
     "where it is used, in signing"),
]


def key(rng):
    kind = rng.choice(["rsa3072"] * 5 + ["rsa2048", "rsa4096", "p256", "p192", "p384"])
    pem = key_pem(rng, private_key(kind, rng.randrange(2)), rng.random() < 0.5)
    if rng.random() < 0.3:
        damaged = bytearray(pem)
        damaged[rng.randrange(len(damaged))] = rng.choice(b"A/=\n-\0")
        pem = bytes(damaged)
    write_private("key.pem", pem)
    theirs = espsecure_run("digest-sbv2-public-key", "-k", "key.pem", "-o", "theirs")
    ours = ours_run("key", "digest", "key.pem", "-o", "ours")
    return compare(theirs, ours, "theirs", "ours", KEY_DIFFERENCES)


SIGNATURE_DIFFERENCES = []


def signature(rng):
    """Either signs; either verifies, the file as it is or with one byte changed."""
    kind = rng.choice(["rsa3072", "p256"])
    write_private("key.pem", key_pem(rng, private_key(kind, 0), False))
    write_private("other.pem", key_pem(rng, private_key(kind, 1), False))
    loaded = elf_files.section(elf_files.SRAM, rng.randbytes(rng.randint(1, 20000)), ".dram0.data")
    pathlib.Path("app.elf").write_bytes(elf_files.write_elf([loaded], elf_files.SRAM))
    made = ours_run("image", "make", "app.elf", "-o", "app.bin")
    if rng.random() < 0.5:
        done = ours_run("sign", "app.bin", "-o", "signed", "--key", "key.pem")
    else:
        done = espsecure_run("sign-data", "--version", "2", "-k", "key.pem", "-o", "signed",
                             "app.bin")
    if not made.accepted or not done.accepted:
        raise Mismatch(f"{made!r}; {done!r}")
    signed = bytearray(pathlib.Path("signed").read_bytes())
    damage = rng.random() < 0.5
    if damage:
        end = len(signed) - 4096 + 1216
        at = rng.choice([rng.randrange(end), rng.randrange(len(signed) - 4096, end)])
        signed[at] ^= 1 << rng.randrange(8)
        pathlib.Path("signed").write_bytes(signed)
    trusted = rng.choice(["key.pem"] * 5 + ["other.pem"])
    theirs = espsecure_run("verify-signature", "--version", "2", "-k", trusted, "signed")
    ours = ours_run("verify", "signed", "--key", trusted)
    if not damage and ours.accepted != (trusted == "key.pem"):
        raise Mismatch(f"{trusted}: {ours!r}")
    return verdicts(theirs, ours, SIGNATURE_DIFFERENCES)


CRYPT_DIFFERENCES = [("we", "an XTS-AES-256 key", "the ESP32-C6 has XTS-AES-128 only")]


def crypt(rng):
    write_private("flash.key", rng.randbytes(32 if rng.random() < 0.95 else rng.randint(1, 70)))
    pathlib.Path("in").write_bytes(rng.randbytes(16 * rng.randint(1, 600) +
                                                 (rng.randrange(16) if rng.random() < 0.1 else 0)))
    offset = rng.choice([0, 0x8000, *(16 * rng.randrange(1 << 20) for _ in range(7)),
                         rng.randrange(1 << 24)])
    verb, their_verb = rng.choice([("encrypt", "encrypt-flash-data"),
                                   ("decrypt", "decrypt-flash-data")])
    theirs = espsecure_run(their_verb, "-x", "-k", "flash.key", "-a", offset, "-o", "theirs", "in")
    ours = ours_run(verb, "in", "-o", "ours", "--key", "flash.key", "--offset", offset)
    return compare(theirs, ours, "theirs", "ours", CRYPT_DIFFERENCES)


PARTITION_DIFFERENCES = [
    ("we", "each OTA slot occurs once", "the bootloader finds a slot by counting them"),
    ("we", "(number OTA slots", "the bootloader finds a slot by counting them"),
    ("we", "(writable NVS needs", "a rule of the newer generators"),
    ("we", "'$' without a variable", "left as it is there, in a name"),
    ("we", "is not set (set it", "left as it is there, in a name"),
    ("they", "codec can't decode", "a byte order mark, which the newer generators know"),
    ("they", "ufeff", "a byte order mark, which the newer generators know"),
]
SUBTYPES = {"app": ["factory", "test", "ota_0", "ota_1", "0x21"],
            "data": ["nvs", "phy", "ota", "coredump", "nvs_keys", "fat", "spiffs", "", "0x99"],
            "0x40": ["1", "0x7f"]}


VARIABLES = {"SIZE": "0x10000", "NVS": "nvs,data,nvs", "LAST": "64K,encrypted", "EMPTY": "",
             "COMMENT": "# ", "LETTER": "x", "TWICE": "1K,,"}
os.environ.update({"TC_" + name: value for name, value in VARIABLES.items()})
BLANKS = ["", "", "", " ", "\t", "\u00a0", "\u3000 "]
LINE_ENDS = ["\n"] * 6 + ["\r\n"] * 3 + ["\r", "\f", "\u2028"]


def variable(rng):
    name = "TC_" + rng.choice([*VARIABLES, *VARIABLES, "UNSET"])
    return rng.choice([f"${name}", f"${{{name}}}", f"${name}", "${", "$"])


def respelt(rng, number):
    """A number as Python's int(text, 0) would also take it, or nearly."""
    if not number.startswith("0x"):
        return number
    value = int(number, 0)
    right = [f"0X{value:X}", f"+{value}", f"0b{value:b}", f"0o{value:o}", f"{value:_}",
             f"0x_{value:x}", f"{value // 1024} K"]
    return rng.choice(right * 4 + [f"0{value}", f"{value}_"])


def partition_row(rng, number, slots):
    kind = rng.choice(["app", "app", "data", "data", "data", "0x40"])
    subtype = rng.choice(SUBTYPES[kind])
    if subtype.startswith("ota_") and rng.random() < 0.95:
        subtype = f"ota_{slots[0]}"
        slots[0] += 1
    size = {"ota": "0x2000"}.get(subtype) or rng.choice(
        ["64K", "1M", "0x10000", "0x4000", "4096", "192k", "0x3000"])
    if kind == "app" and rng.random() < 0.9:
        size = rng.choice(["64K", "1M", "0x20000", "1856K"])
    offset = rng.choice([""] * 30 + [hex(rng.randrange(9, 200) * 0x1000), "2M", "0x9000"])
    flags = rng.choice(["", "", "", "encrypted"] * 5 + ["readonly", "encrypted:readonly", "secret"])
    name = rng.choice([f"part{number}"] * 30 + ["nvs", "name_of_16_bytes", "app", "ota_3"])
    fields = [name, kind, subtype, offset, size, flags]
    if rng.random() < 0.2:
        fields[4] = respelt(rng, size)
    if rng.random() < 0.02:
        fields[rng.randrange(6)] = rng.choice(["", "-1", "12Q", "0x", "  ", "# x"])
    if rng.random() < 0.03:
        fields[rng.choice([0, 0, 1, 3, 4, 4, 5])] += variable(rng)
    blank = rng.choice(BLANKS)
    return ("," + blank).join(fields) + blank


def partition(rng, generator):
    slots = [0]
    rows = [partition_row(rng, i, slots) for i in range(rng.choice([1, 2, 3, 4, 5, 8, 12]))]
    head = rng.choice(["", "# name, type\n", "\n", "\ufeff", "# $TC_UNSET\n"])
    pathlib.Path("table.csv").write_bytes(
        (head + rng.choice(LINE_ENDS).join(rows) + "\n").encode())
    size = rng.choice(["1MB", "4MB", "8MB", "16MB", "16MB"])
    place = rng.choice(["0x8000"] * 4 + ["0x9000", "0x10000"])
    theirs = script_run(generator, "-q", "--flash-size", size, "--offset", place, "table.csv",
                        "theirs")
    ours = ours_run("partition", "build", "table.csv", "-o", "ours", "--flash-size", size,
                    "--offset", place)
    return compare(theirs, ours, "theirs", "ours", PARTITION_DIFFERENCES)


def nvs(rng):
    """The comparison is tests/oracle's, which runs a small share of it by itself."""
    verdict = nvs_csv.compare(rng, os.getcwd(), "in.csv")
    if verdict == "refused":
        return "both refuse"
    if verdict != "same":
        raise Mismatch(verdict)
    return verdict


REGISTERS_BEFORE, EFUSE_BYTES, VIRT_BYTES = 0x2C, 336, 512
EFUSE_DIFFERENCES = [
    ("we", "or another block has this purpose",
     "a second block of a Secure Boot digest or XTS purpose: which one counts would be unclear"),
]
PURPOSES = ["USER", "XTS_AES_128_KEY", "HMAC_UP", "HMAC_DOWN_JTAG", "SECURE_BOOT_DIGEST0",
            "SECURE_BOOT_DIGEST1", "SECURE_BOOT_DIGEST2"]
FIELDS = {"SECURE_VERSION": 16, "UART_PRINT_CONTROL": 2, "WDT_DELAY_SEL": 2, "DIS_TWAI": 1,
          "SPI_BOOT_CRYPT_CNT": 3, "SECURE_BOOT_EN": 1, "SOFT_DIS_JTAG": 3, "DIS_PAD_JTAG": 1,
          "DIS_USB_JTAG": 1, "DIS_DIRECT_BOOT": 1, "DIS_DOWNLOAD_ICACHE": 1,
          "DIS_FORCE_DOWNLOAD": 1, "DIS_DOWNLOAD_MANUAL_ENCRYPT": 1,
          "ENABLE_SECURITY_DOWNLOAD": 1, "SECURE_BOOT_KEY_REVOKE0": 1, "SECURE_BOOT_KEY_REVOKE1": 1,
          "SECURE_BOOT_KEY_REVOKE2": 1,
          "SECURE_BOOT_AGGRESSIVE_REVOKE": 1, "DIS_DOWNLOAD_MODE": 1, "FLASH_TPUW": 4,
          "FORCE_SEND_RESUME": 1, "VDD_SPI_AS_GPIO": 1}


def burn_step(rng):
    """(their words, our words)"""
    if rng.random() < 0.1:
        mac = "02:" + ":".join(f"{byte:02x}" for byte in rng.randbytes(5))
        return ["burn-custom-mac", mac], ["field", "CUSTOM_MAC", mac]
    if rng.random() < 0.1:
        data = rng.randbytes(32)
        write_private("block.data", data)
        return (["burn-block-data", "BLOCK_SYS_DATA2", "block.data"],
                ["field", "SYS_DATA_PART2", data.hex()])
    if rng.random() < 0.5:
        name = rng.choice(list(FIELDS))
        value = rng.randrange(1, (1 << FIELDS[name]) + (1 if rng.random() < 0.1 else 0))
        return ["burn-efuse", name, value], ["field", name, value]
    block, purpose = rng.randrange(6), rng.choice(PURPOSES)
    write_private("block.key", rng.randbytes(32 if rng.random() < 0.95 else 31))
    return (["burn-key", f"BLOCK_KEY{block}", "block.key", purpose],
            ["key", f"KEY{block}", purpose, "block.key"])


def hide(blocks):
    """espefuse's file shows read-protected keys as zeros; ours is what the fuses hold."""
    shown = bytearray(blocks)
    protected = shown[4] & 0x7F
    for number in range(7):
        if protected >> number & 1:
            at = 0x70 + 32 * number
            shown[at:at + 32] = bytes(32)
    return bytes(shown)


def efuse(rng):
    pathlib.Path("ours.efuse").unlink(missing_ok=True)
    ours_run("efuse", "new", "ours.efuse", "--mac", "60:55:f9:f7:2c:a2")
    blank = pathlib.Path("ours.efuse").read_bytes()
    rest = bytes(VIRT_BYTES - REGISTERS_BEFORE - EFUSE_BYTES)
    pathlib.Path("virt").write_bytes((bytes(REGISTERS_BEFORE) + blank + rest)[::-1])
    outcomes = set()
    for _ in range(rng.randint(1, 3)):
        their_words, our_words = burn_step(rng)
        theirs = espefuse_run(*their_words)
        ours = ours_run("efuse", "burn", "ours.efuse", *our_words, "--yes")
        registers = pathlib.Path("virt").read_bytes()[::-1][REGISTERS_BEFORE:]
        held = pathlib.Path("ours.efuse").read_bytes()
        outcome = verdicts(theirs, ours, EFUSE_DIFFERENCES)
        if outcome.startswith("only"):
            return outcome
        if hide(registers[:EFUSE_BYTES]) != hide(held):
            raise Mismatch(f"{our_words}: the fuses differ")
        outcomes.add(outcome)
    return "same" if outcomes == {"both accept"} else "both refuse"
