"""What reports of testssl.sh (JSON, of the same server) say together.

Ends with 1 on a weakness or when the checks that matter most were not carried out, and with 2 when
another check came to an end in none of them.
"""

import json
import sys

# Not well, and no weakness here: nobody is asked whether a certificate is revoked (devices do not
# ask, and who is revoked among them is in the store), there is no public name, so no record of it in
# the DNS, and the openssl that asks may have no GOST engine.
KNOWN = {"cert_revocation", "DNS_CAArecord", "engine_problem"}
ASKED = ("TLS1_3", "cert_chain_of_trust", "heartbleed", "ROBOT", "LUCKY13")


def rows(path):
    try:
        with open(path, encoding="utf-8") as report:
            return json.load(report)
    except (OSError, ValueError) as error:
        print(f"{path}: {error}")
        return []


def main(paths):
    judged, open_checks, weak = {}, {}, False
    for path in paths:
        for row in rows(path):
            name, severity, finding = row["id"], row["severity"], row["finding"]
            if name in KNOWN:
                continue
            if severity == "WARN":
                open_checks[name] = finding
            elif severity in ("OK", "INFO"):
                judged[name] = finding
            else:
                print(severity, name, finding)
                weak = True
    for name in ASKED:
        open_checks.setdefault(name, "not in the report")
    unknown = {name: finding for name, finding in open_checks.items() if name not in judged}
    for name, finding in unknown.items():
        print("not known:", name, finding)
    return 1 if weak or unknown.keys() & set(ASKED) else 2 if unknown else 0


sys.exit(main(sys.argv[1:]))
