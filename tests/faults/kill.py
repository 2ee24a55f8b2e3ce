#!/usr/bin/env python3
"""kill -9 of update servers, or of PostgreSQL, at random points of load; then the store is read
without any of our code and compared with what the clients were told.

    tests/faults/kill.py --trustchain PATH --store sqlite|postgres [--kill server|postgres]
                         [--servers N] [--points N] [--seed N]

Devices poll, report and have their sets replaced under their feet; operators assign, and take
rollouts through their groups, halts and ends (rollouts.py). Each keeps a log of what it was
answered. Whatever was answered well is in the store exactly once and whole; what got no answer is
there once for each time it was asked at most; nothing else is there. Of several servers, which share
one PostgreSQL and one folder of releases, one at a time is killed. PostgreSQL comes from
tests/with-postgres. Prints TAP; exits with 0 when all of it holds.
"""
import argparse
import os
import random
import signal
import sys
import tempfile
import time

import rollouts
from checks import Checks
from load import DEVICES, OPERATORS, SETS, Device, Operator
from world import World


def furnish(world):
    """Settings, sets (the last are of the lanes), targets."""
    admin = world.operator_client()
    admin.until("PUT", "/rest/v1/system/configs/authentication.targettoken.enabled",
                {"value": True}, (200, 204))
    module = admin.until("POST", "/rest/v1/softwaremodules",
                         [{"name": "fw", "version": "1", "type": "os"}])[0]["id"]
    sets = [{"name": "fw", "version": str(i), "type": "os", "modules": [{"id": module}]}
            for i in range(SETS + rollouts.LANES * rollouts.LANE_SETS)]
    world.sets = [one["id"] for one in admin.until("POST", "/rest/v1/distributionsets", sets)]
    devices = [Device(world, i, i) for i in range(DEVICES)]
    lanes = [[rollouts.LaneDevice(world, lane, i) for i in range(rollouts.LANE_DEVICES)]
             for lane in range(rollouts.LANES)]
    admin.until("POST", "/rest/v1/targets",
                [{"controllerId": one.name_, "name": one.name_, "securityToken": one.token}
                 for one in sum(lanes, devices)])
    return devices, lanes


def load(world, checks):
    devices, lanes = furnish(world)
    operators = [Operator(world, i) for i in range(OPERATORS)]
    leaders = [rollouts.LaneOperator(world, lane, lanes[lane]) for lane in range(len(lanes))]
    checks.devices, checks.operators = sum(lanes, devices), operators
    world.run(checks.devices, [*operators, *leaders])
    checks.all()
    if not world.failed:
        rollouts.check(checks, world, leaders, sum(lanes, []))
    checks.store()
    lost = sum(r.lost for device in checks.devices for r in device.reports)
    lost += sum(operator.lost for operator in [*operators, *leaders])
    return f"{sum(device.polls for device in checks.devices)} polls, {lost} requests unanswered"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--trustchain", required=True)
    parser.add_argument("--store", choices=["sqlite", "postgres"], required=True)
    parser.add_argument("--kill", choices=["server", "postgres"], default="server")
    parser.add_argument("--servers", type=int, default=1)
    parser.add_argument("--points", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # not without the servers it started
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="trustchain-faults.") as folder:
        world = World(options, folder)
        world.title = f"{options.kill} killed on {options.store}"
        checks = Checks(world)
        try:
            world.start()
            said = load(world, checks)
        finally:
            world.end()
        print(f"1..{checks.number}")
        print(f"# seed {options.seed}, {time.monotonic() - began:.0f} s, {said}")
        if checks.bad and os.path.exists(f"{folder}/log"):
            print("".join(f"# {line}" for line in open(f"{folder}/log").readlines()[-20:]))
    sys.exit(checks.bad > 0)


main()
