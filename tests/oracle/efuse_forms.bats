# The forms in which espefuse keeps eFuses: it reads what we convert, we read what it made.

bats_require_minimum_version 1.5.0
load ../cli/tool_helpers

setup_file() {
    make_product
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

fuses() {
    espefuse --chip esp32c6 --virt --path-efuse-file virt --do-not-confirm "$@"
}

# same_in_all_forms OURS: show and audit of our file, espefuse's, and its summary
same_in_all_forms() {
    fuses summary --format json --file summary.json
    "$TRUSTCHAIN" efuse show "$1" >expected
    "$TRUSTCHAIN" efuse show virt | tail -n +2 | diff expected -
    # without calibration and USB thresholds, which the summary does not list
    left_out='^(ADC1|OCODE|TEMP_CALIB|[AL]S?._|ACTIVE|LSLP|DSLP|DBIAS|SPI_PAD|SYS_DATA|USB_DREF)'
    diff <(grep -vE "$left_out" expected) \
        <("$TRUSTCHAIN" efuse show summary.json | tail -n +2 | grep -vE "$left_out")
    run "$TRUSTCHAIN" efuse audit "$1"
    grep -v xts-key-weak <<<"$output" | sed '/rules: /,$d' >expected
    for form in virt summary.json; do
        run "$TRUSTCHAIN" efuse audit "$form"
        tail -n +3 <<<"$output" | sed '/rules: /,$d' | diff expected -
    done
}

@test "eFuse forms: espefuse takes our converted file and goes on from there" {
    for file in factory production; do
        "$TRUSTCHAIN" efuse convert "$SHARED/$file.efuse" -o virt --to espefuse
        "$TRUSTCHAIN" efuse convert virt -o ours --to qemu
        same_in_all_forms ours
        fuses burn-efuse SECURE_VERSION 3
        fuses burn-custom-mac 60:55:f9:f7:2c:a4
        "$TRUSTCHAIN" efuse convert virt -o ours --to qemu
        [ "$("$TRUSTCHAIN" efuse show ours SECURE_VERSION)" = 3 ]
        same_in_all_forms ours
    done
}

@test "eFuse forms: what espefuse burned from nothing, in its file and its summary" {
    head -c 32 /dev/urandom >user.key
    fuses burn-key BLOCK_KEY0 "$FLASH_KEY" XTS_AES_128_KEY
    fuses burn-key-digest BLOCK_KEY2 "$SIGNING_KEY" SECURE_BOOT_DIGEST1
    fuses burn-key BLOCK_KEY5 user.key USER
    fuses burn-efuse SPI_BOOT_CRYPT_CNT 1 DIS_TWAI 1 WDT_DELAY_SEL 2 UART_PRINT_CONTROL 3
    "$TRUSTCHAIN" efuse convert virt -o ours --to qemu
    same_in_all_forms ours
    run "$TRUSTCHAIN" efuse audit summary.json
    [ "$status" -eq 1 ]
    [[ "$output" == *"crypt-count-open"* ]]
    cp virt theirs
    "$TRUSTCHAIN" efuse convert ours -o virt --to espefuse
    fuses summary --format json --file again.json
    cmp summary.json again.json
    # the registers that are read; programming leaves its traces in the others
    cmp -n 336 -i 132 virt theirs
}

@test "eFuse forms: the summary of another chip is refused" {
    espefuse --chip esp32s3 --virt --path-efuse-file s3 summary --format json --file s3.json
    espefuse --chip esp32c3 --virt --path-efuse-file c3 summary --format json --file c3.json
    for chip in s3 c3; do
        refused 1 "$chip.json: has " "$TRUSTCHAIN" efuse show $chip.json
    done
}
