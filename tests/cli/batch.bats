# sign and verify of many images in one call.

bats_require_minimum_version 1.5.0
load tool_helpers

setup_file() {
    make_product
    cd "$SHARED"
    "$TRUSTCHAIN" key new k2.pem
    head -c 5000 app.bin >cut.bin
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# many COUNT: copies of the application, a00.bin a01.bin ...
many() {
    for ((i = 0; i < $1; i++)); do cp "$SHARED/app.bin" "a$(printf %02d $i).bin"; done
}

@test "many images: each is signed as it would be alone, into a folder, beside it, in place" {
    many 12
    cp "$SHARED/boot.bin" z.bin
    run --separate-stderr "$TRUSTCHAIN" sign a*.bin z.bin -o out/ --key "$SIGNING_KEY"
    [ "$status" -eq 0 ]
    [ -z "$output$stderr" ]
    [ "$(ls -A out | wc -l)" -eq 13 ]
    sector=$(($(stat -c %s out/a00.bin) - 4096))
    for image in out/a*.bin; do
        cmp -n $((sector + 812)) "$image" "$SHARED/app.signed"
        openssl_accepts "$image"
    done
    "$TRUSTCHAIN" verify out/z.bin --key "$SIGNING_KEY"

    "$TRUSTCHAIN" sign a*.bin --suffix .signed --key "$SIGNING_KEY"
    cmp a00.bin "$SHARED/app.bin"
    "$TRUSTCHAIN" verify a*.signed --key "$SIGNING_KEY"
    "$TRUSTCHAIN" sign out/a*.bin --in-place --append --key "$SHARED/k2.pem"
    for key in "$SIGNING_KEY" "$SHARED/k2.pem"; do
        "$TRUSTCHAIN" verify out/a*.bin --key "$key"
    done
    mkdir there
    "$TRUSTCHAIN" sign a00.bin a01.bin -o there --key "$SIGNING_KEY"
    "$TRUSTCHAIN" sign a02.bin -o there/ --key "$SIGNING_KEY"
    [ "$(ls there | tr '\n' ' ')" = "a00.bin a01.bin a02.bin " ]
}

# openssl_accepts SIGNED: its first block's RSA signature, by SIGNING_KEY
openssl_accepts() {
    local sector=$(($(stat -c %s "$1") - 4096))
    openssl pkey -in "$SIGNING_KEY" -pubout -out public.pem
    head -c "$sector" "$1" | openssl dgst -sha256 -binary >digest
    xxd -p -c 1 -s $((sector + 812)) -l 384 "$1" | tac | xxd -r -p >pss
    openssl pkeyutl -verify -pubin -inkey public.pem -sigfile pss -in digest \
        -pkeyopt digest:sha256 -pkeyopt rsa_padding_mode:pss -pkeyopt rsa_pss_saltlen:32
}

@test "many images: one that fails has its line, the others are signed, the exit status is 1" {
    many 20
    cp "$SHARED/cut.bin" a03.bin
    rm a05.bin
    cp "$SHARED/app.signed" a11.bin
    before=$(sha256sum a03.bin a11.bin)
    for how in "-o out/" "--suffix .signed" "--in-place"; do
        # expanded here, a05 included
        run --separate-stderr "$TRUSTCHAIN" sign a{00..19}.bin $how --key "$SIGNING_KEY"
        [ "$status" -eq 1 ]
        [ -z "$output" ]
        [ "${#stderr_lines[@]}" -eq 3 ]
        [[ "${stderr_lines[0]}" == "trustchain: a03.bin: is no image"* ]]
        [[ "${stderr_lines[1]}" == "trustchain: a05.bin: cannot be opened"* ]]
        [[ "${stderr_lines[2]}" == "trustchain: a11.bin: is signed already"* ]]
    done
    [ "$(ls out | wc -l)" -eq 17 ]
    [ "$(ls | grep -c '\.signed$')" -eq 17 ]
    [ "$(sha256sum a03.bin a11.bin)" = "$before" ]
    [ -z "$(find . -name '.*' ! -name . ! -name 'separate*')" ] # no temporary file stayed
    run --separate-stderr "$TRUSTCHAIN" verify a{00..19}.bin --key "$SIGNING_KEY"
    [ "$status" -eq 1 ]
    [ "${#lines[@]}" -eq 18 ]
    for ((i = 1; i < 18; i++)); do [[ "${lines[i]}" > "${lines[i - 1]}" ]]; done
    [[ "${lines[0]}" == "a00.bin: accepted: app thermo 1.2.3, secure version 2" ]]
    [ "${#stderr_lines[@]}" -eq 2 ]
    [[ "${stderr_lines[0]}" == "trustchain: a03.bin: refused: "* ]]
}

@test "many images: outputs that would collide, a file for a folder, stdin among them" {
    many 2
    mkdir other
    cp a00.bin other
    sign() { echo "$TRUSTCHAIN" sign "$@" --key "$SIGNING_KEY"; }
    refused 2 "both be written to" $(sign a00.bin other/a00.bin -o out/)
    refused 2 "exclude each other" $(sign a00.bin --in-place --suffix .s)
    refused 2 "-o is a folder (-o out/)" $(sign a00.bin a01.bin -o out)
    refused 2 "stdin (-) is one image" $(sign - a00.bin -o out/)
    refused 2 "stdin has no name" $(sign - -o out/)
    refused 2 "no \"/\" in it" $(sign a00.bin --suffix /x)
    refused 2 "would both write to stdout" $(sign a00.bin -o - --json)
    refused 2 "belongs to one image" $(sign a00.bin a01.bin -o other --public-key a --signature b)
    refused 2 "stdin (-) cannot be" "$TRUSTCHAIN" verify - a00.bin --key "$SIGNING_KEY"
    refused 1 "no/such.pem" "$TRUSTCHAIN" sign a00.bin a01.bin -o out/ --key no/such.pem
    refused 1 "is a folder, not a file" $(sign a00.bin -o other)
}

@test "many images: digests to sign elsewhere are listed as sha256sum does" {
    many 3
    digest=$("$TRUSTCHAIN" sign a00.bin --digest-only)
    run "$TRUSTCHAIN" sign a00.bin a01.bin a02.bin --digest-only
    [ "$status" -eq 0 ]
    [ "${lines[2]}" = "$digest  a02.bin" ]
    [ "${#lines[@]}" -eq 3 ]
    refused 2 "for one image" "$TRUSTCHAIN" sign a00.bin a01.bin --digest-only -o x
}

@test "sign --json: bytes, digest and every block, an object for one image, a list for many" {
    many 2
    "$TRUSTCHAIN" sign a00.bin -o s.bin --key "$SIGNING_KEY" --json >one
    "$TRUSTCHAIN" sign s.bin -o t.bin --append --key "$SHARED/k2.pem" --json >two
    run --separate-stderr "$TRUSTCHAIN" sign a01.bin no.bin --suffix .s --key "$SIGNING_KEY" --json
    [ "$status" -eq 1 ]
    [[ "$stderr" == "trustchain: no.bin: cannot be opened"* ]]
    echo "$output" >many
    first=$("$TRUSTCHAIN" key digest "$SIGNING_KEY")
    second=$("$TRUSTCHAIN" key digest "$SHARED/k2.pem")
    digest=$("$TRUSTCHAIN" sign a00.bin --digest-only)
    "$TRUSTCHAIN" key new ec.pem --type ecdsa-p256
    "$TRUSTCHAIN" sign a00.bin -o e.bin --key ec.pem --json >ec
    python3 - "$first" "$second" "$digest" "$(stat -c %s s.bin)" <<'END'
import json, sys
first, second, digest, size = sys.argv[1:]
one, two, many, ec = (json.load(open(n)) for n in ("one", "two", "many", "ec"))
block = {"algorithm": "RSA-3072", "key_digest": first, "added": True}
assert one == {"file": "a00.bin", "output": "s.bin", "bytes": int(size), "digest": digest,
               "signatures": [block]}, one
assert two["signatures"] == [dict(block, added=False), dict(block, key_digest=second)], two
assert [m["file"] for m in many] == ["a01.bin", "no.bin"]
assert many[0]["output"] == "a01.bin.s" and "cannot be opened" in many[1]["error"]
assert ec["signatures"][0]["algorithm"] == "ECDSA P-256"
END
    "$TRUSTCHAIN" sign a00.bin --digest-only --json >digest.json
    [ "$(python3 -c 'import json; print(json.load(open("digest.json"))["digest"])')" = "$digest" ]
}

@test "verify --json: a list of verdicts in the order of the files" {
    cp "$SHARED/app.signed" a.bin
    cp "$SHARED/app.bin" b.bin
    cp "$SHARED/boot.signed" d.bin
    run --separate-stderr "$TRUSTCHAIN" verify a.bin b.bin no.bin d.bin --key "$SIGNING_KEY" --json
    [ "$status" -eq 1 ]
    [ "${#stderr_lines[@]}" -eq 1 ]
    echo "$output" >list
    python3 - <<'END'
import json
a, b, no, d = json.load(open("list"))
assert [x["verdict"] for x in (a, b, no, d)] == ["accepted", "refused", "refused", "accepted"]
assert a["app"]["version"] == "1.2.3" and a["signatures"][0]["algorithm"] == "RSA-3072"
assert a["signatures"][0]["trusted"] and d["kind"] == "bootloader"
assert "no.bin: cannot be opened" in no["reason"] and b["reason"] and b["signatures"] == []
END
}

@test "many images: SIGTERM ends it between files, what is there is whole" {
    many 60
    for i in 1 2 3 4 5; do for f in a*.bin; do cp "$f" "$i$f"; done; done
    setsid "$TRUSTCHAIN" sign ./*.bin -o out/ --key "$SIGNING_KEY" 2>lines &
    pid=$!
    for _ in {1..200}; do [ "$(ls out 2>/dev/null | wc -l)" -gt 3 ] && break; sleep 0.01; done
    kill -TERM $pid
    status=0
    wait $pid || status=$?
    [ "$status" -eq 143 ]
    [ ! -s lines ]
    [ -z "$(find out -name '.*')" ]
    [ "$(ls out | wc -l)" -lt 360 ]
    "$TRUSTCHAIN" verify out/* --key "$SIGNING_KEY" >/dev/null
}

@test "many images: a bar on a terminal only, and lines stay whole" {
    python3 -c 'import os; os.openpty()' 2>/dev/null ||
        skip "no pseudo-terminals here (is /dev/pts mounted?)"
    many 60
    for i in 1 2 3 4 5; do for f in a*.bin; do cp "$f" "$i$f"; done; done
    rm 5a59.bin
    run python3 - "$TRUSTCHAIN" sign ./*.bin 5a59.bin --in-place --key "$SIGNING_KEY" <<'END'
import pty, sys
sys.exit(pty.spawn(sys.argv[1:]) >> 8)
END
    [ "$status" -eq 1 ]
    [[ "$output" == *" of 360 files"* ]]
    [[ "$output" == *$'\r\e[K'"trustchain: 5a59.bin: cannot be opened"* ]]
}
