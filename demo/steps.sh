# demo/steps.sh: the chapters of the demo. Sourced by demo/run; uses demo/lib.sh.

project=$out/project
device=$project/devices/demo
slot_bytes=$((0x1D0000))
slot_0=$((0x20000))
slot_1=$((0x1F0000))
otadata=$((0xd000))
artifact_url=""

free_port() {
    local port
    for port in $(seq 8443 8543); do
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return
        fi
    done
    return 1
}

# --- pieces ---------------------------------------------------------------------------------

# The releases alone; or with a store, which makes it a fleet's server (start_fleet).
start_server() { # PROJECT-PKI-DIR
    start_serve --releases "$project/releases" --cert "$1/server_cert.pem" --key "$1/server_key.pem"
}

start_fleet() {
    stop_server
    start_serve --project "$project" --manage 127.0.0.1:0 || return 1
    manage=https://localhost:$(cat "$out/ready.manage")
    (umask 077 && "$tc" token create demo --role operate --project "$project" >"$out/token")
}

start_serve() { # OPTION...
    rm -f "$out/ready" "$out/ready.manage"
    "$tc" serve --listen "127.0.0.1:$port" --ready-file "$out/ready" --log "$out/server.log" \
        --access-log "$@" >>"$out/server.out" 2>&1 &
    server_pid=$!
    local tries
    for tries in $(seq 100); do
        [ ! -s "$out/ready" ] || return 0
        kill -0 "$server_pid" 2>/dev/null || break
        sleep 0.05 # wait for the ready file, at most 5 s
    done
    tail -n 3 "$out/server.out"
    return 1
}

stop_server() {
    [ -n "$server_pid" ] || return 0
    kill "$server_pid" 2>/dev/null
    wait "$server_pid" 2>/dev/null
    server_pid=""
}

# run_device NAME OPTION...: power the device on until a condition of OPTION holds.
run_device() {
    local name=$1
    shift
    "$tc" chip run --flash "$device/flash.bin" --efuse "$device/efuse.bin" --network \
        --pcap "$out/runs/$name.pcap" --uart none --log "$out/runs/$name.log" --wall-seconds 60 \
        "$@" >"$out/runs/$name.out" 2>&1
    local status=$?
    [ $status -eq 0 ] || { tail -n 6 "$out/runs/$name.log"; cat "$out/runs/$name.out"; }
    return $status
}

console_says() { # RUN TEXT
    grep -qF -- "$2" "$out/runs/$1.log" || { tail -n 8 "$out/runs/$1.log"; return 1; }
}

# The decrypted content of the slot that boots next, judged by the tool, not by the console.
active_version() {
    "$tc" otadata show "$device/flash.bin" --offset $otadata --key "$project/secure_keys/flash_encryption_key.bin" \
        --json >"$out/otadata.json" || return 1
    local slot
    slot=$(sed -n 's/.*"slot": *\([0-9-]*\).*/\1/p' "$out/otadata.json")
    [ -n "$slot" ] && [ "$slot" -ge 0 ] || { cat "$out/otadata.json"; return 1; }
    slot_image "$slot" >"$out/slot.bin"
    "$tc" image info --json "$out/slot.bin" | sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' | head -n 1
}

slot_image() { # SLOT: decrypted bytes of the whole slot
    local offset=$slot_0
    [ "$1" -eq 0 ] || offset=$slot_1
    dd if="$device/flash.bin" bs=65536 skip=$((offset / 65536)) count=$((slot_bytes / 65536)) \
        status=none |
        "$tc" decrypt - -o - --key "$project/secure_keys/flash_encryption_key.bin" --offset $offset
}

device_boots() { # VERSION: otadata and slot content say so
    local version
    version=$(active_version) || return 1
    echo "active slot holds $version" | tee "$out/detail"
    [ "$version" = "$1" ]
}

