# TLS sessions of the example application on the virtual chip: gone on with from poll to poll, as the
# server counts it; no substitute for the pinned authority; and no obstacle when the server cannot.

bats_require_minimum_version 1.5.0
load tool_helpers
load fleet_helpers

DEVICE=${TRUSTCHAIN_DEVICE_BUILD:-$BATS_TEST_DIRNAME/../../build/device}

setup_file() {
    make_product
    "$BATS_TEST_DIRNAME/../../device/app/build-firmware" --device-build "$DEVICE" \
        --ca "$PROJECT/pki/ca_cert.pem" --url https://nowhere.invalid --product thermo --poll 3 \
        --version 1.0.0 --out "$SHARED/1.0.0.elf"
    "$TRUSTCHAIN" image make "$SHARED/1.0.0.elf" -o "$SHARED/1.0.0.bin" --secure-pad-v2
    "$TRUSTCHAIN" sign "$SHARED/1.0.0.bin" -o "$SHARED/1.0.0.signed" --key "$SIGNING_KEY"
    "$TRUSTCHAIN" image make "$DEVICE/boot.elf" -o "$SHARED/loader.bin"
    "$TRUSTCHAIN" sign "$SHARED/loader.bin" -o "$SHARED/loader.signed" --key "$SIGNING_KEY"
    "$TRUSTCHAIN" nvs keys -o "$SHARED/nvs_keys.bin"
    # Another authority of the same name, with a server of the same names.
    "$TRUSTCHAIN" init "$SHARED/other" --name thermo >/dev/null
}

setup() {
    SERVER_PID=
    CHIP_PID=
    cd "$BATS_TEST_TMPDIR"
    cp "$SHARED/production.efuse" efuse
    rm -f "$PROJECT"/fleet.db*
}

teardown() {
    [ -z "$CHIP_PID" ] || kill "$CHIP_PID" || true
    stop_server || true
}

# power_on: the device with settings.csv; its console is in `log`
power_on() {
    "$TRUSTCHAIN" flash build -o flash --project "$PROJECT" --bootloader "$SHARED/loader.signed" \
        --app ota_0="$SHARED/1.0.0.signed" --data nvs=settings.csv \
        --data nvs_keys="$SHARED/nvs_keys.bin"
    "$TRUSTCHAIN" chip run --flash flash --efuse efuse --network --log log --seconds 90 \
        --uart none --quiet </dev/null >/dev/null 2>chip.log 3>&- &
    CHIP_PID=$!
}

# soon COMMAND...: until it succeeds
soon() {
    local i
    for i in $(seq 400); do
        "$@" && return
        sleep 0.1
    done
    echo "never: $*"
    cat log
    return 1
}

# serve_again [OPTION...]: the server stops and comes again where it was, after doing what BETWEEN says
serve_again() {
    stop_server
    ${BETWEEN:-true}
    start_fleet "$PROJECT" --listen "127.0.0.1:$PORT" --manage 127.0.0.1:0 "$@"
    export TRUSTCHAIN_SERVER=$MANAGE
}

# handshakes RESUMED: of devices, that this server has done
handshakes() {
    curl -sS --cacert "$CA" -H "Authorization: Bearer $(cat "$TOKEN")" "$MANAGE/metrics" |
        sed -n "s/^trustchain_tls_handshakes_total{port=\"device\",resumed=\"$1\"} //p"
}

resumed() { [ "$(handshakes yes)" -ge "$1" ]; }
log_has() { grep -q "$1" log; }

forget_salts() { sql "DELETE FROM ticket_salt"; }

# A device that is ordered by the server, with a poll every 5 s.
ordered() {
    take_token "$PROJECT"
    start_fleet "$PROJECT"
    export TRUSTCHAIN_SERVER=$MANAGE TRUSTCHAIN_CA=$CA
    set_setting pollingTime 00:00:05
    remote device new thermo-0001 --url "https://10.0.2.2:$PORT" -o settings.csv
    power_on
}

