#!/usr/bin/env python3
r"""NVS partitions from random CSVs: ours against Espressif's nvs_partition_gen, byte for byte.

    PATH=build/oracle/venv/bin:$PATH TRUSTCHAIN=build/release/trustchain \
        tests/oracle/nvs.py COUNT [SEED]

A CSV that one refuses the other must refuse. The seed is printed; the same seed makes the same
CSVs. Left out is what docs/nvs.md 6 lists as different on purpose.
"""
import base64
import csv
import io
import os
import random
import subprocess
import sys
import tempfile
import zlib

INTEGERS = {'u8': (0, 255), 'i8': (-128, 127), 'u16': (0, 65535), 'i16': (-32768, 32767),
            'u32': (0, 2**32 - 1), 'i32': (-2**31, 2**31 - 1),
            'u64': (0, 2**64 - 1), 'i64': (-2**63, 2**63 - 1)}
LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-'
TEXT = LETTERS + ' ,"\'\n#=;/äß€𝄞'
SIZES = [0x1000, 0x2000, 0x3000, 0x4000, 0x10000, 0x20000, 0x40000, 0x80000, 0x100000]
BLOB_SIZES = [0, 1, 31, 32, 33, 63, 64, 3967, 3968, 3999, 4000, 4001, 8000, 20000]


def integer(rng, encoding, broken):
    low, high = INTEGERS[encoding]
    if broken:
        return rng.choice([str(low - 1), str(high + 1), '', '0x10', '1.5', '--1', '12a'])
    value = rng.choice([low, high, 0, rng.randint(low, high)])
    return rng.choice(['{}', ' {}', '{} ', '+{}' if value >= 0 else '{}']).format(value)


def string(rng, broken):
    if broken:
        return 'x' * rng.choice([3968, 3999, 4000, 5000])
    length = rng.choice([0, 1, 30, 31, 32, rng.randint(0, 200), rng.randint(0, 900)])
    text = ''.join(rng.choice(TEXT) for _ in range(length)).replace('\n#', '\n')
    return 'x' * rng.choice([3935, 3936, 3967]) if rng.random() < 0.03 else text


def blob(rng, encoding, broken):
    size = rng.choice(BLOB_SIZES) if rng.random() < 0.05 else rng.randint(0, 300)
    data = rng.randbytes(size)
    if encoding == 'hex2bin':
        text = data.hex() if rng.random() < 0.5 else data.hex().upper()
        return text + rng.choice(['0', 'zz']) if broken else rng.choice(['{}', ' {} ']).format(text)
    if encoding == 'base64':
        text = base64.b64encode(data).decode()
        return (text[:-1] or 'A') if broken else text
    return ''.join(rng.choice(LETTERS) for _ in range(size))


def fill(rng, broken):
    text = ''.join(rng.choice(TEXT) for _ in range(rng.randint(0, 80))).replace('\n#', '\n')
    used = len(text.encode())
    size = rng.choice([used, used + 1, used + rng.randint(0, 300), used + rng.choice(BLOB_SIZES)])
    form = rng.choice(['blob_fill({};0x{:02x})', 'blob_sz_fill({};0x{:02X})'])
    if broken:
        text += 'x' * (size - used + 1)
        form = rng.choice([form, form.replace('0x', ''), form.replace('(', '[')])
    return form.format(size, rng.randint(0, 255)), text


def value(rng, broken):
    encoding = rng.choice([*INTEGERS, 'string', 'string', 'binary', 'hex2bin', 'base64', 'fill'])
    if encoding in INTEGERS:
        return encoding, integer(rng, encoding, broken)
    if encoding == 'string':
        return encoding, string(rng, broken)
    if encoding == 'fill':
        return fill(rng, broken)
    return encoding, blob(rng, encoding, broken)


def data_row(rng, folder, key, broken):
    encoding, text = value(rng, broken)
    if broken and rng.random() < 0.3:
        return rng.choice([[key + 'k' * 15, 'data', 'u8', '1'], [key, 'data', 'u7', '1'],
                           [key, 'file', 'binary', folder + '/none']])
    if text == '' or encoding.startswith('blob') or rng.random() < 0.85:
        return [key, 'data', encoding, text]
    path = f'{folder}/{key}.value'
    with open(path, 'wb') as out:
        if encoding == 'binary':
            out.write(rng.randbytes(len(text)))
        else:
            out.write(text.encode())
    return [key, 'file', encoding, path]


def rows(rng, folder):
    broken_at = rng.randint(0, 40) if rng.random() < 0.2 else -1
    number = 0
    for space in range(rng.randint(1, 5)):
        yield [f'space{space}' + rng.choice(['', '_abcdefghi'[:8]]), 'namespace', '', '']
        for _ in range(rng.choice([0, 3, 20, 20, 130])):
            number += 1
            key = (''.join(rng.choice(LETTERS) for _ in range(9)) + format(number, 'x'))[-15:]
            yield data_row(rng, folder, key, number == broken_at)


