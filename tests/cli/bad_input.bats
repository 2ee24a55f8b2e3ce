# Every offline verb on every kind of bad file: one line, exit 1, no output file, no crash.

bats_require_minimum_version 1.5.0
load tool_helpers

setup_file() {
    make_product
    export BAD=$SHARED/bad
    mkdir "$BAD" "$BAD/folder"
    : >"$BAD/empty"
    head -c 100000 /dev/urandom >"$BAD/random"
    head -c 10 "$SHARED/app.signed" >"$BAD/truncated"
    truncate -s 65M "$BAD/oversized"
    head -c 4096 /dev/zero >"$BAD/zeros"
    chmod 600 "$BAD"/*[a-z]
    chmod 700 "$BAD/folder"
}

# every_bad_file COMMAND...: FILE stands for the bad file
every_bad_file() {
    local name word
    for name in missing empty random truncated oversized zeros folder; do
        local command=()
        for word in "$@"; do command+=("${word//FILE/$BAD/$name}"); done
        refused 1 "" timeout 20 "$TRUSTCHAIN" "${command[@]}"
    done
}

teardown() {
    [ -z "$MOUNTED" ] || umount "$MOUNTED"
}

setup() {
    MOUNTED=
    OUT=$BATS_TEST_TMPDIR/out
    cp "$SHARED/production.efuse" "$BATS_TEST_TMPDIR/efuse"
}

@test "bad files: images" {
    every_bad_file image make FILE -o "$OUT"
    every_bad_file image info FILE
    every_bad_file sign FILE -o "$OUT" --key "$SIGNING_KEY"
    every_bad_file verify FILE --key "$SIGNING_KEY"
}

@test "bad files: keys and certificates" {
    every_bad_file key public FILE -o "$OUT"
    every_bad_file key digest FILE
    every_bad_file sign "$SHARED/app.bin" -o "$OUT" --key FILE
    every_bad_file verify "$SHARED/app.signed" --key FILE
    every_bad_file encrypt "$SHARED/app.signed" -o "$OUT" --offset 0 --key FILE
    every_bad_file decrypt "$SHARED/app.signed" -o "$OUT" --offset 0 --key FILE
    for ca in "FILE $PROJECT/pki/ca_key.pem" "$PROJECT/pki/ca_cert.pem FILE"; do
        every_bad_file pki server --ca-cert "${ca% *}" --ca-key "${ca#* }" --name a \
            --cert "$OUT" --key-out "$OUT.key"
    done
}

@test "bad files: tables, eFuses, flash" {
    every_bad_file partition build FILE -o "$OUT"
    every_bad_file partition show FILE
    every_bad_file flash map FILE
    every_bad_file flash read FILE --partition nvs -o "$OUT"
    for part in "--partitions FILE" "--bootloader FILE" "--app ota_0=FILE" "--key FILE"; do
        every_bad_file flash build -o "$OUT" --partitions "$PROJECT/partitions.csv" \
            --bootloader "$SHARED/boot.signed" --app ota_1="$SHARED/app.signed" $part
    done
    every_bad_file efuse burn "$BATS_TEST_TMPDIR/efuse" key KEY3 SECURE_BOOT_DIGEST1 FILE --yes
    cmp "$BATS_TEST_TMPDIR/efuse" "$SHARED/production.efuse"
}

# Any 336 bytes or more are an eFuse file, and any 16 are plaintext: only the others are bad.
@test "bad files: where content cannot be wrong, size and kind can" {
    for name in missing empty truncated oversized random folder; do
        refused 1 "" "$TRUSTCHAIN" efuse show "$BAD/$name"
        refused 1 "" "$TRUSTCHAIN" efuse burn "$BAD/$name" field SECURE_BOOT_EN 1 --yes
        refused 1 "" "$TRUSTCHAIN" verify "$SHARED/app.signed" --efuse "$BAD/$name"
    done
    for name in missing empty truncated oversized folder; do
        refused 1 "" "$TRUSTCHAIN" encrypt "$BAD/$name" -o "$OUT" --offset 0 --key "$FLASH_KEY"
        refused 1 "" "$TRUSTCHAIN" otadata show "$BAD/$name"
    done
}

@test "keys of the wrong type say what they are" {
    cd "$BATS_TEST_TMPDIR"
    (
        umask 077
        openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out ec.pem
        openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime192v1 -out p192.pem
        openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa2048.pem
        openssl genpkey -algorithm ED25519 -out ed.pem
        openssl pkey -in "$SIGNING_KEY" -aes128 -passout pass:x -out locked.pem
        openssl pkey -in "$SIGNING_KEY" -pubout -out public.pem
        openssl pkey -in "$SIGNING_KEY" -outform DER -out key.der
        openssl pkey -in "$SIGNING_KEY" -traditional -out traditional.pem
    ) 2>/dev/null
    refused_key() { # KEY PATTERN
        refused 1 "$1: $2" "$TRUSTCHAIN" sign "$SHARED/app.bin" -o out --key "$1"
    }
    refused_key ec.pem "is a key of type EC secp384r1, 384 bits"
    refused_key p192.pem "is a key of type EC prime192v1, 192 bits"
    refused_key rsa2048.pem "is a key of type RSA, 2048 bits"
    refused_key ed.pem "is a key of type ED25519"
    TRUSTCHAIN_PASSPHRASE=y refused_key locked.pem "does not open with this passphrase"
    refused 1 "is protected by a passphrase" "$TRUSTCHAIN" verify "$SHARED/app.signed" \
        --key locked.pem
    refused_key public.pem "is a public key"
    refused_key key.der "is not a PEM private key"
    "$TRUSTCHAIN" sign "$SHARED/app.bin" -o out --key traditional.pem
    cp "$SIGNING_KEY" open.pem
    chmod 640 open.pem
    rm out
    refused_key open.pem "holds a secret but is open to others"
}

# Verbs that write, each with everything it needs but a place to write to.
writers() {
    local to=$1
    shift
    "$@" 1 key public "$SIGNING_KEY" -o "$to"
    "$@" 1 key digest "$SIGNING_KEY" -o "$to"
    "$@" 1 image make "$SHARED/boot.elf" -o "$to"
    "$@" 1 sign "$SHARED/app.bin" -o "$to" --key "$SIGNING_KEY"
    "$@" 1 encrypt "$SHARED/app.signed" -o "$to" --offset 0 --key "$FLASH_KEY"
    "$@" 1 decrypt "$SHARED/app.signed" -o "$to" --offset 0 --key "$FLASH_KEY"
    "$@" 1 partition build "$PROJECT/partitions.csv" -o "$to"
    "$@" 1 flash build -o "$to" --partitions "$PROJECT/partitions.csv" \
        --bootloader "$SHARED/boot.signed" --app ota_0="$SHARED/app.signed"
}

refused_writing() {
    local status=$1
    shift
    refused "$status" "" "$TRUSTCHAIN" "$@"
}

@test "outputs that cannot be written" {
    for place in "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/none/out" "$BAD/empty/out" /dev/full \
        /proc/out; do
        writers "$place" refused_writing
    done
    for place in "$BATS_TEST_TMPDIR/none/out" "$BAD/empty/out" /proc/out; do
        refused 1 "" "$TRUSTCHAIN" key new "$place" --type xts128
        refused 1 "" "$TRUSTCHAIN" efuse new "$place"
        refused 1 "" "$TRUSTCHAIN" init "$place"
        refused 1 "" "$TRUSTCHAIN" pki ca "$place"
    done
}

@test "a disk that is full leaves what was there" {
    disk=$BATS_FILE_TMPDIR/disk
    mkdir "$disk"
    mount -t tmpfs -o size=8k tmpfs "$disk" 2>/dev/null || skip "needs the right to mount a tmpfs"
    MOUNTED=$disk
    before=old
    echo $before >"$disk/out"
    for verb in "sign $SHARED/app.bin --key $SIGNING_KEY" "partition build $PROJECT/partitions.csv" \
        "encrypt $SHARED/app.signed --offset 0 --key $FLASH_KEY"; do
        head -c 4096 /dev/zero >"$disk/filler"
        run --separate-stderr "$TRUSTCHAIN" $verb -o "$disk/out"
        [ "$status" -eq 1 ]
        [[ "$stderr" == *"No space left"* ]]
        [ "$(cat "$disk/out")" = $before ]
        [ "$(ls -A "$disk" | tr '\n' ' ')" = "filler out " ]
    done
    rm "$disk/out"
    run --separate-stderr "$TRUSTCHAIN" init "$disk/project" --name x
    [ "$status" -eq 1 ]
    [ "$(ls -A "$disk")" = filler ]
}

@test "standard output that cannot be written is a failure" {
    for verb in "key digest $SIGNING_KEY" "image info $SHARED/app.bin" "--help" \
        "efuse show $SHARED/production.efuse --json"; do
        run bash -c '"$TRUSTCHAIN" $1 >/dev/full' - "$verb"
        [ "$status" -eq 1 ]
        [[ "$output" == "trustchain: stdout: "* ]]
    done
}

@test "usage: exit 2 and a word about it, help on every verb" {
    for words in "" "nonsense" "key" "key nonsense" "image make" "image make a" "sign" "sign a" \
        "sign a -o b" "verify a" "encrypt a -o b" "decrypt a -o b --key c" "partition build" \
        "partition build a b" "efuse show" "efuse burn a" "flash build" "flash build -o a" \
        "flash read a" "pki ca" "pki server" "init" "otadata show" "flash build --size 3MB" \
        "encrypt a -o b --key c --offset 1x" "encrypt a -o b --key c --offset 4096M" \
        "encrypt a -o b --key c --offset 0x"; do
        refused 2 "" "$TRUSTCHAIN" $words
    done
    run --separate-stderr "$TRUSTCHAIN" sign --no-such-option
    [ "$status" -eq 2 ]
    [ -z "$output" ]
    every_verb >"$BATS_TEST_TMPDIR/verbs"
    while read -ra verb; do
        run --separate-stderr "$TRUSTCHAIN" "${verb[@]}" --help
        [ "$status" -eq 0 ]
        [[ "$output" == "Usage: trustchain ${verb[*]} "* ]]
        [ -z "$stderr" ]
        run ! grep -n ' $' <<<"$output"
        refused 2 "${verb[*]}: there is no option --nope" "$TRUSTCHAIN" "${verb[@]}" --nope
    done <"$BATS_TEST_TMPDIR/verbs"
    [[ "$("$TRUSTCHAIN" --version)" == "trustchain "[0-9]* ]]
    [[ "$("$TRUSTCHAIN" help)" == *"  sign  "* ]]
}
