# serve with a store: its two ports, where its settings come from, who a device is.

bats_require_minimum_version 1.5.0
load fleet_helpers

setup_file() {
    export SHARED=$BATS_FILE_TMPDIR
    make_fleet "$SHARED/project"
    mkdir "$SHARED/other_pki"
    make_pki "$SHARED/other_pki" "Other CA"
    local pki=$SHARED/project/pki
    device_certificate "$SHARED/dev1" /CN=dev1 "$pki/ca_cert.pem" "$pki/ca_key.pem"
    device_certificate "$SHARED/stranger" /CN=dev1 "$SHARED/other_pki/ca.pem" \
        "$SHARED/other_pki/ca_key.pem"
    device_certificate "$SHARED/two" /CN=dev2/CN=dev1 "$pki/ca_cert.pem" "$pki/ca_key.pem"
}

setup() {
    SERVER_PID=
    PROJECT=$BATS_TEST_TMPDIR/project
    cp -r "$SHARED/project" "$PROJECT"
    BODY=$BATS_TEST_TMPDIR/body
}

teardown() {
    stop_server || true
    stop_postgres
}

@test "two ports: devices on one, everything on the other, loopback unless told" {
    start_fleet "$PROJECT"
    grep -qx "trustchain: serving https://127.0.0.1:$PORT/" "$BATS_TEST_TMPDIR/server.out"
    grep -qx "trustchain: managing https://127.0.0.1:$MANAGE_PORT/" "$BATS_TEST_TMPDIR/server.out"
    [ "$PORT" != "$MANAGE_PORT" ]
    local url
    for url in "$URL" "$MANAGE"; do
        ask "$url/healthz"
        [ "$STATUS" = 200 ]
        [ "$(cat "$BODY")" = ok ]
        ask "$url/DEFAULT/controller/v1/dev1"
        [ "$STATUS" = 401 ]
    done
    [ -s "$STORE" ]
}

@test "bodies: 64 KB on the device port, an upload's size on the management port" {
    start_fleet "$PROJECT"
    add_target dev1 0123456789abcdef
    local token="Authorization: TargetToken 0123456789abcdef" version
    local path=/DEFAULT/controller/v1/dev1/configData type="Content-Type: application/json"
    { printf '{"data":{"a":"b"}'; head -c 65000 /dev/zero | tr '\0' ' '; printf '}'; } \
        >"$BATS_TEST_TMPDIR/small"
    { cat "$BATS_TEST_TMPDIR/small"; head -c 1000 /dev/zero | tr '\0' ' '; } \
        >"$BATS_TEST_TMPDIR/large"
    for version in --http1.1 --http2; do
        ask "$URL$path" $version -X PUT -H "$token" -H "$type" \
            --data-binary "@$BATS_TEST_TMPDIR/small"
        [ "$STATUS" = 200 ]
        ask "$URL$path" $version -X PUT -H "$token" -H "$type" \
            --data-binary "@$BATS_TEST_TMPDIR/large" || true
        [ "$STATUS" = 413 ] || [ "$STATUS" = 000 ]
        # there the parser of JSON says no, not the port
        ask "$MANAGE$path" $version -X PUT -H "$token" -H "$type" \
            --data-binary "@$BATS_TEST_TMPDIR/large"
        [ "$STATUS" = 413 ]
        [ "$(header content-length)" = 0 ]
    done
    [ "$(sql 'SELECT COUNT(*) FROM target_attribute')" = 1 ]
}

@test "settings: the command line, then the environment, then trustchain.ini" {
    printf '\n[server]\nstore = sqlite:ini.db\nlog_format = json\naccess_log = on\n' \
        >>"$PROJECT/trustchain.ini"
    start_fleet "$PROJECT"
    ask "$URL/healthz"
    [ -s "$PROJECT/ini.db" ]
    python3 -c "import json, sys
line = [json.loads(text) for text in sys.stdin][-1]
assert line['path'] == '/healthz' and line['status'] == 200 and line['time'][-1] == 'Z', line" \
        <"$BATS_TEST_TMPDIR/server.log"
    stop_server
    export TRUSTCHAIN_STORE=sqlite:$BATS_TEST_TMPDIR/env.db TRUSTCHAIN_LOG_FORMAT=text
    start_fleet "$PROJECT"
    ask "$URL/healthz"
    [ -s "$BATS_TEST_TMPDIR/env.db" ]
    grep -q 'GET /healthz 200' "$BATS_TEST_TMPDIR/server.log"
    stop_server
    start_fleet "$PROJECT" --store "sqlite:$BATS_TEST_TMPDIR/option.db" --manage none
    [ -s "$BATS_TEST_TMPDIR/option.db" ]
    run ! grep -q managing "$BATS_TEST_TMPDIR/server.out"
    stop_server
    unset TRUSTCHAIN_STORE TRUSTCHAIN_LOG_FORMAT
    rm -f "$PROJECT/fleet.db"
    start_fleet "$PROJECT" --store none
    [ ! -e "$PROJECT/fleet.db" ]
    ask "$URL/healthz"
    [ "$STATUS" = 200 ]
}

