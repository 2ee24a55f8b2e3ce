#!/usr/bin/env python3
"""kill -9 of the update server, or of PostgreSQL, at random points of load; then the store is read
without any of our code and compared with what the clients were told.

    tests/faults/kill.py --trustchain PATH --store sqlite|postgres [--kill server|postgres]
                         [--points N] [--seed N]

Devices poll, report and have their sets replaced under their feet; an operator assigns. Each keeps
a log of what it was answered. Whatever was answered well is in the store exactly once and whole;
what got no answer is there once for each time it was asked at most; nothing else is there.
PostgreSQL comes from tests/with-postgres. Prints TAP; exits with 0 when all of it holds.
"""
import argparse
import collections
import http.client
import json
import os
import pathlib
import random
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time

OPERATORS = 4
DEVICES = 12  # each has one operator
SETS = 100
DETAILS = 3  # messages of a report: all of them in the store, or none


class Lost(Exception):
    """No answer: it may have been done or not."""


class Client:
    """One keep-alive connection; connects again after it was lost."""

    def __init__(self, world, port, authorization):
        self.world, self.port, self.authorization = world, port, authorization
        self.connection = None

    def ask(self, method, path, body=None):
        headers = {"Authorization": self.authorization}
        if body is not None:
            body = json.dumps(body)
            headers["Content-Type"] = "application/json"
        try:
            if self.connection is None:
                self.connection = http.client.HTTPSConnection(
                    "127.0.0.1", self.port, context=self.world.tls, timeout=30)
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


class Report:
    """A message of a device: how often it was sent without an answer, and what came of it."""

    def __init__(self, device, action, text, final):
        self.device, self.action, self.text, self.final = device, action, text, final
        self.lost = 0
        self.taken = False


class Device(threading.Thread):
    def __init__(self, world, number):
        super().__init__()
        self.world, self.name_ = world, f"device-{number}"
        self.token = f"{number:032d}"
        self.random = random.Random(world.seed * 1000 + number)
        self.reports, self.ended, self.polls = [], [], 0
        self.client = Client(world, world.port, f"TargetToken {self.token}")
        self.base = f"/DEFAULT/controller/v1/{self.name_}"

    def run(self):
        while not self.world.failed:
            last = self.world.assigned.is_set()  # before it asks
            offer = self.client.until("GET", self.base)["_links"]
            self.polls += 1
            if "deploymentBase" in offer:
                self.install(int(offer["deploymentBase"]["href"].split("/")[-1].split("?")[0]))
            elif "cancelAction" in offer:
                self.give_up(int(offer["cancelAction"]["href"].split("/")[-1]))
            elif last:
                return

    def install(self, action):
        for step in range(self.random.randrange(4)):
            if not self.tell("deploymentBase", action, "proceeding", "none"):
                return
        success = self.random.random() < 0.8
        if self.tell("deploymentBase", action, "closed", "success" if success else "failure"):
            self.ended.append((action, success))

    def give_up(self, action):
        self.tell("cancelAction", action, "closed", "success")

    def tell(self, kind, action, execution, finished):
        """Until it is answered. False when the action is no longer ours to report on."""
        text = f"{self.name_} {action} {len(self.reports)}"
        report = Report(self.name_, action, text, execution == "closed")
        self.reports.append(report)
        body = {"status": {"execution": execution, "result": {"finished": finished},
                           "details": [f"{text} #{i}" for i in range(DETAILS)]}}
        while not self.world.failed:
            try:
                status, answer = self.client.ask(
                    "POST", f"{self.base}/{kind}/{action}/feedback", body)
            except Lost:
                report.lost += 1
                time.sleep(0.02)
                continue
            if status == 200:
                report.taken = True
                return True
            if status in (400, 404, 405, 410):  # it ended meanwhile: by the one that was lost?
                return report.final and report.lost > 0
            if status != 503:
                self.world.wrong(f"{text}: {status} {answer}")
            time.sleep(0.02)
        return False


