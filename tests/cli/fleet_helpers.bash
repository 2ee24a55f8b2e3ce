# A project's server with its store: sourced by the tests of the fleet's HTTP side. What the
# Management API would say is written into the store at once.

load release_helpers

# make_fleet DIR: a project with its PKI and an empty store
make_fleet() {
    "$TRUSTCHAIN" init "$1" --name thermo >/dev/null
}

# start_fleet PROJECT [OPTION...]: sets SERVER_PID, PORT, URL, MANAGE_PORT, MANAGE, STORE
start_fleet() {
    local project=$1 ready=$BATS_TEST_TMPDIR/ready i
    shift
    rm -f "$ready" "$ready.manage"
    "$TRUSTCHAIN" serve --project "$project" --listen 127.0.0.1:0 --ready-file "$ready" \
        --access-log "$@" >"$BATS_TEST_TMPDIR/server.out" 2>"$BATS_TEST_TMPDIR/server.log" 3>&- &
    SERVER_PID=$!
    for i in $(seq 100); do
        [ -s "$ready" ] && break
        sleep 0.05
    done
    CA=$project/pki/ca_cert.pem
    PORT=$(cat "$ready")
    URL=https://localhost:$PORT
    MANAGE_PORT=$(cat "$ready.manage" || true)
    MANAGE=https://localhost:$MANAGE_PORT
    STORE=$project/fleet.db
}

# sql STATEMENT: on the store of the server
sql() {
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

# ask URL [CURL_OPTION...]: STATUS, body and head as get() has them
ask() {
    local url=$1
    shift
    : >"$BATS_TEST_TMPDIR/body"
    STATUS=$(curl --silent --show-error --path-as-is --max-time 10 --cacert "$CA" \
        --dump-header "$BATS_TEST_TMPDIR/head" --output "$BATS_TEST_TMPDIR/body" \
        --write-out '%{http_code}' "$@" "$url")
}

# device_certificate OUT SUBJECT CA_CERT CA_KEY [DAYS]: OUT.pem and OUT.key
device_certificate() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" \
        -out "$1.csr" -subj "$2" 2>/dev/null
    printf 'extendedKeyUsage=clientAuth\n' >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA "$3" -CAkey "$4" -set_serial "0x$(openssl rand -hex 8)" \
        -days "${5:-2}" -extfile "$1.ext" -out "$1.pem" 2>/dev/null
}
