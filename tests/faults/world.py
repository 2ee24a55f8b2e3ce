"""Servers on one store, what kills them, and their clients. See kill.py."""
import http.client
import itertools
import json
import os
import pathlib
import random
import signal
import socket
import sqlite3
import ssl
import subprocess
import threading
import time


class Lost(Exception):
    """No answer: it may have been done or not."""


class Client:
    """One keep-alive connection; connects again, to any server, after it was lost."""

    def __init__(self, world, ports, authorization):
        self.world, self.ports, self.authorization = world, ports, authorization
        self.connection = None

    def ask(self, method, path, body=None):
        headers = {"Authorization": self.authorization}
        if body is not None:
            body = json.dumps(body)
            headers["Content-Type"] = "application/json"
        try:
            if self.connection is None:
                self.connection = http.client.HTTPSConnection(
                    "127.0.0.1", random.choice(self.ports), context=self.world.tls, timeout=30)
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            if self.connection is not None:
                self.connection.close()
            self.connection = None
            raise Lost from None
        if answer.status == 503 and b"may be done or not" in text.replace(b"this ", b""):
            raise Lost
        return answer.status, json.loads(text) if text else None

    def until(self, method, path, body=None, good=(200, 201)):
        """Asks until it is answered; for what may be done twice."""
        while not self.world.failed:
            try:
                status, answer = self.ask(method, path, body)
                if status in good:
                    return answer
                if status != 503:
                    self.world.wrong(f"{method} {path}: {status} {answer}")
                    raise SystemExit
            except Lost:
                pass
            time.sleep(0.02)
        raise SystemExit


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Server:
    """One process; all have the same store and releases."""

    def __init__(self, world, number):
        self.world, self.ready = world, pathlib.Path(world.folder, f"ready{number}")
        self.port, self.manage, self.process = free_port(), free_port(), None

    def start(self):
        folder = self.world.folder
        self.ready.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [self.world.options.trustchain, "serve", "--releases", f"{folder}/releases",
             "--cert", f"{folder}/pki/server_cert.pem", "--key", f"{folder}/pki/server_key.pem",
             "--listen", f"127.0.0.1:{self.port}", "--manage", f"127.0.0.1:{self.manage}",
             "--ready-file", self.ready, "--artifacts", "any", "--log", f"{folder}/log"],
            env=self.world.environment, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while not self.ready.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the server does not start: {self.process.poll()}")
            time.sleep(0.005)


class World:
    def __init__(self, options, folder):
        self.options, self.folder, self.seed = options, folder, options.seed
        self.random = random.Random(options.seed)
        self.failed, self.clock = [], itertools.count(1)
        self.quiet, self.assigned = threading.Event(), threading.Event()
        self.servers = [Server(self, number) for number in range(options.servers)]
        run = lambda *words: subprocess.run([options.trustchain, *words], check=True)
        run("pki", "ca", f"{folder}/pki")
        run("pki", "server", f"{folder}/pki", "--ip", "127.0.0.1")
        os.mkdir(f"{folder}/releases")
        self.tls = ssl.create_default_context(cafile=f"{folder}/pki/ca_cert.pem")
        if options.store == "sqlite":
            self.url = f"sqlite:{folder}/fleet.db"
        else:
            self.url = os.environ["TRUSTCHAIN_TEST_POSTGRES"]
        leaks = pathlib.Path(__file__).parent.parent / "cli" / "lsan.supp"  # libh2o's own
        self.environment = {**os.environ, "TRUSTCHAIN_STORE": self.url,
                            "LSAN_OPTIONS": f"suppressions={leaks}:print_suppressions=0"}
        self.secret = subprocess.run(
            [options.trustchain, "token", "create", "operator", "--role", "admin"], check=True,
            env=self.environment, stdout=subprocess.PIPE, text=True).stdout.strip()

    def device_client(self, token):
        return Client(self, [server.port for server in self.servers], f"TargetToken {token}")

    def operator_client(self):
        return Client(self, [server.manage for server in self.servers], f"Bearer {self.secret}")

    def wrong(self, text):
        self.failed.append(text)

    def now(self):
        """Of all that happens, what happened before what."""
        return next(self.clock)

    def kill_server(self):
        server = self.random.choice(self.servers)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        server.start()

    def kill_postgres(self):
        """The postmaster and all that work for it, as a machine that loses its power would."""
        master = int(pathlib.Path(os.environ["POSTGRES_PID_FILE"]).read_text().split()[0])
        os.kill(master, signal.SIGSTOP)  # nobody is added meanwhile
        children = pathlib.Path(f"/proc/{master}/task/{master}/children").read_text().split()
        for pid in [master, *map(int, children)]:
            os.kill(pid, signal.SIGKILL)
        while any(os.path.exists(f"/proc/{pid}") and
                  " Z " not in pathlib.Path(f"/proc/{pid}/stat").read_text()
                  for pid in [master, *map(int, children)]):
            time.sleep(0.005)
        # Where nobody buries the dead (containers), their ids look alive.
        locks = pathlib.Path(os.environ["POSTGRES_START"]).parent.glob(".s.PGSQL.*.lock")
        for lock in [pathlib.Path(os.environ["POSTGRES_PID_FILE"]), *locks]:
            lock.unlink()
        subprocess.run([os.environ["POSTGRES_START"]], check=True)

    def start(self):
        for server in self.servers:
            server.start()

    def run(self, devices, operators):
        """All of them at work while one of us is killed again and again; then to a quiet end."""
        for thread in [*devices, *operators]:
            thread.daemon = True
            thread.start()
        kill = self.kill_server if self.options.kill == "server" else self.kill_postgres
        for _ in range(self.options.points):
            time.sleep(0.02 + self.random.random() * 0.2)
            if self.failed:
                break
            kill()
        self.quiet.set()
        self.join(operators)
        self.assigned.set()
        self.join(devices)
        for server in self.servers:
            server.process.terminate()
        for server in self.servers:
            if server.process.wait(30) != 0:
                self.wrong("a server did not end well")

    def end(self):
        for server in self.servers:
            if server.process is not None and server.process.poll() is None:
                server.process.kill()

    def join(self, threads):
        for thread in threads:
            thread.join(120)
            if thread.is_alive():
                self.wrong(f"{thread} does not come to an end")

    def rows(self, sql):
        """Read by other means than ours."""
        if self.options.store == "sqlite":
            with sqlite3.connect(f"file:{self.folder}/fleet.db?mode=ro", uri=True) as store:
                return [list(row) for row in store.execute(sql)]
        text = subprocess.run(
            ["psql", "-XAtq", self.url, "-c",
             f"SELECT json_agg(json_build_array({sql.split('FROM')[0].replace('SELECT', '')}))"
             f" FROM {sql.split('FROM', 1)[1]}"],
            check=True, stdout=subprocess.PIPE, text=True).stdout
        return json.loads(text or "null") or []
