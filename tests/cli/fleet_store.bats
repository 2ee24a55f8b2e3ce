# The fleet's store from the command line: tokens, the audit log, backup and restore.

bats_require_minimum_version 1.5.0

load release_helpers

setup() {
    cd "$BATS_TEST_TMPDIR"
    export TRUSTCHAIN_STORE=sqlite:$PWD/fleet.db
}

@test "token create prints the secret once and keeps only its digest" {
    secret=$("$TRUSTCHAIN" token create ci --role operate)
    [[ $secret =~ ^[A-Za-z0-9]{43}$ ]]
    [ "$(stat -c %a fleet.db)" = 600 ]
    run ! grep -qaF "$secret" fleet.db*
    grep -qaF "$(printf %s "$secret" | sha256sum | cut -c1-64)" fleet.db*
    run -1 --separate-stderr "$TRUSTCHAIN" token create ci
    [ "$stderr" = "trustchain: token: there is a token ci already" ]
    [ -z "$output" ]
}

@test "token create: no token that nobody knows, no store that is not whole" {
    run -1 --separate-stderr bash -c '"$TRUSTCHAIN" token create ci >/dev/full'
    [ "$stderr" = "trustchain: stdout: cannot be written: No space left on device" ]
    run -1 --separate-stderr bash -c '"$TRUSTCHAIN" token create ci >&-'
    [ "${#stderr_lines[@]}" -eq 1 ]
    [ -z "$("$TRUSTCHAIN" token list)" ]
    "$TRUSTCHAIN" audit verify | grep -qx "0 lines hold"
    "$TRUSTCHAIN" token create ci >secret
    [ "$(wc -l <secret)" -eq 1 ]
    mkdir new
    for blocks in 1 40; do # of the file size limit, in KiB
        run -1 --separate-stderr bash -c "trap '' XFSZ; ulimit -f $blocks
            exec '$TRUSTCHAIN' token create ci --store sqlite:new/fleet.db"
        echo "$stderr"
        [ "${#stderr_lines[@]}" -eq 1 ]
        [ -z "$(ls -A new)" ]
    done
    for i in 1 2 3 4; do # whoever comes first makes it
        "$TRUSTCHAIN" token create $i --store sqlite:new/fleet.db >new/$i 3>&- &
    done
    wait
    [ "$("$TRUSTCHAIN" token list --store sqlite:new/fleet.db | wc -l)" -eq 4 ]
    [ "$(ls -A new | tr '\n' ' ')" = "1 2 3 4 fleet.db " ]
}

@test "token list tells names and roles, revoke ends one" {
    "$TRUSTCHAIN" token create ci --role operate
    "$TRUSTCHAIN" token create desk
    "$TRUSTCHAIN" token revoke ci
    run -0 "$TRUSTCHAIN" token list
    [[ ${lines[0]} =~ ^"ci: operate, made 20".*" by account ".*", revoked 20" ]]
    [[ ${lines[1]} =~ ^"desk: read, made 20" ]]
    run -0 "$TRUSTCHAIN" token list --json
    [ "$(python3 -c 'import json,sys; print([(t["name"], t["role"], "revoked" in t) for t in json.load(sys.stdin)])' <<<"$output")" = \
        "[('ci', 'operate', True), ('desk', 'read', False)]" ]
    run -1 --separate-stderr "$TRUSTCHAIN" token revoke ci
    [ "$stderr" = "trustchain: token: there is no token ci in use" ]
}

@test "token: a store that may not be looked at is no missing one" {
    somebody=(setpriv --reuid=65534 --clear-groups "$TRUSTCHAIN")
    chmod 755 "$BATS_TEST_TMPDIR"
    "${somebody[@]}" --version || skip "needs root, to be somebody else who can run the command"
    mkdir closed
    "$TRUSTCHAIN" token create x --store "sqlite:$PWD/closed/fleet.db" >/dev/null
    chmod 700 closed
    run --separate-stderr "${somebody[@]}" token list --store "sqlite:closed/fleet.db"
    [ "$status" -eq 1 ]
    [ "$stderr" = "trustchain: closed/fleet.db: cannot be opened: Permission denied" ]
}

@test "token: usage and a store that is not there" {
    run -2 "$TRUSTCHAIN" token create
    run -2 "$TRUSTCHAIN" token create a b
    run -1 --separate-stderr "$TRUSTCHAIN" token create a --role root
    [ "$stderr" = "trustchain: token: a token's role is read, operate or admin" ]
    rm -f fleet.db*
    run -1 --separate-stderr "$TRUSTCHAIN" token list
    [[ $stderr == "trustchain: $PWD/fleet.db: there is no store yet"* ]]
    [ ! -e fleet.db ]
    unset TRUSTCHAIN_STORE
    run -2 "$TRUSTCHAIN" token list
}

@test "a project says where its store is" {
    unset TRUSTCHAIN_STORE
    "$TRUSTCHAIN" init --no-keys --no-pki product
    "$TRUSTCHAIN" token create me --role admin --project product
    [ -s product/fleet.db ]
    run -0 "$TRUSTCHAIN" token list -p product
    [[ $output == "me: admin, "* ]]
}

@test "audit verify: whole, changed, cut off at the end" {
    "$TRUSTCHAIN" token create a
    "$TRUSTCHAIN" token create b
    "$TRUSTCHAIN" token revoke a
    run -0 "$TRUSTCHAIN" audit verify
    [ "${lines[0]}" = "3 lines hold" ]
    head=${lines[1]#head }
    "$TRUSTCHAIN" audit verify --head "$head"
    [ "$("$TRUSTCHAIN" audit verify --json | field '["head"]')" = "$head" ]
    [ "$("$TRUSTCHAIN" audit verify --json | field '["lines"]')" = 3 ]
    python3 -c 'import sqlite3; c = sqlite3.connect("fleet.db"); c.execute("DELETE FROM audit WHERE id = 3"); c.commit()'
    run -0 "$TRUSTCHAIN" audit verify
    run -1 --separate-stderr "$TRUSTCHAIN" audit verify --head "$head"
    [ "$stderr" = "trustchain: audit: no line has the digest $head: lines were taken off the end" ]
    python3 -c 'import sqlite3; c = sqlite3.connect("fleet.db"); c.execute("UPDATE audit SET detail = \"admin\" WHERE id = 1"); c.commit()'
    run -1 --separate-stderr "$TRUSTCHAIN" audit verify
    [[ $stderr == "trustchain: audit: line 1 does not hold"* ]]
    run -2 "$TRUSTCHAIN" audit verify --head 12ab
}
