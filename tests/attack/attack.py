#!/usr/bin/env python3
"""Attacks on the update server, one after the other, while two well-behaved devices poll.

    tests/attack/attack.py --trustchain PATH [--seconds N] [--only NAME]

One device keeps its connection, the other comes anew for each poll. Every poll has to be answered
with 200 within PATIENCE_S, and 99 of 100 within P99_S; the server's resident memory may not grow
beyond what its connections are allowed. Attackers are processes of their own and only speak to the
server this starts on 127.0.0.1. Prints TAP; exits with 0 when all of it held.
"""
import argparse
import http.client
import multiprocessing
import os
import pathlib
import re
import resource
import selectors
import socket
import sqlite3
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

PATIENCE_S = 10
ATTACKER_S = 60  # for what it began
P99_S = 5  # where all connections are taken, those who say nothing make room after 3 s
TOKEN = "0123456789abcdef0123456789abcdef"
PEER_BYTES = 64 << 10  # resident memory that one connection may cost
PEERS = 10000
BESIDE_BYTES = 128 << 20
FLOOD = 50000
FLOODERS = 4


def client_tls(protocols=("http/1.1",)):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(list(protocols))
    return context


def dial(port, context, timeout=10):
    link = socket.create_connection(("127.0.0.1", port), timeout)
    return context.wrap_socket(link)


def until(end, deed):
    """Again and again; what the server does to the attacker is the attacker's business."""
    while time.time() < end:
        try:
            deed()
        except OSError:
            pass


# Attacks. Each is (port, number of the process, seconds).


def slow_loris(port, number, seconds):
    """600 connections, each with a head that never ends, a byte a second."""
    end, context, links = time.time() + seconds, client_tls(), []
    while time.time() < end:
        while len(links) < 150 and time.time() < end:
            try:
                links.append(dial(port, context))
                links[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ")
            except OSError:
                pass
        for link in list(links):
            try:
                link.sendall(b"a")
            except OSError:
                links.remove(link)
        time.sleep(1)


def half_open(port, number, seconds):
    """Connections that say nothing, and as many that begin a handshake and stop."""
    end, links = time.time() + seconds, []

    def more():
        link = socket.create_connection(("127.0.0.1", port), 1)
        links.append(link)
        if len(links) % 2:
            link.sendall(b"\x16\x03\x01")
        if len(links) == 2000:
            links.clear()
    until(end, more)


def large_heads(port, number, seconds):
    """Heads of 1 MB: in one field, and in 25,000."""
    context = client_tls()
    one = b"X-A: " + b"a" * 1000000 + b"\r\n"
    many = b"".join(b"X-%d: aaaaaaaaaaaaaaaaaaaaaaaaa\r\n" % i for i in range(25000))

    def send():
        for fields in one, many:
            with dial(port, context) as link:
                link.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + fields + b"\r\n")
                if link.recv(4096).startswith(b"HTTP/1.1 2"):
                    raise SystemExit("a head of 1 MB was answered well")
    until(time.time() + seconds, send)


POST = b"POST /DEFAULT/controller/v1/d HTTP/1.1\r\nHost: x\r\n"
NEXT = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
SMUGGLED = [
    POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
    POST + b"Content-Length: 5\r\n folded: 0\r\n\r\nabcde",
    POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    POST + b"Content-Length: 5\n\nContent-Length: 0\r\n\r\nabcd",
    POST + b"X: y\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    POST + b"X: y\rContent-Length: 5\r\n\r\nabcde",
    POST + b"Transfer-Encoding: chunked\r\n\r\n5;a=\"\n\r\nabcde\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabcde\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nabcde\r\n0\r\n\r\n",
]
# Allowed, if of no use: the request that follows is one.
EXTENDED = [
    POST + b"Transfer-Encoding: chunked\r\n\r\n5;" + b"a" * 1000000 + b"\r\nabcde\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1;a\r\na\r\n" * 70000 + b"0\r\n\r\n",
]


