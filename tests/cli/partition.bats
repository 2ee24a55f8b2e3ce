# trustchain partition: what the CSV may say (the tables themselves: storage.bats).

bats_require_minimum_version 1.5.0
load tool_helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
}

header=$'# ESP-IDF Partition Table\n# Name, Type, SubType, Offset, Size, Flags'

@test "environment variables are put in, those that are not set are named with their line" {
    printf '%s\n' '# $NONE' 'nvs,data,nvs,,${NVS_BYTES}' '$ROW' '${SLOT},app,$SLOT,,$SLOT_BYTES,$FLAGS' >table.csv
    printf '%s\n' 'nvs,data,nvs,,0x4000' 'otadata,data,ota,,8K' 'ota_0,app,ota_0,,1M,' >plain.csv
    export NVS_BYTES=0x4000 ROW='otadata,data,ota,,8K' SLOT=ota_0 SLOT_BYTES=1M FLAGS=
    "$TRUSTCHAIN" partition build plain.csv -o expected
    "$TRUSTCHAIN" partition build table.csv -o out
    cmp expected out
    rm out
    [ "$("$TRUSTCHAIN" partition show table.csv)" = "$("$TRUSTCHAIN" partition show expected)" ]
    unset SLOT_BYTES
    refused 1 "table.csv: line 4: variable 'SLOT_BYTES' is not set (set it" \
        "$TRUSTCHAIN" partition build table.csv -o out
    export SLOT_BYTES=$'1M\nx,app,ota_1,,1M'
    refused 1 "line 4: a control character" "$TRUSTCHAIN" partition build table.csv -o out
    SLOT_BYTES=$(printf '%01100d' 1)
    refused 1 "line 4: the row is too long" "$TRUSTCHAIN" partition build table.csv -o out
    SLOT_BYTES='$NVS_BYTES'
    refused 1 "line 4: variable 'SLOT_BYTES' has a '$' in its value" \
        "$TRUSTCHAIN" partition build table.csv -o out
    printf 'nvs,data,nvs,,$\n' >table.csv
    refused 1 "line 1: a '$' without a variable" "$TRUSTCHAIN" partition build table.csv -o out
}

@test "numbers, blanks and lines as Python has them" {
    printf 'nvs\xc2\xa0,data,0X0_2,+0x9000,0b1_0000 K\fo,0o1,00,,0x8k\xe2\x80\xa8f,app,factory,,1_024k\n' \
        >table.csv
    run "$TRUSTCHAIN" partition show table.csv
    [ "$output" = "$header"$'\nnvs,data,nvs,0x9000,16K,\no,data,ota,0xd000,8K,\nf,app,factory,0x10000,1M,' ]
    for size in 1__0 _1 1_ 0x 08 0b2 +-1 1M1; do
        echo "a,data,fat,,$size" >bad.csv
        refused 1 "bad.csv: line 1: size '$size' is no size" "$TRUSTCHAIN" partition show bad.csv
        rm bad.csv
    done
}

@test "names that mislead are warned of, in CSV and binary" {
    printf '%s\n' 'nvs,data,nvs,,16K' '' 'app,data,fat,,4K' 'factory,app,test,,64K' >table.csv
    run --separate-stderr "$TRUSTCHAIN" partition build table.csv -o out
    [ "$status" -eq 0 ]
    [ "${stderr_lines[0]}" = "trustchain: table.csv: line 3: warning: 'app' is a partition type, and this one has another (a mistake?)" ]
    [ "${stderr_lines[1]}" = "trustchain: table.csv: line 4: warning: 'factory' is a partition subtype, and this one has another (a mistake?)" ]
    [ "${#stderr_lines[@]}" -eq 2 ]
    run --separate-stderr "$TRUSTCHAIN" partition show out
    [ "$status" -eq 0 ]
    [[ "${stderr_lines[0]}" == "trustchain: out: entry 2: warning: "* ]]
    [ "${#stderr_lines[@]}" -eq 2 ]
}

@test "build --offset: where the table is decides where partitions may be" {
    printf '%s\n' 'nvs,data,nvs,,16K' 'factory,app,factory,,64K' >table.csv
    [ "$("$TRUSTCHAIN" partition build table.csv --offset 0x10000 | "$TRUSTCHAIN" partition show -)" = \
        "$header"$'\nnvs,data,nvs,0x11000,16K,\nfactory,app,factory,0x20000,64K,' ]
    printf '%s\n' 'nvs,data,nvs,0x9000,16K' >table.csv
    refused 1 "table.csv: line 1: offset 0x9000 is taken (the first free offset here is 0x11000" \
        "$TRUSTCHAIN" partition build table.csv --offset 0x10000 -o out
    refused 2 "multiple of 0x1000" "$TRUSTCHAIN" partition build table.csv --offset 0x8800 -o out
    refused 1 "beyond 4 GB" "$TRUSTCHAIN" partition build table.csv --offset 0xfffff000 -o out
}