def make(rng, folder):
    columns = [0, 1, 2, 3]
    if rng.random() < 0.3:
        rng.shuffle(columns)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n',
                        quoting=csv.QUOTE_ALL if rng.random() < 0.1 else csv.QUOTE_MINIMAL)
    names = ['key', 'type', 'encoding', 'value']
    writer.writerow([names[c] for c in columns])
    for row in rows(rng, folder):
        if rng.random() < 0.1:
            text.write(rng.choice(['# a comment, "quoted\n', '\n']))
        writer.writerow([row[c] for c in columns])
    whole = text.getvalue()
    whole = whole.rstrip('\n') if rng.random() < 0.2 else whole
    return whole.replace('\n', '\r\n') if rng.random() < 0.2 else whole


def run(arguments):
    return subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)


def content(path):
    with open(path, 'rb') as file:
        return file.read()


def keys_file(rng, path, size=64):
    """A keys partition; of another size the bare key"""
    key = rng.randbytes(size)
    if size == 64:
        crc = zlib.crc32(key, 0xFFFFFFFF).to_bytes(4, 'little')
        key = (key + crc).ljust(4096, b'\xff')
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), 'wb') as out:
        out.write(key)


def ours(*arguments):
    return run([os.environ['TRUSTCHAIN'], 'nvs', *arguments])


def theirs(*arguments):
    return run([sys.executable, '-m', 'esp_idf_nvs_partition_gen', *arguments])


def compare_encrypted(rng, folder, number, source, size):
    """The partition of a CSV that both take, encrypted: made, read, decrypted by either"""
    names = ('keys.bin', 'mine.bin', 'its.bin', 'back.bin')
    keys, mine, its, back = (f'{folder}/{name}' for name in names)
    keys_file(rng, keys)
    built = ours('build', source, '-o', mine, '--size', size, '--keys', keys)
    oracle = theirs('encrypt', source, its, size, '--inputkey', keys)
    if built.returncode != 0 or oracle.returncode != 0:
        return f'CSV {number}, encrypted: ours: {built.stdout}theirs: {oracle.stdout}'
    if content(mine) != content(its):
        return f'CSV {number}, encrypted: the bytes differ'
    plain = content(f'{folder}/ours.bin')
    theirs('decrypt', mine, keys, back)
    if content(back) != plain:
        return f'CSV {number}: decrypted there the bytes differ'
    shown = ours('show', its, '--keys', keys)
    if shown.stdout != ours('show', f'{folder}/ours.bin').stdout:
        return f'CSV {number}, encrypted: {shown.stdout}'
    ours('decrypt', its, '--keys', keys, '-o', mine)
    return 'same' if content(mine) == plain else f'CSV {number}: decrypted the bytes differ'


def compare(rng, folder, number):
    """'same', 'refused', or what differs"""
    source, mine, its = (f'{folder}/{name}' for name in ('in.csv', 'ours.bin', 'theirs.bin'))
    with open(source, 'w', encoding='utf8', newline='') as out:
        out.write(make(rng, folder))
    size = hex(rng.choice(SIZES))
    built = ours('build', source, '-o', mine, '--size', size)
    oracle = theirs('generate', source, its, size)
    if built.returncode != 0 and oracle.returncode != 0:
        return 'refused'
    if built.returncode != oracle.returncode:
        return f'CSV {number}: ours: {built.stdout}theirs: {oracle.stdout}'
    if content(mine) != content(its):
        return f'CSV {number}: the bytes differ'
    shown = ours('show', its)
    if shown.returncode != 0:
        return f'CSV {number}: {shown.stdout}'
    return compare_encrypted(rng, folder, number, source, size)


def compare_keys(rng, folder):
    """Keys made by either: read by the other, and derived from one HMAC key the same"""
    hmac, mine, its, drawn = (f'{folder}/{n}.bin' for n in ('hmac', 'mine', 'its', 'drawn'))
    keys_file(rng, hmac, 32)
    ours('keys', '--hmac-key', hmac, '-o', mine)
    theirs('generate-key', '--key_protect_hmac', '--kp_hmac_inputkey', hmac, '--keyfile', its)
    theirs('generate-key', '--keyfile', drawn)
    if content(mine) != content(its):
        sys.exit('the keys derived from an HMAC key differ')
    source = f'{folder}/keys.csv'
    with open(source, 'w', encoding='utf8') as out:
        out.write('key,type,encoding,value\ns,namespace,,\nk,data,u8,1\n')
    os.chmod(drawn, 0o600)
    built = ours('build', source, '--size', '0x3000', '--keys', drawn, '-o', f'{folder}/out.bin')
    if built.returncode != 0:
        sys.exit(built.stdout)


def main():
    count = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(2**32)
    print(f'seed {seed}', flush=True)
    with tempfile.TemporaryDirectory() as folder:
        compare_keys(random.Random(f'{seed}/keys'), folder)
    tally = {'same': 0, 'refused': 0}
    for number in range(count):
        with tempfile.TemporaryDirectory() as folder:
            verdict = compare(random.Random(f'{seed}/{number}'), folder, number)
        if verdict not in tally:
            sys.exit(verdict)
        tally[verdict] += 1
    print(f'{count} CSVs: {tally["same"]} the same bytes, {tally["refused"]} refused by both')
    if tally['same'] == 0:
        sys.exit('none was accepted: this compared nothing')


if __name__ == '__main__':
    main()
