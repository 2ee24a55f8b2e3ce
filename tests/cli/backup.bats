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

# The command's one line, and nothing else beside the backup.
refused() { # LINE COMMAND...
    run -1 --separate-stderr "${@:2}"
    echo "$stderr"
    [[ $stderr == "trustchain: "$1 ]]
    [ -z "$(find . -name '*.??????' -newer start)" ]
}

@test "a backup goes where it is told: through a link, to a device, to stdout and back from stdin" {
    "$TRUSTCHAIN" token create admin --role admin >/dev/null
    touch start real.tar
    ln -s real.tar link.tar
    "$TRUSTCHAIN" backup --releases releases -o link.tar
    [ -L link.tar ]
    tar -tf real.tar | grep -qx store/fleet.db
    mkfifo pipe
    cat pipe >piped.tar 3>&- &
    TMPDIR=$PWD "$TRUSTCHAIN" backup --releases releases -o pipe
    wait $!
    [ -p pipe ]
    TMPDIR=$PWD "$TRUSTCHAIN" backup --releases releases -o - >out.tar
    for file in piped.tar out.tar; do
        tar -tf $file | grep -qx store/fleet.db
    done
    ln -s /dev/full full
    refused "full: cannot be written: No space left on device" \
        env TMPDIR="$PWD" "$TRUSTCHAIN" backup --releases releases -o full
    [ -L full ]
    mkdir new
    refused "new: is a folder, not a file" "$TRUSTCHAIN" backup --releases releases -o new
    TRUSTCHAIN_STORE=sqlite:$PWD/new/fleet.db "$TRUSTCHAIN" restore --releases new/releases - <out.tar
    [ -s new/fleet.db ]
}

@test "what tar says is in the one line, and a signal leaves no copy of the store behind" {
    "$TRUSTCHAIN" token create admin --role admin >/dev/null
    "$TRUSTCHAIN" backup --releases releases -o good.tar
    touch start
    export TRUSTCHAIN_STORE=sqlite:$PWD/other.db
    refused "nowhere.tar: cannot be opened: No such file or directory" \
        "$TRUSTCHAIN" restore --releases other nowhere.tar
    head -c 20000 good.tar >short.tar
    refused "short.tar: tar has failed: tar: Unexpected EOF in archive" \
        "$TRUSTCHAIN" restore --releases other short.tar
    echo junk >junk.tar
    refused "junk.tar: tar has failed: tar: This does not look like a tar archive" \
        "$TRUSTCHAIN" restore --releases other junk.tar
    mkdir store && ln -s /etc/passwd store/fleet.db && tar -cf evil.tar store
    refused "evil.tar: is no backup of an SQLite store" \
        "$TRUSTCHAIN" restore --releases other evil.tar
    # a tar that waits; then one that tells of a folder that changed, and one there is not
    mkdir bin
    printf '#!/bin/sh\ntouch here; while [ ! -e go ]; do sleep 0.1; done\nexec /bin/tar "$@"\n' >bin/tar
    chmod +x bin/tar
    export TRUSTCHAIN_STORE=sqlite:$PWD/fleet.db
    PATH=$PWD/bin:$PATH env --default-signal "$TRUSTCHAIN" backup --releases releases -o killed.tar 3>&- &
    for _ in $(seq 100); do [ ! -e here ] || break; sleep 0.05; done
    kill -TERM $!
    touch go
    wait $! || true
    [ -z "$(find . -name 'killed.tar.*')" ]
    printf '#!/bin/sh\n/bin/tar "$@" || exit\necho tar: .: file changed as we read it >&2; exit 1\n' >bin/tar
    PATH=$PWD/bin:$PATH "$TRUSTCHAIN" backup --releases releases -o changed.tar
    printf '#!/bin/sh\nexit 2\n' >bin/tar
    refused "x.tar: tar has failed: without a word" \
        env PATH="$PWD/bin:$PATH" "$TRUSTCHAIN" backup --releases releases -o x.tar
    refused "tar: cannot be run: No such file or directory (Debian has it in tar)" \
        env PATH=/nowhere "$TRUSTCHAIN" backup --releases releases -o x.tar
}

