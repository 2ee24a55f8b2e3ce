# serve: the HTTPS update server, asked by curl and openssl as by devices and by attackers.

bats_require_minimum_version 1.5.0
load release_helpers

setup_file() {
    export SHARED=$BATS_FILE_TMPDIR
    mkdir "$SHARED/pki" "$SHARED/other_pki"
    make_pki "$SHARED/pki" "Test CA"
    make_pki "$SHARED/other_pki" "Other CA"
    "$TRUSTCHAIN" key new "$SHARED/key.pem"
    signed_image "$SHARED/v1.bin" 1.0.0 thermo 0 200000
    signed_image "$SHARED/v2.bin" 1.1.0 thermo 1 200000
}

setup() {
    RELEASES=$BATS_TEST_TMPDIR/releases
    SERVER_PID=
    mkdir "$RELEASES"
    publish "$SHARED/v1.bin" >/dev/null
    IMAGE=$SHARED/v1.bin
    SIZE=$(stat -c %s "$IMAGE")
    ETAG="\"$(sha256_of "$IMAGE")\""
    BODY=$BATS_TEST_TMPDIR/body
    BIN=/ota/thermo/stable.bin
}

teardown() {
    stop_server || true
}

# get_range RANGE [CURL_OPTION...]
get_range() {
    get "$BIN" --header "Range: $1" "${@:2}"
}

# body_is FIRST LAST: the body is that part of the image
body_is() {
    cmp "$BODY" <(tail -c +$(($1 + 1)) "$IMAGE" | head -c $(($2 - $1 + 1)))
}

# raw TEXT: send TEXT over TLS as it is, print the answer
raw() {
    printf "$1" | timeout 5 openssl s_client -quiet -connect "127.0.0.1:$PORT" \
        -CAfile "$SHARED/pki/ca.pem" 2>/dev/null
}

@test "the image arrives whole over HTTP/1.1 and HTTP/2, TLS 1.2 and 1.3" {
    start_server
    local version tls
    for version in --http1.1 --http2; do
        for tls in "--tls-max 1.2" --tlsv1.3; do
            get "$BIN" $version $tls
            [ "$STATUS" = 200 ]
            cmp "$BODY" "$IMAGE"
            [ "$(header content-length)" = "$SIZE" ]
            [ "$(header etag)" = "$ETAG" ]
            [ "$(header accept-ranges)" = bytes ]
            [ "$(header cache-control)" = no-cache ]
            [ "$(header content-type)" = application/octet-stream ]
        done
    done
    grep -c 'HTTP/1.1$' "$BATS_TEST_TMPDIR/server.log" | grep -qx 2
    grep -c 'HTTP/2.0$' "$BATS_TEST_TMPDIR/server.log" | grep -qx 2
}

@test "--http1 does not offer HTTP/2" {
    start_server --http1
    get "$BIN" --http2
    [ "$STATUS" = 200 ]
    grep -q '^HTTP/1.1 200' "$BATS_TEST_TMPDIR/head"
}

@test "HEAD tells the same and sends nothing" {
    start_server
    get "$BIN" --http1.1
    grep -iv '^date:' "$BATS_TEST_TMPDIR/head" >"$BATS_TEST_TMPDIR/get_head"
    get "$BIN" --http1.1 --head
    [ "$STATUS" = 200 ]
    grep -iv '^date:' "$BATS_TEST_TMPDIR/head" | cmp - "$BATS_TEST_TMPDIR/get_head"
    # nothing follows the head: the next answer on the connection starts right after it
    run raw "HEAD $BIN HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    [ "$(grep -c '^HTTP/1.1 200' <<<"$output")" -eq 2 ]
    [ "$(wc -c <<<"$output")" -lt 1000 ]
    get "$BIN" --head --header "Range: bytes=0-9"
    [ "$STATUS" = 200 ]
}

