# release: what a device would refuse is not published, and a refusal
# changes nothing.

bats_require_minimum_version 1.5.0
load release_helpers

setup_file() {
    export SHARED=$BATS_FILE_TMPDIR
    "$TRUSTCHAIN" key new "$SHARED/key.pem"
    "$TRUSTCHAIN" key new "$SHARED/other.pem"
    signed_image "$SHARED/v1.bin" 1.0.0 thermo 0
    signed_image "$SHARED/v2.bin" 1.1.0 thermo 1
}

setup() {
    RELEASES=$BATS_TEST_TMPDIR/releases
    mkdir "$RELEASES"
}

# Everything a reader of the store could see.
store_state() {
    (cd "$RELEASES" && find . -type f -name '[!.]*' -exec sha256sum {} + | sort)
}

# refused PATTERN IMAGE [OPTION...]: exit 1, one line with PATTERN, store unchanged
refused() {
    local pattern=$1 before
    shift
    before=$(store_state)
    run publish "$@"
    echo "$output"
    [ "$status" -eq 1 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ "$output" == "trustchain: "*"$pattern"* ]]
    [ "$(store_state)" = "$before" ]
}

# patched OUT IN OFFSET HEX...: a copy with bytes replaced
patched() {
    cp "$2" "$1"
    printf "$(printf '\\x%s' "${@:4}")" | dd of="$1" bs=1 seek="$3" conv=notrunc status=none
}

# resealed OUT IN OFFSET BLOCK: a byte of a signature block flipped, the block's CRC made right
resealed() {
    python3 - "$@" <<'END'
import struct, sys, zlib
data = bytearray(open(sys.argv[2], "rb").read())
block = len(data) - 4096 + 1216 * int(sys.argv[4])
data[block + int(sys.argv[3])] ^= 1
data[block + 1196 : block + 1200] = struct.pack("<I", zlib.crc32(data[block : block + 1196]))
open(sys.argv[1], "wb").write(data)
END
}

@test "publishing writes the image under its hash and a pointer to it" {
    run publish "$SHARED/v1.bin" --json
    [ "$status" -eq 0 ]
    local hash
    hash=$(sha256_of "$SHARED/v1.bin")
    [ "$(field "['release']['sha256']" <<<"$output")" = "$hash" ]
    cmp "$SHARED/v1.bin" "$RELEASES/artifacts/$hash.bin"
    [ "$(pointer sha256)" = "$hash" ]
    [ "$(pointer version)" = 1.0.0 ]
    [ "$(pointer size)" -eq "$(stat -c %s "$SHARED/v1.bin")" ]
}

@test "a newer version replaces, and the older image stays for downloads under way" {
    publish "$SHARED/v1.bin"
    run publish "$SHARED/v2.bin"
    [ "$status" -eq 0 ]
    [[ "$output" == *"1.1.0"*"(was 1.0.0)" ]]
    [ "$(pointer secure_version)" -eq 1 ]
    [ -f "$RELEASES/artifacts/$(sha256_of "$SHARED/v1.bin").bin" ]
}

@test "an application for flash of 2 MB, whose MMU pages are 32 KB, is published" {
    cd "$BATS_TEST_TMPDIR"
    signed_image paged 1.0.0 thermo 0 64 15
    publish paged
    [ "$(pointer sha256)" = "$(sha256_of paged)" ]
    patched other paged 212 10 # its segments are where no page of 64 KB has them
    refused "an offset or size is not aligned" other
}

@test "another chip's image is refused" {
    patched "$BATS_TEST_TMPDIR/c3.bin" "$SHARED/v1.bin" 12 05
    refused "another chip" "$BATS_TEST_TMPDIR/c3.bin"
}

@test "a flipped byte of code is refused by the checksum" {
    patched "$BATS_TEST_TMPDIR/flip.bin" "$SHARED/v1.bin" 300 5a
    refused "checksum" "$BATS_TEST_TMPDIR/flip.bin"
}

@test "two flips that keep the checksum are refused by the digest" {
    # rodata is all 0xA5 from offset 288 on: the same bit twice leaves the XOR as it was
    patched "$BATS_TEST_TMPDIR/twice.bin" "$SHARED/v1.bin" 300 a4 a4
    refused "SHA-256" "$BATS_TEST_TMPDIR/twice.bin"
}

@test "an unsigned image is refused" {
    "$TRUSTCHAIN" image make --output "$BATS_TEST_TMPDIR/u.bin" "$SHARED/v1.bin.unsigned.elf"
    refused "a device would refuse" "$BATS_TEST_TMPDIR/u.bin"
    truncate -s %4096 "$BATS_TEST_TMPDIR/u.bin"
    head -c 4096 /dev/zero >>"$BATS_TEST_TMPDIR/u.bin"
    refused "a device would refuse" "$BATS_TEST_TMPDIR/u.bin"
}

