"""Espressif's tools (in this process: starting Python for each would take most of the time) and
ours, with one answer: did it accept, and what did it say."""
import contextlib
import io
import os
import pathlib
import subprocess
import sys

import espefuse
import espsecure
import esptool

TRUSTCHAIN = os.environ["TRUSTCHAIN"]


class Answer:
    def __init__(self, accepted, text):
        self.accepted = accepted
        self.text = " ".join(text.split())

    def __repr__(self):
        return ("accepts" if self.accepted else "refuses") + ": " + self.text[-300:]


def official(main, *words):
    said = io.StringIO()
    accepted = True
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            main([str(word) for word in words])
        except SystemExit as end:
            accepted = end.code in (None, 0)
        except Exception as error:  # their traceback is a refusal, too
            accepted = False
            said.write(f"{type(error).__name__}: {error}")
    return Answer(accepted, said.getvalue())


def esptool_run(*words):
    return official(esptool.main, "--chip", "esp32c6", *words)


def espsecure_run(*words):
    return official(espsecure.main, *words)


def espefuse_run(*words):
    return official(espefuse.main, "--chip", "esp32c6", "--virt", "--path-efuse-file", "virt",
                    "--do-not-confirm", *words)


def script_run(script, *words):
    """A Python program of Espressif's that is a file, not a package."""
    done = subprocess.run([sys.executable, script, *map(str, words)], capture_output=True)
    return Answer(done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace"))


def ours_run(*words):
    done = subprocess.run([TRUSTCHAIN, *map(str, words)], capture_output=True,
                          stdin=subprocess.DEVNULL)
    said = (done.stdout + done.stderr).decode(errors="replace")
    if done.returncode not in (0, 1, 2):
        raise Mismatch(f"ours ended with {done.returncode}: {said}")
    return Answer(done.returncode == 0, said)


class Mismatch(Exception):
    """What the two do differently and no list explains."""


def compare(theirs, ours, their_file, our_file, known):
    """"same" for equal files, "both refuse", or the reason of a known difference: `known` is a list
    of (who refuses, words in its message, reason)."""
    if theirs.accepted and ours.accepted:
        left, right = (pathlib.Path(name).read_bytes() for name in (their_file, our_file))
        if left == right:
            return "same"
        at = next((i for i, pair in enumerate(zip(left, right)) if pair[0] != pair[1]),
                  min(len(left), len(right)))
        raise Mismatch(f"{len(left)} and {len(right)} bytes, the first difference at {at:#x}")
    return verdicts(theirs, ours, known)


def verdicts(theirs, ours, known=()):
    if theirs.accepted == ours.accepted:
        return "both accept" if ours.accepted else "both refuse"
    who, answer = ("they", theirs) if ours.accepted else ("we", ours)
    for refuses, words, reason in known:
        if refuses == who and words in answer.text:
            return f"only {who} refuse: {reason}"
    raise Mismatch(f"theirs {theirs!r}; ours {ours!r}")
