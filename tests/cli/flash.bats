# flash map, flash read, and the partition table wherever it is in a dump.

bats_require_minimum_version 1.5.0
load tool_helpers

setup_file() {
    make_product
    cd "$SHARED"
    sed -i '/^nvs_keys/d' "$PROJECT/partitions.csv" # the regions these tests count
    build -o plain --app ota_1="$SHARED/app.signed" --otadata ota_1
    build -o cipher --key "$FLASH_KEY" --app ota_1="$SHARED/app.signed" --otadata ota_1
}

setup() {
    MOUNTED=
    cd "$BATS_TEST_TMPDIR"
}

teardown() {
    [ -z "$MOUNTED" ] || umount "$MOUNTED"
}

build() {
    "$TRUSTCHAIN" flash build --partitions "$PROJECT/partitions.csv" \
        --bootloader "$SHARED/boot.signed" --app ota_0="$SHARED/app.signed" "$@"
}

# forge FILE PYTHON: the plain dump with another table: `entries` is a list of
# [type, subtype, offset, size, label, flags], `at` where the table goes
forge() {
    python3 - "$SHARED/plain" "$@" <<'END'
import hashlib, struct, sys
flash = bytearray(open(sys.argv[1], "rb").read())
at, entries = 0x8000, []
for i in range(96):
    record = flash[0x8000 + 32 * i:0x8020 + 32 * i]
    if record[:2] != b"\xaa\x50":
        break
    entries.append(list(struct.unpack("<2x2B2I16sI", record)))
exec(sys.argv[3])
table = b"".join(b"\xaa\x50" + struct.pack("<2B2I16sI", *e) for e in entries)
table += b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(table).digest()
flash[0x8000:0x9000] = b"\xff" * 0x1000
flash[at:at + 0x1000] = table.ljust(0x1000, b"\xff")
open(sys.argv[2], "wb").write(flash)
END
}

@test "map: text says what is in each region, which slot boots, and what is free" {
    expected='0x000000  32K      (bootloader)     image, 96 bytes
0x008000  4K       (partition table) data
0x009000  16K      nvs              empty
0x00d000  8K       otadata          data
0x00f000  4K       (free)           free
0x010000  8K       update           empty
0x012000  56K      (free)           free
0x020000  1856K    ota_0            app thermo 1.2.3, 65616 bytes
0x1f0000  1856K    ota_1            app thermo 1.2.3, 65616 bytes, VALID, boots
0x3c0000  256K     (free)           free'
    [ "$("$TRUSTCHAIN" flash map "$SHARED/plain")" = "$expected" ]
    "$TRUSTCHAIN" flash map "$SHARED/cipher" --key "$FLASH_KEY" | sed 's/, encrypted$//' >cipher
    [ "$(cat cipher)" = "$expected" ]
    [ "$("$TRUSTCHAIN" flash map "$SHARED/cipher" --efuse "$SHARED/production.efuse" |
        grep -c ', encrypted$')" = 6 ]
    "$TRUSTCHAIN" flash map - <"$SHARED/plain" | diff - <(echo "$expected")
}

# slots OPTION...: what the map says of both slots after `otadata set OPTION...`
slots() {
    "$TRUSTCHAIN" otadata set "$SHARED/plain" -o set --offset 0xd000 "$@"
    "$TRUSTCHAIN" flash map set | sed -n 's/.*app .*bytes\(.*\)/\1./p' | tr '\n' ' '
}

@test "map: what boots is the bootloader's own choice" {
    [ "$(slots --slot ota_0)" = ", NEW, boots. , VALID. " ]
    [ "$(slots --slot ota_0 --state valid)" = ", VALID, boots. , VALID. " ]
    # a trial that was not confirmed is over
    [ "$(slots --slot ota_0 --state pending_verify)" = ", PENDING_VERIFY. , VALID, boots. " ]
    [ "$(slots --slot ota_0 --state aborted)" = ", ABORTED. , VALID, boots. " ]
    # the chosen image is damaged: the other one
    cp "$SHARED/plain" torn
    patch torn 0x1f8000 00000001
    run "$TRUSTCHAIN" flash map torn
    echo "$output"
    [[ "${lines[7]}" == *"bytes, boots" ]]
    [[ "${lines[8]}" == *"damaged app thermo 1.2.3, 65616 bytes, VALID" ]]
    [ "$("$TRUSTCHAIN" flash map torn --json | field '["regions"][8]["content"]')" = damaged ]
    patch torn 0x28000 00000001
    run ! grep -q boots <("$TRUSTCHAIN" flash map torn)
}

