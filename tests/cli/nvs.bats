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
