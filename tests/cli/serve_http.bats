# DDI over HTTP: what a request may look like, what an answer does, and what nobody may do.

bats_require_minimum_version 1.5.0
load fleet_helpers

setup_file() {
    export SHARED=$BATS_FILE_TMPDIR
    make_fleet "$SHARED/project"
}

setup() {
    SERVER_PID=
    PROJECT=$BATS_TEST_TMPDIR/project
    cp -r "$SHARED/project" "$PROJECT"
    BODY=$BATS_TEST_TMPDIR/body
}

teardown() {
    stop_server || true
}

# raw_status TEXT: the statuses of all answers to it, and whether the connection was closed
raw_statuses() {
    printf "$1" | timeout 5 python3 -c 'import re, socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
raw = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
with context.wrap_socket(raw, server_hostname="localhost") as peer:
    peer.settimeout(3)
    peer.sendall(sys.stdin.buffer.read())
    out = b""
    try:
        while part := peer.recv(65536):
            out += part
        out += b" closed"
    except OSError:
        pass
print(" ".join(re.findall(r"HTTP/1.1 (\d+)", out.decode())), "closed" * out.endswith(b" closed"))' \
        "$PORT" "$CA"
}

@test "requests that a proxy might cut differently are refused, and what follows is not read" {
    start_fleet "$PROJECT"
    local next='GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
    local post='POST /DEFAULT/controller/v1/d HTTP/1.1\r\nHost: x\r\n' text
    while read -r text; do
        run raw_statuses "$post$text$next"
        echo "$text: $output"
        [ "$output" = "400 closed" ]
    done <<'END'
Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n
Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n
Content-Length: 5\r\nContent-Length: 0\r\n\r\nabcde
Content-Length: 0\r\nContent-Length: 5\r\n\r\nabcde
Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde
Content-Length: 5, 5\r\n\r\nabcde
Content-Length: +5\r\n\r\nabcde
Content-Length : 5\r\n\r\nabcde
Content-Length: 0x5\r\n\r\nabcde
Content-Length: 18446744073709551621\r\n\r\nabcde
Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n
Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n
Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n
Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n
Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n
Host: y\r\n\r\n
END
    # with one length the body is a body and the next request the next; after chunks there is none,
    # since not everybody reads a chunk's length alike
    [ "$(raw_statuses "${post}Content-Length: 5\r\n\r\nabcde$next")" = "405 200 closed" ]
    [ "$(raw_statuses "${post}Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n$next")" = \
        "405 closed" ]
    [ "$(raw_statuses 'GET /healthz HTTP/1.1\r\n\r\n')" = "400 closed" ]
    [ "$(raw_statuses 'GET /healthz HTTP/1.0\r\n\r\n')" = "200 closed" ]
}

@test "Expect: 100-continue is answered at once, other expectations are 417" {
    start_fleet "$PROJECT"
    local post='PUT /DEFAULT/controller/v1/d/configData HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n'
    [[ "$(raw_statuses "${post}Expect: 100-continue\r\n\r\n")" == "100 "* ]]
    [ "$(raw_statuses "${post}Expect: 100-continue\r\n\r\nabcde")" = "100 401 " ]
    [ "$(raw_statuses "${post}Expect: tea\r\n\r\n")" = "417 closed" ]
}

@test "a megabyte of headers is refused, on each port and version" {
    start_fleet "$PROJECT"
    local url version
    { printf 'X-Large: '; head -c 1000000 /dev/zero | tr '\0' a; } >"$BATS_TEST_TMPDIR/one"
    seq -f 'X-Many-%.0f: aaaaaaaaaaaaaaaaaaaaaaaaa' 25000 >"$BATS_TEST_TMPDIR/many"
    for url in "$URL" "$MANAGE"; do
        for version in --http1.1 --http2; do
            for name in one many; do
                run ask "$url/healthz" $version -H "@$BATS_TEST_TMPDIR/$name"
                [ "$(head -c 3 "$BODY")" != ok ]
            done
        done
        ask "$url/healthz"
        [ "$STATUS" = 200 ]
    done
}