@test "map: JSON, and bytes that are in no partition" {
    "$TRUSTCHAIN" flash map "$SHARED/cipher" --key "$FLASH_KEY" --json >map.json
    python3 - <<'END'
import json
map = json.load(open("map.json"))
regions = map["regions"]
assert (map["flash_size"], map["table_offset"], map["encrypted"]) == (4 << 20, 0x8000, True)
at = 0
for region in regions:
    assert region["offset"] == at
    at += region["size"]
assert at == 4 << 20
assert [r["label"] for r in regions if r["label"]] == ["nvs", "otadata", "update", "ota_0", "ota_1"]
ota_0, ota_1 = regions[7:9]
assert ota_1["used"] == 73728 and ota_1["image_length"] == 65616 and ota_1["boots"] is True
assert ota_1["app"] == {"project": "thermo", "version": "1.2.3", "secure_version": 2}
assert ota_1["state"] == "VALID" and ota_0["state"] is None and ota_0["boots"] is False
assert regions[2]["encrypted"] is False and regions[2]["used"] == 0
END
    cp "$SHARED/plain" flash
    patch flash 0x3d0000 00
    run "$TRUSTCHAIN" flash map flash
    [[ "${lines[9]}" == "0x3c0000  256K     (free)           data outside of any partition" ]]
}

@test "map: a table, CSV or binary, is a plan" {
    "$TRUSTCHAIN" partition build "$PROJECT/partitions.csv" -o table
    "$TRUSTCHAIN" flash map "$PROJECT/partitions.csv" >plan
    "$TRUSTCHAIN" flash map table | cmp - plan
    "$TRUSTCHAIN" flash map - <"$PROJECT/partitions.csv" | cmp - plan
    grep -q "^0x1f0000  1856K    ota_1            app" plan
    grep -q "^0x3c0000  256K     (free) " plan
    [ "$("$TRUSTCHAIN" flash map table --size 8MB | tail -n 1)" = \
        "0x3c0000  4352K    (free)           free" ]
    refused 1 "outside what is allowed" "$TRUSTCHAIN" flash map table --size 2MB
    refused 1 "does not fit" "$TRUSTCHAIN" flash map "$PROJECT/partitions.csv" --size 2MB
    echo "big,app,factory,0x10000,17M," >big.csv
    refused 1 "does not fit" "$TRUSTCHAIN" flash map big.csv
    refused 2 "--size is for a table" "$TRUSTCHAIN" flash map "$SHARED/plain" --size 4MB
    refused 2 "one at a time" "$TRUSTCHAIN" flash map table --json --svg x
}