# The same for all devices: which server to ask is a setting of each (write_settings).
build_firmware() { # VERSION OPTION...
    local version=$1
    shift
    device/app/build-firmware --device-build "$device_build" --ca "$project/pki/ca_cert.pem" \
        --url https://nowhere.invalid --product demo --channel stable --poll 2 \
        --version "$version" --out "$out/firmware/app-$version.elf" "$@" &&
        "$tc" image make "$out/firmware/app-$version.elf" -o "$out/firmware/app-$version.bin" \
            --secure-pad-v2
}

sign() { # NAME KEY
    "$tc" sign "$out/firmware/$1.bin" -o "$out/firmware/$1.signed.bin" --key "$2"
}

publish() { # FILE OPTION...
    local file=$1
    shift
    "$tc" release publish "$file" --releases "$project/releases" --product demo --channel stable \
        --key "$project/secure_keys/secure_boot_signing_key.pem" --slot-size $slot_bytes "$@"
}

# remote VERB...: asks the server, as an operator does
remote() {
    "$tc" "$@" --server "$manage" --project "$project" --token-file "$out/token"
}

# rollout_is NAME STATUS: within 5 s
rollout_is() {
    local tries
    for tries in $(seq 50); do
        remote rollout list >"$out/rollouts" || return 1
        grep "^$1 " "$out/rollouts" | tr -s ' ' >"$out/detail"
        ! grep -q "^$1 $2 " "$out/detail" || return 0
        sleep 0.1
    done
    cat "$out/rollouts"
    return 1
}

start_rollout() { # NAME VERSION OPTION...
    local name=$1 version=$2
    shift 2
    remote rollout create "$name" "demo:$version" "$@" && rollout_is "$name" ready &&
        remote rollout start "$name" && rollout_is "$name" running && : >"$out/detail"
}

requests() { grep -c "GET /ota/" "$out/server.log" || true; }

# --- the story --------------------------------------------------------------------------------

step_project() {
    chapter "1. A project: keys, certificate authority, partition table"
    port=$(free_port) || { echo "no free port between 8443 and 8543" >&2; exit 1; }
    check "init makes a project" \
        "$tc" init "$project" --name demo --url "https://10.0.2.2:$port"
    check "private keys are readable by their owner only" \
        test "$(stat -c %a "$project"/secure_keys/*.pem "$project"/secure_keys/*.bin \
            "$project"/pki/*_key.pem | sort -u)" = 600
    check "the server certificate chains to the project's CA" \
        openssl verify -CAfile "$project/pki/ca_cert.pem" "$project/pki/server_cert.pem"
    key=$project/secure_keys/secure_boot_signing_key.pem
    xts=$project/secure_keys/flash_encryption_key.bin
}

step_firmware() {
    chapter "2. Firmware for RV32IMAC: 1.0.0, 1.1.0, and a 1.2.0 that hangs in its self-test"
    check "1.0.0 builds" build_firmware 1.0.0
    check "1.1.0 builds" build_firmware 1.1.0
    check "1.2.0 builds, with a self-test that never returns" build_firmware 1.2.0 --self-test hang
    check "1.3.0 builds, for the power cuts" build_firmware 1.3.0
    check "1.4.0 builds, with a self-test that fails" build_firmware 1.4.0 --self-test fail
    check "the bootloader becomes an image" \
        "$tc" image make "$device_build/boot.elf" -o "$out/firmware/bootloader.bin"
}

# What this device has of its own (device/agent/settings.h).
write_settings() {
    mkdir -p "$device"
    token=$(openssl rand -hex 16)
    cat >"$device/settings.csv" <<END
key,type,encoding,value
trustchain,namespace,,
url,data,string,https://10.0.2.2:$port
device_id,data,string,demo-0001
token,data,string,$token
END
}

burn_fuses() {
    "$tc" efuse burn "$device/efuse.bin" release --signing-key "$key" --flash-key "$xts" --yes
}

