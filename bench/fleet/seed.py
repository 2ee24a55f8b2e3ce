#!/usr/bin/env python3
"""bench/fleet/seed.py STORE IMAGE DEVICES TOKENS: a fleet in an SQLite store that a server has made.

Registers dev-000001 ... as targets, each with a token of its own, which go to the CSV file TOKENS;
and a distribution set of one module whose file is IMAGE, which must be published already. Written
at once, since registering 100,000 devices one by one is not what is measured. Prints the id of the
set. The ids to assign it to go to TOKENS.assign.N, 500 a file, as the Management API takes them.
"""
import hashlib
import json
import os
import secrets
import sqlite3
import sys

store, image, devices, tokens = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
content = open(image, "rb").read()
version = content[48:80].rstrip(b"\0").decode()
project = content[80:112].rstrip(b"\0").decode()
rows = [(f"dev-{i:06d}", secrets.token_hex(16)) for i in range(1, devices + 1)]
made = (1, "bench", 1, "bench")
with sqlite3.connect(store, timeout=30) as db:
    db.executemany(
        "INSERT INTO target (tenant, controller_id, name, security_token, update_status,"
        " request_attributes, created_at, created_by, changed_at, changed_by)"
        " VALUES (1, ?, ?, ?, 'unknown', 1, 1, 'bench', 1, 'bench')",
        [(name, name, token) for name, token in rows])
    module = db.execute(
        "INSERT INTO module (tenant, type, name, version, created_at, created_by, changed_at,"
        " changed_by) VALUES (1, 'os', ?, ?, ?, ?, ?, ?)", (project, version, *made)).lastrowid
    db.execute(
        "INSERT INTO artifact (module, filename, size, sha256, sha1, md5, project, version,"
        " created_at, created_by) VALUES (?, 'app.bin', ?, ?, ?, ?, ?, ?, 1, 'bench')",
        (module, len(content), *(hashlib.new(name, content).hexdigest()
                                 for name in ("sha256", "sha1", "md5")), project, version))
    dist_set = db.execute(
        "INSERT INTO dist_set (tenant, type, name, version, created_at, created_by, changed_at,"
        " changed_by) VALUES (1, 'os', ?, ?, ?, ?, ?, ?)", (project, version, *made)).lastrowid
    db.execute("INSERT INTO set_module (dist_set, module) VALUES (?, ?)", (dist_set, module))
with open(os.open(tokens, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
    out.writelines(f"{name},{token}\n" for name, token in rows)
for first in range(0, devices, 500):
    with open(f"{tokens}.assign.{first}", "w") as out:
        json.dump([{"id": name} for name, _ in rows[first:first + 500]], out)
print(dist_set)