@test "svg: well-formed, to scale, the same every time, nothing of the flash is markup" {
    "$TRUSTCHAIN" flash map "$SHARED/cipher" --key "$FLASH_KEY" --svg map.svg
    "$TRUSTCHAIN" flash map - --key "$FLASH_KEY" --svg - <"$SHARED/cipher" | cmp - map.svg
    "$TRUSTCHAIN" flash map "$PROJECT/partitions.csv" --svg plan.svg
    forge evil 'entries[0][4] = b"<b>&\"\x27]]>\x1b\xff\n--"'
    "$TRUSTCHAIN" flash map evil --svg evil.svg
    run ! grep -q '<b>' evil.svg
    [ "$(LC_ALL=C tr -d '\n -~' <evil.svg | wc -c)" -eq 0 ]
    python3 - <<'END'
import xml.etree.ElementTree as tree
svg = "{http://www.w3.org/2000/svg}"

def read(name):
    root = tree.parse(name + ".svg").getroot()
    assert root.tag == svg + "svg" and root.get("role") == "img"
    ids = {e.get("id"): e.text for e in root.iter()}
    assert all(ids[i] for i in root.get("aria-labelledby").split())
    rows = root.findall(svg + "g")
    assert len(rows) == 10
    return root, rows, [row.find(svg + "title").text for row in rows]

read("plan")
root, rows, titles = read("map")
assert root.find(svg + "desc").text == (
    "4 MB of flash, partition table at 0x8000, encrypted, boots ota_1 with version 1.2.3")
assert titles[2] == "nvs: 0x9000 to 0xcfff, empty"
assert titles[8] == ("ota_1: 0x1f0000 to 0x3bffff, thermo 1.2.3, 73728 bytes, 3 % full, VALID, "
                     "boots, encrypted")
boxes = root.findall(svg + "rect")
frame = next(int(box.get("height")) for box in boxes if box.get("class") == "frame")
slots = [int(box.get("height")) for box in boxes if box.get("class") == "app"][:2]
assert all(abs(height - frame * 1856 / 4096) < 2 for height in slots), slots
used = rows[8].findall(svg + "rect")[1]
assert used.get("class") == "used app"
assert int(used.get("width")) == (740 - 16) * 73728 // (1856 << 10)
hatched = [row.find(svg + "rect[@fill='url(#hatch)']") is not None for row in rows]
assert hatched == [t.endswith(", encrypted") for t in titles] and sum(hatched) == 6
assert "prefers-color-scheme: dark" in open("map.svg").read()
_, _, titles = read("evil")
assert titles[2] == "<b>&\"']]>??\n--: 0x9000 to 0xcfff, empty", titles[2]
END
}