@test "a signature by another key is refused" {
    "$TRUSTCHAIN" sign --key "$SHARED/other.pem" --output "$BATS_TEST_TMPDIR/o.bin" \
        "$SHARED/v1.bin.unsigned"
    refused "not by a trusted key" "$BATS_TEST_TMPDIR/o.bin"
}

@test "keys may be named by their digest" {
    local digest
    digest=$("$TRUSTCHAIN" key digest "$SHARED/key.pem" | grep -oE '[0-9a-f]{64}')
    run "$TRUSTCHAIN" release publish "$SHARED/v1.bin" --releases "$RELEASES" --product thermo \
        --digest "${digest/[0-7]/8}"
    [ "$status" -eq 1 ]
    [[ "$output" == *"not by a trusted key"* ]]
    run "$TRUSTCHAIN" release publish "$SHARED/v1.bin" --releases "$RELEASES" --product thermo \
        --digest "$digest"
    [ "$status" -eq 0 ]
}

@test "a broken signature by the right key is refused" {
    resealed "$BATS_TEST_TMPDIR/s.bin" "$SHARED/v1.bin" 900 0
    refused "does not verify" "$BATS_TEST_TMPDIR/s.bin"
}

@test "a truncated image is refused" {
    head -c 5000 "$SHARED/v1.bin" >"$BATS_TEST_TMPDIR/t.bin"
    refused "a device would refuse" "$BATS_TEST_TMPDIR/t.bin"
}

@test "bytes after the signature sector are refused" {
    (cat "$SHARED/v1.bin"; printf extra) >"$BATS_TEST_TMPDIR/long.bin"
    refused "5 bytes after the signature sector" "$BATS_TEST_TMPDIR/long.bin"
}

@test "an image larger than the slot is refused, one that just fits is not" {
    local size
    size=$(stat -c %s "$SHARED/v1.bin")
    refused "larger than its slot" "$SHARED/v1.bin" --slot-size $((size - 1))
    run publish "$SHARED/v1.bin" --slot-size "$size"
    [ "$status" -eq 0 ]
}

@test "an image over the size limit is refused, one of just that size is not" {
    local size
    size=$(stat -c %s "$SHARED/v1.bin")
    refused "$size bytes are more than the limit of $((size - 1)) ([release] max_size" \
        "$SHARED/v1.bin" --max-size $((size - 1))
    run --separate-stderr publish "$SHARED/v1.bin" --max-size $((size - 1)) --json
    [ "$(field "['verdict']" <<<"$output")" = refused-size ]
    run publish "$SHARED/v1.bin" --max-size "$size"
    [ "$status" -eq 0 ]
}

@test "each of several required keys must have signed" {
    local digest
    "$TRUSTCHAIN" sign --key "$SHARED/other.pem" --append --output "$BATS_TEST_TMPDIR/both.bin" \
        "$SHARED/v1.bin"
    "$TRUSTCHAIN" sign --key "$SHARED/other.pem" --output "$BATS_TEST_TMPDIR/new.bin" \
        "$SHARED/v1.bin.unsigned"
    "$TRUSTCHAIN" key new "$BATS_TEST_TMPDIR/third.pem"
    digest=$("$TRUSTCHAIN" key digest "$SHARED/other.pem" | grep -oE '[0-9a-f]{64}')
    refused "required key 1 of 2 (digest ${digest:0:8}...) has not signed it" \
        "$SHARED/v1.bin" --key "$SHARED/other.pem"
    refused "required key 2 of 2 (" "$BATS_TEST_TMPDIR/new.bin" --key "$SHARED/other.pem"
    refused "required key 2 of 3 (" "$BATS_TEST_TMPDIR/both.bin" --key "$SHARED/other.pem" \
        --key "$BATS_TEST_TMPDIR/third.pem"
    refused "not by a trusted key" "$BATS_TEST_TMPDIR/new.bin"
    resealed "$BATS_TEST_TMPDIR/broken.bin" "$BATS_TEST_TMPDIR/both.bin" 900 1
    refused "is in it, but its signature does not verify" \
        "$BATS_TEST_TMPDIR/broken.bin" --key "$SHARED/other.pem"
    run publish "$BATS_TEST_TMPDIR/both.bin" --key "$SHARED/other.pem"
    [ "$status" -eq 0 ]
}

