# The update server from the command line: set, target, device, rollout.

bats_require_minimum_version 1.5.0

load fleet_helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
    PROJECT=$BATS_TEST_TMPDIR/project
    start_managed --artifacts any
    printf 'firmware of no device' >image.bin
}

teardown() {
    stop_server || true
    [ -z "${OTHER_PID:-}" ] || kill "$OTHER_PID"
}

# start_other TABLE: a server with answers of its own, {"METHOD" or "METHOD PATH": (status, body)};
# no body: it hangs up. Sets OTHER, its address, and OTHER_PID.
start_other() {
    cat >other.py <<END
import http.server, ssl, sys
answers = {$1}
class Other(http.server.BaseHTTPRequestHandler):
    def answer(self):
        status, body = answers.get(f"{self.command} {self.path}", answers[self.command])
        if body is None:
            self.connection.close()
            return
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = do_DELETE = answer
server = http.server.HTTPServer(("127.0.0.1", 0), Other)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("$PROJECT/pki/server_cert.pem", "$PROJECT/pki/server_key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
open("other.port", "w").write(str(server.server_port))
server.serve_forever()
END
    python3 other.py 2>/dev/null 3>&- &
    OTHER_PID=$!
    for _ in $(seq 100); do [ ! -s other.port ] || break; sleep 0.05; done
    OTHER=https://localhost:$(cat other.port)
}

# device METHOD PATH [CURL_OPTION...]: as device d1 would
device() {
    curl -sS --cacert "$CA" -H "Authorization: TargetToken $DEVICE_TOKEN" -X "$1" \
        "https://localhost:$PORT/DEFAULT/controller/v1/d1$2" "${@:3}"
}

@test "a device from its making to the end of an update" {
    remote device new d1 --url "https://localhost:$PORT" -o d1.csv
    [ "$(stat -c %a d1.csv)" = 600 ]
    "$TRUSTCHAIN" nvs build d1.csv -o nvs.bin --size 0x4000
    [ "$(cut -d, -f1,4 d1.csv | grep -v '^token,')" = "key,value
trustchain,
url,https://localhost:$PORT
device_id,d1
mode,ddi" ]
    DEVICE_TOKEN=$(sed -n 's/^token,data,string,//p' d1.csv)
    [ ${#DEVICE_TOKEN} -eq 32 ]
    remote set add thermo:1.1.0 image.bin
    [[ "$(remote set list)" == "thermo:1.1.0  20"* ]]
    [ "$(remote target assign thermo:1.1.0 d1)" = "1 assigned, 0 had it already" ]
    [ "$(remote target assign thermo:1.1.0 d1)" = "0 assigned, 1 had it already" ]
    action=$(device GET "" | grep -o 'deploymentBase/[0-9]*' | grep -o '[0-9]*$')
    device GET "/softwaremodules/1/artifacts/image.bin" -o got.bin
    cmp image.bin got.bin
    local long="which takes the device a hundred characters to say, give or take some, and none may be cut off"
    device POST "/deploymentBase/$action/feedback" -H 'Content-Type: application/json' \
        -d '{"status":{"execution":"closed","result":{"finished":"success"},"details":["it works, '"$long"'"]}}'
    [[ "$(remote target list)" =~ ^d1\ +in_sync ]]
    remote target show d1 >shown
    grep -qx 'installed   thermo:1.1.0' shown
    run remote device log d1
    [[ "$output" == "action $action: finished"* ]]
    grep -qx "    it works, $long" <<<"$output"
    ! grep -q "$DEVICE_TOKEN" server.log
}

@test "a revoked device is refused whatever it shows, until it is allowed again" {
    remote device new d1 --url https://localhost:1 -o d1.csv
    DEVICE_TOKEN=$(sed -n 's/^token,data,string,//p' d1.csv)
    remote device revoke d1
    [ "$(device GET "" -o /dev/null -w '%{http_code}')" = 403 ]
    remote device allow d1
    [ "$(device GET "" -o /dev/null -w '%{http_code}')" = 200 ]
    remote target remove d1
    [ "$(device GET "" -o /dev/null -w '%{http_code}')" = 401 ]
}

@test "a command line that is wrong is one line before anything is asked" {
    wrong() {
        run --separate-stderr "$TRUSTCHAIN" "${@:2}" --token-file nowhere
        echo "$stderr"
        [ "$status" -eq 2 ]
        [ "$stderr" = "trustchain: $1" ]
    }
    wrong "target add: wants ID... (see --help)" target add
    wrong "rollout create: wants NAME SET:VERSION (see --help)" rollout create r
    wrong "rollout show: takes NAME, \"two\" is too many" rollout show one two
    wrong "set list: takes no argument, \"x\" is too many" set list x
    wrong "rollout create: --success is a percentage, 0 to 100, not \"101\"" \
        rollout create r s:1 --success 101
    wrong "rollout create: --error is a percentage, 0 to 100, not \"few\"" \
        rollout create r s:1 --error few
}

@test "what is wrong is one line, and nothing is left half made" {
    cases() {
        run --separate-stderr remote "$@"
        [ "$status" -ne 0 ]
        [ "$(wc -l <<<"$stderr")" -eq 1 ]
        [[ "$stderr" == "trustchain: "* ]]
    }
    cases target show nobody
    cases target assign none:1 nobody
    cases target assign colonless nobody
    cases target list --filter 'x='
    cases device new "a b" --url https://x -o x.csv
    [ ! -e x.csv ]
    cases device new d1
    cases set add thermo:1 /nowhere
    cases set add thermo image.bin
    cases target add
    cases target add --name both a b
    echo wrong >wrong && chmod 600 wrong
    run "$TRUSTCHAIN" target list --token-file wrong
    [ "$status" -eq 1 ]
    [[ "$output" == *"does not know this token"* ]]
    chmod 644 wrong
    run "$TRUSTCHAIN" target list --token-file wrong
    [ "$status" -eq 1 ]
    run "$TRUSTCHAIN" target list
    [ "$status" -eq 1 ]
    [[ "$output" == "trustchain: no token"* ]]
}

@test "device new: a device that would get no settings is not made, or taken back" {
    refused() { # LINE OPTION...
        run --separate-stderr remote device new "${@:2}"
        echo "$stderr"
        [ "$status" -ne 0 ]
        [ "$stderr" = "trustchain: $1" ]
        [ -z "$(remote target list)" ]
    }
    touch there.csv
    refused "device new: --url and --output are needed" d --url https://x
    refused 'device new: --url is https://HOST:PORT, not "http://x"' d --url http://x -o d.csv
    refused "a,b: an id with a comma or quotes cannot be a setting" a,b --url https://x -o d.csv
    refused "there.csv: exists already and is not replaced (remove it first)" \
        d --url https://x -o there.csv
    refused "nowhere/d.csv: cannot be written: No such file or directory" \
        d --url https://x -o nowhere/d.csv
    [ "$(find . -maxdepth 1 -name '*.csv')" = ./there.csv ]
    run --separate-stderr bash -c \
        '"$TRUSTCHAIN" device new d --url https://x -o - --token-file "$1" >/dev/full' - "$TOKEN"
    [ "$status" -eq 1 ]
    [ "$stderr" = "trustchain: stdout: cannot be written: No space left on device" ]
    [ -z "$(remote target list)" ]
}

@test "several devices: each that is refused by its name, the others are done" {
    remote target add a b c
    run --separate-stderr remote target remove a nobody b
    [ "$status" -eq 1 ]
    [ "$stderr" = "trustchain: nobody: there is no such target" ]
    [ "$(remote target list | cut -d' ' -f1)" = c ]
    remote device revoke c
    [[ "$(remote target list)" == "c "*"(revoked)" ]]
    remote target show c | grep -qx "revoked     yes (.*)"
}

@test "sets and rollouts are found by just their names, whatever a filter makes of these" {
    remote target add a
    remote set add 'x"*\y:1.0.0' image.bin
    remote set add Thermo:1.0.0 image.bin
    for name in thermo 'T*' '*'; do
        run remote target assign "$name:1.0.0" a
        [ "$output" = "trustchain: $name:1.0.0: the server has no such distribution set" ]
    done
    run remote target assign "Thermo:*" a
    [ "$status" -eq 1 ]
    [ "$(remote target assign 'x"*\y:1.0.0' a)" = "1 assigned, 0 had it already" ]
    remote rollout create 'r"*\' Thermo:1.0.0
    remote rollout create first Thermo:1.0.0
    for name in 'f*' First '*'; do
        run remote rollout remove "$name"
        [ "$output" = "trustchain: $name: the server has no such rollout" ]
    done
    remote rollout show 'r"*\' | head -n 1 | grep -q '^r"\*\\ '
    run remote rollout resume first
    [[ "$output" == "trustchain: first: "* ]]
}

@test "what a device says is shown whole, and is no terminal's business" {
    remote device new d1 --url https://localhost:1 -o d1.csv
    DEVICE_TOKEN=$(sed -n 's/^token,data,string,//p' d1.csv)
    remote set add thermo:1.1.0 image.bin
    remote target assign thermo:1.1.0 d1
    action=$(device GET "" | grep -o 'deploymentBase/[0-9]*' | grep -o '[0-9]*$')
    long=$(printf '%0100d' 0)
    device POST "/deploymentBase/$action/feedback" -H 'Content-Type: application/json' \
        -d '{"status":{"execution":"proceeding","result":{"finished":"none"},"details":["'"$long"'\u001b[31m"]}}'
    device PUT /configData -H 'Content-Type: application/json' -d '{"data":{"hw":"'"$long"'"}}'
    remote device log d1 | grep -qx "    $long?\[31m"
    remote target show d1 >shown
    grep -qx "attribute   hw = $long" shown
    grep -qx "assigned    thermo:1.1.0" shown
    grep -qx "installed   -" shown
}

@test "an address that is no Management API says so" {
    run remote target list --server "https://localhost:$PORT"
    [ "$status" -eq 1 ]
    [[ "$output" == "trustchain: https://localhost:$PORT: has no Management API"* ]]
    start_other '"GET": (200, b"<html>")'
    run remote target list --server "$OTHER"
    [ "$output" = "trustchain: $OTHER: answered something else than JSON (is it our server?)" ]
}

@test "JSON that is no answer of an update server is believed by no verb" {
    local answer verb
    for answer in '' '[]' '{}' 'null' '7' '{"content":7}' '{"content":[[]]}' '{"content":[{"x":1}]}'; do
        start_other "\"GET\": (200, b\"\"\"$answer\"\"\")"
        for verb in "target list" "target show d1" "device log d1" "set list" "rollout list" \
            "rollout show x"; do
            run remote $verb --server "$OTHER"
            [ "$status" -eq 1 ] || { echo "$verb believes '$answer': $output"; return 1; }
            [ "${#lines[@]}" -eq 1 ]
        done
        kill "$OTHER_PID"
        OTHER_PID=
        rm other.port
    done
}

@test "the server has to prove itself, and plain HTTP is no server" {
    "$TRUSTCHAIN" init other --url https://localhost:8443 >/dev/null 2>&1
    run remote target list --ca other/pki/ca_cert.pem
    [ "$status" -eq 1 ]
    [[ "$output" == "trustchain: https://localhost:"*"cannot be reached: unable to get"*"--ca FILE"* ]]
    run remote target list --server "http://localhost:1"
    [ "$status" -eq 2 ]
    run remote target list --server "https://localhost:1"
    [ "$status" -eq 1 ]
}

@test "a device or a set that cannot be taken back is still one line" {
    start_other '"POST": (201, b"""[{"id":1,"securityToken":"x"}]"""), "DELETE": (0, None)'
    run remote device new d --url https://x -o nowhere/d.csv --server "$OTHER"
    [ "$output" = "trustchain: nowhere/d.csv: cannot be written: No such file or directory" ]
    kill "$OTHER_PID"
    rm other.port
    start_other '"POST": (500, b"""{"message":"no room"}"""), "DELETE": (0, None),
        "POST /rest/v1/softwaremodules": (201, b"""[{"id":1}]""")'
    run remote set add a:1 image.bin --server "$OTHER"
    [ "$output" = "trustchain: a:1: no room" ]
}

@test "a set whose image is refused leaves no module behind" {
    stop_server
    PROJECT=$BATS_TEST_TMPDIR/project2
    start_managed
    run remote set add thermo:1 image.bin
    [ "$status" -eq 1 ]
    [ -z "$(remote set list)" ]
    manage GET /softwaremodules | grep -q '"total":0'
}

# rests NAME STATUS: wait until the rollout has that status
rests() {
    for _ in $(seq 150); do
        remote rollout show "$1" --json >rollout.json
        [ "$(python3 -c 'import json; print(json.load(open("rollout.json"))["status"])')" != "$2" ] ||
            return 0
        sleep 0.2
    done
    cat rollout.json
    return 1
}

@test "a rollout: one group after the other, halted by a device that fails, taken up again" {
    remote set add thermo:1.1.0 image.bin
    for i in 1 2 3 4; do
        remote device new "d$i" --url https://localhost:1 -o "d$i.csv"
    done
    remote rollout create first thermo:1.1.0 --filter 'controllerid==d*' --groups 25,100 --error 0
    rests first ready
    remote rollout start first
    rests first running
    for _ in $(seq 100); do
        [ "$(remote target list --filter 'updatestatus==pending' | wc -l)" -eq 0 ] || break
        sleep 0.2
    done
    [ "$(remote target list --filter 'updatestatus==pending' | wc -l)" -eq 1 ]
    told=$(remote target list --filter 'updatestatus==pending' | cut -d' ' -f1)
    DEVICE_TOKEN=$(sed -n 's/^token,data,string,//p' "$told.csv")
    root="https://localhost:$PORT/DEFAULT/controller/v1/$told"
    action=$(curl -sS --cacert "$CA" -H "Authorization: TargetToken $DEVICE_TOKEN" "$root" |
        grep -o 'deploymentBase/[0-9]*' | grep -o '[0-9]*$')
    curl -sS --cacert "$CA" -H "Authorization: TargetToken $DEVICE_TOKEN" \
        -H 'Content-Type: application/json' "$root/deploymentBase/$action/feedback" \
        -d '{"status":{"execution":"closed","result":{"finished":"failure"}}}'
    rests first paused
    [ "$(remote target list --filter 'updatestatus==pending' | wc -l)" -eq 0 ]
    run remote rollout watch first
    [ "$status" -eq 1 ]
    [[ "$output" == *"1 failed"* ]]
    [ "${lines[-1]}" = "trustchain: first: has not finished, it is paused" ]
    remote rollout resume first
    for _ in $(seq 100); do
        [ "$(remote target list --filter 'updatestatus==pending' | wc -l)" -ne 3 ] || break
        sleep 0.2
    done
    [ "$(remote target list --filter 'updatestatus==pending' | wc -l)" -eq 3 ]
    remote rollout stop first
    rests first stopped
    remote rollout remove first
}

@test "a rollout begins with the devices that --first names" {
    remote set add thermo:1.1.0 image.bin
    remote target add d1 d2 d3 d4 d5
    remote rollout create r thermo:1.1.0 --first 'controllerid==d4' --groups 50,100
    rests r ready
    manage GET /rollouts/1/deploygroups >groups
    [ "$(python3 -c 'import json
for g in json.load(open("groups"))["content"]: print(g["name"], g["totalTargets"])')" = \
"group-1 1
group-2 2
group-3 2" ]
    manage GET /rollouts/1/deploygroups/1/targets | grep -q '"controllerId":"d4"'
}

@test "rollout watch says what has changed, and only that" {
    remote target add a
    remote set add thermo:1.1.0 image.bin
    remote rollout create r thermo:1.1.0 --groups 100
    rests r ready
    remote rollout start r
    rests r running
    timeout 7 "$TRUSTCHAIN" rollout watch r --token-file "$TOKEN" >watched || true
    [ "$(wc -l <watched)" -eq 2 ]
}

@test "rollout: what cannot be is one line" {
    remote set add thermo:1.1.0 image.bin
    run remote rollout create r thermo:1.1.0 --groups 50,20,100
    [ "$status" -eq 2 ]
    run remote rollout create r thermo:1.1.0 --groups 50
    [ "$status" -eq 2 ]
    run remote rollout create r thermo:1.1.0 --filter 'controllerid==nobody'
    [ "$status" -eq 1 ]
    run remote rollout start r
    [ "$status" -eq 1 ]
    [[ "$output" == "trustchain: r: the server has no such rollout" ]]
}