@test "paths that climb are no paths" {
    start_fleet "$PROJECT"
    add_target dev1 0123456789abcdef
    local path
    for path in /DEFAULT/controller/v1/../../../etc/passwd /../fleet.db /..%2f..%2fetc%2fpasswd \
        /DEFAULT/controller/v1/dev1/softwaremodules/1/artifacts/..%2f..%2f..%2ffleet.db \
        /DEFAULT/controller/v1/dev1/softwaremodules/1/artifacts/%2e%2e \
        //DEFAULT/controller/v1/dev1 /DEFAULT//controller/v1/dev1 /DEFAULT/controller/v1/dev1/ \
        '/DEFAULT/controller/v1/dev1%00' '/DEFAULT/controller/v1/%zz' '/DEFAULT/controller/v1/%'; do
        ask "$URL$path" -H "Authorization: TargetToken 0123456789abcdef"
        echo "$path $STATUS"
        [ "$STATUS" = 404 ] || [ "$STATUS" = 400 ] || [ "$STATUS" = 401 ]
    done
}

@test "DDI answers: type by Accept, a length, a tag, 304 that counts as a poll" {
    start_fleet "$PROJECT"
    add_target dev1 0123456789abcdef
    local token=(-H "Authorization: TargetToken 0123456789abcdef") version tag
    local poll=$URL/DEFAULT/controller/v1/dev1
    for version in --http1.1 --http2; do
        ask "$poll" $version "${token[@]}"
        [ "$STATUS" = 200 ]
        [ "$(header content-type)" = application/hal+json ]
        [ "$(header content-length)" = "$(stat -c %s "$BODY")" ]
        [ -z "$(header transfer-encoding)" ]
        # nothing is compressed; swupdate sends the type of a body it does not have
        ask "$poll" $version "${token[@]}" -H "Accept: application/json" -H "charsets: utf-8" \
            -H "Accept-Encoding: gzip, deflate, br" -H "Content-Type: application/json"
        [ "$(header content-type)" = application/json ]
        [ -z "$(header content-encoding)" ]
        tag=$(header etag)
        [[ "$tag" =~ ^\"[0-9a-f]{32}\"$ ]]
        ask "$poll" $version "${token[@]}" -H "Accept: application/atom+xml"
        [ "$STATUS" = 406 ]
        [ "$(header content-length)" = 0 ]
        ask "$poll" $version "${token[@]}" --head
        [ "$STATUS" = 200 ]
        [ "$(header etag)" = "$tag" ]
        sleep 1.5
        sql "DELETE FROM target_poll"
        ask "$poll" $version "${token[@]}" -H "If-None-Match: $tag"
        [ "$STATUS" = 304 ]
        [ ! -s "$BODY" ]
        sleep 1.5
        [ "$(sql 'SELECT COUNT(*) FROM target_poll')" = 1 ]
        ask "$poll" $version "${token[@]}" -H 'If-None-Match: "other"'
        [ "$STATUS" = 200 ]
    done
    ask "$poll/configData" -X PUT "${token[@]}" -H "Content-Type: application/json" \
        --data '{"data":{"a":"b"}}'
    [ "$STATUS" = 200 ]
    [ "$(header content-length)" = 0 ]
    ask "$poll" "${token[@]}" # the link has gone, so the tag has changed
    [ "$(header etag)" != "$tag" ]
}

@test "a file: Last-Modified, If-Match without quotes, If-Range with a date" {
    start_fleet "$PROJECT"
    add_target dev1 0123456789abcdef
    head -c 5000 /dev/urandom >"$BATS_TEST_TMPDIR/fw.bin"
    local sha256 sha1
    sha256=$(sha256_of "$BATS_TEST_TMPDIR/fw.bin")
    sha1=$(sha1sum "$BATS_TEST_TMPDIR/fw.bin" | cut -c1-40)
    mkdir -p "$PROJECT/releases/artifacts"
    cp "$BATS_TEST_TMPDIR/fw.bin" "$PROJECT/releases/artifacts/$sha256.bin"
    sql "INSERT INTO module (id, tenant, type, name, version, created_at, created_by, changed_at,
             changed_by) VALUES (7, 1, 'os', 'fw', '1', 1, 't', 1, 't')"
    sql "INSERT INTO artifact (module, filename, size, sha256, sha1, md5, created_at, created_by)
         VALUES (7, 'fw.bin', 5000, '$sha256', '$sha1', 'md5', 1790000000999, 't')"
    sql "INSERT INTO dist_set (id, tenant, type, name, version, created_at, created_by, changed_at,
             changed_by) VALUES (7, 1, 'os', 'fw', '1', 1, 't', 1, 't')"
    sql "INSERT INTO set_module VALUES (7, 7)"
    sql "INSERT INTO action (tenant, target, dist_set, state, active, kind, created_at, created_by,
             changed_at, changed_by)
         SELECT 1, id, 7, 'running', 1, 'forced', 1, 't', 1, 't' FROM target"
    local token=(-H "Authorization: TargetToken 0123456789abcdef")
    local file=$URL/DEFAULT/controller/v1/dev1/softwaremodules/7/artifacts/fw.bin
    ask "$file" "${token[@]}" -H "Accept: application/octet-stream"
    [ "$STATUS" = 200 ]
    cmp "$BODY" "$BATS_TEST_TMPDIR/fw.bin"
    [ "$(header last-modified)" = "Mon, 21 Sep 2026 14:13:20 GMT" ]
    [ "$(header etag)" = "\"$sha1\"" ]
    local condition
    for condition in "$sha1" "\"$sha1\"" '*'; do
        ask "$file" "${token[@]}" -H "If-Match: $condition"
        [ "$STATUS" = 200 ]
    done
    ask "$file" "${token[@]}" -H "If-Match: ${sha1}0"
    [ "$STATUS" = 412 ]
    ask "$file" "${token[@]}" -r 100- -H "If-Range: Mon, 21 Sep 2026 14:13:20 GMT"
    [ "$STATUS" = 206 ]
    cmp "$BODY" <(tail -c +101 "$BATS_TEST_TMPDIR/fw.bin")
    ask "$file" "${token[@]}" -r 100- -H "If-Range: Mon, 21 Sep 2026 14:13:19 GMT"
    [ "$STATUS" = 200 ]
    ask "$file" "${token[@]}" -r 5000-
    [ "$STATUS" = 416 ]
    [ "$(header content-range)" = "bytes */5000" ]
    ask "$file.MD5SUM" "${token[@]}" -H "Accept: text/plain"
    [ "$(cat "$BODY")" = "md5  fw.bin" ]
}