@test "keys rotate: a project's next_signing_key must have signed as well" {
    local project=$BATS_TEST_TMPDIR/project ini=$BATS_TEST_TMPDIR/project/trustchain.ini
    "$TRUSTCHAIN" init "$project" --name thermo --no-keys --no-pki
    sed -i "s|^signing_key = .*|signing_key = $SHARED/key.pem|" "$ini"
    run "$TRUSTCHAIN" release publish "$SHARED/v1.bin" --project "$project"
    [ "$status" -eq 0 ]
    sed -i "s|^signing_key = .*|&\nnext_signing_key = $SHARED/other.pem|" "$ini"
    run "$TRUSTCHAIN" release publish "$SHARED/v2.bin" --project "$project" --json
    [ "$status" -eq 1 ]
    [[ "$output" == *'"refused-keys"'*"required key 2 of 2"* ]]
    "$TRUSTCHAIN" sign --key "$SHARED/other.pem" --append --output "$BATS_TEST_TMPDIR/both.bin" \
        "$SHARED/v2.bin"
    echo "max_size = 4K" >>"$ini"
    run "$TRUSTCHAIN" release publish "$BATS_TEST_TMPDIR/both.bin" --project "$project"
    [ "$status" -eq 1 ]
    [[ "$output" == *"more than the limit of 4096"* ]]
    sed -i 's/^max_size = .*/max_size = 2M/' "$ini"
    run "$TRUSTCHAIN" release publish "$BATS_TEST_TMPDIR/both.bin" --project "$project"
    [ "$status" -eq 0 ]
}

@test "ECDSA P-256 signatures count like RSA ones" {
    local ec="--releases $RELEASES --product thermo --key $BATS_TEST_TMPDIR/ec.pem"
    "$TRUSTCHAIN" key new --type ecdsa-p256 "$BATS_TEST_TMPDIR/ec.pem"
    "$TRUSTCHAIN" sign --key "$BATS_TEST_TMPDIR/ec.pem" --output "$BATS_TEST_TMPDIR/ec.bin" \
        "$SHARED/v1.bin.unsigned"
    refused "not by a trusted key" "$BATS_TEST_TMPDIR/ec.bin"
    run "$TRUSTCHAIN" release publish "$SHARED/v1.bin" $ec
    [ "$status" -eq 1 ]
    [[ "$output" == *"not by a trusted key"* ]]
    resealed "$BATS_TEST_TMPDIR/bad.bin" "$BATS_TEST_TMPDIR/ec.bin" 110 0 # in the signature's r
    run "$TRUSTCHAIN" release publish "$BATS_TEST_TMPDIR/bad.bin" $ec
    [ "$status" -eq 1 ]
    [[ "$output" == *"does not verify"* ]]
    run "$TRUSTCHAIN" release publish "$BATS_TEST_TMPDIR/ec.bin" $ec
    [ "$status" -eq 0 ]
}

@test "labels that are no text are refused, also as JSON" {
    patched "$BATS_TEST_TMPDIR/label.bin" "$SHARED/v1.bin" 48 ff fe
    run --separate-stderr publish "$BATS_TEST_TMPDIR/label.bin" --unchecked --json
    [ "$status" -eq 1 ]
    [ "$(field "['verdict']" <<<"$output")" = refused-label ]
}

@test "another product's application is refused" {
    signed_image "$BATS_TEST_TMPDIR/lamp.bin" 1.0.0 lamp 0
    refused '"lamp", not "thermo"' "$BATS_TEST_TMPDIR/lamp.bin"
    refused '"lamp", not "thermo"' "$BATS_TEST_TMPDIR/lamp.bin" --force
}

@test "a version that is not newer is refused unless forced" {
    publish "$SHARED/v1.bin"
    refused "1.0.0 is not newer than the published 1.0.0" "$SHARED/v1.bin"
    signed_image "$BATS_TEST_TMPDIR/old.bin" 1.0.0-rc1 thermo 0
    refused "1.0.0-rc1 is not newer" "$BATS_TEST_TMPDIR/old.bin"
    run publish "$BATS_TEST_TMPDIR/old.bin" --force
    [ "$status" -eq 0 ]
    [ "$(pointer version)" = 1.0.0-rc1 ]
}

@test "version 1.10.0 is newer than 1.9.0" {
    signed_image "$BATS_TEST_TMPDIR/9.bin" 1.9.0 thermo 0
    signed_image "$BATS_TEST_TMPDIR/10.bin" 1.10.0 thermo 0
    publish "$BATS_TEST_TMPDIR/9.bin"
    publish "$BATS_TEST_TMPDIR/10.bin"
    refused "1.9.0 is not newer than the published 1.10.0" "$BATS_TEST_TMPDIR/9.bin"
}

@test "a lower secure version is refused even when forced" {
    publish "$SHARED/v2.bin"
    signed_image "$BATS_TEST_TMPDIR/v3.bin" 1.2.0 thermo 0
    refused "secure version 0 is lower than the published 1" "$BATS_TEST_TMPDIR/v3.bin"
    refused "secure version 0 is lower" "$BATS_TEST_TMPDIR/v3.bin" --force
    run publish "$BATS_TEST_TMPDIR/v3.bin" --lower-secure-version
    [ "$status" -eq 0 ]
}