@test "a password of PostgreSQL is on no command line" {
    mkdir bin
    for name in pg_dump pg_restore; do
        printf '#!/bin/sh\necho "$PGPASSWORD $*" >>"%s/seen"\nexec "$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)/%s" "$@"\n' \
            "$PWD" $name >bin/$name
        chmod +x bin/$name
    done
    cat >script <<'END'
set -e
export PATH=$PWD/bin:$PATH
at=${TRUSTCHAIN_TEST_POSTGRES#postgres://trustchain@}
export TRUSTCHAIN_STORE="postgres://trustchain:se%2Fcret%25@$at"
"$TRUSTCHAIN" token create admin --role admin >/dev/null
"$TRUSTCHAIN" backup --releases releases -o one.tar
TRUSTCHAIN_STORE="postgres://trustchain@$at&password=se%2Fcret%25&connect_timeout=9" \
    "$TRUSTCHAIN" backup --releases releases -o two.tar
psql -Xq "$TRUSTCHAIN_TEST_POSTGRES" -c "CREATE DATABASE other"
export TRUSTCHAIN_STORE=${TRUSTCHAIN_STORE/\/postgres\?/\/other?}
"$TRUSTCHAIN" restore --releases again one.tar
END
    "$BATS_TEST_DIRNAME/../with-postgres" bash script
    cat seen
    [ "$(grep -c '^se/cret% ' seen)" -eq 3 ]
    run ! grep -q ' .*se%2Fcret\|password=' seen
    grep -q 'connect_timeout=9' seen
}

@test "a store that cannot be placed leaves no releases, and damage no tables in PostgreSQL" {
    "$TRUSTCHAIN" token create admin --role admin >/dev/null
    publish "$SHARED/one.bin"
    "$TRUSTCHAIN" backup --releases releases -o fleet.tar
    touch start
    TRUSTCHAIN_STORE=sqlite:$PWD/none/fleet.db refused \
        "$PWD/none/fleet.db: no folder can be made beside it: No such file or directory" \
        "$TRUSTCHAIN" restore --releases again fleet.tar
    [ ! -e again ]
    cat >script <<'END'
set -e
sha256=$(sha256sum <"$SHARED/one.bin" | cut -c-64)
export TRUSTCHAIN_STORE=$TRUSTCHAIN_TEST_POSTGRES
"$TRUSTCHAIN" token create admin --role admin >/dev/null
psql -Xq "$TRUSTCHAIN_STORE" -c "INSERT INTO module (tenant, type, name, version, created_at,
    created_by, changed_at, changed_by) VALUES (1, 'os', 'thermo', '1.0.0', 1, 'x', 1, 'x')" \
    -c "INSERT INTO artifact (module, filename, size, sha256, sha1, md5, created_at, created_by)
    SELECT id, 'tab\\t(x)', 1, '$sha256', '', '', 1, 'x' FROM module"
"$TRUSTCHAIN" backup --releases releases -o whole.tar
psql -Xq "$TRUSTCHAIN_STORE" -c "UPDATE schema_version SET number = 99"
mkdir newer && pg_dump --format=custom --file newer/fleet.dump "$TRUSTCHAIN_STORE"
mkdir unpacked && tar -xf whole.tar -C unpacked
printf X | dd of="unpacked/releases/artifacts/$sha256.bin" bs=1 seek=100 conv=notrunc 2>/dev/null
tar -cf damaged.tar -C unpacked store releases
mv newer/fleet.dump unpacked/store/ && tar -cf newer.tar -C unpacked store releases
head -c 100 unpacked/store/fleet.dump >cut && mv cut unpacked/store/fleet.dump
tar -cf cut.tar -C unpacked store releases
psql -Xq "$TRUSTCHAIN_STORE" -c "CREATE DATABASE other"
export TRUSTCHAIN_STORE=${TRUSTCHAIN_STORE/\/postgres\?/\/other?}
for file in damaged newer cut; do
    "$TRUSTCHAIN" restore --releases again $file.tar 2>>refusals && exit 1
done
psql -XAt "$TRUSTCHAIN_STORE" -c '\d' >tables 2>&1
"$TRUSTCHAIN" restore --releases again whole.tar
cmp "again/artifacts/$sha256.bin" "$SHARED/one.bin"
END
    "$BATS_TEST_DIRNAME/../with-postgres" bash script
    cat refusals tables
    [ "$(wc -l <refusals)" -eq 3 ]
    grep -q "artifacts/.*: is damaged: it is not what its name says" refusals
    grep -q "the backup's store: is of a newer trustchain (its schema is 99, ours " refusals
    grep -q "the store: pg_restore has failed" refusals
    [ "$(cat tables)" = "Did not find any relations." ]
    [ -z "$(find . -name 'again.*' -o -name 'none*')" ]
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
