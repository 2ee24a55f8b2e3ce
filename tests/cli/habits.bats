# How the command behaves as a Unix program: usage errors, standard streams, signals, long names,
# who may read what.

bats_require_minimum_version 1.5.0
load tool_helpers

setup_file() {
    make_product
}

# wait_for_file PATTERN: at most 5 s
wait_for_file() {
    local tries
    for tries in $(seq 500); do
        [ -z "$(find . -name "$1")" ] || return 0
        sleep 0.01
    done
    return 1
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

@test "wrong options are one line in our form, whatever is wrong" {
    wrong() { # PATTERN WORD...
        refused 2 "$1" "$TRUSTCHAIN" "${@:2}"
    }
    wrong "sign: there is no option --nope (see \`trustchain sign --help')" sign --nope
    wrong "sign: there is no option -z" sign -az a
    wrong "sign: -o wants a value" sign a -o
    wrong "key new: --ty wants a value" key new k --ty
    wrong "sign: --append takes no value" sign --append=3 a
    wrong "serve: --p can mean several options" serve --p x
    wrong "efuse burn: there is no option -1" efuse burn e field SECURE_BOOT_EN -1
    wrong "chip run: there is no option --nope" chip run --nope
    wrong "chip run: --uart wants a value" chip run --uart
}

@test "what getopt takes is still taken: beginnings, letters together, values that look odd, --" {
    "$TRUSTCHAIN" sign "$SHARED/app.bin" --outp=-x --ke "$SIGNING_KEY"
    "$TRUSTCHAIN" verify --key="$SIGNING_KEY" -- -x
    "$TRUSTCHAIN" key new second.pem
    "$TRUSTCHAIN" sign "$SHARED/app.signed" -aksecond.pem -o --
    [ -s ./-- ]
    "$TRUSTCHAIN" sign --he >help
    grep -q "^Usage: trustchain sign" help
}

@test "a closed standard stream is a failure, and never becomes the file being written" {
    run --separate-stderr bash -c '"$TRUSTCHAIN" key digest "$SIGNING_KEY" >&-'
    [ "$status" -eq 1 ]
    [[ "$stderr" == "trustchain: stdout: "* ]]
    run --separate-stderr bash -c '"$TRUSTCHAIN" image info - <&-'
    [ "$status" -eq 1 ]
    [[ "$stderr" == "trustchain: stdin: cannot be read"* ]]
    # stderr closed and stdin too: the pipe the ELF comes from would be descriptor 2
    run bash -c '"$TRUSTCHAIN" sign "$SHARED/app.bin" -o out --key "$SIGNING_KEY" >&- 2>&- <&-'
    cmp -n "$(stat -c %s "$SHARED/app.bin")" out "$SHARED/app.bin"
    "$TRUSTCHAIN" verify out --key "$SIGNING_KEY"
    # a server whose log goes nowhere: not into the first file it opens
    mkdir releases
    "$TRUSTCHAIN" serve --releases releases --cert "$PROJECT/pki/server_cert.pem" \
        --key "$PROJECT/pki/server_key.pem" --listen 127.0.0.1:0 --ready-file ready \
        >&- 2>&- <&- 3>&- &
    wait_for_file ready
    targets=$(readlink "/proc/$!/fd/"{0,1,2} | sort -u)
    kill $!
    wait $! || true
    [ "$targets" = /dev/null ]
}

@test "a reader that goes away is a failed write, not a killed process" {
    run --separate-stderr bash -c 'set -o pipefail
        "$TRUSTCHAIN" encrypt "$SHARED/app.signed" -o - --offset 0 --key "$FLASH_KEY" | head -c 1 |
        wc -c; echo "${PIPESTATUS[0]}"'
    [ "${lines[1]}" -eq 1 ]
    [[ "$stderr" == "trustchain: stdout: cannot be written: Broken pipe" ]]
}

# Killed at many moments: there is no project, or a whole one; and nothing hidden beside it.
@test "SIGINT, SIGTERM and SIGHUP leave whole files or none" {
    for signal in INT TERM HUP; do
        for delay in 0.01 0.03 0.1 0.2 0.4; do
            env --default-signal "$TRUSTCHAIN" init p >/dev/null &
            sleep "$delay"
            kill "-$signal" $! 2>/dev/null || true
            wait $! || true
            if [ -e p/trustchain.ini ]; then
                [ -s p/pki/server_cert.pem ]
                [ -s p/secure_keys/flash_encryption_key.bin ]
            fi
            [ -z "$(find . -name '.*.????????' ! -name .)" ]
            rm -rf p
        done
    done
}

# strace makes the disk slow.
@test "a signal in the middle of writing leaves no temporary file" {
    command -v strace >/dev/null || skip "strace is not installed"
    env --default-signal strace -o /dev/null -e inject=fsync:delay_enter=500000 \
        "$TRUSTCHAIN" partition build "$PROJECT/partitions.csv" -o out 3>&- &
    tracer=$!
    wait_for_file '.out.*'
    kill -INT "$(pgrep -P $tracer)"
    wait $tracer || true
    [ -z "$(find . -name '.out.*')" ]
    [ "$(stat -c %s out)" -eq 3072 ]
}

# A power cut after that: an output is the old or the new one, keys and burned eFuses are the new.
@test "bytes are on the disk before their name, and lasting names before the command ends" {
    command -v strace >/dev/null || skip "strace is not installed"
    calls() { # WORD...: the calls that order what reaches the disk
        ASAN_OPTIONS=detect_leaks=0 strace -f -o trace -e trace=fsync,syncfs,rename,link \
            "$TRUSTCHAIN" "$@" >/dev/null
        sed -n 's/^[0-9]*  *\([a-z]*\)(.*= 0$/\1/p' trace | tr '\n' ' '
    }
    cp "$SHARED/factory.efuse" e
    [ "$(calls partition build "$PROJECT/partitions.csv" -o out)" = "fsync rename " ]
    [ "$(calls partition build "$PROJECT/partitions.csv" -o out)" = "fsync rename " ]
    [ "$(calls key new k --type xts128)" = "fsync link fsync " ]
    [ "$(calls efuse burn e field DIS_TWAI 1 --yes)" = "fsync rename fsync " ]
    "$TRUSTCHAIN" token create a --store sqlite:fleet.db >/dev/null
    mkdir releases
    [ "$(calls backup --store sqlite:fleet.db --releases releases -o b.tar | tail -c 19)" = \
        "fsync rename fsync " ]
    [ "$(calls restore --store sqlite:new.db --releases new b.tar | tail -c 37)" = \
        "syncfs rename fsync fsync link fsync " ]
}

@test "a name of any length leaves the reason readable" {
    name=$(printf 'n%.0s' {1..1500})
    refused 1 "File name too long" "$TRUSTCHAIN" image info "$name"
    refused 1 "No such file" "$TRUSTCHAIN" serve --project "$(printf 'd/%.0s' {1..1000})"
    refused 1 '"": cannot be opened' "$TRUSTCHAIN" image info ""
    refused 1 "No such file" "$TRUSTCHAIN" image info $'two\nlines\e[31m'
}

@test "keys do not end in a core file" {
    mkfifo pipe
    "$TRUSTCHAIN" image info pipe >info &
    sleep 0.3
    limit=$(grep "Max core file size" /proc/$!/limits)
    cat "$SHARED/app.bin" >pipe
    wait $!
    [[ "$limit" =~ "size"\ +0\ +0\ +bytes ]]
}

@test "eFuses are burned only with --yes, from scripts too" {
    cp "$SHARED/factory.efuse" e
    refused 2 "cannot be unburned" "$TRUSTCHAIN" efuse burn e field SECURE_BOOT_EN 1
    cmp e "$SHARED/factory.efuse"
}

@test "secrets are their owner's alone, whatever the umask" {
    umask 0
    "$TRUSTCHAIN" init p
    "$TRUSTCHAIN" key new k.pem
    "$TRUSTCHAIN" key new k.bin --type xts128
    "$TRUSTCHAIN" pki ca ca
    "$TRUSTCHAIN" efuse new e
    "$TRUSTCHAIN" decrypt "$SHARED/app.signed" -o plain --offset 0 --key "$FLASH_KEY"
    [ "$(stat -c %a p/secure_keys p/secure_keys/* p/pki/*_key.pem k.pem k.bin ca/ca_key.pem e \
        plain | sort -u)" = "$(printf '600\n700')" ]
}

@test "a symbolic link is followed to its file, and never replaced by a key" {
    echo old >file
    ln -s file link
    "$TRUSTCHAIN" partition build "$PROJECT/partitions.csv" -o link
    [ -L link ]
    [ "$(stat -c %s file)" -eq 3072 ]
    ln -s nowhere dangling
    refused 1 "exists already" "$TRUSTCHAIN" key new dangling
    refused 1 "exists already" "$TRUSTCHAIN" key new link
}

@test "pki: nothing is left of an authority that could not be made" {
    refused 1 "not a name of 1 to 64" "$TRUSTCHAIN" pki ca new --name "$(printf 'a%.0s' {1..65})"
    mkdir there
    refused 1 "not a name of 1 to 64" "$TRUSTCHAIN" pki ca there --name ""
    [ -d there ]
}

# past_certificate NAME: NAME.pem, of an authority, and NAME.key; expired yesterday
past_certificate() {
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
        -keyout "$1.key" -out "$1.request" 2>/dev/null
    openssl x509 -req -in "$1.request" -signkey "$1.key" -days -1 -out "$1.pem" \
        -extfile <(echo basicConstraints=critical,CA:TRUE) 2>/dev/null
}

@test "pki: a server certificate ends with its authority, an expired authority makes none" {
    "$TRUSTCHAIN" pki ca ca --days 2
    "$TRUSTCHAIN" pki server ca --name a --days 30
    [ "$(openssl x509 -in ca/ca_cert.pem -noout -enddate)" = \
        "$(openssl x509 -in ca/server_cert.pem -noout -enddate)" ]
    openssl verify -x509_strict -purpose sslserver -CAfile ca/ca_cert.pem ca/server_cert.pem
    past_certificate old
    refused 1 "old.pem: has expired" "$TRUSTCHAIN" pki server --ca-cert old.pem --ca-key old.key \
        --name a --cert c.pem --key-out k.pem
}

@test "serve: an expired certificate, a key open to others and a swapped pair are refused" {
    mkdir releases
    past_certificate old
    serve() { # CERT KEY
        "$TRUSTCHAIN" serve --releases releases --listen 127.0.0.1:0 --cert "$1" --key "$2"
    }
    cert=$PROJECT/pki/server_cert.pem
    cp "$PROJECT/pki/server_key.pem" key.pem
    refused 1 "old.pem: this certificate has expired" serve old.pem old.key
    refused 1 "key.pem: not a PEM certificate (no start line)" serve key.pem "$cert"
    chmod 640 key.pem
    refused 1 "key.pem: holds a secret but is open to others" serve "$cert" key.pem
}

@test "serve: nothing is said to be served when the ready file cannot be written" {
    refused 1 "nowhere/ready.manage: cannot be written" "$TRUSTCHAIN" serve --project "$PROJECT" \
        --listen 127.0.0.1:0 --ready-file nowhere/ready
}