@test "files that are no image are refused" {
    printf '' >"$BATS_TEST_TMPDIR/empty"
    refused "" "$BATS_TEST_TMPDIR/empty"
    head -c 100000 /dev/urandom >"$BATS_TEST_TMPDIR/random"
    refused "a device would refuse" "$BATS_TEST_TMPDIR/random"
    truncate -s 17M "$BATS_TEST_TMPDIR/huge"
    refused "" "$BATS_TEST_TMPDIR/huge"
    refused "" "$BATS_TEST_TMPDIR/missing"
    refused "" "$BATS_TEST_TMPDIR"
}

@test "names that would leave the store are refused" {
    local name
    for name in .. ../x a/b '' .hidden artifacts "a b" "$(printf 'x%.0s' {1..65})"; do
        run "$TRUSTCHAIN" release publish "$SHARED/v1.bin" --releases "$RELEASES" \
            --product "$name" --key "$SHARED/key.pem"
        [ "$status" -eq 1 ]
        run publish "$SHARED/v1.bin" --channel "$name"
        [ "$status" -eq 1 ] || [ "$name" = artifacts ]
    done
    [ ! -e "$BATS_TEST_TMPDIR/x" ]
}

@test "a store that cannot be opened or written is one clear line" {
    rmdir "$RELEASES"
    run publish "$SHARED/v1.bin"
    [ "$status" -eq 1 ]
    [[ "$output" == "trustchain: $RELEASES: cannot open the releases: "* ]]
    mkdir "$RELEASES"
    printf 'in the way' >"$RELEASES/artifacts"
    run publish "$SHARED/v1.bin"
    [ "$status" -eq 1 ]
    [[ "$output" == *"the store cannot be written"* ]]
    [ ! -e "$RELEASES/thermo" ]
}

@test "a full disk is one clear line and leaves no part of an image" {
    publish "$SHARED/v1.bin"
    local before
    before=$(store_state)
    run bash -c "trap '' XFSZ; ulimit -f 8; '$TRUSTCHAIN' release publish '$SHARED/v2.bin' \
        --releases '$RELEASES' --product thermo --key '$SHARED/key.pem'"
    [ "$status" -eq 1 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ "$output" == *"the store cannot be written: File too large" ]]
    [ "$(store_state)" = "$before" ]
    [ -z "$(find "$RELEASES" -name .incoming)" ]
}

@test "a damaged pointer is replaced only when forced" {
    publish "$SHARED/v1.bin"
    printf '{"version": 7' >"$RELEASES/thermo/stable.json"
    refused "damaged (--force replaces it)" "$SHARED/v2.bin"
    run publish "$SHARED/v2.bin" --force
    [ "$status" -eq 0 ]
}

@test "--unchecked publishes anything, with a loud warning" {
    publish "$SHARED/v1.bin"
    patched "$BATS_TEST_TMPDIR/flip.bin" "$SHARED/v2.bin" 300 5a
    run --separate-stderr publish "$BATS_TEST_TMPDIR/flip.bin" --unchecked
    [ "$status" -eq 0 ]
    [[ "$stderr" == *"WARNING"*"UNCHECKED"* ]]
    cmp "$BATS_TEST_TMPDIR/flip.bin" \
        "$RELEASES/artifacts/$(sha256_of "$BATS_TEST_TMPDIR/flip.bin").bin"
    printf 'no image at all' >"$BATS_TEST_TMPDIR/text"
    run publish "$BATS_TEST_TMPDIR/text" --unchecked
    [ "$status" -eq 1 ]
    run publish "$BATS_TEST_TMPDIR/text" --unchecked --as 9.9.9
    [ "$status" -eq 0 ]
    [ "$(pointer version)" = 9.9.9 ]
    run publish "$SHARED/v1.bin" --as 9.9.9
    [ "$status" -eq 2 ]
}

