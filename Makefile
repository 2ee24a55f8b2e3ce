# Trustchain. `make demo` and `make test` work on a fresh Debian 12: they install what is missing.
#
#   make            build the release preset: build/release/trustchain
#   make demo       the whole workflow on the virtual chip; results in out/demo/
#   make test       every test; ends with a line "N passed, N failed"
#   make bench      figures against their baselines, out/bench.json (ONLY=chip|device|tools|server|fleet)
#   make firmware   the example app for a project: PROJECT=DIR VERSION=1.0.0 OUT=app.elf
#   make package    a Debian package of the command: out/trustchain_*.deb
#   make differential  generated inputs through Espressif's tools and ours (SEED=1 COUNT=200)
#   make format     clang-format on our own code; make lint checks it and runs clang-tidy
#   make fuzz       each fuzz target for FUZZ_SECONDS (60)
#   make clean      remove build/ and out/ (fetched sources in build/sources too)

SHELL := /bin/bash
FUZZ_SECONDS ?= 60
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(shell nproc)

.PHONY: all demo test bench firmware package differential format lint fuzz clean

all:
	@packaging/install-deps build
	@packaging/build release

demo: all
	@demo/run

test:
	@packaging/install-deps build test
	@tests/run

bench: all
	@packaging/install-deps test bench
	@bench/run $(ONLY)

firmware: all
	@device/app/firmware-of-project "$(PROJECT)" "$(VERSION)" "$(OUT)"

package: all
	@packaging/package

differential: all
	@packaging/install-deps build test
	@tests/differential/run --seed $(or $(SEED),1) --count $(or $(COUNT),200)

format:
	@packaging/install-deps lint
	@packaging/own-files | xargs clang-format -i

lint:
	@packaging/install-deps build lint
	@packaging/own-files | xargs clang-format --dry-run --Werror
	@packaging/build release
	@packaging/own-files | grep -v '^device/\|^fuzz/\|^tests/' | grep '\.c$$' | \
		xargs -P "$$(nproc)" -n 8 clang-tidy -p build/release --quiet 2>/dev/null

fuzz:
	@packaging/install-deps build fuzz
	@packaging/build fuzz
	@fuzz/run $(FUZZ_SECONDS)

clean:
	rm -rf build out
