# Updates that the server orders, by DDI: `trustchain serve` with its store, orders given through the
# Management API, and the example application on the virtual chip that carries them out.

bats_require_minimum_version 1.5.0
load tool_helpers

DEVICE=${TRUSTCHAIN_DEVICE_BUILD:-$BATS_TEST_DIRNAME/../../build/device}
TOKEN=f0e1d2c3b4a5968778695a4b3c2d1e0f

# firmware VERSION OPTION...: $SHARED/VERSION.signed
firmware() {
    "$BATS_TEST_DIRNAME/../../device/app/build-firmware" --device-build "$DEVICE" \
        --ca "$PROJECT/pki/ca_cert.pem" --url https://nowhere.invalid --product thermo --poll 8 \
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

setup() {
    cd "$BATS_TEST_TMPDIR"
    cp "$SHARED/production.efuse" efuse
    rm -f "$PROJECT"/fleet.db*
    OPERATOR=$("$TRUSTCHAIN" token create operator --role operate --project "$PROJECT")
    "$TRUSTCHAIN" serve --project "$PROJECT" --listen 127.0.0.1:0 --ready-file ready \
        2>server.log 3>&- &
    SERVER_PID=$!
    local i
    for i in $(seq 200); do
        [ ! -s ready ] || break
        sleep 0.05
    done
    PORT=$(sed 's/.*://' ready)
    MANAGE=https://127.0.0.1:$(sed 's/.*://' ready.manage)/rest/v1
    printf '%s\n' key,type,encoding,value trustchain,namespace,, \
        "url,data,string,https://10.0.2.2:$PORT" device_id,data,string,thermo-0001 \
        "token,data,string,$TOKEN" mode,data,string,ddi >settings.csv
    "$TRUSTCHAIN" flash build -o flash --project "$PROJECT" --bootloader "$SHARED/loader.signed" \
        --app ota_0="$SHARED/1.0.0.signed" --data nvs=settings.csv \
        --data nvs_keys="$SHARED/nvs_keys.bin"
    ask POST /targets "[{\"controllerId\":\"thermo-0001\",\"securityToken\":\"$TOKEN\"}]"
}

teardown() {
    [ -z "${SERVER_PID:-}" ] || kill "$SERVER_PID"
}

# ask METHOD PATH [JSON]: an operator's request; the answer is in `answer`
ask() {
    local body=()
    [ $# -lt 3 ] || body=(-H "Content-Type: application/json" -d "$3")
    curl -sS --fail-with-body --cacert "$PROJECT/pki/ca_cert.pem" -X "$1" \
        -H "Authorization: Bearer $OPERATOR" "${body[@]}" -o answer "$MANAGE$2" ||
        { cat answer; return 1; }
}

# value EXPRESSION: of the last answer, as Python sees it
value() {
    python3 -c 'import json, sys; a = json.load(open("answer")); print(eval(sys.argv[1]))' "$1"
}

# order VERSION: uploads it and orders it to the device; ACTION is the order's number
order() {
    local module set
    ask POST /softwaremodules "[{\"name\":\"thermo\",\"version\":\"$1\",\"type\":\"os\"}]"
    module=$(value 'a[0]["id"]')
    curl -sS --fail-with-body --cacert "$PROJECT/pki/ca_cert.pem" \
        -H "Authorization: Bearer $OPERATOR" -F "file=@$SHARED/$1.signed;filename=fw.bin" \
        -o answer "$MANAGE/softwaremodules/$module/artifacts"
    ask POST /distributionsets "[{\"name\":\"thermo\",\"version\":\"$1\",\"type\":\"os\",
        \"modules\":[{\"id\":$module}]}]"
    set=$(value 'a[0]["id"]')
    ask POST "/distributionsets/$set/assignedTargets" \
        '[{"id":"thermo-0001","type":"forced"}]'
    ACTION=$(value 'a["assignedActions"][0]["id"]')
}

# stored SQL: what the store says, by a reader that is not ours
stored() {
    python3 -c 'import sqlite3, sys
for row in sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True).execute(sys.argv[2]):
    print("|".join(str(cell) for cell in row))' "$PROJECT/fleet.db" "$1"
}

device() {
    "$TRUSTCHAIN" chip run --flash flash --efuse efuse --network --log log --seconds 90 \
        --uart none "$@" </dev/null
}

@test "an order is carried out, and one that fails is rolled back: the server knows both" {
    order 1.1.0
    device --until "the server knows how its order ended"
    grep -q "server https://10.0.2.2:$PORT, DDI tenant DEFAULT" log
    grep -q "update 1.1.0 confirmed" log
    [ "$(stored "SELECT state, active FROM action WHERE id = $ACTION")" = "finished|0" ]
    [ "$(stored "SELECT t.update_status, s.version FROM target AS t
        JOIN dist_set AS s ON s.id = t.installed_set")" = "in_sync|1.1.0" ]
    [ "$(stored "SELECT m.text FROM action_message AS m JOIN action_status AS s ON s.id = m.status
        WHERE s.action = $ACTION AND m.text NOT LIKE 'Update Server: %' ORDER BY s.id")" = \
"downloading update, $(stat -c %s "$SHARED/1.1.0.signed") bytes
rebooting into 1.1.0
update 1.1.0 confirmed" ]

    order 1.2.0
    device --until "the server knows how its order ended"
    grep -q "self-test failed: it was built to fail" log
    [ "$(stored "SELECT state, active FROM action WHERE id = $ACTION")" = "error|0" ]
    [ "$(stored "SELECT t.update_status, s.version FROM target AS t
        JOIN dist_set AS s ON s.id = t.installed_set")" = "error|1.1.0" ]
    [ "$(stored "SELECT m.text FROM action_message AS m JOIN action_status AS s ON s.id = m.status
        WHERE s.action = $ACTION AND m.text NOT LIKE 'Update Server: %'
        ORDER BY s.id DESC LIMIT 1")" = \
"1.2.0 was rolled back: its self-test failed; orders that may still try it: 2" ]
    # What the device said of itself, after the update it knows of.
    [ "$(stored "SELECT key, value FROM target_attribute ORDER BY key")" = \
"channel|stable
chip|ESP32-C6
chip_revision|0.1
product|thermo
secure_version|0
version|1.1.0" ]
    "$TRUSTCHAIN" otadata show flash --offset 0xd000 --key "$FLASH_KEY" | grep -q "^boots  *ota_1"
}

@test "an order that is taken back before the device comes is not carried out" {
    order 1.1.0
    ask DELETE "/targets/thermo-0001/actions/$ACTION"
    device --until "no update: 1.0.0 is up to date"
    grep -q "the server took its order back" log
    [ "$(stored "SELECT state, active FROM action WHERE id = $ACTION")" = "canceled|0" ]
    run ! grep -q "downloading" log
}

@test "a device with another token is not let in" {
    ask PUT /targets/thermo-0001 '{"securityToken":"another-token-of-32-characters-xx"}'
    order 1.1.0
    device --until "the server answered with status 401"
    [ "$(stored "SELECT active FROM action WHERE id = $ACTION")" = 1 ]
    run ! grep -q "$TOKEN" log server.log
}
