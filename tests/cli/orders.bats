# Updates that the server orders, by DDI: `trustchain serve` with its store, orders and rollouts by
# the command's own verbs, and the example application on the virtual chip that carries them out.

bats_require_minimum_version 1.5.0
load tool_helpers
load fleet_helpers

DEVICE=${TRUSTCHAIN_DEVICE_BUILD:-$BATS_TEST_DIRNAME/../../build/device}

# firmware VERSION OPTION...: $SHARED/VERSION.signed. It asks once within 5 s of a boot, and after
# that every 40 s: where a test needs it to ask more often, the server has to say so.
firmware() {
    "$BATS_TEST_DIRNAME/../../device/app/build-firmware" --device-build "$DEVICE" \
        --ca "$PROJECT/pki/ca_cert.pem" --url https://nowhere.invalid --product thermo --poll 40 \
        --version "$1" --out "$SHARED/$1.elf" "${@:2}"
    "$TRUSTCHAIN" image make "$SHARED/$1.elf" -o "$SHARED/$1.bin" --secure-pad-v2
    "$TRUSTCHAIN" sign "$SHARED/$1.bin" -o "$SHARED/$1.signed" --key "$SIGNING_KEY"
}

setup_file() {
    make_product
    firmware 1.0.0
    firmware 1.1.0
    firmware 1.2.0 --self-test fail
    "$TRUSTCHAIN" image make "$DEVICE/boot.elf" -o "$SHARED/loader.bin"
    "$TRUSTCHAIN" sign "$SHARED/loader.bin" -o "$SHARED/loader.signed" --key "$SIGNING_KEY"
    "$TRUSTCHAIN" nvs keys -o "$SHARED/nvs_keys.bin"
}

# A server, and one device that leaves the factory with 1.0.0.
setup() {
    cd "$BATS_TEST_TMPDIR"
    cp "$SHARED/production.efuse" efuse
    rm -f "$PROJECT"/fleet.db*
    take_token "$PROJECT"
    serve
    remote device new thermo-0001 --url "https://10.0.2.2:$PORT" -o settings.csv
    factory
}

# factory: the device's flash
factory() {
    "$TRUSTCHAIN" flash build -o flash --project "$PROJECT" --bootloader "$SHARED/loader.signed" \
        --app ota_0="$SHARED/1.0.0.signed" --data nvs=settings.csv \
        --data nvs_keys="$SHARED/nvs_keys.bin"
}

teardown() {
    [ -z "${LINE_PID:-}" ] || kill "$LINE_PID"
    stop_server || true
}

# serve [OPTION...]
serve() {
    start_fleet "$PROJECT" "$@"
    export TRUSTCHAIN_SERVER=$MANAGE TRUSTCHAIN_CA=$CA
}

# order VERSION [JSON]: uploads it and orders it to the device, JSON being more members of the
# assignment; ACTION is the order's number
order() {
    remote set add "thermo:$1" "$SHARED/$1.signed"
    manage POST "/distributionsets/$(sql "SELECT MAX(id) FROM dist_set")/assignedTargets" \
        "[{\"id\":\"thermo-0001\",\"type\":\"forced\"${2:+,$2}}]" >assigned
    ACTION=$(sql "SELECT MAX(id) FROM action")
}

# A maintenance window that opens in years.
CLOSED="\"maintenanceWindow\":{\"schedule\":\"0 0 3 1 1 ? $(($(date +%Y) + 5))\",
    \"duration\":\"01:00:00\",\"timezone\":\"+00:00\"}"

# state: of the last order
state() {
    sql "SELECT state, active FROM action ORDER BY id DESC LIMIT 1"
}

# said: all that the device told of the last order, in its words
said() {
    sql "SELECT m.text FROM action_message AS m JOIN action_status AS s ON s.id = m.status
        WHERE s.action = (SELECT MAX(id) FROM action) AND m.text NOT LIKE 'Update Server: %'
        ORDER BY s.id"
}

# runs VERSION: what the server knows it runs
runs() {
    [ "$(sql "SELECT s.version FROM target AS t JOIN dist_set AS s ON s.id = t.installed_set")" \
        = "$1" ]
}

# device OPTION...: power on, until what OPTION says; its console is in `log`
device() {
    "$TRUSTCHAIN" chip run --flash flash --efuse efuse --network --log log --seconds 90 \
        --uart none "$@" </dev/null
}

