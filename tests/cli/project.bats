# trustchain.ini: each setting `init` writes is used, and there are no others.

bats_require_minimum_version 1.5.0
load tool_helpers

setup_file() {
    make_product
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    cp -r "$PROJECT" p
    ini=p/trustchain.ini
}

build() { # OUT OPTION...
    "$TRUSTCHAIN" flash build -o "$1" --bootloader "$SHARED/boot.signed" \
        --app ota_0="$SHARED/app.signed" "${@:2}"
}

@test "a misspelt setting is refused by every verb that reads the file" {
    sed -i 's/^min_secure_version/min_secure_versoin/' $ini
    line=$(grep -n versoin $ini | cut -d: -f1)
    expected="$ini: line $line: there is no setting"
    refused 1 "$expected" "$TRUSTCHAIN" release list --project p
    refused 1 "$expected" "$TRUSTCHAIN" serve --project p --listen 127.0.0.1:0
    refused 1 "$expected" "$TRUSTCHAIN" flash build --project p -o out \
        --bootloader "$SHARED/boot.signed" --app ota_0="$SHARED/app.signed"
}

@test "flash build: size, table, encryption and signing key are the project's" {
    build whole --size 4MB --partitions p/partitions.csv --key "$FLASH_KEY"
    build ours --project p
    cmp ours whole
    sed -i 's/^encryption = on/encryption = off/' $ini
    build plain --project p
    build whole --size 4MB --partitions p/partitions.csv
    cmp plain whole
    sed -i 's/^size = 4MB/size = 8MB/' $ini
    build large --project p
    [ "$(stat -c %s large)" -eq $((8 << 20)) ]
    build small --project p --size 4MB
    cmp small plain
    "$TRUSTCHAIN" key new other.pem
    "$TRUSTCHAIN" key public other.pem -o other_public.pem
    sed -i "s|^signing_key = .*|signing_key = $PWD/other_public.pem|" $ini
    refused 1 "would be refused by the device" build out --project p
    build ours --project p --efuse "$SHARED/production.efuse" --size 4MB
    build whole --efuse "$SHARED/production.efuse" --partitions p/partitions.csv
    cmp ours whole
}

@test "values that cannot be are refused with their line" {
    wrong() { # SETTING VALUE [RULE]
        sed "s|^$1 = .*|$1 = $2|" "$PROJECT/trustchain.ini" >$ini
        refused 1 "$ini: line " "$TRUSTCHAIN" release list --project p
        [[ "$stderr" == *"$1 cannot be \"$2\" (${3:-}"*")" ]]
    }
    wrong size 3MB 2MB
    wrong encryption yes "on or off"
    wrong min_secure_version -1 "0 to 16"
    wrong name a/b
    wrong channel ..
}

@test "release publish: product, channel, key, slot and lowest secure version are the project's" {
    "$TRUSTCHAIN" release publish "$SHARED/app.signed" --project p
    [ -s p/releases/thermo/stable.json ]
    sed -i 's/^channel = .*/channel = beta/; s/^folder = .*/folder = out/' $ini
    mkdir p/out
    "$TRUSTCHAIN" release publish "$SHARED/app.signed" --project p
    [ -s p/out/thermo/beta.json ]
    sed -i 's/^min_secure_version = .*/min_secure_version = 3/' $ini
    refused 1 "a device would refuse this" "$TRUSTCHAIN" release publish "$SHARED/app.signed" \
        --project p
}

@test "build-firmware: an output that is no file is refused, a device is not replaced" {
    source=$BATS_TEST_DIRNAME/../../device/app/firmware-of-project
    [ -r "$BATS_TEST_DIRNAME/../../build/device/app/libapp.a" ] || skip "no device software built"
    mkdir folder
    mkfifo pipe
    for out in folder pipe; do
        run --separate-stderr "$source" p 1.0.0 $out
        [ "$status" -eq 1 ]
        [ "$stderr" = "build-firmware: $out: is a folder or a device, not a file" ]
    done
    [ -p pipe ]
    long=$(printf 'n%.0s' {1..300})
    run --separate-stderr "$source" p 1.0.0 "$long"
    [ "$status" -eq 1 ]
    [ "$stderr" = "build-firmware: $long: cannot be written" ]
    run --separate-stderr "$source" p $'1\n2' out
    [ "$status" -eq 2 ]
    [ "$(wc -l <<<"$stderr")" -eq 1 ]
    [ -z "$(find . -name '.firmware.*')" ]
}

# firmware-of-project reads [product] and [update]; its last step is a program we put in between.
@test "firmware-of-project: product, channel, URL, interval and authority are the project's" {
    source=$BATS_TEST_DIRNAME/../../device/app/firmware-of-project
    mkdir tools
    cp "$source" tools
    printf '#!/bin/sh\nprintf "%%s\\n" "$@"\n' >tools/build-firmware
    chmod +x tools/build-firmware
    sed -i 's|^url = .*|url = https://updates.example:1234 ; ours|
        s/^poll_seconds = .*/poll_seconds = 17/
        s/^channel = .*/channel = beta/' $ini
    run tools/firmware-of-project p 1.2.3 out.elf --secure-version 4
    expected="--ca p/pki/ca_cert.pem --url https://updates.example:1234 --product thermo"
    expected+=" --channel beta --poll 17 --version 1.2.3 --out out.elf --secure-version 4"
    [ "$(tr '\n' ' ' <<<"$output")" = "$expected " ]
    sed -i 's/^poll_seconds/poll_second/' $ini
    run tools/firmware-of-project p 1.2.3 out.elf
    [ "$status" -eq 1 ]
    [[ "$output" == "firmware-of-project: $ini: line "*": there is no such setting" ]]
}