@test "every poll after the first goes on with the session, as the server counts them" {
    ordered
    soon resumed 2
    [ "$(handshakes no)" -eq 1 ]
    # Each was let in and answered: nothing was refused, and nothing is in the log but good news.
    curl -sS --cacert "$CA" -H "Authorization: Bearer $(cat "$TOKEN")" "$MANAGE/metrics" >metrics
    [ "$(sed -n 's/^trustchain_requests_total{class="poll",status="2xx"} //p' metrics)" -ge 3 ]
    run ! grep -q 'class="poll",status="4xx"' metrics
    run ! grep -q "^[EW] (" log
    [ "$(grep -c ' tls: TLSv1.3, [A-Z0-9-]*.$' log)" -eq 1 ]
    [ "$(grep -c ' tls: TLSv1.3, [A-Z0-9-]*, resumed.$' log)" -ge 2 ]
}

@test "a ticket that the server no longer knows costs a full handshake, and no error" {
    ordered
    soon resumed 1
    BETWEEN=forget_salts serve_again
    soon resumed 1
    [ "$(handshakes no)" -eq 1 ]
    # As when the server has a new key and certificate under the same authority.
    "$TRUSTCHAIN" pki server "$PROJECT/pki" --ip 10.0.2.2 --name localhost --cert new.pem \
        --key-out new.key
    serve_again --cert new.pem --key new.key
    soon resumed 1
    [ "$(handshakes no)" -eq 1 ]
    run ! grep -q "^E (" log
}

@test "another authority's server is refused, though a session with that host is kept" {
    ordered
    soon resumed 1
    serve_again --cert "$SHARED/other/pki/server_cert.pem" --key "$SHARED/other/pki/server_key.pem"
    soon log_has "tls: server certificate refused: not signed by the pinned authority"
    CA=$SHARED/other/pki/ca_cert.pem
    [ "$(handshakes yes)" -eq 0 ]
    [ "$(handshakes no)" -eq 0 ]
    run ! grep -q controller server.log
    # What was kept has gone with it: the true one has to prove itself anew.
    serve_again
    soon resumed 1
    [ "$(handshakes no)" -eq 1 ]
}

# A server that goes from TLS 1.3 to 1.2 after two connections, and says in `seen` what each one was.
@test "TLS 1.2 has no sessions; a session of TLS 1.3 that it cannot go on with is given up" {
    python3 - "$PROJECT/pki" >ready 2>server.log 3>&- <<'END' &
import socket, ssl, sys
def context(version):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(sys.argv[1] + "/server_cert.pem", sys.argv[1] + "/server_key.pem")
    made.minimum_version = made.maximum_version = version
    return made
new, old = context(ssl.TLSVersion.TLSv1_3), context(ssl.TLSVersion.TLSv1_2)
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
def one(plain, made):
    with made.wrap_socket(plain, server_side=True) as client:
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            request += client.recv(4096)
        client.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        return client.version() + (" resumed" if client.session_reused else " new")
for number in range(5):
    plain, _ = listener.accept()
    try:
        said = one(plain, new if number < 2 else old)
    except ssl.SSLError as error:
        said = error.reason
    with open("seen", "a") as file:
        file.write(said + "\n")
END
    SERVER_PID=$!
    soon test -s ready
    printf '%s\n' key,type,encoding,value trustchain,namespace,, \
        "url,data,string,https://10.0.2.2:$(cat ready)" >settings.csv
    power_on
    wait "$SERVER_PID"
    SERVER_PID=
    [ "$(cat seen)" = "TLSv1.3 new
TLSv1.3 resumed
UNSUPPORTED_PROTOCOL
TLSv1.2 new
TLSv1.2 new" ]
    [ "$(grep -c "^E (" log)" -eq 1 ]
    log_has "tls: the server ended the handshake with an alert"
}
