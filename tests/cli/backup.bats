# Backup and restore of the fleet: the store and the releases, on both kinds of store.

bats_require_minimum_version 1.5.0

load release_helpers

setup_file() {
    export SHARED=$BATS_FILE_TMPDIR
    "$TRUSTCHAIN" key new "$SHARED/key.pem"
    mkdir "$SHARED/pki"
    make_pki "$SHARED/pki" "Test CA"
    signed_image "$SHARED/one.bin" 1.0.0 thermo 1
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    RELEASES=$PWD/releases
    mkdir "$RELEASES"
    export TRUSTCHAIN_STORE=sqlite:$PWD/fleet.db
    SERVER_PID=
}

teardown() {
    stop_server || true
}

# sets_listed: "name version" of the sets that the server at ready.manage has
sets_listed() {
    curl -sS --fail --cacert "$SHARED/pki/ca.pem" -H "Authorization: Bearer $secret" \
        "https://localhost:$(cat ready.manage)/rest/v1/distributionsets" | python3 -c 'import json, sys
for one in json.load(sys.stdin)["content"]: print(one["name"], one["version"])'
}

# serve_a_release: until the store has it as a set
serve_a_release() {
    secret=$("$TRUSTCHAIN" token create admin --role admin)
    publish "$SHARED/one.bin"
    start_server
    for _ in $(seq 50); do
        [ "$(sets_listed)" = "thermo 1.0.0" ] && return
        sleep 0.1
    done
    return 1
}

@test "backup while the server runs, restore, serve: tokens, sets and channels as they were" {
    serve_a_release
    "$TRUSTCHAIN" backup --releases releases -o fleet.tar
    stop_server
    [ "$(stat -c %a fleet.tar)" = 600 ]
    [ "$(find . -maxdepth 1 -name 'fleet.tar*')" = ./fleet.tar ]
    tar -tf fleet.tar | sort >names
    grep -qx store/fleet.db names
    grep -qx releases/thermo/stable.json names
    run ! grep -q lock names
    mkdir new
    export TRUSTCHAIN_STORE=sqlite:$PWD/new/fleet.db RELEASES=$PWD/new/releases
    "$TRUSTCHAIN" restore --releases new/releases fleet.tar
    [ "$(stat -c %a new/fleet.db)" = 600 ]
    [ "$(ls new)" = $'fleet.db\nreleases' ]
    start_server
    [ "$(sets_listed)" = "thermo 1.0.0" ]
    get /ota/thermo/stable.bin
    cmp body "$SHARED/one.bin"
    stop_server
    "$TRUSTCHAIN" audit verify
}

@test "restore replaces nothing" {
    serve_a_release
    "$TRUSTCHAIN" backup --releases releases -o fleet.tar
    stop_server
    before=$(sha256sum fleet.db)
    run -1 --separate-stderr "$TRUSTCHAIN" restore --releases new fleet.tar
    [[ $stderr == "trustchain: $PWD/fleet.db: is there already"* ]]
    TRUSTCHAIN_STORE=sqlite:$PWD/new.db run -1 --separate-stderr "$TRUSTCHAIN" restore \
        --releases releases fleet.tar
    [[ $stderr == "trustchain: releases: is there already"* ]]
    [ "$before" = "$(sha256sum fleet.db)" ]
    [ ! -e new ] && [ ! -e new.db ]
}

@test "backup and restore tell damage, and leave nothing behind" {
    serve_a_release
    stop_server
    image=releases/artifacts/$(sha256_of "$SHARED/one.bin").bin
    "$TRUSTCHAIN" backup --releases releases -o fleet.tar
    printf X | dd of="$image" bs=1 seek=100 conv=notrunc 2>/dev/null
    good=$(sha256sum fleet.tar)
    run -1 --separate-stderr "$TRUSTCHAIN" backup --releases releases -o fleet.tar
    [ "$stderr" = "trustchain: releases/artifacts/${image##*/}: is damaged: it is not what its name says" ]
    [ "$good" = "$(sha256sum fleet.tar)" ]
    mkdir unpacked
    tar -xf fleet.tar -C unpacked
    printf X | dd of="unpacked/$image" bs=1 seek=100 conv=notrunc 2>/dev/null
    tar -cf damaged.tar -C unpacked store releases
    head -c 9000 fleet.tar >short.tar
    for file in damaged.tar short.tar; do
        TRUSTCHAIN_STORE=sqlite:$PWD/new.db run -1 "$TRUSTCHAIN" restore --releases new $file
    done
    [ -z "$(find . -maxdepth 1 -name 'new*' -o -maxdepth 1 -name 'fleet.tar.*')" ]
}

@test "backup and restore of PostgreSQL" {
    cat >script <<'END'
set -e
export TRUSTCHAIN_STORE=$TRUSTCHAIN_TEST_POSTGRES
secret=$("$TRUSTCHAIN" token create admin --role admin)
"$TRUSTCHAIN" backup --releases releases -o fleet.tar
tar -tf fleet.tar | grep -qx store/fleet.dump
! "$TRUSTCHAIN" restore --releases again fleet.tar 2>refusal
[ ! -e again ]
psql -Xq "$TRUSTCHAIN_STORE" -c "CREATE DATABASE other"
export TRUSTCHAIN_STORE=${TRUSTCHAIN_STORE/\/postgres\?/\/other?}
"$TRUSTCHAIN" restore --releases again fleet.tar
"$TRUSTCHAIN" token list | grep -q "^admin: admin, "
"$TRUSTCHAIN" audit verify
[ -d again ]
TRUSTCHAIN_STORE=sqlite:$PWD/x.db "$TRUSTCHAIN" restore --releases x fleet.tar 2>refusal && exit 1
grep -q "is no backup of an SQLite store" refusal
END
    "$BATS_TEST_DIRNAME/../with-postgres" bash script
}
