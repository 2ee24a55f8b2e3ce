# Client certificates of devices.

bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR"
    "$TRUSTCHAIN" pki ca pki
    ca=(--ca-cert pki/ca_cert.pem --ca-key pki/ca_key.pem)
}

@test "pki device: a certificate that TLS takes for this client and for nothing else" {
    "$TRUSTCHAIN" pki device "${ca[@]}" sensor-7
    openssl verify -x509_strict -purpose sslclient -CAfile pki/ca_cert.pem sensor-7_cert.pem
    run ! openssl verify -x509_strict -purpose sslserver -CAfile pki/ca_cert.pem sensor-7_cert.pem
    [ "$(openssl x509 -in sensor-7_cert.pem -noout -subject)" = "subject=CN = sensor-7" ]
    openssl x509 -in sensor-7_cert.pem -noout -text | grep -q "Public Key Algorithm: id-ecPublicKey"
    openssl x509 -in sensor-7_cert.pem -noout -text | grep -q "CA:FALSE"
    [ "$(openssl x509 -in sensor-7_cert.pem -noout -pubkey)" = "$(openssl pkey -in sensor-7_key.pem -pubout)" ]
    [ "$(stat -c %a sensor-7_key.pem sensor-7_cert.pem | xargs)" = "600 644" ]
}

@test "pki device: many, by a list and by a project; serial numbers differ" {
    "$TRUSTCHAIN" init --no-keys product
    printf '# floor 1\n  a:1 \r\n\nb.2 # by the door\nc_3' >names
    "$TRUSTCHAIN" pki device -p product --list names d-4 --days 30
    for name in a:1 b.2 c_3 d-4; do
        openssl verify -purpose sslclient -CAfile product/pki/ca_cert.pem \
            "product/pki/devices/${name}_cert.pem"
        openssl x509 -in "product/pki/devices/${name}_cert.pem" -noout -serial
    done >out
    [ "$(grep -c OK out)" -eq 4 ]
    [ "$(grep serial out | sort -u | wc -l)" -eq 4 ]
    [ "$(stat -c %a product/pki/devices)" = 700 ]
    openssl x509 -in product/pki/devices/d-4_cert.pem -noout -checkend $((29 * 86400))
    run ! openssl x509 -in product/pki/devices/d-4_cert.pem -noout -checkend $((31 * 86400))
}

@test "pki device: one that is there keeps its key, the others are made" {
    "$TRUSTCHAIN" pki device "${ca[@]}" a
    before=$(sha256sum a_key.pem a_cert.pem)
    run -1 --separate-stderr "$TRUSTCHAIN" pki device "${ca[@]}" a b
    [[ $stderr == "trustchain: ./a_key.pem: "* ]]
    [ "$before" = "$(sha256sum a_key.pem a_cert.pem)" ]
    [ -s b_cert.pem ]
}

@test "pki device: names that are none, and nothing is made" {
    for name in "" ../a a/b .a -- "a b" "$(printf 'a%.0s' {1..65})" $'a\nb' 'ü'; do
        run -1 --separate-stderr "$TRUSTCHAIN" pki device "${ca[@]}" good "x$name/" -- "$name"
        [[ $stderr == *"is no name of a device"* ]]
    done
    run -1 --separate-stderr "$TRUSTCHAIN" pki device "${ca[@]}" good ../a
    [[ $stderr == "trustchain: ../a: is no name of a device"* ]]
    [ -z "$(find . -name "*.pem" -not -path "./pki/*")" ]
    run -2 "$TRUSTCHAIN" pki device "${ca[@]}"
    run -2 "$TRUSTCHAIN" pki device a
    run -2 "$TRUSTCHAIN" pki device "${ca[@]}" a --days 0
}