# old_action DAYS: one of dev1 that failed so long ago, with what was reported on it; its id
old_action() {
    sql "INSERT INTO action (tenant, target, dist_set, state, active, kind, created_at, created_by,
             changed_at, changed_by)
         SELECT 1, id, 1, 'error', 0, 'forced', at, 'test', at, 'test' FROM target,
             (SELECT (unixepoch() - $1 * 86400) * 1000 AS at)" >/dev/null
    sql "INSERT INTO action_status (action, state, reported_at, occurred_at)
         SELECT MAX(id), 'error', 1, 1 FROM action"
    sql "SELECT MAX(id) FROM action"
}

# gone ACTION: within seconds
gone() {
    for _ in $(seq 100); do
        [ "$(sql "SELECT COUNT(*) FROM action WHERE id = $1")" = 0 ] && return
        sleep 0.1
    done
    return 1
}

@test "actions that ended long ago go: --action-days, TRUSTCHAIN_ACTION_DAYS, action_days" {
    local old young
    start_fleet "$PROJECT"
    add_target dev1 0123456789abcdef
    sql "INSERT INTO dist_set (tenant, type, name, version, created_at, created_by, changed_at,
             changed_by) VALUES (1, 'os', 'fw', '1', 1, 'test', 1, 'test')"
    stop_server
    young=$(old_action 399) old=$(old_action 401)
    start_fleet "$PROJECT" # 400 by default
    gone "$old"
    [ "$(sql "SELECT id FROM action")" = "$young" ]
    [ "$(sql "SELECT COUNT(*) FROM action_status")" = 1 ]
    grep -q 'removed 1 actions that ended more than 400 days ago' "$BATS_TEST_TMPDIR/server.log"
    stop_server
    printf '\n[server]\naction_days = 0\n' >>"$PROJECT/trustchain.ini"
    old=$(old_action 4000)
    start_fleet "$PROJECT"
    sleep 3
    [ "$(sql "SELECT COUNT(*) FROM action")" = 2 ]
    stop_server
    TRUSTCHAIN_ACTION_DAYS=1000 start_fleet "$PROJECT"
    gone "$old"
    [ "$(sql "SELECT id FROM action")" = "$young" ]
    stop_server
    TRUSTCHAIN_ACTION_DAYS=1000 start_fleet "$PROJECT" --action-days 300
    gone "$young"
    sed -i 's/^action_days.*/action_days = 36501/' "$PROJECT/trustchain.ini"
    run timeout 5 "$TRUSTCHAIN" serve --project "$PROJECT" --listen 127.0.0.1:0
    [ "$status" -eq 1 ]
    [[ "$output" == *'[server] action_days cannot be "36501" (0 to 36500 days)'* ]]
}

@test "settings that cannot be are one line" {
    local options
    for options in "--artifacts all" "--log-format xml" "--trusted-proxy 10.0.0" \
        "--trusted-proxy 10.0.0.1,proxy.example" "--manage 8444" "--action-days 36501" \
        "--action-days 1d"; do
        run timeout 5 "$TRUSTCHAIN" serve --project "$PROJECT" --listen 127.0.0.1:0 $options
        echo "$options: $output"
        [ "$status" -eq 2 ]
        [ "${#lines[@]}" -eq 1 ]
    done
    run timeout 5 "$TRUSTCHAIN" serve --project "$PROJECT" --client-ca /nowhere
    [ "$status" -eq 1 ]
    [[ "$output" == "trustchain: /nowhere: cannot read the authority of device certificates"* ]]
}