@test "--quota: too many requests of one device are 429, others go on" {
    start_fleet "$PROJECT" --quota 1
    add_target dev1 0123456789abcdef
    add_target dev2 0123456789abcdef
    local token=(-H "Authorization: TargetToken 0123456789abcdef") i
    for i in $(seq 25); do # not who only claims to be it
        ask "$URL/DEFAULT/controller/v1/dev1" -H "Authorization: TargetToken wrong"
        [ "$STATUS" = 401 ]
    done
    ask "$URL/DEFAULT/controller/v1/dev1" "${token[@]}"
    [ "$STATUS" = 200 ]
    for i in $(seq 25); do
        ask "$URL/DEFAULT/controller/v1/dev1" "${token[@]}"
        [ "$STATUS" = 429 ] && break
    done
    [ "$STATUS" = 429 ]
    [ "$i" -ge 9 ]
    [ "$(header retry-after)" = 1 ]
    ask "$URL/DEFAULT/controller/v1/dev2" "${token[@]}"
    [ "$STATUS" = 200 ]
    sleep 1.2
    ask "$URL/DEFAULT/controller/v1/dev1" "${token[@]}"
    [ "$STATUS" = 200 ]
}

@test "a head and a body that come in drops are cut off, the others are served" {
    start_fleet "$PROJECT"
    run timeout 40 python3 - "$PORT" "$CA" <<'END'
import socket, ssl, sys, threading, time
context = ssl.create_default_context(cafile=sys.argv[2])
def drip(text, drop):
    raw = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    peer = context.wrap_socket(raw, server_hostname="localhost")
    start = time.time()
    try:
        peer.sendall(text)
        while time.time() - start < 30:
            time.sleep(1)
            peer.sendall(drop)
    except OSError:
        pass
    print("cut" if time.time() - start < 20 else "still there")
threads = [threading.Thread(target=drip, args=(text, drop)) for text, drop in (
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b"X-A: b\r\n"),
    (b"PUT /DEFAULT/controller/v1/d/configData HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n",
     b"a"))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
END
    [ "$output" = "cut
cut" ]
    ask "$URL/healthz"
    [ "$STATUS" = 200 ]
}