@test "the JSON says what the image is, and has a tag of its own" {
    start_server
    get /ota/thermo/stable.json
    [ "$STATUS" = 200 ]
    [ "$(header content-type)" = application/json ]
    [ "$(field "['version']" <"$BODY")" = 1.0.0 ]
    [ "$(field "['size']" <"$BODY")" = "$SIZE" ]
    [ "\"$(field "['sha256']" <"$BODY")\"" = "$ETAG" ]
    [ "$(field "['secure_version']" <"$BODY")" = 0 ]
    local tag
    tag=$(header etag)
    get /ota/thermo/stable.json --header "If-None-Match: $tag"
    [ "$STATUS" = 304 ]
    publish "$SHARED/v2.bin" >/dev/null
    get /ota/thermo/stable.json --header "If-None-Match: $tag"
    [ "$STATUS" = 200 ]
    [ "$(field "['version']" <"$BODY")" = 1.1.0 ]
    [ "$(field "['secure_version']" <"$BODY")" = 1 ]
}

@test "If-None-Match: 304 for the tag in any list, with no body" {
    start_server
    local list
    for list in "$ETAG" "W/$ETAG" '*' "\"a\", $ETAG" ", W/\"x,y\" ,$ETAG"; do
        get "$BIN" --header "If-None-Match: $list"
        [ "$STATUS" = 304 ]
        [ ! -s "$BODY" ]
        [ "$(header etag)" = "$ETAG" ]
    done
    for list in '"a"' "${ETAG//\"/}" 'W/"*"' '"*"'; do
        get "$BIN" --header "If-None-Match: $list"
        [ "$STATUS" = 200 ]
    done
    get "$BIN" --header 'If-None-Match: "a"' --header "If-None-Match: $ETAG"
    [ "$STATUS" = 304 ]
    get "$BIN" --header "If-None-Match: $ETAG" --header 'If-None-Match: "a"'
    [ "$STATUS" = 304 ]
    get "$BIN" --header "If-None-Match: $ETAG" --header "Range: bytes=0-9"
    [ "$STATUS" = 304 ]
}

@test "If-Match: 412 unless it names the tag strongly" {
    start_server
    get "$BIN" --header "If-Match: $ETAG"
    [ "$STATUS" = 200 ]
    get "$BIN" --header "If-Match: *"
    [ "$STATUS" = 200 ]
    get "$BIN" --header "If-Match: W/$ETAG"
    [ "$STATUS" = 412 ]
    get "$BIN" --header 'If-Match: "a"'
    [ "$STATUS" = 412 ]
    run ! cmp -s "$BODY" "$IMAGE"
}

@test "Range: one part, exactly" {
    start_server
    local last=$((SIZE - 1)) spec first end version
    for version in --http1.1 --http2; do
        while read -r spec first end; do
            get_range "bytes=$spec" $version
            [ "$STATUS" = 206 ]
            [ "$(header content-range)" = "bytes $first-$end/$SIZE" ]
            [ "$(header content-length)" = $((end - first + 1)) ]
            body_is "$first" "$end"
        done <<END
0-0 0 0
0-9 0 9
100000- 100000 $last
65530-65550 65530 65550
32767-32768 32767 32768
-10 $((SIZE - 10)) $last
-999999999 0 $last
0-99999999999999999999999 0 $last
$last-$last $last $last
END
    done
}

@test "Range: 416 for what does not exist, whole image for what is no range" {
    start_server
    local spec
    for spec in "bytes=$SIZE-" "bytes=99999999999999999999-" "bytes=-0"; do
        get_range "$spec"
        [ "$STATUS" = 416 ]
        [ "$(header content-range)" = "bytes */$SIZE" ]
    done
    for spec in "bytes=0-1,x" "bytes=5-4" "bytes=" "bytes=a-b" "lines=1-2" "bytes=0 -1" "0-9"; do
        get_range "$spec"
        [ "$STATUS" = 200 ]
        cmp "$BODY" "$IMAGE"
    done
    get_range "bytes=$(seq -s, -f '%g-' 0 500)"
    [ "$STATUS" = 200 ]
    get_range "bytes=0-9" --header "Range: bytes=20-29"
    [ "$STATUS" = 200 ]
}