@test "metadata: beside the image, the same bytes wherever it is published" {
    local hash beside
    hash=$(sha256_of "$SHARED/v2.bin") beside=$RELEASES/artifacts/$hash.json
    publish "$SHARED/v2.bin" --metadata "$BATS_TEST_TMPDIR/copy.json"
    cmp "$beside" "$BATS_TEST_TMPDIR/copy.json"
    # canonical: what another JSON writer makes of it
    python3 -c 'import json, sys; sys.stdout.write(json.dumps(json.load(sys.stdin),
        sort_keys=True, separators=(",", ":")))' <"$beside" | cmp - "$beside"
    [ "$(field "['sha256']" <"$beside")" = "$hash" ]
    [ "$(field "['size']" <"$beside")" -eq "$(stat -c %s "$SHARED/v2.bin")" ]
    [ "$(field "['application']['version']" <"$beside")" = 1.1.0 ]
    [ "$(field "['application']['secure_version']" <"$beside")" -eq 1 ]
    [ "$(field "['signatures'][0]['key_digest']" <"$beside")" = \
        "$("$TRUSTCHAIN" key digest "$SHARED/key.pem" | grep -oE '[0-9a-f]{64}')" ]
    [ "$(field "['image']['signed_digest']" <"$beside")" = \
        "$(head -c -4096 "$SHARED/v2.bin" | sha256sum | cut -c1-64)" ]
    mkdir "$BATS_TEST_TMPDIR/elsewhere"
    (cd "$BATS_TEST_TMPDIR/elsewhere" && mkdir r && cp "$SHARED/v2.bin" x.bin &&
        SOURCE_DATE_EPOCH=7 TZ=Asia/Tokyo LC_ALL=C.UTF-8 "$TRUSTCHAIN" release publish x.bin \
            --releases r --product thermo --channel beta --key "$SHARED/key.pem" &&
        cmp "r/artifacts/$hash.json" "$beside")
    publish "$SHARED/v2.bin" --force
    cmp "$beside" "$BATS_TEST_TMPDIR/copy.json"
    run --separate-stderr publish "$SHARED/v2.bin" --force \
        --metadata "$BATS_TEST_TMPDIR/no/such.json"
    [ "$status" -eq 1 ]
    [[ "$output" == *"published 1.1.0"* ]]
    [[ "$stderr" == "trustchain: $BATS_TEST_TMPDIR/no/such.json: "* ]]
}

@test "metadata that cannot be written: the old release stays" {
    publish "$SHARED/v1.bin"
    mkdir -p "$RELEASES/artifacts/$(sha256_of "$SHARED/v2.bin").json/in-the-way"
    run publish "$SHARED/v2.bin"
    [ "$status" -eq 1 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ "$output" == *"the store cannot be written: "* ]]
    [ "$(pointer version)" = 1.0.0 ]
    [ -z "$(find "$RELEASES" -name .incoming)" ]
}