@test "a client certificate is the device it names, and no other" {
    start_fleet "$PROJECT"
    add_target dev1 0123456789abcdef
    add_target dev2 0123456789abcdef
    local version
    for version in "--tls-max 1.2" --tlsv1.3 "--tlsv1.3 --http1.1"; do
        ask "$URL/DEFAULT/controller/v1/dev1" $version --cert "$SHARED/dev1.pem" \
            --key "$SHARED/dev1.key"
        [ "$STATUS" = 200 ]
        ask "$URL/DEFAULT/controller/v1/dev2" $version --cert "$SHARED/dev1.pem" \
            --key "$SHARED/dev1.key"
        [ "$STATUS" = 401 ]
        ask "$URL/DEFAULT/controller/v1/dev1" $version # none shown
        [ "$STATUS" = 401 ]
        # two names are none
        ask "$URL/DEFAULT/controller/v1/dev1" $version --cert "$SHARED/two.pem" \
            --key "$SHARED/two.key"
        [ "$STATUS" = 401 ]
    done
    # not on the management port, which does not ask for one
    ask "$MANAGE/DEFAULT/controller/v1/dev1" --cert "$SHARED/dev1.pem" --key "$SHARED/dev1.key"
    [ "$STATUS" = 401 ]
    sql "UPDATE target SET revoked_at = 1 WHERE controller_id = 'dev1'"
    ask "$URL/DEFAULT/controller/v1/dev1" --cert "$SHARED/dev1.pem" --key "$SHARED/dev1.key"
    [ "$STATUS" = 403 ]
}

@test "certificates of another authority, of a server, and expired ones fail the handshake" {
    start_fleet "$PROJECT"
    add_target dev1 0123456789abcdef
    local pki=$PROJECT/pki version
    device_certificate "$BATS_TEST_TMPDIR/old" /CN=dev1 "$pki/ca_cert.pem" "$pki/ca_key.pem" -1
    for version in "--tls-max 1.2" --tlsv1.3; do
        run ! ask "$URL/healthz" $version --cert "$SHARED/stranger.pem" --key "$SHARED/stranger.key"
        run ! ask "$URL/healthz" $version --cert "$pki/server_cert.pem" --key "$pki/server_key.pem"
        run ! ask "$URL/healthz" $version --cert "$BATS_TEST_TMPDIR/old.pem" \
            --key "$BATS_TEST_TMPDIR/old.key"
    done
    run ! grep -q "GET /healthz" "$BATS_TEST_TMPDIR/server.log"
    ask "$URL/healthz"
    [ "$STATUS" = 200 ]
}

@test "what is shown is the certificate's file, not the authority that devices have" {
    start_fleet "$PROJECT"
    run timeout 5 openssl s_client -showcerts -connect "127.0.0.1:$PORT" -CAfile "$CA" </dev/null
    [[ "$output" == *"Verify return code: 0 (ok)"* ]]
    [ "$(grep -c 'BEGIN CERT' <<<"$output")" -eq \
        "$(grep -c 'BEGIN CERT' "$PROJECT/pki/server_cert.pem")" ]
}

# begin_session TLS_OPTION: one made with the certificate, kept
begin_session() {
    SESSION=$BATS_TEST_TMPDIR/session$1
    { printf 'GET /DEFAULT/controller/v1/dev1 HTTP/1.1\r\nHost: x\r\n\r\n'; sleep 0.5; } |
        timeout 5 openssl s_client -quiet -no_ign_eof "$1" -connect "127.0.0.1:$PORT" \
            -CAfile "$CA" -cert "$SHARED/dev1.pem" -key "$SHARED/dev1.key" \
            -sess_out "$SESSION" >"$BATS_TEST_TMPDIR/first" 2>/dev/null
    grep -q '^HTTP/1.1 200' "$BATS_TEST_TMPDIR/first"
}

# go_on TLS_OPTION PORT: resumed without showing the certificate: "Reused, 200", "New, 401"
go_on() {
    { printf 'GET /DEFAULT/controller/v1/dev1 HTTP/1.1\r\nHost: x\r\n\r\n'; sleep 0.5; } |
        timeout 5 openssl s_client -no_ign_eof "$1" -connect "127.0.0.1:$2" -CAfile "$CA" \
            -sess_in "$BATS_TEST_TMPDIR/session$1" 2>/dev/null |
        sed -n 's/^\(New\|Reused\), .*/\1,/p; s|^HTTP/1.1 \([0-9]*\).*|\1|p' | paste -sd' '
}