# What the parts of the answer are, written out anew.
multipart_of() {
    local boundary=$1 first last lead=
    shift
    for spec; do
        first=${spec%-*} last=${spec#*-}
        printf '%s--%s\r\nContent-Type: application/octet-stream\r\n' "$lead" "$boundary"
        printf 'Content-Range: bytes %s/%s\r\n\r\n' "$spec" "$SIZE"
        tail -c +$((first + 1)) "$IMAGE" | head -c $((last - first + 1))
        lead=$'\r\n'
    done
    printf '\r\n--%s--\r\n' "$boundary"
}

@test "Range: several parts as multipart/byteranges, none twice" {
    cd "$BATS_TEST_TMPDIR"
    start_server
    local version boundary last=$((SIZE - 1))
    for version in --http1.1 --http2; do
        get_range "bytes=100000-100999,0-9,$last-" $version
        [ "$STATUS" = 206 ]
        [ -z "$(header content-range)" ]
        boundary=$(header content-type)
        [[ $boundary =~ ^multipart/byteranges\;\ boundary=[0-9a-f]{32}$ ]]
        boundary=${boundary#*=}
        multipart_of "$boundary" 100000-100999 0-9 $last-$last >expected
        cmp "$BODY" expected
        [ "$(header content-length)" = "$(stat -c %s expected)" ]
    done
    # overlaps are sent once, as one plain part when nothing else is asked for
    get_range "bytes=10-19,15-29,0-99"
    [ "$(header content-range)" = "bytes 0-99/$SIZE" ]
    body_is 0 99
    # as many as swupdate asks for, and across the pieces the server reads
    local specs
    specs=$(for i in $(seq 0 149); do echo "$((i * 1000))-$((i * 1000 + i % 7))"; done)
    get_range "bytes=$(echo $specs | tr ' ' ,)"
    boundary=$(header content-type)
    multipart_of "${boundary#*=}" $specs >expected
    cmp "$BODY" expected
    get_range "bytes=0-70000,80000-$last"
    boundary=$(header content-type)
    multipart_of "${boundary#*=}" 0-70000 80000-$last >expected
    cmp "$BODY" expected
    # If-Range holds for all of them, or for none
    get_range "bytes=0-1,3-4" --header 'If-Range: "other"'
    [ "$STATUS" = 200 ]
    cmp "$BODY" "$IMAGE"
}

@test "If-Range: the part only while the tag holds" {
    start_server
    get_range "bytes=10-19" --header "If-Range: $ETAG"
    [ "$STATUS" = 206 ]
    body_is 10 19
    local condition
    for condition in '"other"' "W/$ETAG" "Sun, 22 Nov 2026 09:00:00 GMT" '*'; do
        get_range "bytes=10-19" --header "If-Range: $condition"
        [ "$STATUS" = 200 ]
        cmp "$BODY" "$IMAGE"
    done
    # the resume after a publish in between: a whole new image, not a mixture
    publish "$SHARED/v2.bin" >/dev/null
    get_range "bytes=10-" --header "If-Range: $ETAG"
    [ "$STATUS" = 200 ]
    cmp "$BODY" "$SHARED/v2.bin"
}

@test "what is not published is 404, in every spelling of a traversal" {
    start_server
    local path
    echo secret >"$RELEASES/secret.json"
    for path in / /ota /ota/ /ota/thermo /ota/thermo/ /ota/thermo/beta.bin /ota/lamp/stable.bin \
        /ota/thermo/stable.txt /ota/thermo/stable /ota//thermo/stable.bin /OTA/thermo/stable.bin \
        /ota/thermo/../thermo/stable.bin /ota/../ota/thermo/stable.bin \
        /ota/%74hermo/stable.bin /ota/thermo/%2e%2e/secret.json /ota/../secret.json \
        /ota/..%2fsecret.json /ota/./secret.json /ota/thermo/stable.bin/ \
        /ota/artifacts/x.bin "/ota/thermo/stable.bin?x=1" "/ota/thermo/stable.bin%00" \
        /ota/thermo/.incoming.bin "/ota/thermo/$(printf 'x%.0s' {1..100}).bin" \
        "/ota/artifacts/$(sha256_of "$IMAGE").bin" //etc/passwd; do
        get "$path"
        echo "$path $STATUS"
        [ "$STATUS" = 404 ]
        [ "$(cat "$BODY")" = "Not Found" ]
    done
    get "/$(printf 'x%.0s' {1..20000})" --http1.1
    [ "$STATUS" = 404 ] || [ "$STATUS" = 400 ]
    run raw "GET https://localhost$BIN HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    [[ "$output" == "HTTP/1.1 404"* ]]
}

@test "other methods are 405 with Allow" {
    start_server
    local method
    for method in POST PUT DELETE OPTIONS PATCH TRACE get XYZZY; do
        get "$BIN" --request "$method"
        [ "$STATUS" = 405 ]
        [ "$(header allow)" = "GET, HEAD" ]
        run ! cmp -s "$BODY" "$IMAGE"
    done
    get "$BIN" --http1.1 --data-binary @"$IMAGE"
    [ "$STATUS" = 413 ] || [ "$STATUS" = 405 ]
}

@test "requests that are no HTTP get 400 or a closed connection, and the server lives" {
    start_server
    local text
    for text in 'garbage\r\n\r\n' 'GET\r\n\r\n' 'GET / HTTP/9.9\r\n\r\n' '\0\0\0\0\r\n\r\n' \
        'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n' \
        'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: nonsense\r\n\r\n'; do
        run raw "$text"
        [ -z "$output" ] || [[ "$output" == "HTTP/1.1 400"* ]]
    done
    get /healthz
    [ "$STATUS" = 200 ]
    [ "$(cat "$BODY")" = ok ]
}

@test "plain HTTP is refused with nothing of content" {
    start_server
    run curl --silent --max-time 5 --output "$BODY" --write-out '%{http_code}' \
        "http://127.0.0.1:$PORT$BIN"
    [ "$output" = 400 ]
    [ "$(cat "$BODY")" = "This port speaks HTTPS only" ]
    run timeout 5 bash -c "exec 5<>/dev/tcp/127.0.0.1/$PORT; printf '\0\1\2' >&5; cat <&5"
    [ -z "$output" ]
    get /healthz
    [ "$STATUS" = 200 ]
}

# On a machine whose OpenSSL would allow everything, so that it is the server that refuses.
@test "TLS 1.1, weak ciphers and a wrong CA are refused" {
    cat >"$BATS_TEST_TMPDIR/weak.cnf" <<'END'
openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = weak
[weak]
MinProtocol = TLSv1
CipherString = ALL:@SECLEVEL=0
END
    export OPENSSL_CONF=$BATS_TEST_TMPDIR/weak.cnf
    start_server
    local old
    for old in "-tls1_1" "-tls1" "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256" \
        "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA" "-tls1_2 -cipher AECDH-AES128-SHA:@SECLEVEL=0"; do
        run timeout 5 openssl s_client $old -connect "127.0.0.1:$PORT" </dev/null
        echo "$old"
        [[ "$output" == *"Cipher is (NONE)"* ]]
    done
    run timeout 5 openssl s_client -tls1_2 -connect "127.0.0.1:$PORT" </dev/null
    [[ "$output" == *"Cipher is ECDHE-ECDSA-AES"*"GCM"* ]]
    unset OPENSSL_CONF
    run curl --silent --cacert "$SHARED/other_pki/ca.pem" "$URL$BIN" --output "$BODY"
    [ "$status" -eq 60 ]
    [ ! -s "$BODY" ]
}

# Larger than all socket buffers together, so that the server is really still reading it.
publish_large() {
    IMAGE=$BATS_TEST_TMPDIR/large
    head -c 15000000 /dev/urandom >"$IMAGE"
    "$TRUSTCHAIN" release publish "$IMAGE" --releases "$RELEASES" --product thermo \
        --unchecked --as 1.0.0 2>/dev/null >&2
}

@test "a publish during a download: bytes of the first image only" {
    publish_large
    start_server
    get "$BIN" --limit-rate 5M &
    local download=$!
    sleep 0.5
    run ! grep -q "GET $BIN" "$BATS_TEST_TMPDIR/server.log" # still under way
    publish "$SHARED/v2.bin" >/dev/null
    run curl --silent --cacert "$SHARED/pki/ca.pem" "$URL/ota/thermo/stable.json"
    [ "$(field "['version']" <<<"$output")" = 1.1.0 ]
    wait "$download"
    cmp "$BODY" "$IMAGE"
    get "$BIN"
    cmp "$BODY" "$SHARED/v2.bin"
}

@test "withdrawn means 404 at once" {
    start_server
    get "$BIN"
    [ "$STATUS" = 200 ]
    "$TRUSTCHAIN" release withdraw --releases "$RELEASES" --product thermo
    get "$BIN"
    [ "$STATUS" = 404 ]
}

@test "a damaged store is 500 and a line in the log, not a wrong answer" {
    start_server
    local pointer=$RELEASES/thermo/stable.json good
    good=$(cat "$pointer")
    local garbage
    for garbage in '' '{' '[]' 'null' '{"version": "1.0.0"}' "${good/1.0.0/}" \
        "${good/\"size\": /\"size\": -}" "${good/\"size\": /\"size\": 99999999}" \
        "${good/\"sha256\": \"/\"sha256\": \"../}" "$(head -c 9000 /dev/zero | tr '\0' ' ')$good"; do
        printf '%s' "$garbage" >"$pointer"
        get "$BIN"
        [ "$STATUS" = 500 ]
        [ "$(cat "$BODY")" = "Internal Server Error" ]
    done
    grep -q 'release thermo/stable: its pointer file is damaged' "$BATS_TEST_TMPDIR/server.log"
    printf '%s' "$good" >"$pointer"
    get "$BIN"
    [ "$STATUS" = 200 ]
    truncate -s 5000 "$RELEASES/artifacts/${ETAG//\"/}.bin"
    get "$BIN"
    [ "$STATUS" = 500 ]
    rm "$RELEASES/artifacts/${ETAG//\"/}.bin"
    get "$BIN"
    [ "$STATUS" = 500 ]
    grep -q "image ${ETAG//\"/} of the store: damaged" "$BATS_TEST_TMPDIR/server.log"
}

@test "a releases folder that vanishes is 500 and a line in the log, not \"no release\"" {
    start_server
    mv "$RELEASES" "$RELEASES.moved"
    get "$BIN"
    [ "$STATUS" = 200 ]
    get /healthz
    [ "$STATUS" = 200 ]
    rm -r "$RELEASES.moved"
    for path in "$BIN" "${BIN%.bin}.json" /healthz; do
        get "$path"
        [ "$STATUS" = 500 ]
    done
    [ "$(grep -c 'the releases folder was removed' "$BATS_TEST_TMPDIR/server.log")" -eq 3 ]
}

@test "an image that shrinks while it is sent is cut off, not padded" {
    publish_large
    start_server
    local version
    for version in --http1.1 --http2; do
        publish_large
        run ! curl --silent --show-error $version --cacert "$SHARED/pki/ca.pem" \
            --limit-rate 20M --output >(head -c 1 >/dev/null && truncate -s 12000000 \
                "$RELEASES/artifacts/$(sha256_of "$IMAGE").bin"; cat >/dev/null) "$URL$BIN"
        [[ "$output" == *"(18)"* || "$output" == *"(92)"* ]]
    done
    [ "$(grep -c 'image cannot be read to its end' "$BATS_TEST_TMPDIR/server.log")" -eq 2 ]
    get /healthz
    [ "$STATUS" = 200 ]
}

@test "the access log has a line per request and cannot be forged" {
    start_server
    get_range "bytes=0-9"
    get '/x"y\z%0a' --header 'Range: a" b'
    grep -qE "^[0-9TZ:-]+ 127.0.0.1:[0-9]+ GET $BIN 206 10 bytes=0-9 HTTP/2.0$" \
        "$BATS_TEST_TMPDIR/server.log"
    grep -qF ' GET /x?y?z%0a 404 10 a??b HTTP/2.0' "$BATS_TEST_TMPDIR/server.log"
}

@test "--log appends to a file" {
    echo first >"$BATS_TEST_TMPDIR/file.log"
    start_server --log "$BATS_TEST_TMPDIR/file.log"
    get /healthz
    stop_server
    grep -q '^first$' "$BATS_TEST_TMPDIR/file.log"
    grep -q 'GET /healthz 200 3' "$BATS_TEST_TMPDIR/file.log"
}

@test "SIGTERM and SIGINT end it with 0, and an idle connection does not hold it" {
    local signal
    for signal in TERM INT; do
        start_server
        grep -qx "trustchain: serving https://127.0.0.1:$PORT/" "$BATS_TEST_TMPDIR/server.out"
        exec 5<>"/dev/tcp/127.0.0.1/$PORT"
        printf '\x16' >&5
        sleep 5 | openssl s_client -quiet -connect "127.0.0.1:$PORT" >/dev/null 2>&1 3>&- &
        sleep 0.3
        kill -"$signal" "$SERVER_PID"
        timeout 3 tail --pid="$SERVER_PID" -f /dev/null
        run wait "$SERVER_PID"
        [ "$status" -eq 0 ]
        exec 5>&-
        SERVER_PID=
    done
}

@test "a download under way at SIGTERM is finished" {
    publish_large
    start_server
    get "$BIN" --limit-rate 5M &
    local download=$!
    sleep 0.5
    kill "$SERVER_PID"
    sleep 0.2
    run ! grep -q "GET $BIN" "$BATS_TEST_TMPDIR/server.log" # still under way
    run ! curl --silent --max-time 2 --cacert "$SHARED/pki/ca.pem" "$URL/healthz" # and no other
    wait "$download"
    cmp "$BODY" "$IMAGE"
    stop_server
    grep -q " 200 15000000 - HTTP" "$BATS_TEST_TMPDIR/server.log"
}

# serve_fails PATTERN OPTION...: exit 1, one line
serve_fails() {
    run timeout 5 "$TRUSTCHAIN" serve --listen 127.0.0.1:0 --releases "$RELEASES" \
        --cert "$SHARED/pki/cert.pem" --key "$SHARED/pki/key.pem" "${@:2}"
    echo "$output"
    [ "$status" -eq 1 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ "$output" == "trustchain: "*"$1"* ]]
}

@test "what cannot work is one clear line and exit 1" {
    serve_fails "cannot read the certificate" --cert /nowhere/cert.pem
    serve_fails "not a PEM certificate" --cert "$SHARED/pki/key.pem"
    serve_fails "cannot read the key" --key /nowhere/key.pem
    install -m 600 "$SHARED/pki/cert.pem" "$BATS_TEST_TMPDIR/no_key.pem"
    serve_fails "not a PEM private key" --key "$BATS_TEST_TMPDIR/no_key.pem"
    serve_fails "does not belong to the certificate" --key "$SHARED/other_pki/key.pem"
    serve_fails "does not belong to the certificate" --key "$SHARED/key.pem"
    serve_fails "cannot read the releases" --releases /nowhere
    serve_fails "cannot open the log" --log /nowhere/log
    openssl ec -in "$SHARED/pki/key.pem" -aes128 -passout pass:x \
        -out "$BATS_TEST_TMPDIR/locked.pem" 2>/dev/null
    serve_fails "without passphrase" --key "$BATS_TEST_TMPDIR/locked.pem"
    start_server
    serve_fails "in use" --listen "127.0.0.1:$PORT"
}

@test "a project is served with its own certificate" {
    local project=$BATS_TEST_TMPDIR/project ready=$BATS_TEST_TMPDIR/ready i
    "$TRUSTCHAIN" init "$project" --name thermo
    cp -r "$RELEASES/." "$project/releases"
    "$TRUSTCHAIN" serve --project "$project" --listen 127.0.0.1:0 --ready-file "$ready" \
        >"$BATS_TEST_TMPDIR/server.out" 2>"$BATS_TEST_TMPDIR/server.log" 3>&- &
    SERVER_PID=$!
    for i in $(seq 100); do
        [ -s "$ready" ] && break
        sleep 0.05
    done
    run curl --silent --fail --cacert "$project/pki/ca_cert.pem" --output "$BODY" \
        "https://127.0.0.1:$(cat "$ready")$BIN"
    [ "$status" -eq 0 ]
    cmp "$BODY" "$IMAGE"
    run timeout 5 "$TRUSTCHAIN" serve --project /nowhere
    [ "$status" -eq 1 ]
    [[ "$output" == "trustchain: /nowhere/trustchain.ini: cannot be read: "* ]]
}

@test "usage errors exit 2" {
    local bad
    run "$TRUSTCHAIN" serve
    [ "$status" -eq 2 ]
    for bad in nonsense 127.0.0.1 127.0.0.1:70000 127.0.0.1: :8443 localhost:http '[::1' ::1:80; do
        run timeout 5 "$TRUSTCHAIN" serve --listen "$bad" --releases "$RELEASES" \
            --cert "$SHARED/pki/cert.pem" --key "$SHARED/pki/key.pem"
        echo "$bad: $output"
        [ "$status" -eq 2 ]
        [[ "$output" == *"not an address to listen on"* ]]
    done
}

@test "the connection limit makes others wait, not fail" {
    start_server --connections 2 --threads 1
    exec 5<>"/dev/tcp/127.0.0.1/$PORT" 6<>"/dev/tcp/127.0.0.1/$PORT"
    printf '\x16' >&5 # the start of a TLS handshake, and then silence
    printf '\x16' >&6
    sleep 0.3
    run curl --silent --max-time 1 --cacert "$SHARED/pki/ca.pem" "$URL/healthz"
    [ "$status" -eq 28 ]
    exec 5>&-
    get /healthz --max-time 5
    [ "$STATUS" = 200 ]
    exec 6>&-
}

@test "a client that resets its requests as fast as it can is cut off" {
    publish_large
    start_server
    run timeout 30 python3 "$BATS_TEST_DIRNAME/h2_client.py" "$PORT" "$BIN" reset 2000
    [ "$output" = closed ]
    grep -q 'drops its requests, closing' "$BATS_TEST_TMPDIR/server.log"
    get /healthz
    [ "$STATUS" = 200 ]
}

@test "a client that takes nothing is cut off, whatever it asked for" {
    publish_large
    start_server --patience 1
    local path
    for path in "$BIN" /ota/thermo/stable.json /healthz; do
        run timeout 30 python3 "$BATS_TEST_DIRNAME/h2_client.py" "$PORT" "$path" unread 3
        [ "$output" = closed ]
    done
    # HTTP/1.1: the socket buffers fill and nobody reads them
    (
        printf 'GET %s HTTP/1.1\r\nHost: x\r\n\r\n' "$BIN"
        sleep 8
    ) | timeout 8 openssl s_client -quiet -connect "127.0.0.1:$PORT" 2>/dev/null | sleep 6 &
    sleep 4
    [ "$(grep -c 'takes nothing, closing' "$BATS_TEST_TMPDIR/server.log")" -eq 4 ]
    grep -q "GET $BIN 200 [0-9]* - HTTP/1.1 aborted" "$BATS_TEST_TMPDIR/server.log"
    local version # who takes it, however slowly, gets it
    for version in --http1.1 --http2; do
        get "$BIN" $version --limit-rate 4M
        cmp "$BODY" "$IMAGE"
    done
    kill $! || true
}

@test "a request that does not end is closed" {
    start_server
    run timeout 15 bash -c "(printf 'GET / HT'; sleep 14) |
        openssl s_client -quiet -connect 127.0.0.1:$PORT 2>/dev/null"
    [ "$status" -ne 124 ]
}

@test "many clients at once all get the right bytes" {
    start_server
    local i pids=()
    for i in $(seq 20); do
        curl --silent --cacert "$SHARED/pki/ca.pem" --output "$BATS_TEST_TMPDIR/got$i" \
            "$URL$BIN" &
        pids+=($!)
    done
    for i in $(seq 20); do
        wait "${pids[i - 1]}"
        cmp "$BATS_TEST_TMPDIR/got$i" "$IMAGE"
    done
}