build_flash() {
    "$tc" flash build -o "$device/flash.bin" --size 4MB --partitions "$project/partitions.csv" \
        --bootloader "$out/firmware/bootloader.signed.bin" \
        --app "ota_0=$out/firmware/app-1.0.0.signed.bin" --key "$xts" \
        --data nvs="$device/settings.csv" --data nvs_keys="$device/nvs_keys.bin"
}

step_factory() {
    chapter "3. The factory: sign, encrypt, burn"
    local name
    for name in bootloader app-1.0.0 app-1.1.0 app-1.2.0 app-1.3.0 app-1.4.0; do
        check "$name is signed" sign "$name" "$key"
    done
    check "the signature verifies with the public key" \
        "$tc" verify "$out/firmware/app-1.0.0.signed.bin" --key "$key"
    write_settings
    check "a factory-fresh eFuse file" "$tc" efuse new "$device/efuse.bin" --mac 60:55:f9:c6:00:01
    check "burn: Secure Boot digest and enable, XTS key read-protected, crypt count, JTAG off" \
        burn_fuses
    check "keys for this device's NVS" "$tc" nvs keys -o "$device/nvs_keys.bin"
    check "one encrypted factory flash image, the device's settings in its NVS" build_flash
    "$tc" flash build -o "$out/plain.bin" --size 4MB --partitions "$project/partitions.csv" \
        --bootloader "$out/firmware/bootloader.signed.bin" \
        --app "ota_0=$out/firmware/app-1.0.0.signed.bin" >/dev/null 2>&1
}

step_boot() {
    chapter "4. First boot: the ROM verifies the bootloader, the bootloader verifies the app"
    check "server up on https://127.0.0.1:$port" start_server "$project/pki"
    check "1.0.0 boots" run_device boot --until "self-test passed"
    check "the ROM said so" console_says boot "RSA secure boot verification succeeded"
    check "the app runs with Secure Boot and flash encryption on" \
        console_says boot "trustchain app 1.0.0, slot ota_0, secure boot on, flash encryption on"
    check "its id, token and server are those of its encrypted NVS" console_says boot \
        "from encrypted NVS: device demo-0001, token set, server https://10.0.2.2:$port"
}

step_update() {
    chapter "5. Publish 1.1.0: found, downloaded over pinned TLS, verified, switched, confirmed"
    check "1.1.0 passes the publish checks" publish "$out/firmware/app-1.1.0.signed.bin"
    check "the device updates itself" run_device update --until "update 1.1.0 confirmed"
    check "it reports its memory" console_says update "memory: heap peak"
    grep -h "memory: heap peak" "$out/runs/update.log" | tail -n 1 | sed 's/^/        /'
    check "otadata and flash agree" device_boots 1.1.0
}

step_rollback() {
    chapter "6. Publish 1.2.0, which hangs: watchdog, rollback, and never again"
    check "1.2.0 passes the publish checks (it is signed and newer)" \
        publish "$out/firmware/app-1.2.0.signed.bin"
    check "installed, hung, reset by the watchdog, rolled back" \
        run_device rollback --until "1.2.0 was rolled back"
    check "the watchdog did it" console_says rollback "LP_WDT_SYS"
    check "1.1.0 runs again" device_boots 1.1.0
    local before
    before=$(requests)
    check "it goes on polling but does not install 1.2.0 again" \
        run_device again --until "no update" --fail "downloading"
    check "the server saw it ask" test "$(requests)" -gt "$before"
    check "still 1.1.0" device_boots 1.1.0
}

decrypts_to_plain() {
    # What was written at the factory and never again: bootloader and partition table.
    "$tc" decrypt "$device/flash.bin" -o "$out/flash.plain" --key "$xts" --offset 0 &&
        cmp -n "$(stat -c %s "$out/firmware/bootloader.signed.bin")" \
            "$out/flash.plain" "$out/firmware/bootloader.signed.bin" &&
        cmp -i $((0x8000)) -n 4096 "$out/flash.plain" "$out/plain.bin" &&
        slot_image 1 >"$out/slot1.bin" &&
        cmp -n "$(stat -c %s "$1")" "$1" "$out/slot1.bin" &&
        echo "bootloader, table and running slot decrypt to exactly what was written" >"$out/detail"
}