@test "a resumed session is still the device's; not on the other port; both are counted" {
    start_fleet "$PROJECT"
    add_target dev1 0123456789abcdef
    add_token r read 0123456789abcdefghijk
    local version
    for version in -tls1_2 -tls1_3; do
        begin_session $version
        [ "$(go_on $version "$PORT")" = "Reused, 200" ]
        [ "$(go_on $version "$MANAGE_PORT")" = "New, 401" ]
    done
    ask "$MANAGE/metrics" -H "Authorization: Bearer 0123456789abcdefghijk" # itself a handshake
    [ "$(grep '^trustchain_tls_handshakes_total' "$BODY")" = \
'trustchain_tls_handshakes_total{port="device",resumed="no"} 2
trustchain_tls_handshakes_total{port="device",resumed="yes"} 2
trustchain_tls_handshakes_total{port="management",resumed="no"} 3
trustchain_tls_handshakes_total{port="management",resumed="yes"} 0' ]
}

@test "a session goes on in another process and after a restart, unless its device is revoked" {
    local version other=$BATS_TEST_TMPDIR/other
    start_fleet "$PROJECT"
    add_target dev1 0123456789abcdef
    "$TRUSTCHAIN" serve --project "$PROJECT" --listen 127.0.0.1:0 --manage none \
        --ready-file "$other" >/dev/null 2>&1 3>&- &
    local pid=$!
    for _ in $(seq 100); do [ -s "$other" ] && break; sleep 0.05; done
    for version in -tls1_2 -tls1_3; do
        begin_session $version
        [ "$(go_on $version "$(cat "$other")")" = "Reused, 200" ]
    done
    kill $pid
    wait $pid
    stop_server
    start_fleet "$PROJECT" # what it takes is in the store, and not the store's alone
    for version in -tls1_2 -tls1_3; do
        [ "$(go_on $version "$PORT")" = "Reused, 200" ]
        sql "UPDATE target SET revoked_at = 1"
        [ "$(go_on $version "$PORT")" = "Reused, 403" ]
        sql "UPDATE target SET revoked_at = NULL"
    done
    stop_server
    # who signs devices now has not verified this one
    start_fleet "$PROJECT" --client-ca "$SHARED/other_pki/ca.pem"
    for version in -tls1_2 -tls1_3; do
        [ "$(go_on $version "$PORT")" = "New, 401" ]
    done
    stop_server
    # three salts, two periods old: the sessions are too
    sql "UPDATE ticket_salt SET period = period - 2"
    start_fleet "$PROJECT"
    for version in -tls1_2 -tls1_3; do
        [ "$(go_on $version "$PORT")" = "New, 401" ]
    done
    [ "$(sql "SELECT COUNT(*) FROM ticket_salt")" = 3 ]
}

@test "two servers on one PostgreSQL: each takes the other's sessions, and after a rolling restart" {
    local version other=$BATS_TEST_TMPDIR/other here there pid
    start_postgres
    start_fleet "$PROJECT"
    add_target dev1 0123456789abcdef
    here=$PORT
    "$TRUSTCHAIN" serve --project "$PROJECT" --listen 127.0.0.1:0 --manage none \
        --ready-file "$other" >/dev/null 2>&1 3>&- &
    pid=$!
    for _ in $(seq 600); do [ -s "$other" ] && break; sleep 0.05; done
    there=$(cat "$other")
    for version in -tls1_2 -tls1_3; do
        begin_session $version
        [ "$(go_on $version "$there")" = "Reused, 200" ]
        PORT=$there begin_session $version
        [ "$(go_on $version "$here")" = "Reused, 200" ]
    done
    stop_server # one of them comes back; the sessions are of the other, which has not stopped
    start_fleet "$PROJECT"
    for version in -tls1_2 -tls1_3; do
        [ "$(go_on $version "$PORT")" = "Reused, 200" ]
        begin_session $version
        [ "$(go_on $version "$there")" = "Reused, 200" ]
        sql "UPDATE target SET revoked_at = 1"
        [ "$(go_on $version "$there")" = "Reused, 403" ]
        sql "UPDATE target SET revoked_at = NULL"
    done
    kill $pid
    wait $pid
    stop_server
    # without the salts there is nothing to go on from
    sql "DELETE FROM ticket_salt"
    start_fleet "$PROJECT"
    for version in -tls1_2 -tls1_3; do
        [ "$(go_on $version "$PORT")" = "New, 401" ]
    done
}

@test "X-Controller-Id counts from a trusted proxy only" {
    local headers=(-H "X-Controller-Id: dev1" -H "X-Authority: ABC, def")
    start_fleet "$PROJECT"
    add_target dev1 0123456789abcdef
    set_setting authentication.header.enabled true
    set_setting authentication.header.authority abc
    ask "$URL/DEFAULT/controller/v1/dev1" "${headers[@]}"
    [ "$STATUS" = 401 ]
    stop_server
    start_fleet "$PROJECT" --trusted-proxy "::1, 127.0.0.1"
    ask "$URL/DEFAULT/controller/v1/dev1" "${headers[@]}"
    [ "$STATUS" = 200 ]
    ask "$URL/DEFAULT/controller/v1/dev1" "${headers[@]}" -H "X-Controller-Id: dev2"
    [ "$STATUS" = 401 ] # given twice
    ask "$URL/DEFAULT/controller/v1/dev1" -H "X-Controller-Id: dev1" -H "X-Authority: other"
    [ "$STATUS" = 401 ]
    ask "$URL/DEFAULT/controller/v1/dev2" "${headers[@]}"
    [ "$STATUS" = 401 ]
}

# poll_through "FIELD: VALUE"...: dev1 polls through the trusted proxy, which says so
poll_through() {
    local fields=(-H "X-Controller-Id: dev1") field
    for field; do
        fields+=(-H "$field")
    done
    ask "$URL/DEFAULT/controller/v1/dev1" "${fields[@]}"
}

@test "a trusted proxy names the authorities in one field or in numbered ones, not in both" {
    local fields
    start_fleet "$PROJECT" --trusted-proxy 127.0.0.1
    add_target dev1 0123456789abcdef
    set_setting authentication.header.enabled true
    set_setting authentication.header.authority "0abc; 0def"
    for fields in "X-Authority: 0def" "X-Authority-0: 0ABC" "X-Authority-1: 0def" \
        "X-Authority-0: x|X-Authority-1: y|X-Authority-2: 0abc"; do
        IFS='|' read -ra fields <<<"$fields"
        poll_through "${fields[@]}"
        [ "$STATUS" = 200 ]
    done
    # a gap ends the list; a field given twice is none; what a client sends along spoils it
    for fields in "X-Authority: 0abc0def" "X-Authority: 0ab" "X-Authority-2: 0abc" \
        "X-Authority-0: x|X-Authority-2: 0abc" "X-Authority-1: 0abc|X-Authority-1: 0abc" \
        "X-Authority: 0abc|X-Authority-1: x" "X-Authority: x|X-Authority-1: 0abc" \
        "X-Ssl-Issuer-Hash-1: 0abc" "X-Authority;"; do
        IFS='|' read -ra fields <<<"$fields"
        poll_through "${fields[@]}"
        [ "$STATUS" = 401 ]
    done
    # names of older hawkBits: a proxy of today does not remove them, so a client could send them
    ask "$URL/DEFAULT/controller/v1/dev1" -H "X-Ssl-Client-Cn: dev1" -H "X-Ssl-Issuer-Hash-1: 0abc"
    [ "$STATUS" = 401 ]
}

@test "/healthz is 503 while the store does not answer" {
    start_fleet "$PROJECT"
    ask "$URL/healthz"
    [ "$STATUS" = 200 ]
    sql "ALTER TABLE tenant RENAME TO gone"
    ask "$URL/healthz"
    [ "$STATUS" = 503 ]
    sql "ALTER TABLE gone RENAME TO tenant"
    ask "$URL/healthz"
    [ "$STATUS" = 200 ]
    mv "$PROJECT/releases" "$BATS_TEST_TMPDIR/moved"
    rm -r "$BATS_TEST_TMPDIR/moved"
    ask "$MANAGE/healthz"
    [ "$STATUS" = 503 ]
}

@test "/metrics counts what happens, for whoever may read" {
    start_fleet "$PROJECT"
    add_target dev1 0123456789abcdef
    add_target 'dev2' 0123456789abcdef
    sql "UPDATE target SET update_status = 'error' WHERE controller_id = 'dev2'"
    add_token r read 0123456789abcdefghijk
    local i
    for i in 1 2 3; do
        ask "$URL/DEFAULT/controller/v1/dev1" -H "Authorization: TargetToken 0123456789abcdef"
        [ "$STATUS" = 200 ]
    done
    ask "$URL/DEFAULT/controller/v1/dev1"
    ask "$MANAGE/metrics"
    [ "$STATUS" = 401 ]
    ask "$URL/metrics" -H "Authorization: Bearer 0123456789abcdefghijk"
    [ "$STATUS" = 404 ]
    ask "$MANAGE/metrics" -H "Authorization: Bearer 0123456789abcdefghijk"
    [ "$STATUS" = 200 ]
    [[ "$(header content-type)" == "text/plain; version=0.0.4"* ]]
    grep -qx 'trustchain_requests_total{class="poll",status="2xx"} 3' "$BODY"
    grep -qx 'trustchain_requests_total{class="poll",status="4xx"} 1' "$BODY"
    grep -qx 'trustchain_request_seconds_count{class="poll"} 4' "$BODY"
    grep -qx 'trustchain_connections{port="management"} 1' "$BODY"
    grep -qx 'trustchain_targets{status="error"} 1' "$BODY"
    grep -qx 'trustchain_targets{status="unknown"} 1' "$BODY"
    # each line is one that Prometheus reads
    run ! grep -vE '^(# (HELP|TYPE) trustchain_[a-z_]+ .+|trustchain_[a-z_]+(\{[^}]*\})? [0-9.]+)$' \
        "$BODY"
}

@test "who is not known is told how to show it; a body with a secret is kept nowhere" {
    start_fleet "$PROJECT"
    add_token a admin 0123456789abcdefghijk
    add_target dev1 0123456789abcdef
    local head=$BATS_TEST_TMPDIR/head
    ask "$MANAGE/rest/v1/tokens" --dump-header "$head"
    [ "$STATUS" = 401 ]
    grep -qix $'www-authenticate: bearer\r' "$head"
    ask "$MANAGE/rest/v1/tokens" --dump-header "$head" -H "Authorization: Bearer 0123456789abcdefghijk" \
        -H 'Content-Type: application/json' -d '{"name":"ci","role":"read"}'
    [ "$STATUS" = 201 ]
    grep -qix $'cache-control: no-store\r' "$head"
    grep -qix $'x-content-type-options: nosniff\r' "$head"
    run ! grep -qi '^www-authenticate' "$head"
    # what a device asks for again and again may be kept, and is asked for by its tag
    ask "$URL/DEFAULT/controller/v1/dev1" --dump-header "$head" \
        -H "Authorization: TargetToken 0123456789abcdef"
    [ "$STATUS" = 200 ]
    grep -qix $'cache-control: no-cache\r' "$head"
}

@test "a call that the store fails is 500, and the log says why" {
    start_fleet "$PROJECT"
    add_token r read 0123456789abcdefghijk
    sql "ALTER TABLE target_tag RENAME TO gone"
    sql "INSERT INTO target (tenant, controller_id, name, security_token, update_status,
             created_at, created_by, changed_at, changed_by)
         VALUES (1, 'd', 'd', 'x', 'unknown', 1, 'test', 1, 'test')"
    ask "$MANAGE/rest/v1/targets/d" -H "Authorization: Bearer 0123456789abcdefghijk"
    [ "$STATUS" = 500 ]
    run ! grep -q target_tag "$BODY"
    grep -q 'Z request /rest/v1/targets/d: .*: no such table: target_tag$' "$BATS_TEST_TMPDIR/server.log"
}

