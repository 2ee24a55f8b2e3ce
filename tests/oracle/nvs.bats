# NVS partitions against Espressif's nvs_partition_gen, which run.sh puts on the PATH.

bats_require_minimum_version 1.5.0

# A small share; by hand nvs.py runs hundreds, from any seed.
@test "nvs_partition_gen: the same bytes, or refused by both, for random CSVs" {
    "$BATS_TEST_DIRNAME/nvs.py" 20 1
}
