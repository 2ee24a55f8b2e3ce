"""What the store must say after the kills, read by other means than ours. See kill.py."""
import collections
import subprocess

from load import DETAILS


class Checks:
    def __init__(self, world):
        self.world, self.number, self.bad = world, 0, 0
        self.devices, self.operators = [], []

    def check(self, name, problems):
        self.number += 1
        for problem in problems[:10]:
            print(f"# {problem}")
        print(f"{'not ok' if problems else 'ok'} {self.number} {self.world.title}: {name}")
        self.bad += bool(problems)

    def messages(self):
        """Every report: whole, and as often as its answers say."""
        reports = {r.text: r for device in self.devices for r in device.reports}
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
        for operator in self.operators:
            assigned.update(operator.assigned)
        for action, device, dist_set, state in self.world.rows(
                "SELECT a.id, t.controller_id, a.dist_set, a.state FROM action AS a"
                " JOIN target AS t ON t.id = a.target WHERE a.rollout IS NULL"):
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
        for device in self.devices:
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
