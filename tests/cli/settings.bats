# The settings of one device, in its NVS: server, channel, id, token, poll interval
# (device/agent/settings.h). The firmware is the same for all and asks a server that is nowhere.

bats_require_minimum_version 1.5.0
load tool_helpers

DEVICE=${TRUSTCHAIN_DEVICE_BUILD:-$BATS_TEST_DIRNAME/../../build/device}
TOKEN=f0e1d2c3b4a5968778695a4b3c2d1e0f

# firmware VERSION URL: $SHARED/VERSION.signed
firmware() {
    "$BATS_TEST_DIRNAME/../../device/app/build-firmware" --device-build "$DEVICE" \
        --ca "$PROJECT/pki/ca_cert.pem" --url "$2" --product thermo --poll 8 \
        --version "$1" --out "$SHARED/$1.elf"
    "$TRUSTCHAIN" image make "$SHARED/$1.elf" -o "$SHARED/$1.bin" --secure-pad-v2
    "$TRUSTCHAIN" sign "$SHARED/$1.bin" -o "$SHARED/$1.signed" --key "$SIGNING_KEY"
}

setup_file() {
    make_product
    firmware 1.0.0 https://nowhere.invalid
    "$TRUSTCHAIN" image make "$DEVICE/boot.elf" -o "$SHARED/loader.bin"
    "$TRUSTCHAIN" sign "$SHARED/loader.bin" -o "$SHARED/loader.signed" --key "$SIGNING_KEY"
    "$TRUSTCHAIN" nvs keys -o "$SHARED/nvs_keys.bin"
}

setup() {
    SERVER_PID=
    cd "$BATS_TEST_TMPDIR"
    cp "$SHARED/production.efuse" efuse
}

teardown() {
    [ -z "$SERVER_PID" ] || kill "$SERVER_PID"
}

# build APP OPTION...: the encrypted flash of one device
build() {
    "$TRUSTCHAIN" flash build -o flash --project "$PROJECT" --bootloader "$SHARED/loader.signed" \
        --app ota_0="$SHARED/$1.signed" "${@:2}"
}

# device OPTION...: runs it; what its UART says goes to `log` as well
device() {
    "$TRUSTCHAIN" chip run --flash flash --efuse efuse --network --log log --seconds 60 "$@"
}

# csv ROW...: settings.csv
csv() {
    printf '%s\n' key,type,encoding,value trustchain,namespace,, "$@" >settings.csv
}

# Waits for the file in which a server says where it listens.
port_from() {
    local i
    for i in $(seq 100); do
        [ ! -s "$1" ] || break
        sleep 0.05
    done
    PORT=$(sed 's/.*://' "$1")
}

# An HTTPS server that keeps every byte of what it is asked in `asked`, and has nothing.
start_recorder() {
    python3 - "$PROJECT/pki" >ready 2>recorder.log 3>&- <<'END' &
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1] + "/server_cert.pem", sys.argv[1] + "/server_key.pem")
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    plain, _ = listener.accept()
    with context.wrap_socket(plain, server_side=True) as client:
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            request += client.recv(4096)
        with open("asked", "wb") as file:
            file.write(request)
        client.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
END
    SERVER_PID=$!
    port_from ready
}

@test "encrypted NVS: the device asks its own server with its token, which nothing else shows" {
    start_recorder
    csv "url,data,string,https://10.0.2.2:$PORT" channel,data,string,beta \
        device_id,data,string,thermo-0001 "token,data,string,$TOKEN" poll_s,data,u32,7
    build 1.0.0 --data nvs=settings.csv --data nvs_keys="$SHARED/nvs_keys.bin"
    printf 'status\n' | device --until "authority  "
    grep -q "settings: from encrypted NVS: device thermo-0001, token set, \
server https://10.0.2.2:$PORT, channel beta" log
    grep -q "^device     thermo-0001, token set" log
    grep -q "^server     https://10.0.2.2:$PORT, product thermo, channel beta, every 7 s" log
    device --until "no update" </dev/null
    python3 - "$PORT" $TOKEN <<'END'
import sys
port, token = sys.argv[1:]
start = ("GET /ota/thermo/beta.bin HTTP/1.1\r\nHost: 10.0.2.2:%s\r\n"
         "User-Agent: trustchain-agent/1.0.0\r\nConnection: close\r\n"
         "Authorization: TargetToken %s\r\nIf-None-Match: \"" % (port, token))
assert open("asked", "rb").read().startswith(start.encode())
flash, log = open("flash", "rb").read(), open("log", "rb").read()
assert token.encode() not in log
for hidden in (token, "thermo-0001", "https://10.0.2.2"):
    assert hidden.encode() not in flash, hidden
END
    "$TRUSTCHAIN" flash read flash --efuse efuse --partition nvs -o nvs
    "$TRUSTCHAIN" nvs show nvs --keys "$SHARED/nvs_keys.bin" | grep -q "$TOKEN"
}

