# A project's server with its store: devices on one port, management on the other.

source "${BASH_SOURCE[0]%/*}/release_helpers.bash"

# make_fleet DIR: a project with its PKI; its server makes the store
make_fleet() {
    "$TRUSTCHAIN" init "$1" --name thermo --url https://localhost:8443 >/dev/null
}

# start_fleet PROJECT [OPTION...]: sets SERVER_PID, PORT, URL, MANAGE_PORT, MANAGE, STORE, CA
start_fleet() {
    start_serve --project "$@"
    CA=$1/pki/ca_cert.pem
    MANAGE_PORT=$(cat "$BATS_TEST_TMPDIR/ready.manage" || true)
    MANAGE=https://localhost:$MANAGE_PORT
    STORE=$1/fleet.db
    [[ ${TRUSTCHAIN_STORE:-} != postgres* ]] || STORE=$TRUSTCHAIN_STORE
}

# start_postgres: an empty one for the test, which is TRUSTCHAIN_STORE from now on
start_postgres() {
    local url=$BATS_TEST_TMPDIR/postgres
    "$BATS_TEST_DIRNAME/../with-postgres" bash -c \
        'echo "$$" "$TRUSTCHAIN_TEST_POSTGRES" >"$0.part" && mv "$0.part" "$0" && exec sleep 600' \
        "$url" >/dev/null 2>&1 3>&- &
    for _ in $(seq 600); do [ -s "$url" ] && break; sleep 0.1; done
    read -r POSTGRES_HOLDER TRUSTCHAIN_STORE <"$url"
    export TRUSTCHAIN_STORE
}

stop_postgres() {
    [ -z "${POSTGRES_HOLDER:-}" ] || kill "$POSTGRES_HOLDER"
    POSTGRES_HOLDER=
}

# start_managed [OPTION...]: makes $PROJECT, serves it and takes an admin's TOKEN (a file), for
# remote() and manage()
start_managed() {
    make_fleet "$PROJECT"
    start_fleet "$PROJECT" "$@"
    export TRUSTCHAIN_SERVER=$MANAGE TRUSTCHAIN_CA=$CA
    take_token "$PROJECT"
}

# take_token PROJECT: an admin's, in the file TOKEN
take_token() {
    TOKEN=$BATS_TEST_TMPDIR/token
    (umask 077 && "$TRUSTCHAIN" token create ops --role admin --project "$1" >"$TOKEN")
}

# remote VERB...: one of the command's verbs that ask the server
remote() {
    "$TRUSTCHAIN" "$@" --token-file "$TOKEN"
}

# manage METHOD PATH [JSON]: the same by curl
manage() {
    curl -sS --cacert "$CA" -H "Authorization: Bearer $(cat "$TOKEN")" -X "$1" \
        ${3:+-H 'Content-Type: application/json' -d "$3"} "$MANAGE/rest/v1$2"
}

# What the Management API would say, written into the store at once:

# sql STATEMENT: on the store of the server
sql() {
    if [[ $STORE == postgres* ]]; then
        psql -XqAt "$STORE" -c "$1"
        return
    fi
    python3 -c 'import sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=10) as db:
    for row in db.execute(sys.argv[2]):
        print("|".join(str(column) for column in row))' "$STORE" "$1"
}

# add_target ID TOKEN
add_target() {
    sql "INSERT INTO target (tenant, controller_id, name, security_token, update_status,
             created_at, created_by, changed_at, changed_by)
         VALUES (1, '$1', '$1', '$2', 'unknown', 1, 'test', 1, 'test')"
}

# add_token NAME ROLE SECRET
add_token() {
    sql "INSERT INTO api_token (tenant, name, role, digest, created_at, created_by)
         VALUES (1, '$1', '$2', '$(printf %s "$3" | sha256sum | cut -c1-64)', 1, 'test')"
}

# set_setting KEY VALUE
set_setting() {
    sql "INSERT INTO setting (tenant, key, value) VALUES (1, '$1', '$2')
         ON CONFLICT (tenant, key) DO UPDATE SET value = excluded.value"
}

# device_certificate OUT SUBJECT CA_CERT CA_KEY [DAYS]: OUT.pem and OUT.key
device_certificate() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" \
        -out "$1.csr" -subj "$2" 2>/dev/null
    printf 'extendedKeyUsage=clientAuth\n' >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA "$3" -CAkey "$4" -set_serial "0x$(openssl rand -hex 8)" \
        -days "${5:-2}" -extfile "$1.ext" -out "$1.pem" 2>/dev/null
}