def smuggling(port, number, seconds):
    """Requests that two programs might cut differently: what follows is never read as one."""
    context = client_tls()

    def send():
        for text in SMUGGLED + EXTENDED:
            answer = b""
            try:
                with dial(port, context) as link:
                    link.settimeout(2)
                    link.sendall(text + NEXT)
                    while part := link.recv(65536):
                        answer += part
            except OSError:
                pass
            if text in SMUGGLED and re.search(rb"HTTP/1.1 200", answer):
                raise SystemExit(f"{text[50:110]}: what follows was answered")
    until(time.time() + seconds, send)


def many_ranges(port, number, seconds):
    """Thousands of tiny ranges, and of overlapping ones, of a published image."""
    context = client_tls()
    tiny = ",".join(f"{2 * i}-{2 * i}" for i in range(4000))
    overlapping = ",".join(f"{i}-" for i in range(5000))

    def send():
        link = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=10)
        for ranges in tiny, overlapping, "0-0," * 1000 + "0-":
            link.request("GET", "/ota/thermo/stable.bin", headers={"Range": "bytes=" + ranges})
            answer = link.getresponse()
            length = len(answer.read())
            if answer.status not in (200, 206, 416) or length > SIZE:
                raise SystemExit(f"ranges were answered with {answer.status}, {length} bytes")
        link.close()
    until(time.time() + seconds, send)


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + \
        struct.pack(">I", stream) + payload


def rapid_reset(port, number, seconds):
    """HTTP/2 requests, each taken back at once."""
    context = client_tls(["h2"])
    path = b"/ota/thermo/stable.bin"
    block = b"\x82\x87\x04" + bytes([len(path)]) + path + b"\x01\x01x"

    def send():
        with dial(port, context) as link:
            link.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0))
            for stream in range(1, 4001, 200):
                link.sendall(b"".join(
                    frame(1, 5, at, block) + frame(3, 0, at, struct.pack(">I", 8))
                    for at in range(stream, stream + 200, 2)))
    until(time.time() + seconds, send)


