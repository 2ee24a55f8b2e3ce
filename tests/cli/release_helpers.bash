# What the tests of releases and of the server share: small real applications, a PKI, a server.

export LSAN_OPTIONS=suppressions=${BASH_SOURCE[0]%/*}/lsan.supp:print_suppressions=0

# make_elf OUT VERSION PROJECT SECURE_VERSION [RODATA_BYTES [MMU_PAGE_LOG2]]
make_elf() {
    local out=$1 version=$2 project=$3 secure=$4 rodata=${5:-64} page_log2=${6:-16}
    cat >"$out.S" <<END
        .macro text32 string
        .set start, .
        .ascii "\string"
        .zero 32 - (. - start)
        .endm
        .section .flash.appdesc, "a"
        .word 0xABCD5432, $secure, 0, 0
        text32 "$version"
        text32 "$project"
        .zero 16 + 16
        text32 "none"
        .zero 32
        .half 0, 99
        .byte $page_log2, 0, 0, 0
        .zero 72
        .section .flash.rodata, "a"
        .fill $rodata, 1, 0xA5
        .section .flash.text, "ax"
        .globl _start
_start: j _start
        .balign 4
END
    riscv64-unknown-elf-gcc -march=rv32imac -misa-spec=2.2 -mabi=ilp32 -nostdlib -nostartfiles \
        -Wl,--build-id=none -Wl,-e_start \
        -Wl,--section-start=.flash.appdesc=0x42000020 \
        -Wl,--section-start=.flash.rodata=0x42000120 \
        -Wl,--section-start=.flash.text=0x42400020 -o "$out" "$out.S"
}

# make_image OUT VERSION PROJECT SECURE_VERSION [RODATA_BYTES [MMU_PAGE_LOG2]]: unsigned
make_image() {
    make_elf "$1.elf" "${@:2}"
    "$TRUSTCHAIN" image make --output "$1" "$1.elf"
}

# signed_image OUT VERSION PROJECT SECURE_VERSION [RODATA_BYTES [MMU_PAGE_LOG2]], by $SHARED/key.pem
signed_image() {
    make_image "$1.unsigned" "${@:2}"
    "$TRUSTCHAIN" sign --key "$SHARED/key.pem" --output "$1" "$1.unsigned"
}

# A CA and a server certificate for localhost, made by openssl: the server takes any.
make_pki() {
    local dir=$1
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
        -keyout "$dir/ca_key.pem" -out "$dir/ca.pem" -subj "/CN=$2" 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
        -keyout "$dir/key.pem" -out "$dir/request.pem" -subj "/CN=localhost" 2>/dev/null
    echo "subjectAltName=DNS:localhost,IP:127.0.0.1" >"$dir/extensions"
    openssl x509 -req -in "$dir/request.pem" -CA "$dir/ca.pem" -CAkey "$dir/ca_key.pem" \
        -CAcreateserial -days 2 -extfile "$dir/extensions" -out "$dir/cert.pem" 2>/dev/null
}

# publish IMAGE [OPTION...]: into $RELEASES as product "thermo", stable unless told
publish() {
    "$TRUSTCHAIN" release publish "$@" --releases "$RELEASES" --product thermo \
        --key "$SHARED/key.pem"
}

# start_serve [OPTION...]: a server on a free port of loopback; sets SERVER_PID, PORT and URL; log in
# $BATS_TEST_TMPDIR/server.log
start_serve() {
    local ready=$BATS_TEST_TMPDIR/ready
    rm -f "$ready" "$ready.manage"
    "$TRUSTCHAIN" serve --listen 127.0.0.1:0 --ready-file "$ready" --access-log "$@" \
        >"$BATS_TEST_TMPDIR/server.out" 2>"$BATS_TEST_TMPDIR/server.log" 3>&- &
    SERVER_PID=$!
    for _ in $(seq 600); do
        [ ! -s "$ready" ] && kill -0 "$SERVER_PID" 2>/dev/null || break
        sleep 0.05
    done
    PORT=$(cat "$ready")
    URL=https://localhost:$PORT
}

# start_server [OPTION...]: serves $RELEASES with the certificate of $SHARED/pki
start_server() {
    CA=$SHARED/pki/ca.pem
    start_serve --releases "$RELEASES" --cert "$SHARED/pki/cert.pem" --key "$SHARED/pki/key.pem" "$@"
}

stop_server() {
    if [ -n "${SERVER_PID:-}" ]; then
        kill "$SERVER_PID" 2>/dev/null || true
        wait "$SERVER_PID" || return $?
        SERVER_PID=
    fi
}

# ask URL [CURL_OPTION...]: body in $BATS_TEST_TMPDIR/body, head in .../head, STATUS set
ask() {
    local url=$1
    shift
    : >"$BATS_TEST_TMPDIR/body"
    STATUS=$(curl --silent --show-error --path-as-is --cacert "$CA" --max-time 60 \
        --dump-header "$BATS_TEST_TMPDIR/head" --output "$BATS_TEST_TMPDIR/body" \
        --write-out '%{http_code}' "$@" "$url")
}

# get PATH [CURL_OPTION...]: from the server that runs, as ask() does
get() {
    ask "$URL$1" "${@:2}"
}

# header NAME: its value in the last answer
header() {
    tr -d '\r' <"$BATS_TEST_TMPDIR/head" | sed -n "s/^$1: //Ip"
}

# field PATH: prints a member of the JSON on stdin; PATH is a Python subscript: ["size"]
field() {
    python3 -c "import json, sys; print(json.load(sys.stdin)$1)"
}

# pointer KEY: of $RELEASES/thermo/stable.json
pointer() {
    field "['$1']" <"$RELEASES/thermo/stable.json"
}

sha256_of() {
    sha256sum "$1" | cut -c1-64
}
