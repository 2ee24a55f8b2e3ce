# What is published on a channel is there for devices of the fleet, too.

bats_require_minimum_version 1.5.0

load release_helpers

setup_file() {
    export SHARED=$BATS_FILE_TMPDIR
    "$TRUSTCHAIN" key new "$SHARED/key.pem"
    mkdir "$SHARED/pki"
    make_pki "$SHARED/pki" "Test CA"
    signed_image "$SHARED/one.bin" 1.0.0 thermo 1
    signed_image "$SHARED/two.bin" 1.1.0 thermo 1
    signed_image "$SHARED/other.bin" 1.1.0 thermo 1 128
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    RELEASES=$PWD/releases
    mkdir -p "$RELEASES"
    export TRUSTCHAIN_STORE=sqlite:$PWD/fleet.db
    secret=$("$TRUSTCHAIN" token create admin --role admin)
    SERVER_PID=
}

teardown() {
    stop_server || true
}

# manage METHOD PATH [JSON]: the answer's body
manage() {
    curl -sS --fail-with-body --cacert "$SHARED/pki/ca.pem" -H "Authorization: Bearer $secret" \
        -H 'Content-Type: application/json' -X "$1" ${3:+--data "$3"} \
        "https://localhost:$(cat ready.manage)/rest/v1$2"
}

# sets: "name version" of each distribution set, in order
sets() {
    manage GET /distributionsets | python3 -c 'import json, sys
for one in sorted((one["name"], one["version"]) for one in json.load(sys.stdin)["content"]): print(*one)'
}

# wait_for_sets LINES: until there are so many
wait_for_sets() {
    for _ in $(seq 60); do
        [ "$(sets | wc -l)" -eq "$1" ] && return
        sleep 0.1
    done
    sets
    return 1
}

@test "import: published, there within seconds, assigned, the same bytes" {
    publish "$SHARED/one.bin"
    start_server
    wait_for_sets 1
    publish "$SHARED/two.bin"
    wait_for_sets 2
    [ "$(sets)" = $'thermo 1.0.0\nthermo 1.1.0' ]
    set_id=$(manage GET /distributionsets'?q=version==1.1.0' | field "['content'][0]['id']")
    manage POST /targets '[{"controllerId":"a","securityToken":"0123456789"}]' >/dev/null
    manage POST /targets/a/assignedDS "{\"id\":$set_id}" >/dev/null
    token=(-H "Authorization: TargetToken 0123456789")
    get /DEFAULT/controller/v1/a "${token[@]}"
    deployment=$(field "['_links']['deploymentBase']['href']" <body)
    get "/${deployment#https://*/}" "${token[@]}"
    [ "$(field "['deployment']['chunks'][0]['artifacts'][0]['hashes']['sha256']" <body)" = \
        "$(sha256_of "$SHARED/two.bin")" ]
    file=$(field "['deployment']['chunks'][0]['artifacts'][0]['_links']['download']['href']" <body)
    get "/${file#https://*/}" "${token[@]}"
    cmp body "$SHARED/two.bin"
    stop_server
    "$TRUSTCHAIN" audit verify
}

@test "import: once, whatever the channel, however often the server starts, and by two of them" {
    publish "$SHARED/one.bin"
    publish "$SHARED/one.bin" --channel beta
    start_server
    first=$SERVER_PID
    start_server
    publish "$SHARED/two.bin"
    wait_for_sets 2
    sleep 2.5
    stop_server
    kill "$first"
    wait "$first"
    start_server
    sleep 1.5
    [ "$(sets)" = $'thermo 1.0.0\nthermo 1.1.0' ]
    manage GET /softwaremodules | field "['total']" | grep -qx 2
    run ! grep -q "not for devices" server.log
}

@test "import: what is not as it was published, and a version that is taken, are left out" {
    publish "$SHARED/one.bin"
    printf X | dd of="$RELEASES/artifacts/$(sha256_of "$SHARED/one.bin").bin" bs=1 seek=5000 \
        conv=notrunc 2>/dev/null
    publish "$SHARED/two.bin" --channel beta
    start_server
    wait_for_sets 1
    [ "$(sets)" = "thermo 1.1.0" ]
    publish "$SHARED/other.bin" --channel nightly
    for _ in $(seq 100); do
        [ "$(grep -c "not for devices" server.log)" -lt 2 ] || break
        sleep 0.1
    done
    grep -q "thermo 1.0.0 of channel stable is not for devices of the fleet: the image is not the one" server.log
    grep -q "thermo 1.1.0 of channel nightly is not for devices of the fleet: there is a module thermo 1.1.0 already" server.log
    sleep 1.5
    [ "$(grep -c "not for devices" server.log)" -eq 2 ]
    [ "$(sets)" = "thermo 1.1.0" ]
}

@test "release prune: images that the fleet's store names stay, and so does what has just come" {
    publish "$SHARED/one.bin"
    start_server
    wait_for_sets 1
    publish "$SHARED/two.bin"
    wait_for_sets 2
    stop_server
    cp "$SHARED/other.bin" "$RELEASES/artifacts/$(sha256_of "$SHARED/other.bin").bin"
    prune=("$TRUSTCHAIN" release prune --releases "$RELEASES")
    run -0 "${prune[@]}" --dry-run
    [ "$output" = "$RELEASES: 0 files, 0 bytes would be removed" ]
    touch -d '2 hours ago' "$RELEASES"/artifacts/*
    run -0 "${prune[@]}"
    [[ $output == "$RELEASES: 1 files, "*" bytes removed" ]]
    [ ! -e "$RELEASES/artifacts/$(sha256_of "$SHARED/other.bin").bin" ]
    [ -e "$RELEASES/artifacts/$(sha256_of "$SHARED/one.bin").bin" ]
    run -1 "${prune[@]}" --store "sqlite:$PWD/none.db"
    unset TRUSTCHAIN_STORE
    run -0 "${prune[@]}" --dry-run
    [[ $output == *"$(sha256_of "$SHARED/one.bin").bin"* ]]
}