class Operator(threading.Thread):
    """Gives its devices the next set, sometimes before they are done with the last one."""

    def __init__(self, world, number):
        super().__init__()
        self.world, self.number = world, number
        self.random = random.Random(world.seed * 1000 - number)
        self.client = Client(world, world.manage, f"Bearer {world.secret}")
        self.assigned = {}  # (device, set): the action or None, as told; requests without answer
        self.lost = 0

    def run(self):
        following = dict.fromkeys(range(self.number, DEVICES, OPERATORS), 0)
        while not self.world.quiet.is_set() and not self.world.failed:
            device = self.random.choice(list(following))
            if following[device] < SETS:
                self.assign(f"device-{device}", self.world.sets[following[device]])
                following[device] += 1
            time.sleep(self.random.random() * 0.03)

    def assign(self, device, dist_set):
        before = self.lost
        while not self.world.failed:
            try:
                status, answer = self.client.ask(
                    "POST", f"/rest/v1/targets/{device}/assignedDS", {"id": dist_set})
            except Lost:
                self.lost += 1
                time.sleep(0.02)
                continue
            if status in (200, 201):
                told = [int(one["id"]) for one in answer.get("assignedActions", [])]
                self.assigned[(device, dist_set)] = (told[0] if told else None,
                                                     self.lost - before)
                return
            if status != 503:
                self.world.wrong(f"assign {device}: {status} {answer}")
            time.sleep(0.02)


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class World:
    def __init__(self, options, folder):
        self.options, self.folder, self.seed = options, folder, options.seed
        self.random = random.Random(options.seed)
        self.failed, self.server = [], None
        self.quiet, self.assigned = threading.Event(), threading.Event()
        self.port, self.manage = free_port(), free_port()
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

    def wrong(self, text):
        self.failed.append(text)

    def start(self):
        ready = pathlib.Path(self.folder, "ready")
        ready.unlink(missing_ok=True)
        self.server = subprocess.Popen(
            [self.options.trustchain, "serve", "--releases", f"{self.folder}/releases",
             "--cert", f"{self.folder}/pki/server_cert.pem",
             "--key", f"{self.folder}/pki/server_key.pem", "--listen", f"127.0.0.1:{self.port}",
             "--manage", f"127.0.0.1:{self.manage}", "--ready-file", ready, "--artifacts", "any",
             "--log", f"{self.folder}/log"], env=self.environment, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while not ready.exists():
            if self.server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the server does not start: {self.server.poll()}")
            time.sleep(0.005)

    def kill_server(self):
        self.server.send_signal(signal.SIGKILL)
        self.server.wait()
        self.start()

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

    def furnish(self):
        admin = Client(self, self.manage, f"Bearer {self.secret}")
        admin.until("PUT", "/rest/v1/system/configs/authentication.targettoken.enabled",
                    {"value": True}, (200, 204))
        module = admin.until("POST", "/rest/v1/softwaremodules",
                             [{"name": "fw", "version": "1", "type": "os"}])[0]["id"]
        self.sets = [one["id"] for one in admin.until(
            "POST", "/rest/v1/distributionsets",
            [{"name": "fw", "version": str(i), "type": "os", "modules": [{"id": module}]}
             for i in range(SETS)])]
        admin.until("POST", "/rest/v1/targets",
                    [{"controllerId": f"device-{i}", "name": f"device-{i}",
                      "securityToken": f"{i:032d}"} for i in range(DEVICES)])

    def run(self):
        self.start()
        self.furnish()
        self.devices = [Device(self, i) for i in range(DEVICES)]
        self.operators = [Operator(self, i) for i in range(OPERATORS)]
        for thread in [*self.devices, *self.operators]:
            thread.daemon = True
            thread.start()
        kill = self.kill_server if self.options.kill == "server" else self.kill_postgres
        for point in range(self.options.points):
            time.sleep(0.02 + self.random.random() * 0.2)
            if self.failed:
                break
            kill()
        self.quiet.set()
        self.join(self.operators)
        self.assigned.set()
        self.join(self.devices)
        self.server.terminate()
        if self.server.wait(30) != 0:
            self.wrong("the server did not end well")

    def join(self, threads):
        for thread in threads:
            thread.join(60)
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


class Checks:
    def __init__(self, world):
        self.world, self.number, self.bad = world, 0, 0

    def check(self, name, problems):
        self.number += 1
        for problem in problems[:10]:
            print(f"# {problem}")
        print(f"{'not ok' if problems else 'ok'} {self.number} {self.world.title}: {name}")
        self.bad += bool(problems)

    def messages(self):
        """Every report: whole, and as often as its answers say."""
        reports = {r.text: r for device in self.world.devices for r in device.reports}
        at = collections.defaultdict(lambda: collections.defaultdict(list))
        problems = []
        for status, action, text in self.world.rows(
                "SELECT m.status, s.action, m.text FROM action_message AS m JOIN action_status"
                " AS s ON s.id = m.status WHERE m.text LIKE 'device-%'"):
            message, part = text.rsplit(" #", 1)
            at[message][status].append(int(part))
            if message not in reports or reports[message].action != action:
                problems.append(f"nobody reported {text!r} of action {action}")
        for text, report in reports.items():
            found = at[text]
            if any(sorted(parts) != list(range(DETAILS)) for parts in found.values()):
                problems.append(f"{text!r} is there by halves: {dict(found)}")
            if not report.taken <= len(found) <= report.taken + report.lost:
                problems.append(f"{text!r} is there {len(found)} times, answered "
                                f"{int(report.taken)}, unanswered {report.lost}")
        self.check(f"{len(reports)} reports, each whole and once", problems)

    def actions(self):
        """One for each assignment; more only where an answer was lost and the device had failed
        before the operator asked again: then it is meant to get the set once more."""
        assigned, problems, found = {}, [], collections.defaultdict(list)
        for operator in self.world.operators:
            assigned.update(operator.assigned)
        for action, device, dist_set, state in self.world.rows(
                "SELECT a.id, t.controller_id, a.dist_set, a.state FROM action AS a"
                " JOIN target AS t ON t.id = a.target"):
            found[(device, dist_set)].append((action, state))
        problems += [f"{pair} was never assigned" for pair in found if pair not in assigned]
        for pair, (told, lost) in assigned.items():
            actions = sorted(found[pair])
            if not 1 <= len(actions) <= 1 + lost or any(s != "error" for _, s in actions[:-1]):
                problems.append(f"{pair}: actions {actions}, {lost} requests unanswered")
            elif told not in (None, actions[-1][0]):
                problems.append(f"{pair}: actions {actions}, told was {told}")
        self.check(f"{len(assigned)} assignments, an action each", problems)
        lines = collections.Counter(
            row[0] for row in self.world.rows("SELECT subject FROM audit WHERE verb ="
                                              " 'target.assign'"))
        wanted = collections.Counter()
        for (device, _), actions in found.items():
            wanted[f"target {device}"] += len(actions)
        self.check("a line of the audit log for each", [
            f"{subject}: {lines[subject]} lines for {wanted[subject]}"
            for subject in {*lines, *wanted} if lines[subject] != wanted[subject]])

    def ends(self):
        state = {row[0]: row[1:] for row in self.world.rows(
            "SELECT id, state, active, dist_set FROM action")}
        problems = [f"action {action} is {row[0]}, active {row[1]}"
                    for action, row in state.items() if row[1] != 0]
        installed = dict(self.world.rows("SELECT controller_id, installed_set FROM target"))
        for device in self.world.devices:
            good = None
            for action, success in device.ended:
                if state[action][0] != ("finished" if success else "error"):
                    problems.append(f"action {action} ended {success}, is {state[action][0]}")
                good = state[action][2] if success else good
            if installed[device.name_] != good:
                problems.append(f"{device.name_} has {installed[device.name_]}, reported {good}")
        self.check("actions and targets are as last reported", problems)

    def store(self):
        if self.world.options.store == "sqlite":
            self.check("SQLite finds nothing wrong", [
                str(row) for sql in ("PRAGMA integrity_check", "PRAGMA foreign_key_check")
                for row in self.world.rows(sql) if row != ["ok"]])
        audit = subprocess.run([self.world.options.trustchain, "audit", "verify"],
                               env=self.world.environment, capture_output=True, text=True)
        self.check("the audit log holds", [] if audit.returncode == 0 else [audit.stderr])

    def all(self):
        self.check(f"{self.world.options.points} kills, every answer as expected",
                   self.world.failed)
        if not self.world.failed:
            self.messages()
            self.actions()
            self.ends()
        self.store()
        print(f"1..{self.number}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--trustchain", required=True)
    parser.add_argument("--store", choices=["sqlite", "postgres"], required=True)
    parser.add_argument("--kill", choices=["server", "postgres"], default="server")
    parser.add_argument("--points", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # not without the server it started
    with tempfile.TemporaryDirectory(prefix="trustchain-faults.") as folder:
        world = World(options, folder)
        world.title = f"{options.kill} killed on {options.store}"
        began = time.monotonic()
        try:
            world.run()
        finally:
            if world.server is not None and world.server.poll() is None:
                world.server.kill()
        checks = Checks(world)
        checks.all()
        polls = sum(device.polls for device in world.devices)
        lost = sum(r.lost for device in world.devices for r in device.reports)
        lost += sum(operator.lost for operator in world.operators)
        print(f"# seed {options.seed}, {time.monotonic() - began:.0f} s, {polls} polls, "
              f"{lost} requests without an answer")
        if checks.bad and os.path.exists(f"{folder}/log"):
            print("".join(f"# {line}" for line in open(f"{folder}/log").readlines()[-20:]))
    sys.exit(checks.bad > 0)


main()
