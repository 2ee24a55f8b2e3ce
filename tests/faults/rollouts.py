"""Whole rollouts under kills, and what the store must say of them afterwards. See kill.py.

Each lane is a few devices and an operator, who takes one rollout after the other through its life:
groups, thresholds, devices that fail, retries, halts that are resumed or end in a stop.
"""
import collections
import random
import threading
import time

from load import Device
from world import Lost

LANES = 3
LANE_DEVICES = 10
LANE_SETS = 60
GROUPS = [{"targetPercentage": share} for share in (20, 50, 100)]
SUCCESS, ERROR = 70, 25  # percent: before the next group; more than that halts

# What the devices do and how the rollout is made, one after the other.
PLANS = [
    {"success": 0.9, "retries": 0, "resume": True},
    {"success": 0.5, "retries": 0, "resume": False},  # halts soon, and is stopped
    {"success": 0.6, "retries": 1, "resume": True},
    {"success": 1.0, "retries": 0, "resume": True},
]


class LaneDevice(Device):
    rest = 0.03

    def __init__(self, world, lane, number):
        super().__init__(world, f"l{lane}-{number}", 1000 + 100 * lane + number)


class LaneOperator(threading.Thread):
    def __init__(self, world, lane, devices):
        super().__init__()
        self.world, self.lane, self.devices = world, lane, devices
        self.client = world.operator_client()
        self.sets = world.sets[-(lane + 1) * LANE_SETS:][:LANE_SETS]
        self.rollouts, self.lost = {}, 0  # by id: the plan, and when it was resumed

    def run(self):
        for number, dist_set in enumerate(self.sets):
            if self.world.quiet.is_set() or self.world.failed:
                return
            plan = PLANS[(number + self.lane) % len(PLANS)]
            for device in self.devices:
                device.success = plan["success"]
            rollout = self.create(number, dist_set, plan)
            self.rollouts[rollout] = {**plan, "set": dist_set, "resumed": [], "stopped": False}
            self.order(rollout, "start")
            self.attend(rollout, self.rollouts[rollout])

    def ask(self, method, path, body=None):
        """The status and the answer; None where it may have been done or not."""
        while not self.world.failed:
            try:
                status, answer = self.client.ask(method, f"/rest/v1/rollouts{path}", body)
            except Lost:
                self.lost += 1
                time.sleep(0.02)
                return None, None
            if status != 503:
                return status, answer
            time.sleep(0.02)
        raise SystemExit

    def create(self, number, dist_set, plan):
        name = f"lane-{self.lane}-{number}"
        condition = lambda percent: {"condition": "THRESHOLD", "expression": str(percent)}
        body = {"name": name, "distributionSetId": dist_set, "type": "forced",
                "targetFilterQuery": f"controllerid==device-l{self.lane}-*",
                "groups": [{**group, "successCondition": condition(SUCCESS),
                            "errorCondition": condition(ERROR)} for group in GROUPS],
                "retries": plan["retries"], "retrySeconds": 0}
        status = None
        while status not in (201, 409):  # 409: the request that was lost has made it
            status, answer = self.ask("POST", "", body)
            if status not in (None, 201, 409):
                self.world.wrong(f"create {name}: {status} {answer}")
                raise SystemExit
        rollout = answer["id"] if status == 201 else self.until(
            f"?q=name=={name}", lambda answer: answer["total"] == 1)["content"][0]["id"]
        self.until(f"/{rollout}", lambda answer: answer["status"] == "ready")
        return rollout

    def until(self, path, good):
        while True:
            status, answer = self.ask("GET", path)
            if status not in (None, 200):
                self.world.wrong(f"{path}: {status} {answer}")
                raise SystemExit
            if status == 200 and good(answer):
                return answer
            time.sleep(0.02)

    def order(self, rollout, word):
        """Once; a second time it is refused, since the first one was carried out."""
        status = None
        while status is None:
            status, answer = self.ask("POST", f"/{rollout}/{word}")
        if status not in (200, 204, 400):
            self.world.wrong(f"{word} {rollout}: {status} {answer}")
            raise SystemExit

    def attend(self, rollout, log):
        while True:
            status = self.until(f"/{rollout}", lambda answer: True)["status"]
            if status in ("finished", "stopped"):
                return
            if status == "paused" and log["resume"]:
                log["resumed"].append(self.world.now())
                self.order(rollout, "resume")
            elif status == "paused":
                time.sleep(random.random() * 0.5)  # long enough to do something wrong
                log["stopped"] = True
                self.order(rollout, "stop")
            time.sleep(0.05)