@test "events: a stream that tells what has changed, and ends with the server" {
    start_fleet "$PROJECT"
    add_token r read 0123456789abcdefghijk
    ask "$MANAGE/console/events"
    [ "$STATUS" = 401 ]
    local version pids=()
    for version in --http1.1 --http2; do
        curl --silent --no-buffer $version --cacert "$CA" \
            -H "Authorization: Bearer 0123456789abcdefghijk" --output "$BATS_TEST_TMPDIR/ev$version" \
            --dump-header "$BATS_TEST_TMPDIR/head$version" "$MANAGE/console/events" 3>&- &
        pids+=($!)
    done
    sleep 2
    add_target dev1 0123456789abcdef
    sleep 2.5
    for version in --http1.1 --http2; do
        grep -qi '^content-type: text/event-stream' "$BATS_TEST_TMPDIR/head$version"
        grep -qx 'event: changed' "$BATS_TEST_TMPDIR/ev$version"
        [ "$(grep -c '^data: ' "$BATS_TEST_TMPDIR/ev$version")" -eq 1 ]
        grep -qx 'data: {"kinds":\["devices"\]}' "$BATS_TEST_TMPDIR/ev$version"
    done
    # what people do may concern anything: a tag counts nowhere, but in the audit log
    add_token o operate abcdefghijk0123456789
    ask "$MANAGE/rest/v1/targets/dev1/tags" -H "Authorization: Bearer abcdefghijk0123456789" \
        -H 'Content-Type: application/json' -d '["beta"]'
    [ "$STATUS" = 204 ]
    sleep 2.5
    for version in --http1.1 --http2; do
        grep -qx 'data: {"kinds":\["devices","rollouts","releases","audit"\]}' \
            "$BATS_TEST_TMPDIR/ev$version"
    done
    ask "$MANAGE/metrics" -H "Authorization: Bearer 0123456789abcdefghijk"
    grep -qx 'trustchain_connections{port="management"} 3' "$BODY"
    local before=$SECONDS
    stop_server
    [ $((SECONDS - before)) -lt 3 ]
    wait "${pids[@]}" # each stream has ended as it should, not been cut
}

