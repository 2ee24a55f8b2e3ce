# trustchain nvs: partitions from CSV, and what is in one (docs/nvs.md).

bats_require_minimum_version 1.5.0
load tool_helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
    cat >values.csv <<'END'
key,type,encoding,value
# every encoding
net,namespace,,
port,data,u16,8443
offset,data,i64,-9223372036854775808
serial,data,u64,18446744073709551615
server,data,string,"https://updates.example, ""main"""
token,data,hex2bin,00ff10
salt,data,base64,QUI=
raw,data,binary,bytes
cert,file,binary,cert.der
other,namespace,,
port,data,u8,1
END
    head -c 5000 /dev/zero | tr '\0' 'Z' >cert.der
}

# The digest is that of nvs_partition_gen 0.3.0's file.
@test "nvs build: the bytes of Espressif's generator" {
    "$TRUSTCHAIN" nvs build values.csv -o values --size 0x4000
    [ "$(sha256_of values)" = f4023218d44a2c71f625d61e55e5c42e5bf058a598d05165af209ce8fb6849ff ]
    "$TRUSTCHAIN" nvs build - --size 16K <values.csv | cmp - values
}

@test "nvs show: values by namespace and key, also as JSON" {
    "$TRUSTCHAIN" nvs build values.csv -o values --size 0x4000
    run "$TRUSTCHAIN" nvs show values
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 9 ]
    [ "${lines[0]}" = "net              cert             blob    $(xxd -p -c 5000 cert.der)" ]
    [ "${lines[1]}" = "net              offset           i64     -9223372036854775808" ]
    [ "${lines[7]}" = 'net              token            blob    00ff10' ]
    [ "${lines[8]}" = "other            port             u8      1" ]
    "$TRUSTCHAIN" nvs show values --json >values.json
    [ "$(field '[2]["value"]' <values.json)" = 8443 ]
    [ "$(field '[6]["key"]' <values.json)" = server ]
    [ "$(field '[6]["value"]' <values.json)" = 'https://updates.example, "main"' ]
    [ "$(field '[6]["type"]' <values.json)" = string ]
    [ "$(field '[8]["namespace"]' <values.json)" = other ]
    [ "$(field '[5]["value"]' <values.json)" = 18446744073709551615 ]
}

# Keys 00 01 .. 3f. The digest is that of `nvs_partition_gen encrypt` with them.
known_keys() {
    python3 - >keys <<'END'
import struct, sys, zlib
key = bytes(range(64))
sys.stdout.buffer.write((key + struct.pack('<I', zlib.crc32(key, 0xFFFFFFFF))).ljust(4096, b'\xff'))
END
    chmod 600 keys
}

@test "nvs build --keys: the bytes of Espressif's generator; show, decrypt and encrypt with them" {
    known_keys
    "$TRUSTCHAIN" nvs build values.csv -o plain --size 0x4000
    "$TRUSTCHAIN" nvs build values.csv -o secret --size 0x4000 --keys keys
    [ "$(sha256_of secret)" = 9552073b81ddff054ff95357798bacd14d3bc02a9a2dd121b028d16d1bd263d5 ]
    "$TRUSTCHAIN" nvs show plain >expected
    "$TRUSTCHAIN" nvs show secret --keys keys | cmp - expected
    "$TRUSTCHAIN" nvs decrypt secret --keys keys | cmp - plain
    "$TRUSTCHAIN" nvs encrypt plain --keys keys -o again
    cmp again secret
    [ "$(stat -c %a again)" = 600 ]
    run ! grep -a -q updates.example secret
}

@test "nvs keys: new ones each time, 0600, never over others; derived ones are ESP-IDF's" {
    "$TRUSTCHAIN" nvs keys -o one
    "$TRUSTCHAIN" nvs keys -o two
    run ! cmp -s one two
    [ "$(stat -c '%a %s' one)" = "600 4096" ]
    [ "$(tail -c +69 one | tr -d '\377' | wc -c)" -eq 0 ]
    cp -p one before
    refused 1 "one: exists already and is not replaced" "$TRUSTCHAIN" nvs keys -o one
    cmp one before
    "$TRUSTCHAIN" nvs build values.csv --size 16K --keys one | "$TRUSTCHAIN" nvs show - --keys one

    printf 'an HMAC key has thirty-two bytes' >hmac
    chmod 600 hmac
    "$TRUSTCHAIN" nvs keys --hmac-key hmac -o derived
    # by the openssl command: HMAC of the two words of ESP-IDF, each eight times
    for word in 5a5abeae a5a5dece; do
        for _ in 1 2 3 4 5 6 7 8; do printf '%s' "$word"; done | xxd -r -p |
            openssl dgst -sha256 -mac HMAC -macopt hexkey:"$(xxd -p -c 32 hmac)" -binary
    done >expected
    head -c 64 derived | cmp - expected
}