@test "values that cannot be are ignored one by one, and plain NVS where encrypted is promised" {
    sed '/^nvs_keys/d' "$PROJECT/partitions.csv" >plain.csv
    csv url,data,string,http://10.0.2.2:80 channel,data,string,../x \
        device_id,data,string,thermo-0002 "token,data,string,two words" poll_s,data,u32,0
    build 1.0.0 --partitions plain.csv --data nvs=settings.csv
    device --until "settings: from" </dev/null
    [ "$(tr -d '\r' <log | sed -n 's/^. ([0-9]*) settings: //p')" = \
"url in NVS is ignored: not https://
channel in NVS is ignored: not 1 to 31 letters, digits, '-', '_', '.'
token in NVS is ignored: not 1 to 128 printable characters without blanks
poll_s in NVS is ignored: not 1 to 4000000 seconds
from NVS: device thermo-0002, token none, server https://nowhere.invalid:443, channel stable" ]
    says() { # TEXT OPTION...: built so, the firmware's own settings hold, and why
        build 1.0.0 "${@:2}"
        device --until "settings: " </dev/null
        grep -q "settings: the firmware's own: $1" log
    }
    "$TRUSTCHAIN" nvs build settings.csv -o plain --size 16K
    says "NVS holds none" --partitions plain.csv
    says "nvs_keys holds no keys"
    says "nvs_keys holds no keys" --data nvs=plain
    says "encrypted NVS holds none" --data nvs=plain --data nvs_keys="$SHARED/nvs_keys.bin"
    sed 's/^nvs,.*/&encrypted/' plain.csv >flagged.csv
    says "nvs is flagged encrypted" --partitions flagged.csv --data nvs=plain
    sed '/^nvs,/d' plain.csv >none.csv
    says "there is no nvs partition" --partitions none.csv
    build 1.0.0 --data nvs=settings.csv --data nvs_keys="$SHARED/nvs_keys.bin"
    patch flash 0xf000 "$(bytes "$SHARED/nvs_keys.bin" 0 16)" # not under flash encryption
    device --until "settings: " </dev/null
    grep -q "settings: the firmware's own: nvs_keys is damaged" log
}

@test "NVS full of noise: the firmware's own server, and the update arrives" {
    "$TRUSTCHAIN" serve --project "$PROJECT" --listen 127.0.0.1:0 --ready-file ready \
        2>server.log 3>&- &
    SERVER_PID=$!
    port_from ready
    firmware 2.0.0 "https://10.0.2.2:$PORT"
    firmware 2.1.0 "https://10.0.2.2:$PORT"
    "$TRUSTCHAIN" release publish "$SHARED/2.1.0.signed" --project "$PROJECT"
    csv url,data,string,https://nowhere.invalid device_id,data,string,thermo-0003
    build 2.0.0 --data nvs=settings.csv --data nvs_keys="$SHARED/nvs_keys.bin"
    head -c 16384 /dev/urandom | dd of=flash bs=4096 seek=9 conv=notrunc status=none
    device --until "update 2.1.0 confirmed" </dev/null
    grep -q "settings: the firmware's own: encrypted NVS holds none" log
    "$TRUSTCHAIN" otadata show flash --offset 0xd000 --key "$FLASH_KEY" | grep -q "^boots  *ota_1"
}
