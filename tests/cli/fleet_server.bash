# For tests that talk to a running server through the command's own verbs.

# serve_fleet [OPTION...]: a project in $PROJECT, its server, an admin's token; sets DEVICE_PORT.
serve_fleet() {
    PROJECT=$BATS_TEST_TMPDIR/project
    "$TRUSTCHAIN" init "$PROJECT" --url https://localhost:8443 >/dev/null 2>&1
    "$TRUSTCHAIN" serve --project "$PROJECT" --listen 127.0.0.1:0 --manage 127.0.0.1:0 \
        --ready-file "$BATS_TEST_TMPDIR/port" --access-log --log "$BATS_TEST_TMPDIR/server.log" "$@" \
        >/dev/null 2>&1 3>&- &
    SERVER_PID=$!
    for _ in $(seq 300); do
        [ ! -s "$BATS_TEST_TMPDIR/port.manage" ] || break
        sleep 0.1
    done
    DEVICE_PORT=$(cat "$BATS_TEST_TMPDIR/port")
    export TRUSTCHAIN_SERVER=https://localhost:$(cat "$BATS_TEST_TMPDIR/port.manage")
    export TRUSTCHAIN_CA=$PROJECT/pki/ca_cert.pem
    TOKEN=$BATS_TEST_TMPDIR/token
    (umask 077 && "$TRUSTCHAIN" token create ops --role admin --project "$PROJECT" >"$TOKEN")
}

stop_fleet() {
    [ -z "${SERVER_PID:-}" ] || kill "$SERVER_PID" 2>/dev/null || true
    [ -z "${SERVER_PID:-}" ] || wait "$SERVER_PID" 2>/dev/null || true
}