# The device's settings: in no byte of its flash or of what it sent, the token in no log either; who
# has both keys reads them from the flash.
settings_hidden() {
    local file secret
    for file in "$out/dump.bin" "$out"/runs/*.pcap; do
        for secret in "$token" demo-0001 https://10.0.2.2; do
            ! grep -qaF -- "$secret" "$file" || { echo "$file shows $secret"; return 1; }
        done
    done
    ! grep -aF -- "$token" "$out"/runs/*.log "$out/server.log" || return 1
    "$tc" flash read "$out/dump.bin" --key "$xts" --partition nvs_keys -o "$out/nvs_keys.read" &&
        "$tc" flash read "$out/dump.bin" --key "$xts" --partition nvs -o "$out/nvs.read" &&
        cmp "$out/nvs_keys.read" "$device/nvs_keys.bin" &&
        "$tc" nvs show "$out/nvs.read" --keys "$out/nvs_keys.read" | grep -F "$token" &&
        echo "in no byte of dump, captures and logs; there with both keys" >"$out/detail"
}

plain_settings_show() {
    "$tc" nvs build "$device/settings.csv" --size 16K -o - | grep -qaF -- "$token"
}

step_readout() {
    chapter "7. Test 1, readout: what a thief with a flash reader gets"
    cp "$device/flash.bin" "$out/dump.bin"
    check "no 16-byte run of the plaintext occurs in the dump" readout "$out/dump.bin"
    check "the dump decrypts to exactly what was written" \
        decrypts_to_plain "$out/firmware/app-1.1.0.signed.bin"
    refuse "the unencrypted flash would have failed this test" "plaintext at offset" \
        "$tc" range readout --plain "$out/plain.bin" "$out/plain.bin"
    check "the device's token cannot be read" settings_hidden
    check "from plain NVS it could" plain_settings_show
}

readout() {
    "$tc" range readout --plain "$out/plain.bin" "$1" | tee "$out/detail"
}

# stays_on_1_1_0 NAME REASON FILE: publish FILE past the checks; the device must refuse it.
stays_on_1_1_0() {
    local name=$1 reason=$2 file=$3
    publish "$file" --unchecked --force >"$out/output.publish" 2>&1 || { cat "$out/output.publish"; return 1; }
    run_device "$name" --until "agent: refused" --fail "rebooting into" || return 1
    console_says "$name" "$reason" || return 1
    grep -h "refused" "$out/runs/$name.log" | head -n 1 | sed 's/.*agent: //' >"$out/detail.line"
    device_boots 1.1.0 || return 1
    mv "$out/detail.line" "$out/detail"
}

patch_byte() { # FILE OFFSET VALUE(octal escape)
    printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

flip_byte() { # FILE OFFSET
    local value
    value=$(od -An -tu1 -j "$2" -N 1 "$1")
    patch_byte "$1" "$2" "\\$(printf '%03o' $((value ^ 0x10)))"
}

step_tampering() {
    chapter "8. Test 2, tampering: each refused with its reason, the device stays on 1.1.0"
    local good=$out/firmware/app-1.3.0.signed.bin work=$out/firmware/tampered.bin
    cp "$good" "$work"
    flip_byte "$work" 100000
    refuse "publish refuses one flipped byte" "checksum\|digest" publish "$work"
    check "one flipped byte" stays_on_1_1_0 flipped "checksum" "$work"
    cp "$good" "$work"
    patch_byte "$work" 12 '\005'
    refuse "publish refuses another chip's image" "chip" publish "$work"
    check "wrong chip id" stays_on_1_1_0 chip "another chip" "$work"
    "$tc" key new "$out/firmware/other_key.pem" >/dev/null 2>&1
    sign app-1.3.0 "$out/firmware/other_key.pem" >/dev/null 2>&1
    cp "$good" "$work"
    sign app-1.3.0 "$key" >/dev/null 2>&1
    refuse "publish refuses another key's signature" "not by a trusted key" publish "$work"
    check "another key's signature" stays_on_1_1_0 key "not by a trusted key" "$work"
    refuse "publish refuses an older version" "newer" publish "$out/firmware/app-1.0.0.signed.bin"
    check "an older, correctly signed version" \
        stays_on_1_1_0 older "too old" "$out/firmware/app-1.0.0.signed.bin"
    head -c 204800 "$good" >"$work"
    refuse "publish refuses a truncated file" "end too early" publish "$work"
    check "a truncated file" stays_on_1_1_0 truncated "end too early" "$work"
    check "nothing on offer any more" "$tc" release withdraw --releases "$project/releases" \
        --product demo --channel stable
    check "a bit flipped in the encrypted active slot: the other verified slot boots" flipped_flash
}

# The active slot is ota_1 (1.1.0); the other one must first hold a verified image again.
flipped_flash() {
    cp "$device/flash.bin" "$out/flash.good"
    publish "$out/firmware/app-1.3.0.signed.bin" --force >/dev/null 2>&1
    run_device refill --until "update 1.3.0 confirmed" || return 1
    device_boots 1.3.0 || return 1
    flip_byte "$device/flash.bin" $((slot_0 + 150000))
    run_device flash-bit --until "trustchain app 1.1.0" --fail "trustchain app 1.3.0" || return 1
    grep -h -i "ota_0" "$out/runs/flash-bit.log" | grep -i -m 1 "differs\|refused\|verif" | sed 's/.*boot: //' >"$out/detail"
    cp "$out/flash.good" "$device/flash.bin"
    "$tc" release withdraw --releases "$project/releases" --product demo --channel stable >/dev/null
}

plain_http_refused() {
    local answer
    answer=$(curl -s -m 5 "http://127.0.0.1:$port/ota/demo/stable.bin" | head -c 4096 | tr -d '\0')
    case $answer in *trustchain\ app* | *$'\xe9'*) return 1 ;; esac
    ! curl -s -f -m 5 -o /dev/null "http://127.0.0.1:$port/ota/demo/stable.bin"
}

rogue_server() {
    stop_server
    "$tc" init "$out/rogue" --name demo --url "https://10.0.2.2:$port" >/dev/null 2>&1
    start_server "$out/rogue/pki" || return 1
    local before status
    before=$(requests)
    run_device rogue --until "certificate" --fail "downloading"
    status=$?
    local after
    after=$(requests)
    stop_server
    start_server "$project/pki" || return 1
    grep -h -m 1 "certificate" "$out/runs/rogue.log" | sed 's/^.*: //' >"$out/detail"
    [ $status -eq 0 ] && [ "$before" -eq "$after" ]
}

capture_is_opaque() {
    "$tc" range readout --plain "$out/firmware/app-1.1.0.signed.bin" "$out/runs/update.pcap" |
        tee "$out/detail"
    [ "$(stat -c %s "$out/runs/update.pcap")" -gt "$(stat -c %s "$out/firmware/app-1.1.0.signed.bin")" ]
}

step_transport() {
    chapter "9. Test 3, transport"
    publish "$out/firmware/app-1.3.0.signed.bin" --force >/dev/null 2>&1
    check "plain HTTP is refused" plain_http_refused
    check "a server with another CA's certificate is refused by the device" rogue_server
    check "the capture of the whole update contains no firmware plaintext" capture_is_opaque
}

step_power() {
    chapter "10. Power cuts: in the middle of the download, and in the middle of the switch"
    # 1.1.0 runs from ota_1, so the download goes to ota_0.
    check "cut while the passive slot is programmed" \
        run_device cut-download --cut-power "$((slot_0 + 262144))+65536:program" --until "CUT"
    check "still 1.1.0" device_boots 1.1.0
    local before
    before=$(grep -c ' 206 ' "$out/server.log")
    check "cut again, in the middle of the switch (otadata erase)" \
        run_device cut-switch --cut-power "$otadata+8192:erase" --until "CUT"
    check "the download went on where it was cut (Range request)" \
        test "$(grep -c ' 206 ' "$out/server.log")" -gt "$before"
    check "and once more, in the middle of the record's write" \
        run_device cut-record --cut-power "$otadata+8192:program" --until "CUT"
    check "a verified version boots, and the update completes" \
        run_device completed --until "update 1.3.0 confirmed"
    check "otadata and flash agree" device_boots 1.3.0
}

# From here on `device` is another one, which the server orders to update.
make_second_device() {
    device=$project/devices/demo-0002
    mkdir -p "$device"
    remote device new demo-0002 --url "https://10.0.2.2:$port" -o "$device/settings.csv" &&
        "$tc" efuse new "$device/efuse.bin" --mac 60:55:f9:c6:00:02 && burn_fuses &&
        "$tc" nvs keys -o "$device/nvs_keys.bin" && build_flash
}

upload() { # VERSION...
    local version
    for version in "$@"; do
        remote set add "demo:$version" "$out/firmware/app-$version.signed.bin" || return 1
    done
}

server_heard() { # TEXT
    remote device log demo-0002 | sed -n "s/^ *\(.*$1.*\)/\1/p" | head -n 1 >"$out/detail"
    [ -s "$out/detail" ] || remote device log demo-0002
    [ -s "$out/detail" ]
}

never_asked() { # ID...
    local id
    for id in "$@"; do
        remote device log "$id" >"$out/device.said" && [ ! -s "$out/device.said" ] ||
            { cat "$out/device.said"; return 1; }
    done
}

step_rollout() {
    chapter "11. A fleet: the server orders by hawkBit's device API, and a rollout that fails halts by itself"
    local known="the server knows how its order ended"
    check "a server with a store, management on a port of its own" start_fleet
    check "another device gets its id and token from it, and leaves the factory" make_second_device
    check "two more are made known" remote target add demo-0003 demo-0004
    check "1.1.0 and 1.4.0 are uploaded, and judged as a device would" upload 1.1.0 1.4.0
    check "a rollout of 1.1.0" start_rollout spring 1.1.0 --filter id==demo-0002
    check "the device carries it out" run_device rollout --until "$known"
    check "the server heard so after its self-test" server_heard "update 1.1.0 confirmed"
    check "the rollout is finished" rollout_is spring finished
    check "a rollout of 1.4.0, to one device first" \
        start_rollout summer 1.4.0 --first id==demo-0002 --groups 100
    check "installed, found bad by its own self-test, rolled back" \
        run_device rollout-failed --until "$known"
    check "the server heard why" server_heard "1.4.0 was rolled back"
    check "the rollout has halted by itself" rollout_is summer paused
    check "the two others were never asked" never_asked demo-0003 demo-0004
    check "1.1.0 runs" device_boots 1.1.0
    check "what was done is in the audit log, unbroken" "$tc" audit verify --project "$project"
}

step_report() {
    chapter "Report"
    cat "$out"/runs/{boot,update,rollback,again,flipped,chip,key,older,truncated,refill,flash-bit,rogue,cut-download,cut-switch,cut-record,completed,rollout,rollout-failed}.log \
        >"$out/device.log" 2>/dev/null
    cp "$out/runs/update.pcap" "$out/capture.pcap"
    check "report.html" "$tc" range report --title "Trustchain demo" --checks "$out/checks.tsv" \
        --plain "$out/plain.bin" --dump "$out/dump.bin" --log "$out/device.log" \
        -o "$out/report.html"
    rm -f "$out"/{output,output.publish,detail,otadata.json,slot.bin,slot1.bin,flash.plain,ready,flash.good,nvs.read,nvs_keys.read,ready.manage,token,rollouts,device.said}
}
