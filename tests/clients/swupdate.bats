# Debian's swupdate as a device: it knows hawkBit and nothing of us (hawkbit-ddi.md 9).

bats_require_minimum_version 1.5.0

load ../cli/fleet_helpers

setup_file() {
    cd "$BATS_FILE_TMPDIR"
    # What swupdate installs: an archive whose description is signed by a key of this run.
    local name
    for name in signer stranger; do
        openssl req -x509 -newkey rsa:2048 -nodes -keyout $name.key -out $name.pem -days 2 \
            -subj "/CN=swu-$name" -addext extendedKeyUsage=emailProtection \
            -addext keyUsage=digitalSignature 2>/dev/null
    done
    head -c 6000000 /dev/urandom >payload.bin
    cat >sw-description <<END
software =
{
    version = "1.1.0";
    hardware-compatibility: [ "1.0" ];
    files: ( { filename = "payload.bin"; path = "$BATS_FILE_TMPDIR/installed.bin";
               sha256 = "$(sha256sum payload.bin | cut -d' ' -f1)"; } );
}
END
    openssl cms -sign -in sw-description -out sw-description.sig -signer signer.pem -inkey signer.key \
        -outform DER -nosmimecap -binary
    printf 'sw-description\nsw-description.sig\npayload.bin\n' | cpio -o -H crc >fw.swu 2>/dev/null
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    PROJECT=$BATS_TEST_TMPDIR/project
    start_managed --artifacts any
    manage PUT /system/configs/pollingTime '{"value":"00:00:05"}'
    remote device new board-1 --url https://localhost:1 -o device.csv
    remote set add fw:1.1.0 "$BATS_FILE_TMPDIR/fw.swu"
    remote target assign fw:1.1.0 board-1
    ACTION=$(manage GET /targets/board-1/actions | grep -o '"id":[0-9]*' | head -n 1 | cut -d: -f2)
    rm -f "$BATS_FILE_TMPDIR/installed.bin"
    write_config
}

teardown() {
    stop_client
    stop_server || true
}

write_config() {
    cat >swupdate.cfg <<END
globals : { loglevel = 5; };
identify : ( { name = "board"; value = "rev3"; } );
suricatta :
{
    tenant = "DEFAULT"; id = "board-1"; url = "https://localhost:$PORT";
    cafile = "$CA"; polldelay = 5; retry = 20; retrywait = 1;
    targettoken = "$(sed -n 's/^token,data,string,//p' device.csv)";
};
END
}

# start_client [SURICATTA_OPTION...]
start_client() {
    TMPDIR=$BATS_TEST_TMPDIR swupdate -f swupdate.cfg -H board:1.0 -M -m \
        -k "$BATS_FILE_TMPDIR/${SIGNER:-signer}.pem" \
        -u "-t DEFAULT -i board-1 -u https://localhost:$PORT $*" >>client.log 2>&1 3>&- &
    CLIENT_PID=$!
}

stop_client() {
    [ -z "${CLIENT_PID:-}" ] || kill "$CLIENT_PID" 2>/dev/null || true
    [ -z "${CLIENT_PID:-}" ] || wait "$CLIENT_PID" 2>/dev/null || true
    CLIENT_PID=
}

# until_true SECONDS COMMAND...
until_true() {
    local tries=$(($1 * 5))
    shift
    for _ in $(seq "$tries"); do
        ! "$@" || return 0
        sleep 0.2
    done
    tail -n 30 client.log server.log
    return 1
}

installed() {
    cmp -s "$BATS_FILE_TMPDIR/payload.bin" "$BATS_FILE_TMPDIR/installed.bin"
}

logged() {
    grep -q -- "$1" server.log
}

action_is() {
    manage GET "/targets/board-1/actions/$ACTION" | grep -q "\"status\":\"$1\""
}

@test "swupdate polls, tells its attributes, installs, reports" {
    start_client
    until_true 60 installed
    until_true 20 logged "PUT /DEFAULT/controller/v1/board-1/configData 200"
    stop_client
    manage GET /targets/board-1/attributes | grep -q '"board":"rev3"'
    # the new software has come up: swupdate says so once it is started with that state
    start_client -c 2
    until_true 30 action_is finished
    stop_client
    remote target show board-1 >shown
    grep -qx 'status      in_sync' shown
    grep -qx 'installed   fw:1.1.0' shown
}

@test "swupdate goes on where the connection was cut" {
    start_client -n 500k
    until_true 60 grep -q 'Downloaded [1-6][0-9]%' client.log
    kill -KILL "$SERVER_PID"
    wait "$SERVER_PID" || true
    "$TRUSTCHAIN" serve --project "$PROJECT" --artifacts any --listen "127.0.0.1:$PORT" \
        --manage "127.0.0.1:$MANAGE_PORT" --access-log --log server.log \
        >/dev/null 2>&1 3>&- &
    SERVER_PID=$!
    until_true 90 installed
    # the rest only, from where it had come to
    until_true 10 grep -q ' GET .*fw.swu 206 ' server.log
    local sent from
    read -r sent from <<<"$(sed -n 's/.* GET .*fw.swu 206 \([0-9]*\) bytes=\([0-9]*\)- .*/\1 \2/p' server.log)"
    [ "$from" -gt 0 ]
    [ $((from + sent)) = "$(stat -c %s "$BATS_FILE_TMPDIR/fw.swu")" ]
    run ! grep ' GET .*fw.swu 200 ' server.log
    stop_client
    start_client -c 2
    until_true 30 action_is finished
}

@test "swupdate gives up an update that is cancelled while it downloads" {
    start_client -n 200k
    until_true 60 grep -q 'Downloaded [1-9]' client.log
    manage DELETE "/targets/board-1/actions/$ACTION"
    until_true 60 logged "POST /DEFAULT/controller/v1/board-1/cancelAction/$ACTION/feedback 200"
    until_true 10 action_is canceled
    run ! installed
    # what it had begun was given up, and there is nothing more to do
    until_true 10 grep -q 'fw.swu 200 .* aborted' server.log
    remote target show board-1 >shown
    grep -qx 'status      registered' shown
    : >server.log
    until_true 30 logged "GET /DEFAULT/controller/v1/board-1 200"
    sleep 2
    run ! logged "deploymentBase\|cancelAction\|artifacts"
}

@test "what swupdate refuses to install is a failure here" {
    SIGNER=stranger
    start_client
    until_true 60 action_is error
    run ! installed
    remote target show board-1 >shown
    grep -qx 'status      error' shown
    manage GET "/targets/board-1/actions/$ACTION/status?limit=500" >history
    grep -q '"type":"error"' history
    grep -qi 'signature\|verif' history # its own words
}

@test "swupdate tells nothing to a server of another authority" {
    local other=$BATS_TEST_TMPDIR/other
    make_fleet "$other"
    sed -i "s|cafile = .*|cafile = \"$other/pki/ca_cert.pem\"; polldelay = 5; retry = 20; retrywait = 1;|" \
        swupdate.cfg
    start_client
    until_true 30 grep -qi 'certificate' client.log
    sleep 6 # longer than it waits between polls
    run ! logged "/DEFAULT/controller"
    run ! installed
}