KNOWN="the server knows how its order ended"

# rollout NAME WORD: wait until its status is WORD
rollout() {
    for _ in $(seq 100); do
        [ "$(sql "SELECT status FROM rollout WHERE name = '$1'")" != "$2" ] || return 0
        sleep 0.1
    done
    remote rollout show "$1"
    return 1
}

@test "a rollout is carried out; the one that fails halts by itself, before it reaches others" {
    # Good: the server hears of the end only when the new image has confirmed itself.
    remote set add thermo:1.1.0 "$SHARED/1.1.0.signed"
    remote rollout create spring thermo:1.1.0
    rollout spring ready
    remote rollout start spring
    rollout spring running
    device --until "rebooting into 1.1.0"
    [ "$(state)" = "running|1" ]
    device --until "$KNOWN"
    [ "$(grep -o "update 1.1.0 confirmed\|$KNOWN" log)" = "update 1.1.0 confirmed
$KNOWN" ]
    [ "$(state)" = "finished|0" ]
    runs 1.1.0
    [ "$(said)" = "downloading update, $(stat -c %s "$SHARED/1.1.0.signed") bytes
rebooting into 1.1.0
update 1.1.0 confirmed" ]
    rollout spring finished

    # Bad: rolled back by the bootloader, counted, halted.
    remote target add thermo-0002
    remote set add thermo:1.2.0 "$SHARED/1.2.0.signed"
    remote rollout create summer thermo:1.2.0 --first 'id==thermo-0001' --groups 100
    rollout summer ready
    remote rollout start summer
    rollout summer running
    device --until "$KNOWN"
    grep -q "self-test failed: it was built to fail" log
    [ "$(state)" = "error|0" ]
    [ "$(said | tail -n 1)" = \
"1.2.0 was rolled back: its self-test failed; orders that may still try it: 2" ]
    rollout summer paused
    [ "$(sql "SELECT halt_reason FROM rollout WHERE name = 'summer'")" = \
"group-1: 1 of 1 failed, more than the 5 % allowed" ]
    [ "$(sql "SELECT COUNT(*) FROM action")" = 2 ]
    runs 1.1.0
    # What the device says of itself, asked for after the update that succeeded.
    [ "$(sql "SELECT key, value FROM target_attribute ORDER BY key")" = \
"channel|stable
chip|ESP32-C6
chip_revision|0.1
product|thermo
secure_version|0
version|1.1.0" ]
    "$TRUSTCHAIN" otadata show flash --offset 0xd000 --key "$FLASH_KEY" | grep -q "^boots  *ota_1"

    # Whoever retries gives a new order, which the device carries out; three in all.
    remote rollout stop summer
    rollout summer stopped
    local name
    for name in summer_retry summer_retry_retry summer_retry_retry_retry; do
        remote rollout retry "${name%_retry}"
        rollout "$name" ready
        remote rollout start "$name"
        rollout "$name" running
        device --until "$KNOWN"
        rollout "$name" paused
        remote rollout stop "$name"
        rollout "$name" stopped
    done
    run ! grep -q "downloading" log
    [ "$(said)" = "refused 1.2.0: its trial failed 3 times, it is not tried again" ]
    [ "$(sql "SELECT text FROM action_message WHERE text LIKE '1.2.0 was%' ORDER BY status")" = \
"1.2.0 was rolled back: its self-test failed; orders that may still try it: 2
1.2.0 was rolled back: its self-test failed; orders that may still try it: 1
1.2.0 was rolled back: its self-test failed; not to be installed again" ]
    [ "$(sql "SELECT name FROM target WHERE update_status = 'error'")" = thermo-0001 ]
}

@test "an order that is taken back before the device comes is not carried out" {
    order 1.1.0
    manage DELETE "/targets/thermo-0001/actions/$ACTION"
    device --until "no update: 1.0.0 is up to date"
    grep -q "the server took its order back" log
    [ "$(state)" = "canceled|0" ]
    run ! grep -q "downloading" log
}

@test "outside of its window an update is downloaded and waits until that opens" {
    set_setting pollingTime 00:00:05
    order 1.1.0 "$CLOSED"
    device --until "1.1.0 is here and waits until the server wants it installed"
    [ "$(sql "SELECT active FROM action")" = 1 ]
    run ! grep -q "rebooting" log

    # It asks at the interval that the server wants, not at its own of 40 s.
    (
        for _ in $(seq 600); do
            [ "$(said | grep -c "is here and waits")" -eq 0 ] || break
            sleep 0.1
        done
        sql "UPDATE action SET window_schedule = '0 * * * * ?'"
    ) &
    device --until "$KNOWN" --fail "downloading" --seconds 30
    wait $!
    [ "$(state)" = "finished|0" ]
    runs 1.1.0
}

# take_back_after TEXT: the order, once the device has said so
take_back_after() {
    for _ in $(seq 600); do
        ! grep -q "$1" log 2>/dev/null || break
        sleep 0.1
    done
    manage DELETE "/targets/thermo-0001/actions/$ACTION"
}

@test "what waits for its window can be taken back" {
    set_setting pollingTime 00:00:05
    order 1.1.0 "$CLOSED"
    take_back_after "is here and waits" &
    device --until "the server took its order back"
    wait $!
    [ "$(state)" = "canceled|0" ]
    run ! grep -q "rebooting" log
    device --until "no update: 1.0.0 is up to date"
}

# thin_line BYTES_PER_S: what the device reaches the server over from now on; it asks every 5 s
thin_line() {
    "$BATS_TEST_DIRNAME/thin_line.py" "$PORT" "$1" line.port 3>&- &
    LINE_PID=$!
    until [ -f line.port ]; do sleep 0.1; done
    rm settings.csv
    remote target remove thermo-0001
    remote device new thermo-0001 --url "https://10.0.2.2:$(cat line.port)" -o settings.csv
    factory
    set_setting pollingTime 00:00:05
}

@test "a long download: the device asks in between, and tells how far it is" {
    thin_line 8000 # 8 s for 64 KB
    order 1.1.0
    device --until "$KNOWN"
    [ "$(state)" = "finished|0" ]
    local size
    size=$(stat -c %s "$SHARED/1.1.0.signed")
    said >told
    [ "$(head -n 1 told)" = "downloading update, $size bytes" ]
    [ "$(grep -c "^downloaded [0-9]* of $size bytes$" told)" -ge 1 ]
    [ "$(wc -l <told)" -le 6 ]
    [ "$(tail -n 2 told)" = "rebooting into 1.1.0
update 1.1.0 confirmed" ]
    # It goes on where it was, each time.
    [ "$(grep -c "resuming 1.1.0 at 65536 " log)" -eq 1 ]
    [ "$(grep -c "resuming 1.1.0 at 131072 " log)" -eq 1 ]
}

@test "a long download is given up when its order is taken back" {
    thin_line 8000 # 8 s for 64 KB
    order 1.1.0
    take_back_after "downloaded 65536 of" &
    device --until "the server took its order back"
    wait $!
    [ "$(state)" = "canceled|0" ]
    run ! grep -q "downloaded 196608 of\|verified 1" log
    device --until "no update: 1.0.0 is up to date"
}

@test "a device that asks too much is told when to come again, and does" {
    stop_server
    serve --quota 1
    rm settings.csv
    remote target remove thermo-0001
    remote device new thermo-0001 --url "https://10.0.2.2:$PORT" -o settings.csv
    factory
    order 1.1.0
    # Somebody with its token asks and asks: nothing is left for the device.
    (
        for _ in $(seq 600); do
            ! grep -q "with status 429" log 2>/dev/null || break
            curl -sS --cacert "$CA" -o /dev/null \
                -H "Authorization: TargetToken $(sed -n 's/^token,data,string,//p' settings.csv)" \
                "https://localhost:$PORT/DEFAULT/controller/v1/thermo-0001?[1-20]"
        done
    ) &
    device --until "$KNOWN"
    wait $!
    [ "$(sed -n 's/.*with status 429; next try in \([0-9]*\) ms.*/\1/p' log | head -n 1)" -ge 1000 ]
    [ "$(state)" = "finished|0" ]
}

@test "a device with another token is not let in" {
    manage PUT /targets/thermo-0001 '{"securityToken":"another-token-of-32-characters-xx"}'
    order 1.1.0
    device --until "the server answered with status 401"
    [ "$(state)" = "running|1" ]
    run ! grep -q "$(sed -n 's/^token,data,string,//p' settings.csv)" log server.log
}