class Story:
    """What the store says of one rollout, beside the fleet's own log."""

    def __init__(self, world, log, rollout):
        def rows(sql):
            return world.rows(f"{sql} = {rollout}")
        self.log, self.name = log, f"rollout {rollout}"
        self.status = rows("SELECT status FROM rollout WHERE id")[0][0]
        self.groups = sorted(rows("SELECT position, id, status FROM rollout_group"
                                  " WHERE rollout"))
        self.targets = rows("SELECT t.controller_id, x.rollout_group, x.state, x.tries FROM"
                            " rollout_target AS x JOIN target AS t ON t.id = x.target"
                            " WHERE x.rollout")
        self.actions = collections.defaultdict(list)
        for action, device, state, active, counted in sorted(rows(
                "SELECT a.id, t.controller_id, a.state, a.active, a.counted FROM action AS a"
                " JOIN target AS t ON t.id = a.target WHERE a.rollout")):
            self.actions[device].append((action, state, active, counted))

    def in_group(self, group):
        return [device for device, of, _, _ in self.targets if of == group]


def once_each(story, devices):
    """One action for each target, one more for each failure that is to be tried again."""
    for device, _, state, tries in story.targets:
        actions = story.actions[device]
        states = [one[1] for one in actions]
        if len(actions) != tries or len(actions) > 1 + story.log["retries"]:
            yield f"{story.name}, {device}: {tries} tries, actions {actions}"
        if any(one != "error" for one in states[:-1]):
            yield f"{story.name}, {device}: tried again after {states}"
        if states and {"finished": "finished", "error": "error", "canceled": "cancelled"}.get(
                states[-1]) != state:
            yield f"{story.name}, {device}: is {state} after {states}"
        if state not in ("finished", "error", "cancelled") or (tries == 0) != (not actions):
            yield f"{story.name}, {device}: skipped, is {state}"
        if state == "error" and tries <= story.log["retries"] and not story.log["stopped"]:
            yield f"{story.name}, {device}: not tried again"
        for action, end, active, counted in actions:
            if active or not counted:
                yield f"{story.name}, action {action}: active {active}, counted {counted}"
            said = devices[device].said.get(action)
            if end != "canceled" and (said is None or said[1] != (end == "finished")):
                yield f"{story.name}, action {action}: is {end}, {device} said {said}"


def in_order(story, devices):
    """A group has started only after what the one before has told."""
    for (_, before, _), (position, group, _) in zip(story.groups, story.groups[1:]):
        began = min((devices[device].seen[action[0]] for device in story.in_group(group)
                     for action in story.actions[device] if action[0] in devices[device].seen),
                    default=None)
        if began is None:
            continue
        told = [[devices[device].said.get(action[0], (began, False))
                 for action in story.actions[device]] for device in story.in_group(before)]
        good = sum(any(at < began and success for at, success in one) for one in told)
        ended = all(one and one[-1][0] < began for one in told)
        accepted = ended and any(at < began for at in story.log["resumed"])
        if good * 100 < SUCCESS * len(told) and not accepted:
            yield f"{story.name}: group {position} began at {began}, when {good} of {told}"


def halted(story):
    """Where nobody has resumed it, too many failures were the end."""
    for position, group, status in story.groups:
        states = [state for _, of, state, _ in story.targets if of == group]
        if not story.log["resumed"] and status != "error" and story.status == "finished" and \
                states.count("error") * 100 > ERROR * len(states):
            yield f"{story.name}: group {position} is {status} with {states}"
    if story.status != ("stopped" if story.log["stopped"] else "finished"):
        yield f"{story.name}: is {story.status}"


def audited(world, stories):
    """Each step of a rollout's life has its line, once."""
    lines = collections.Counter(tuple(row) for row in world.rows(
        "SELECT subject, verb FROM audit WHERE verb LIKE 'rollout.%'"))
    for story in stories:
        count = lambda word: lines[(story.name, f"rollout.{word}")]
        wanted = {"create": 1, "start": 1, "finish": int(story.status == "finished"),
                  "stop": int(story.log["stopped"]),
                  "halt": count("resume") + int(story.log["stopped"])}
        for word, number in wanted.items():
            if count(word) != number:
                yield f"{story.name}: {count(word)} times {word}, not {number}"


def check(checks, world, operators, devices):
    devices = {device.name_: device for device in devices}
    stories = [Story(world, log, rollout) for operator in operators
               for rollout, log in operator.rollouts.items()]
    actions = sum(len(actions) for story in stories for actions in story.actions.values())
    seen = {action[0] for story in stories for one in story.actions.values() for action in one}
    checks.check(f"{len(stories)} rollouts, {actions} actions, one for each target and try",
                 [problem for story in stories for problem in once_each(story, devices)])
    checks.check("no device was offered what is not there",
                 [f"{device.name_}: action {action}" for device in devices.values()
                  for action in device.seen if action not in seen])
    checks.check("each group after the threshold of the one before",
                 [problem for story in stories for problem in in_order(story, devices)])
    checks.check("too many failures halt", [one for story in stories for one in halted(story)])
    checks.check("a line of the audit log for each step", list(audited(world, stories)))
