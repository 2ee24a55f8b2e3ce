"""Devices that report, and operators that assign under their feet. See kill.py."""
import random
import threading
import time

from world import Lost

OPERATORS = 4
DEVICES = 12  # each has one operator
SETS = 100
DETAILS = 3  # messages of a report: all of them in the store, or none


class Report:
    """A message of a device: how often it was sent without an answer, and what came of it."""

    def __init__(self, device, action, text, final):
        self.device, self.action, self.text, self.final = device, action, text, final
        self.lost = 0
        self.taken = False


class Device(threading.Thread):
    success = 0.8  # of its updates
    rest = 0.0  # seconds between polls

    def __init__(self, world, name, number):
        super().__init__()
        self.world, self.name_ = world, f"device-{name}"
        self.token = f"{number:032d}"
        self.random = random.Random(world.seed * 1000 + number)
        self.reports, self.ended, self.polls = [], [], 0
        self.seen, self.said = {}, {}  # when an action was first offered, and how it was ended
        self.client = world.device_client(self.token)
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
            time.sleep(self.rest)

    def install(self, action):
        self.seen.setdefault(action, self.world.now())
        for step in range(self.random.randrange(4)):
            if not self.tell("deploymentBase", action, "proceeding", "none"):
                return
        _, success = self.said.setdefault(
            action, (self.world.now(), self.random.random() < self.success))
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
        self.client = world.operator_client()
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