@test "events: a listener that is quiet is not cut for taking nothing" {
    start_fleet "$PROJECT" --patience 1
    add_token r read 0123456789abcdefghijk
    run timeout 4 curl --silent --no-buffer --cacert "$CA" \
        -H "Authorization: Bearer 0123456789abcdefghijk" "$MANAGE/console/events"
    [ "$status" -eq 124 ]
}

# The sockets are those of a parent that stays, as systemd's do.
@test "fd:3: a restart in which nobody is refused" {
    run timeout 60 python3 - "$TRUSTCHAIN" "$PROJECT" "$BATS_TEST_TMPDIR" <<'END'
import os, signal, socket, ssl, subprocess, sys, threading, time
command, project, folder = sys.argv[1:]
sockets = [socket.create_server(("127.0.0.1", 0), backlog=512) for _ in range(2)]
context = ssl.create_default_context(cafile=project + "/pki/ca_cert.pem")
def start(name):
    def place():
        saved = [os.dup(one.fileno()) for one in sockets]
        for number, fd in enumerate(saved):
            os.dup2(fd, 3 + number)
    ready = f"{folder}/{name}"
    server = subprocess.Popen([command, "serve", "--project", project, "--listen", "fd:3",
                               "--manage", "fd:4", "--ready-file", ready],
                              stdout=subprocess.DEVNULL, preexec_fn=place, close_fds=False)
    while not os.path.exists(ready):
        time.sleep(0.02)
    assert int(open(ready).read()) == sockets[0].getsockname()[1]
    assert int(open(ready + ".manage").read()) == sockets[1].getsockname()[1]
    return server
failed, asked, done = [], [0], threading.Event()
def ask():
    while not done.is_set():
        try:
            with context.wrap_socket(socket.create_connection(sockets[0].getsockname(), 20),
                                     server_hostname="localhost") as peer:
                peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                answer = b""
                while part := peer.recv(4096):
                    answer += part
                if not answer.startswith(b"HTTP/1.1 200"):
                    failed.append(answer[:40])
        except OSError as error:
            failed.append(error)
        asked[0] += 1
server = start("first")
threads = [threading.Thread(target=ask) for _ in range(4)]
for thread in threads:
    thread.start()
for name in ("second", "third"):
    time.sleep(0.5)
    following = start(name)           # both serve for a moment
    server.send_signal(signal.SIGTERM)
    assert server.wait() == 0
    server = following
time.sleep(0.5)
done.set()
for thread in threads:
    thread.join()
server.send_signal(signal.SIGTERM)
assert server.wait() == 0
print(len(failed), "failed", failed[:3], "of many" if asked[0] > 20 else asked[0])
END
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "${lines[-1]}" == "0 failed [] of many" ]]
    run timeout 5 "$TRUSTCHAIN" serve --project "$PROJECT" --listen fd:x
    [ "$status" -eq 2 ]
    run timeout 5 "$TRUSTCHAIN" serve --project "$PROJECT" --listen fd:9
    [ "$status" -eq 1 ]
    [[ "$output" == *"no listening TCP socket"* ]]
}