def flood(port, number, seconds):
    """A share of 50,000 connections, from several addresses; each begins a handshake and stops."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    wanted = FLOOD // FLOODERS
    held, attempted = [], 0
    end = time.time() + 2 * seconds
    with selectors.DefaultSelector() as selector:
        while time.time() < end:
            while attempted < wanted and len(held) < files - 64:
                link = socket.socket()
                link.setblocking(False)
                link.bind((f"127.0.0.{2 + number}", 0))
                link.connect_ex(("127.0.0.1", port))
                held.append(link)
                selector.register(link, selectors.EVENT_WRITE)
                attempted += 1
                if attempted % 500 == 0:
                    break
            for key, _ in selector.select(0.05):
                selector.unregister(key.fileobj)
                try:
                    key.fileobj.send(b"\x16\x03\x01")
                except OSError:
                    pass
    if attempted < wanted:
        print(f"# {attempted} of {wanted} connections attempted, in the time there was and with"
              f" {files} files", flush=True)


ATTACKS = [slow_loris, half_open, large_heads, smuggling, many_ranges, rapid_reset, flood]
SIZE = 300000  # of the published image


# The server and its devices


class Server:
    def __init__(self, command, folder):
        self.project = folder / "project"
        self.ready = folder / "ready"
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([command, "init", self.project, "--name", "thermo"], check=True, **quiet)
        (folder / "image").write_bytes(bytes(range(250)) * (SIZE // 250))
        subprocess.run([command, "release", "publish", folder / "image", "--unchecked", "--as",
                        "1.0.0", "--product", "thermo", "--releases", self.project / "releases"],
                       check=True, **quiet)
        self.process = subprocess.Popen(
            [command, "serve", "--project", self.project, "--listen", "127.0.0.1:0", "--manage",
             "none", "--ready-file", self.ready, "--log", folder / "log"], **quiet)
        while not self.ready.exists() or not self.ready.read_text():
            if self.process.poll() is not None:
                sys.exit("the server did not start")
            time.sleep(0.05)
        self.port = int(self.ready.read_text())
        with sqlite3.connect(self.project / "fleet.db", timeout=30) as store:
            store.executemany(
                "INSERT INTO target (tenant, controller_id, name, security_token, update_status,"
                " created_at, created_by, changed_at, changed_by)"
                " VALUES (1, ?, ?, ?, 'unknown', 1, 't', 1, 't')",
                [(name, name, TOKEN) for name in ("stays", "comes")])

    def memory(self, field):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{field}:\s+(\d+) kB", status)[1]) << 10

    def forget_peak(self):
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")


class Device(threading.Thread):
    """Polls until told to stop; keeps how long each answer took, and what went wrong."""

    def __init__(self, server, name, stays):
        super().__init__()
        self.port, self.device, self.stays = server.port, name, stays
        self.done, self.took, self.wrong = threading.Event(), [], []
        self.context, self.link = client_tls(), None

    def poll(self):
        if self.link is None:
            self.link = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context,
                                                    timeout=PATIENCE_S)
        self.link.request("GET", f"/DEFAULT/controller/v1/{self.device}",
                          headers={"Authorization": f"TargetToken {TOKEN}"})
        answer = self.link.getresponse()
        answer.read()
        if answer.status != 200:
            self.wrong.append(answer.status)
        if not self.stays:
            self.link.close()
            self.link = None

    def run(self):
        while not self.done.is_set():
            since = time.monotonic()
            try:
                self.poll()
            except (OSError, http.client.HTTPException) as error:
                self.wrong.append(repr(error))
                self.link = None
            self.took.append(time.monotonic() - since)
            time.sleep(0.02)

    def report(self):
        self.took.sort()
        p99 = self.took[len(self.took) * 99 // 100]
        text = (f"{self.device} {len(self.took)} polls, p50 {1e3 * self.took[len(self.took) // 2]:.1f}"
                f" ms, p99 {1e3 * p99:.1f} ms, longest {1e3 * self.took[-1]:.0f} ms")
        problem = f"{len(self.wrong)} not answered well: {self.wrong[0]}" if self.wrong else None
        return text, problem or (f"p99 is {p99:.1f} s" if p99 > P99_S else None)


def attack_from(attack, *arguments):
    os.nice(19)  # the machine's processors are the devices' and the server's
    attack(*arguments)


def run_attack(server, attack, seconds):
    """What went wrong, a line each."""
    devices = [Device(server, "stays", True), Device(server, "comes", False)]
    server.forget_peak()
    attackers = [multiprocessing.Process(target=attack_from,
                                         args=(attack, server.port, i, seconds))
                 for i in range(FLOODERS)]
    for one in attackers + devices:  # a fork beside running threads may never come back
        one.start()
    for one in attackers:
        one.join(seconds + ATTACKER_S)
        if one.exitcode is None:
            one.kill()
            one.join()
    wrong = [f"attacker {one.exitcode}" for one in attackers if one.exitcode != 0]
    for device in devices:
        device.done.set()
        device.join()
        text, problem = device.report()
        print(f"# {attack.__name__}: {text}")
        wrong += [f"{device.device}: {problem}"] if problem else []
    peak = server.memory("VmHWM")
    print(f"# {attack.__name__}: resident at most {peak >> 20} MB", flush=True)
    if server.process.poll() is not None:
        wrong.append("the server has ended")
    elif peak > PEERS * PEER_BYTES + BESIDE_BYTES:
        wrong.append(f"resident memory is {peak >> 20} MB")
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--trustchain", required=True)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--only")
    options = parser.parse_args()
    attacks = [one for one in ATTACKS if options.only in (None, one.__name__)]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        server = Server(options.trustchain, pathlib.Path(folder))
        print(f"1..{len(attacks)}")
        for number, attack in enumerate(attacks, 1):
            wrong = run_attack(server, attack, options.seconds)
            failed += bool(wrong)
            print(f"{'not ' if wrong else ''}ok {number} {attack.__doc__.splitlines()[0]}")
            for line in wrong:
                print(f"# {line}")
        server.process.terminate()
        server.process.wait()
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