@test "show says what a channel offers" {
    publish "$SHARED/v2.bin"
    run "$TRUSTCHAIN" release show --releases "$RELEASES" --product thermo
    [ "$status" -eq 0 ]
    [[ "${lines[0]}" == "thermo/stable 1.1.0, published "* ]]
    [[ "$output" == *"application  thermo 1.1.0, secure version 1"* ]]
    [[ "$output" == *"signature    rsa-3072 by key $("$TRUSTCHAIN" key digest "$SHARED/key.pem" |
        grep -oE '[0-9a-f]{64}')"* ]]
    run "$TRUSTCHAIN" release show --releases "$RELEASES" --product thermo --json
    [ "$(field "['release']['version']" <<<"$output")" = 1.1.0 ]
    [ "$(field "['metadata']['application']['project']" <<<"$output")" = thermo ]
    "$TRUSTCHAIN" release show --releases "$RELEASES" --product thermo --metadata - |
        cmp - "$RELEASES/artifacts/$(sha256_of "$SHARED/v2.bin").json"
    run "$TRUSTCHAIN" release show --releases "$RELEASES" --product thermo --channel beta
    [ "$status" -eq 1 ]
    [ "$output" = "trustchain: thermo/beta: no such release" ]
    rm "$RELEASES"/artifacts/*.json
    run "$TRUSTCHAIN" release show --releases "$RELEASES" --product thermo
    [ "$status" -eq 1 ]
    [[ "$output" == *"its metadata file: missing (publish it again with --force)" ]]
    run "$TRUSTCHAIN" release show --releases "$RELEASES"
    [ "$status" -eq 2 ]
}

@test "promote: the same bytes on another channel, checked as a publication" {
    local all="--releases $RELEASES --product thermo --key $SHARED/key.pem"
    publish "$SHARED/v2.bin" --channel beta
    run "$TRUSTCHAIN" release promote beta stable $all --max-size 4K
    [ "$status" -eq 1 ]
    [[ "$output" == "trustchain: thermo/beta: not published: "*"limit of 4096"* ]]
    [ ! -e "$RELEASES/thermo/stable.json" ]
    run "$TRUSTCHAIN" release promote beta stable $all
    [ "$status" -eq 0 ]
    [[ "$output" == "thermo/stable: published 1.1.0, "* ]]
    [ "$(pointer sha256)" = "$(sha256_of "$SHARED/v2.bin")" ]
    cmp <(field "['sha256']" <"$RELEASES/thermo/stable.json") \
        <(field "['sha256']" <"$RELEASES/thermo/beta.json")
    run "$TRUSTCHAIN" release promote beta stable $all
    [ "$status" -eq 1 ]
    [[ "$output" == *"1.1.0 is not newer than the published 1.1.0"* ]]
    publish "$SHARED/v1.bin" --channel beta --force --lower-secure-version
    run "$TRUSTCHAIN" release promote beta stable $all --force
    [ "$status" -eq 1 ]
    [[ "$output" == *"secure version 0 is lower than the published 1"* ]]
    run "$TRUSTCHAIN" release promote beta stable $all --force --lower-secure-version --json
    [ "$status" -eq 0 ]
    [ "$(field "['replaced']['version']" <<<"$output")" = 1.1.0 ]
    run "$TRUSTCHAIN" release promote alpha stable $all
    [ "$status" -eq 1 ]
    [ "$output" = "trustchain: thermo/alpha: no such release" ]
    run "$TRUSTCHAIN" release promote beta $all
    [ "$status" -eq 2 ]
    run "$TRUSTCHAIN" release promote beta stable more $all
    [ "$status" -eq 2 ]
    run "$TRUSTCHAIN" release promote beta ../x $all
    [ "$status" -eq 1 ]
}

@test "promote: what was published unchecked or changed on disk is refused" {
    local all="--releases $RELEASES --product thermo --key $SHARED/key.pem"
    patched "$BATS_TEST_TMPDIR/flip.bin" "$SHARED/v2.bin" 300 5a
    publish "$BATS_TEST_TMPDIR/flip.bin" --unchecked --channel beta
    run "$TRUSTCHAIN" release promote beta stable $all
    [ "$status" -eq 1 ]
    [[ "$output" == *"a device would refuse this"* ]]
    publish "$SHARED/v2.bin" --channel beta --force
    patched "$RELEASES/artifacts/$(sha256_of "$SHARED/v2.bin").bin" "$SHARED/v2.bin" 300 5a
    run "$TRUSTCHAIN" release promote beta stable $all
    [ "$status" -eq 1 ]
    [[ "$output" == *"a device would refuse this"* ]]
    [ ! -e "$RELEASES/thermo/stable.json" ]
}

@test "verify: every channel is good, until something is changed" {
    local all="--releases $RELEASES --product thermo --key $SHARED/key.pem"
    local image meta
    image=$RELEASES/artifacts/$(sha256_of "$SHARED/v1.bin").bin
    meta=${image%.bin}.json
    publish "$SHARED/v1.bin"
    publish "$SHARED/v2.bin" --channel beta
    run "$TRUSTCHAIN" release verify $all
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 2 ]
    [[ "$output" == *"thermo/stable 1.0.0: good, sha256 $(sha256_of "$SHARED/v1.bin")"* ]]
    broken() { # PATTERN: one channel is bad, the other one still good
        run --separate-stderr "$TRUSTCHAIN" release verify $all
        echo "$stderr"
        [ "$status" -eq 1 ]
        [[ "$output" == "thermo/beta 1.1.0: good, "* ]]
        [[ "$stderr" == "trustchain: thermo/stable: "*"$1"* ]]
        publish "$SHARED/v1.bin" --force
        "$TRUSTCHAIN" release verify $all
    }
    patched "$image" "$SHARED/v1.bin" 300 5a
    broken "the image's bytes have changed: their SHA-256 is $(sha256_of "$image")"
    truncate -s -1 "$image"
    broken "the image is missing or of another size"
    rm "$image"
    broken "the image is missing"
    rm "$meta"
    broken "its metadata file: missing"
    sed -i 's/"secure_version":0/"secure_version":1/' "$meta"
    broken "its metadata file says something else than the image"
    truncate -s -1 "$meta"
    broken "its metadata file says something else"
    sed -i 's/"1.0.0"/"9.0.0"/' "$RELEASES/thermo/stable.json"
    broken "the pointer says thermo 9.0.0, secure version 0; the image thermo 1.0.0, 0"
    printf '{' >"$RELEASES/thermo/stable.json"
    broken "the pointer file: damaged"
}

@test "verify: keys and policy are asked again" {
    run --separate-stderr "$TRUSTCHAIN" release verify --releases "$RELEASES" --product thermo \
        --key nowhere.pem --json
    [ "$status" -eq 1 ]
    [ -z "$output" ]
    publish "$SHARED/v1.bin"
    publish "$SHARED/v2.bin" --channel beta
    run --separate-stderr "$TRUSTCHAIN" release verify --releases "$RELEASES" --product thermo \
        --key "$SHARED/other.pem" --json
    [ "$status" -eq 1 ]
    [[ "${stderr_lines[0]}" == *"signed, but not by a trusted key" ]]
    [ "$(field "[1]['good']" <<<"$output")" = False ]
    run "$TRUSTCHAIN" release verify --releases "$RELEASES" --product thermo \
        --key "$SHARED/key.pem" --min-secure-version 1
    [ "$status" -eq 1 ]
    [[ "$output" == *"trustchain: thermo/stable: "*"too old"* ]]
    [[ "$output" == *"thermo/beta 1.1.0: good"* ]]
    run "$TRUSTCHAIN" release verify --releases "$RELEASES" --product thermo \
        --key "$SHARED/key.pem" --min-secure-version 1 --channel beta
    [ "$status" -eq 0 ]
    run "$TRUSTCHAIN" release verify --releases "$RELEASES" --product lamp --key "$SHARED/key.pem"
    [ "$status" -eq 1 ]
    [ "$output" = "trustchain: lamp: no such release" ]
    run "$TRUSTCHAIN" release verify --releases "$RELEASES" --product thermo
    [ "$status" -eq 2 ]
}

@test "prune removes what no channel offers, and nothing while a pointer is damaged" {
    local old before
    old=$(sha256_of "$SHARED/v1.bin")
    publish "$SHARED/v1.bin"
    publish "$SHARED/v2.bin"
    before=$(store_state)
    run "$TRUSTCHAIN" release prune --releases "$RELEASES" --dry-run
    [ "$status" -eq 0 ]
    [[ "$output" == *"$old.bin"*"2 files, "*"would be removed" ]]
    [ "$(store_state)" = "$before" ]
    cp "$RELEASES/thermo/stable.json" "$BATS_TEST_TMPDIR/pointer"
    printf '{' >"$RELEASES/thermo/stable.json"
    run "$TRUSTCHAIN" release prune --releases "$RELEASES"
    [ "$status" -eq 1 ]
    [[ "$output" == *"not pruned: a channel's pointer file is damaged"* ]]
    cp "$BATS_TEST_TMPDIR/pointer" "$RELEASES/thermo/stable.json"
    [ "$(store_state)" = "$before" ]
    run "$TRUSTCHAIN" release prune --releases "$RELEASES" --json
    [ "$status" -eq 0 ]
    [ "$(field "['files'].__len__()" <<<"$output")" -eq 2 ]
    [ "$(store_state)" = "$(grep -v "$old" <<<"$before")" ]
    run "$TRUSTCHAIN" release verify --releases "$RELEASES" --product thermo --key "$SHARED/key.pem"
    [ "$status" -eq 0 ]
    run "$TRUSTCHAIN" release prune --releases "$RELEASES"
    [ "$output" = "$RELEASES: 0 files, 0 bytes removed" ]
}

@test "pruning while others publish never removes what is offered" {
    local i file
    for i in 1 2 3 4 5 6; do
        signed_image "$BATS_TEST_TMPDIR/p$i.bin" "2.0.$i" thermo 0
    done
    (for i in $(seq 30); do
        "$TRUSTCHAIN" release prune --releases "$RELEASES"
    done) 3>&- >/dev/null 2>"$BATS_TEST_TMPDIR/errors" &
    for i in 1 2 3 4 5 6; do
        publish "$BATS_TEST_TMPDIR/p$i.bin"
        "$TRUSTCHAIN" release verify --releases "$RELEASES" --product thermo \
            --key "$SHARED/key.pem"
    done
    wait
    [ ! -s "$BATS_TEST_TMPDIR/errors" ]
}

@test "list shows releases, and withdraw takes one away" {
    publish "$SHARED/v1.bin"
    publish "$SHARED/v2.bin" --channel beta
    publish "$SHARED/v1.bin" --channel alpha
    run "$TRUSTCHAIN" release list --releases "$RELEASES" --json
    [ "$status" -eq 0 ]
    [ "$(field "[0]['product']" <<<"$output")" = thermo ]
    [ "$(field "[0]['channel']" <<<"$output")" = alpha ] # in the order of names
    [ "$(field "[1]['version']" <<<"$output")" = 1.1.0 ]
    [ "$(field "[2]['channel']" <<<"$output")" = stable ]
    "$TRUSTCHAIN" release withdraw --releases "$RELEASES" --product thermo --channel alpha
    run "$TRUSTCHAIN" release withdraw --releases "$RELEASES" --product thermo --channel beta
    [ "$status" -eq 0 ]
    [ ! -e "$RELEASES/thermo/beta.json" ]
    run "$TRUSTCHAIN" release withdraw --releases "$RELEASES" --product thermo --channel beta
    [ "$status" -eq 1 ]
    [[ "$output" == *"no such release"* ]]
    run "$TRUSTCHAIN" release list --releases "$RELEASES"
    [ "${#lines[@]}" -eq 1 ]
}

@test "a project knows its product, channel, key, slot size and floor" {
    local project=$BATS_TEST_TMPDIR/project
    "$TRUSTCHAIN" init "$project" --name thermo
    "$TRUSTCHAIN" sign --key "$project/secure_keys/secure_boot_signing_key.pem" \
        --output "$BATS_TEST_TMPDIR/mine.bin" "$SHARED/v1.bin.unsigned"
    run "$TRUSTCHAIN" release publish "$SHARED/v1.bin" --project "$project"
    [ "$status" -eq 1 ]
    [[ "$output" == *"not by a trusted key"* ]]
    run "$TRUSTCHAIN" release publish "$BATS_TEST_TMPDIR/mine.bin" --project "$project"
    [ "$status" -eq 0 ]
    [ -f "$project/releases/thermo/stable.json" ]
    run "$TRUSTCHAIN" release list --project "$project"
    [[ "$output" == "thermo/stable 1.0.0, "* ]]

    sed -i 's/^ota_0.*/ota_0, app, ota_0, 0x20000, 0x20000, encrypted/' "$project/partitions.csv"
    sed -i 's/^ota_1.*/ota_1, app, ota_1, 0x40000, 0x10000, encrypted/' "$project/partitions.csv"
    "$TRUSTCHAIN" sign --key "$project/secure_keys/secure_boot_signing_key.pem" \
        --output "$BATS_TEST_TMPDIR/two.bin" "$SHARED/v2.bin.unsigned"
    run "$TRUSTCHAIN" release publish "$BATS_TEST_TMPDIR/two.bin" --project "$project"
    [ "$status" -eq 1 ]
    [[ "$output" == *"larger than its slot"*"65536"* ]]
    run "$TRUSTCHAIN" release publish "$BATS_TEST_TMPDIR/two.bin" --project "$project" \
        --slot-size 1M
    [ "$status" -eq 0 ]

    sed -i 's/^min_secure_version.*/min_secure_version = 2/' "$project/trustchain.ini"
    run "$TRUSTCHAIN" release publish "$BATS_TEST_TMPDIR/two.bin" --project "$project" \
        --slot-size 1M --force
    [ "$status" -eq 1 ]
    [[ "$output" == *"too old"* ]]

    run "$TRUSTCHAIN" release withdraw --project "$project"
    [ "$status" -eq 0 ]
    sed -i 's/^min_secure_version.*/min_secure_version = many/' "$project/trustchain.ini"
    run "$TRUSTCHAIN" release list --project "$project"
    [ "$status" -eq 1 ]
    [[ "$output" == *'trustchain.ini: line '*'[release] min_secure_version cannot be "many"'* ]]
    run "$TRUSTCHAIN" release list --project /nowhere
    [ "$status" -eq 1 ]
}

@test "usage errors exit 2" {
    run "$TRUSTCHAIN" release publish "$SHARED/v1.bin"
    [ "$status" -eq 2 ]
    run "$TRUSTCHAIN" release publish "$SHARED/v1.bin" --releases "$RELEASES" --product thermo
    [ "$status" -eq 2 ]
    run "$TRUSTCHAIN" release list
    [ "$status" -eq 2 ]
    run "$TRUSTCHAIN" release
    [ "$status" -eq 2 ]
}

# Every system call as the last one: tests/unit/server/test_store_killed.c. Here the real command.
@test "publishing killed with SIGKILL leaves the old release or the new one" {
    local i hash
    for i in $(seq 0 29); do
        rm -rf "$RELEASES"
        mkdir "$RELEASES"
        publish "$SHARED/v1.bin" >/dev/null
        "$TRUSTCHAIN" release publish "$SHARED/v2.bin" --releases "$RELEASES" \
            --product thermo --key "$SHARED/key.pem" 3>&- >/dev/null &
        sleep "$(printf '0.%04d' $((i * 5)))"
        kill -9 $! 2>/dev/null || true
        wait $! 2>/dev/null || true
        hash=$(pointer sha256)
        [ "$(sha256_of "$RELEASES/artifacts/$hash.bin")" = "$hash" ]
        [ "$(field "['sha256']" <"$RELEASES/artifacts/$hash.json")" = "$hash" ]
        [ "$hash" = "$(sha256_of "$SHARED/v1.bin")" ] ||
            [ "$hash" = "$(sha256_of "$SHARED/v2.bin")" ]
        publish "$SHARED/v2.bin" --force >/dev/null # what is left over is in nobody's way
    done
}

@test "publishers at the same time wait for each other" {
    local i
    for i in 1 2 3 4; do
        signed_image "$BATS_TEST_TMPDIR/p$i.bin" "2.0.$i" thermo 0
    done
    for i in 1 2 3 4; do
        publish "$BATS_TEST_TMPDIR/p$i.bin" 3>&- >/dev/null 2>&1 &
    done
    wait
    [ "$(pointer version)" = 2.0.4 ]
    # each image is whole, whoever won on the way
    local file
    for file in "$RELEASES"/artifacts/*.bin; do
        [ "$(sha256_of "$file").bin" = "$(basename "$file")" ]
    done
}