@test "nvs: keys that are none, or others" {
    known_keys
    "$TRUSTCHAIN" nvs build values.csv -o secret --size 0x4000 --keys keys
    "$TRUSTCHAIN" nvs keys -o others
    refused 1 "secret: page 0, entry 0: " "$TRUSTCHAIN" nvs show secret
    refused 1 "damaged, or encrypted: --keys" "$TRUSTCHAIN" nvs show secret
    refused 1 "damaged, or other keys" "$TRUSTCHAIN" nvs show secret --keys others
    refused 1 "damaged, or other keys" "$TRUSTCHAIN" nvs decrypt secret --keys others -o out
    [ ! -e out ]
    refused 1 "damaged, or encrypted" "$TRUSTCHAIN" nvs encrypt secret --keys keys -o out
    refused 2 "--keys is missing" "$TRUSTCHAIN" nvs decrypt secret -o out
    refused 2 "--output is missing" "$TRUSTCHAIN" nvs keys
    refused 2 "takes no file" "$TRUSTCHAIN" nvs keys out
    head -c 67 keys >short
    head -c 4096 /dev/zero | tr '\0' '\377' >blank
    cp keys flipped
    patch flipped 5 ff
    chmod 600 short blank flipped
    refused 1 "short: is no NVS keys partition" "$TRUSTCHAIN" nvs show secret --keys short
    refused 1 "blank: is a blank keys partition" "$TRUSTCHAIN" nvs show secret --keys blank
    refused 1 "is no NVS keys partition: the checksum" "$TRUSTCHAIN" nvs show secret --keys flipped
    refused 1 "an HMAC key has 32 bytes, not 67" "$TRUSTCHAIN" nvs keys --hmac-key short -o out
    chmod 644 keys
    refused 1 "keys: " "$TRUSTCHAIN" nvs show secret --keys keys
    [ ! -e out ]
}

# In the second partition the first page's `a` is left from before a power cut: the device had
# written its new value to the second page and not yet erased the old one.
@test "nvs show: of a key left twice by a power cut the newer value, and a word about the other" {
    { printf 'key,type,encoding,value\ns,namespace,,\na,data,string,old\nb,data,u8,1\n'
      for i in $(seq 122); do printf 'n%d,data,u8,1\n' "$i"; done
      printf 'a2,data,string,new\nblob,data,hex2bin,0102\n'; } >cut.csv
    "$TRUSTCHAIN" nvs build cut.csv -o cut --size 0x4000
    python3 - <<'END'
import struct, zlib
data = bytearray(open('cut', 'rb').read())
entry = data[4096 + 64:4096 + 96]
assert entry[8:10] == b'a2', entry
entry[9] = 0
entry[4:8] = struct.pack('<I', zlib.crc32(bytes(entry[:4] + entry[8:]), 0xFFFFFFFF))
data[4096 + 64:4096 + 96] = entry
open('cut', 'wb').write(data)
END
    run --separate-stderr "$TRUSTCHAIN" nvs show cut
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "s                a                string  new" ]
    [ "${#lines[@]}" -eq 125 ]
    [[ "$stderr" == *"cut: page 0, entry 1: key a in namespace s is stale: replaced by a later"* ]]
    # the string's second slot is not marked: it was being written when power failed
    patch cut $((4096 + 32)) ae
    run --separate-stderr "$TRUSTCHAIN" nvs show cut
    [ "${lines[0]}" = "s                a                string  old" ]
    [[ "$stderr" == *"page 1, entry 0: key a in namespace s is stale: written or erased halfway" ]]
}

@test "nvs build: what it refuses, and why" {
    refused 2 "--size is missing" "$TRUSTCHAIN" nvs build values.csv -o out
    refused 2 "must be a multiple of 4096" "$TRUSTCHAIN" nvs build values.csv -o out --size 5000
    refused 2 "at most 16M" "$TRUSTCHAIN" nvs build values.csv -o out --size 17M
    refused 1 "line 11: key 'cert': does not fit any more (raise the size)" \
        "$TRUSTCHAIN" nvs build values.csv -o out --size 0x1000
    rm cert.der
    refused 1 "cert.der" "$TRUSTCHAIN" nvs build values.csv -o out --size 0x4000
    printf 'key,type,encoding,value\ns,namespace,,\nk,data,u8,1\nk,data,u16,1\n' >twice.csv
    refused 1 "key k in namespace s: occurs twice" \
        "$TRUSTCHAIN" nvs build twice.csv -o out --size 0x3000
    printf 'key,type,encoding,value\ns,namespace,,\nk,data,u8,256\n' >range.csv
    refused 1 "range.csv: line 3: key 'k': the value is no decimal number" \
        "$TRUSTCHAIN" nvs build range.csv -o out --size 0x3000
}

@test "nvs show: what it refuses, and where" {
    "$TRUSTCHAIN" nvs build values.csv -o values --size 0x4000
    cp values bad
    patch bad 9 00
    refused 1 "bad: page 0: is no NVS page" "$TRUSTCHAIN" nvs show bad
    cp values bad
    patch bad $((64 + 32 + 8)) 58
    refused 1 "bad: page 0, entry 1: " "$TRUSTCHAIN" nvs show bad
    cp values bad
    patch bad 0 f0
    refused 1 "its namespace has no name" "$TRUSTCHAIN" nvs show bad
    printf 'key,type,encoding,value\ns,namespace,,\nb,data,hex2bin,00\n' >blob.csv
    "$TRUSTCHAIN" nvs build blob.csv -o bad --size 0x3000
    patch bad 32 82
    refused 1 "key b in namespace s: chunks of the blob are missing" "$TRUSTCHAIN" nvs show bad
    head -c 5000 values >bad
    refused 1 "not a multiple of 4096" "$TRUSTCHAIN" nvs show bad
    head -c 8192 /dev/urandom >bad
    refused 1 "bad: page 0: is no NVS page" "$TRUSTCHAIN" nvs show bad
}