@test "the table is found in any sector, or where --offset says" {
    forge moved 'at = 0xf000; entries = [e for e in entries if e[2] > 0xf000]'
    "$TRUSTCHAIN" flash map moved >map
    head -n 2 map | diff - <(echo "0x000000  60K      (bootloader)     image, 96 bytes
0x00f000  4K       (partition table) data")
    "$TRUSTCHAIN" partition show moved >shown
    [ "$(wc -l <shown)" = 5 ]
    "$TRUSTCHAIN" partition show moved --offset 0xf000 | cmp - shown
    "$TRUSTCHAIN" encrypt <(tail -c +$((0xf001)) moved | head -c 4096) -o sector --offset 0xf000 \
        --key "$FLASH_KEY"
    cp moved cipher
    dd if=sector of=cipher bs=4096 seek=15 conv=notrunc status=none
    "$TRUSTCHAIN" partition show cipher --key "$FLASH_KEY" | cmp - shown
    refused 1 "no partition table at 0x8000" "$TRUSTCHAIN" partition show moved --offset 0x8000
    refused 2 "multiple of 0x1000" "$TRUSTCHAIN" partition show moved --offset 0x8010
    refused 1 "ends before" "$TRUSTCHAIN" partition show moved --offset 0x400000
    # two: none is guessed
    cp "$SHARED/plain" two
    dd if=moved of=two bs=4096 skip=15 seek=15 count=1 conv=notrunc status=none
    refused 1 "two: has 2 partition tables, at 0x8000, 0xf000 (choose: --offset N)" \
        "$TRUSTCHAIN" flash map two
    "$TRUSTCHAIN" partition show two --offset 0xf000 | cmp - shown
    # a copy inside a partition is not the table: entries would lie before it
    cp "$SHARED/plain" copy
    dd if="$SHARED/plain" of=copy bs=4096 skip=8 seek=9 count=1 conv=notrunc status=none
    [ "$("$TRUSTCHAIN" partition show copy | wc -l)" = 7 ]
}

@test "read: every part, and the flash built from them is the same" {
    "$TRUSTCHAIN" partition build "$PROJECT/partitions.csv" -o table
    for key in "" "--key $FLASH_KEY" "--efuse $SHARED/production.efuse"; do
        rm -rf parts
        dump=$SHARED/$([ -n "$key" ] && echo cipher || echo plain)
        "$TRUSTCHAIN" flash read "$dump" $key -o parts/ >summary
        [ "$(cd parts && echo *)" = \
            "bootloader.bin ota_0.bin ota_1.bin otadata.bin partition-table.bin partitions.csv" ]
        cmp parts/bootloader.bin "$SHARED/boot.signed"
        cmp parts/ota_0.bin "$SHARED/app.signed"
        cmp parts/ota_1.bin "$SHARED/app.signed"
        cmp parts/partition-table.bin table
        [ "$(bytes parts/otadata.bin 0 4)" = 02000000 ]
        [ "$(stat -c '%a %s' parts/otadata.bin)" = "600 8192" ]
        grep -q "^0x009000  nvs  *empty, not written$" summary
        "$TRUSTCHAIN" flash build -o again --partitions parts/partitions.csv $key \
            --bootloader parts/bootloader.bin --app ota_0=parts/ota_0.bin \
            --app ota_1=parts/ota_1.bin --data otadata=parts/otadata.bin
        cmp again "$dump"
    done
}

@test "read: whole slots, one partition, JSON" {
    "$TRUSTCHAIN" flash read "$SHARED/plain" -o whole --whole --json >whole.json
    cmp <(tail -c +$((0x20001)) "$SHARED/plain" | head -c $((0x1d0000))) whole/ota_0.bin
    cmp <(tail -c +$((0x9001)) "$SHARED/plain" | head -c $((0x4000))) whole/nvs.bin
    [ "$(field '[4]["file"]' <whole.json)" = update.bin ]
    [ "$(field '[5]["length"]' <whole.json)" = $((0x1d0000)) ]
    "$TRUSTCHAIN" flash read "$SHARED/plain" -o parts --json >parts.json
    [ "$(field '[4]["file"]' <parts.json)" = None ]
    [ "$(field '[5]["length"]' <parts.json)" = "$(stat -c %s "$SHARED/app.signed")" ]
    "$TRUSTCHAIN" flash read "$SHARED/cipher" -p ota_1 -o - --key "$FLASH_KEY" |
        cmp - "$SHARED/app.signed"
    "$TRUSTCHAIN" flash read "$SHARED/plain" -p nvs -o nvs
    [ "$(stat -c %s nvs)" = $((0x4000)) ]
    # what a device wrote: one record, the rest of the sector was never written
    "$TRUSTCHAIN" otadata set "$SHARED/cipher" -o used --offset 0xd000 --slot ota_0 \
        --key "$FLASH_KEY"
    "$TRUSTCHAIN" flash read used -p otadata -o otadata --key "$FLASH_KEY"
    [ "$(bytes otadata 4096 4)" = 03000000 ]
    [ "$(tail -c +$((4096 + 33)) otadata | tr -d '\377' | wc -c)" = 0 ]
    refused 1 "no partition of this flash" "$TRUSTCHAIN" flash read used -p none -o out \
        --key "$FLASH_KEY"
    refused 2 "-o FOLDER" "$TRUSTCHAIN" flash read used
    refused 2 "without --partition" "$TRUSTCHAIN" flash read used -p nvs -o out --json
}

@test "read: labels that are no file names, or the same; tables from strangers" {
    refused_table() { # PATTERN PYTHON
        forge bad "$2"
        refused 1 "$1" "$TRUSTCHAIN" flash read bad -o out
    }
    for label in '../x' 'a/b' '' '.' '..' '-rf' '.hidden' 'a\\b' 'a:b' 'a\x1bb' 'n\xe4me' ' a'; do
        refused_table "is no file name" "entries[0][4] = b'$label'"
    done
    refused_table "two parts would be update.bin" "entries[0][4] = b'update'"
    refused_table "two parts would be ota_1.bin" "entries[3][4] = b'OTA_1'"
    refused_table "two parts would be bootloader.bin" "entries[0][4] = b'bootloader'"
    refused_table "two parts would be partition-table.bin" "entries[0][4] = b'partition-table'"
    refused_table "CSV cannot express" "entries[0][5] = 0x80"
    refused_table "regions overlap" "entries[1][2] = 0xc000"
    refused_table "regions overlap" "entries[0][2] = 0x8000"
    refused_table "outside what is allowed" "entries[4][3] = 0x300000"
    refused_table "outside what is allowed" "entries[4][2:4] = 0xfffff000, 0x2000"
    refused_table "forbidden value" "entries[0][3] = 0"
    # what cannot be split can still be mapped, and taken apart one by one
    forge twins "entries[0][4] = b'update'"
    [ "$("$TRUSTCHAIN" flash map twins | grep -c update)" = 2 ]
    forge slash "entries[0][4] = b'../x'"
    "$TRUSTCHAIN" flash read slash -p ../x -o out
    [ "$(stat -c %s out)" = $((0x4000)) ]
}

@test "read: dumps that are cut short, too long, or in another key" {
    head -c $((0x200000)) "$SHARED/plain" >short
    refused 1 "outside what is allowed" "$TRUSTCHAIN" flash read short -o out
    head -c $((0x8800)) "$SHARED/plain" >short
    refused 1 "too short" "$TRUSTCHAIN" flash read short -o out
    truncate -s 17M large
    refused 1 "large: is 17825792 bytes" "$TRUSTCHAIN" flash read large -o out
    "$TRUSTCHAIN" key new wrong --type xts128
    refused 1 "right key" "$TRUSTCHAIN" flash read "$SHARED/cipher" -o out --key wrong
    refused 1 "it is not encrypted" "$TRUSTCHAIN" flash read "$SHARED/plain" -o out --key wrong
    refused 1 "if it is encrypted" "$TRUSTCHAIN" flash read "$SHARED/cipher" -o out
}

@test "read: a sector with the magic of a table by chance is not taken for a damaged table" {
    # one entry far outside the flash, as noise has it; before and behind the true table
    head -c 4096 /dev/zero | tr '\0' '\245' >noise
    printf '\xaa\x50' | dd of=noise conv=notrunc status=none
    put() { # FILE OFFSET BYTES
        dd if="$3" of="$1" bs=4096 seek=$(($2 / 4096)) conv=notrunc status=none
    }
    cp "$SHARED/plain" plain
    for at in 0x6000 0x129000; do put plain $at noise; done
    "$TRUSTCHAIN" flash map plain | grep -q "^0x008000  4K       (partition table)"
    # under a wrong key: what that key makes noise of
    "$TRUSTCHAIN" key new wrong --type xts128
    cp "$SHARED/cipher" cipher
    for at in 0x6000 0x129000; do
        "$TRUSTCHAIN" encrypt noise --key wrong --offset $at -o sector
        put cipher $at sector
    done
    refused 1 "no partition table in any sector (is it the right key?)" \
        "$TRUSTCHAIN" flash read cipher -o out --key wrong
    head -c $((0x200000)) plain >short # a table with sense in it is still spoken of
    refused 1 "no valid partition table at 0x8000" "$TRUSTCHAIN" flash read short -o out
}

@test "read: folders that are there, cannot be made, or do not fit the disk" {
    mkdir empty full
    echo mine >full/file
    "$TRUSTCHAIN" flash read "$SHARED/plain" -o empty >/dev/null
    [ -s empty/ota_0.bin ]
    refused 1 "full: is a folder with files in it" "$TRUSTCHAIN" flash read "$SHARED/plain" -o full
    refused 1 "file: exists and is not a folder" "$TRUSTCHAIN" flash read "$SHARED/plain" \
        -o full/file
    refused 1 "cannot be made" "$TRUSTCHAIN" flash read "$SHARED/plain" -o none/parts
    refused 1 "cannot be made" "$TRUSTCHAIN" flash read "$SHARED/plain" -o /proc/parts
    [ "$(ls -A full)" = file ]
    mkdir disk
    mount -t tmpfs -o size=64k tmpfs disk 2>/dev/null || skip "needs the right to mount a tmpfs"
    MOUNTED=$PWD/disk
    refused 1 "No space left" "$TRUSTCHAIN" flash read "$SHARED/plain" -o disk/parts
    [ -z "$(ls -A disk)" ]
}

@test "build: NVS from CSV, and under the keys of the keys partition" {
    cat >table.csv <<END
nvs,      data, nvs,      0x9000,  0x4000,
otadata,  data, ota,      0xd000,  0x2000,
nvs_keys, data, nvs_keys, 0xf000,  0x1000,
ota_0,    app,  ota_0,    0x20000, 1M,
END
    printf 'key,type,encoding,value\nagent,namespace,,\ntoken,data,string,s3cret\n' >settings.csv
    "$TRUSTCHAIN" nvs build settings.csv -o plain.nvs --size 16K
    "$TRUSTCHAIN" nvs keys -o keys.bin
    "$TRUSTCHAIN" nvs build settings.csv -o cipher.nvs --size 16K --keys keys.bin
    part() { # LABEL OPTION...: what `build` put there
        build --partitions table.csv -o flash "${@:2}"
        "$TRUSTCHAIN" flash read flash --partition "$1" -o -
    }
    part nvs --data nvs=settings.csv | cmp - plain.nvs
    part nvs --data nvs=plain.nvs | cmp - plain.nvs
    part nvs --data nvs=settings.csv --data nvs_keys=keys.bin | cmp - cipher.nvs
    cmp -n "$(stat -c %s keys.bin)" -i $((0xf000)):0 flash keys.bin
    [ "$(stat -c %a flash)" = 600 ]
    # flash encryption covers the keys, never NVS
    build --partitions table.csv -o flash --key "$FLASH_KEY" --data nvs=settings.csv \
        --data nvs_keys=keys.bin
    cmp -n $((0x4000)) -i $((0x9000)):0 flash cipher.nvs
    run ! cmp -s -n 16 -i $((0xf000)):0 flash keys.bin
    "$TRUSTCHAIN" flash read flash --key "$FLASH_KEY" -o parts
    cmp parts/nvs.bin cipher.nvs
    cmp -n "$(stat -c %s keys.bin)" parts/nvs_keys.bin keys.bin
    build --partitions parts/partitions.csv -o again --key "$FLASH_KEY" \
        --bootloader parts/bootloader.bin --data nvs=parts/nvs.bin \
        --data nvs_keys=parts/nvs_keys.bin
    cmp again flash
    refused_data() { # PATTERN LABEL=FILE...
        refused 1 "$1" "$TRUSTCHAIN" flash build -o out --partitions table.csv \
            --bootloader "$SHARED/boot.signed" --app ota_0="$SHARED/app.signed" "${@:2}"
    }
    echo "oops" >bad.csv
    head -c 4096 /dev/zero >zeros
    chmod 600 zeros
    refused_data "bad.csv" --data nvs=bad.csv
    refused_data "zeros: " --data nvs_keys=zeros
    refused_data "nvs: is given twice" --data nvs=plain.nvs --data nvs=plain.nvs
    chmod 644 keys.bin
    refused_data "open to others" --data nvs_keys=keys.bin
}

# formats.md 5
@test "build: every kind of partition is encrypted as the chip would" {
    cat >table.csv <<END
boot,     bootloader, primary, 0, 0x8000, encrypted
table,    partition_table, primary, 0x8000, 0x1000, encrypted
nvs,      data, nvs,      0x9000,  0x4000,
otadata,  data, ota,      0xd000,  0x2000,
tee,      data, 0x90,     0xf000,  0x2000,
nvs_keys, data, nvs_keys, 0x11000, 0x1000,
recovery, bootloader, recovery, 0x12000, 0x8000, encrypted
open,     0x40, 1,        0x1a000, 0x1000,
secret,   0x40, 2,        0x1b000, 0x1000, encrypted
ota_0,    app,  ota_0,    0x20000, 1M,
END
    "$TRUSTCHAIN" nvs keys -o keys.bin
    head -c 4096 /dev/urandom >noise
    parts="--partitions table.csv --data nvs_keys=keys.bin --data secret=noise --data open=noise
        --data recovery=$SHARED/boot.signed"
    build $parts -o open_flash
    build $parts -o flash --key "$FLASH_KEY"
    python3 - "$(stat -c %s "$SHARED/boot.signed")" "$(stat -c %s "$SHARED/app.signed")" <<'END'
import sys
plain, cipher = open("open_flash", "rb").read(), open("flash", "rb").read()
boot, app = map(int, sys.argv[1:])
encrypted = [(0, boot), (0x8000, 0x1000), (0xd000, 0x2000), (0xf000, 0x2000), (0x11000, 0x1000),
             (0x12000, boot), (0x1b000, 0x1000), (0x20000, app)]
for at in range(0, len(plain), 16):
    inside = any(start <= at < start + length for start, length in encrypted)
    assert (plain[at:at + 16] != cipher[at:at + 16]) == inside, hex(at)
END
    "$TRUSTCHAIN" flash read flash -o parts --key "$FLASH_KEY"
    cmp parts/recovery.bin "$SHARED/boot.signed"
    cmp parts/secret.bin noise
    cmp parts/open.bin noise
    refused 1 "boot: is no data partition" "$TRUSTCHAIN" flash build -o out \
        --partitions table.csv --bootloader "$SHARED/boot.signed" \
        --app ota_0="$SHARED/app.signed" --data boot="$SHARED/boot.signed"
}

@test "build: the table where --offset says" {
    printf '%s\n' "nvs,data,nvs,,0x4000," "ota_0,app,ota_0,0x20000,1M," >table.csv
    for key in "" "--key $FLASH_KEY"; do
        build --partitions table.csv --offset 0xc000 -o flash $key
        rm -rf parts
        "$TRUSTCHAIN" flash read flash -o parts $key
        [ "$("$TRUSTCHAIN" flash map flash $key | sed -n 's/ *(partition table).*//p')" = \
            "0x00c000  4K" ]
        "$TRUSTCHAIN" flash map flash $key | grep -q "^0x00d000  16K      nvs "
        build --partitions parts/partitions.csv --offset 0xc000 -o again $key
        cmp flash again
    done
    refused_offset() { # STATUS PATTERN OPTION...
        refused "$1" "$2" "$TRUSTCHAIN" flash build -o out --bootloader "$SHARED/boot.signed" \
            --app ota_0="$SHARED/app.signed" "${@:3}"
    }
    refused_offset 2 "multiple of 0x1000" --offset 0x8800 --partitions table.csv
    refused_offset 2 "multiple of 0x1000" --offset 0 --partitions table.csv
    refused_offset 1 "room for 4096" --offset 0x1000 --partitions table.csv
    refused_offset 1 "first free offset here is 0x25000" --offset 0x20000 \
        --partitions table.csv
    echo "boot,bootloader,primary,0,0x8000," >primary.csv
    refused_offset 1 "outside of the flash" --offset 0x400000 --partitions primary.csv
}

@test "a flash in use is not replaced by encrypt, decrypt or a part of it" {
    cp "$SHARED/plain" f
    exec 9<f
    flock 9
    for verb in "encrypt $SHARED/app.signed --offset 0 --key $FLASH_KEY" \
        "decrypt $SHARED/app.signed --offset 0 --key $FLASH_KEY" \
        "flash read $SHARED/plain --partition nvs"; do
        refused 1 "f: is in use by another run" "$TRUSTCHAIN" $verb -o f 9<&-
    done
    cmp f "$SHARED/plain"
}

@test "the guide's picture is one of ours" {
    python3 - "$BATS_TEST_DIRNAME/../../docs/guides/flash-map.svg" <<'END'
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
assert root.tag == "{http://www.w3.org/2000/svg}svg"
END
    # the frame around the regions is the same; what is in them is that of `make demo`
    "$TRUSTCHAIN" flash map "$SHARED/cipher" --key "$FLASH_KEY" --svg map.svg
    diff <(sed -n '/<style>/,/<\/style>/p' map.svg) \
        <(sed -n '/<style>/,/<\/style>/p' "$BATS_TEST_DIRNAME/../../docs/guides/flash-map.svg")
}
