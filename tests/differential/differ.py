"""differ.py: see `run`. Each case has its own random generator, from the seed, the format and the
case's number: --only FORMAT:INDEX repeats one, in the folder it names."""
import argparse
import collections
import os
import pathlib
import random
import shutil
import sys
import tempfile

import formats
from tools import Mismatch

FORMATS = ["image", "key", "signature", "crypt", "partition", "efuse", "nvs"]


def options():
    parser = argparse.ArgumentParser(prog="tests/differential/run")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--count", type=int, default=200, help="cases of each format")
    parser.add_argument("--only", metavar="FORMAT[:INDEX]", default="")
    parser.add_argument("--gen-esp32part", metavar="FILE", type=pathlib.Path,
                        help="ESP-IDF's partition table generator, which is not on PyPI")
    return parser.parse_args()


def case_of(name, generator):
    if name != "partition":
        return getattr(formats, name)
    if generator is None:
        return None
    return lambda rng: formats.partition(rng, generator.resolve())


def run_format(name, case, seed, indices, folder):
    """(Counter of outcomes, number of mismatches). A case's folder is kept when it fails."""
    outcomes = collections.Counter()
    for index in indices:
        place = folder / f"{name}-{index}"
        place.mkdir()
        os.chdir(place)
        try:
            outcomes[case(random.Random(f"{seed}/{name}/{index}"))] += 1
            os.chdir(folder)
            shutil.rmtree(place)
        except Mismatch as difference:
            outcomes["DIFFERENT"] += 1
            print(f"{name}:{index} DIFFERENT (files in {place}): {difference}")
    return outcomes


def main():
    chosen = options()
    only, _, index = chosen.only.partition(":")
    if only and only not in FORMATS:
        sys.exit(f"tests/differential/run: no format '{only}' ({', '.join(FORMATS)})")
    indices = [int(index)] if index else range(chosen.count)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="differential-"))
    total = collections.Counter()
    print(f"seed {chosen.seed}")
    for name in [only] if only else FORMATS:
        case = case_of(name, chosen.gen_esp32part)
        if case is None:
            print(f"{name}: not run, it needs --gen-esp32part FILE")
            continue
        outcomes = run_format(name, case, chosen.seed, indices, folder)
        total += outcomes
        for outcome, times in sorted(outcomes.items()):
            print(f"{name:10} {times:5}  {outcome}", flush=True)
    different = total["DIFFERENT"]
    if different == 0:
        shutil.rmtree(folder)
    print(f"{sum(total.values()) - different} passed, {different} failed")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
