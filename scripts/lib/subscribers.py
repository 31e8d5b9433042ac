#!/usr/bin/env python3
"""subscribers.py - the lab's subscribers, and SIPp's injection files for them

subscribers.py COUNT DIR [CALLS [CALLERS]] writes to DIR
  subscribers.csv     for `sakerctl sub import`
  register_lte.csv    SIPp: the first half of the users, on LTE
  register_wlan.csv   SIPp: the second half, on WLAN
  pairs.csv           SIPp: CALLS random pairs of callers (LTE) and callees (WLAN), of the first CALLERS of each
Keys come from a seed, so that a run can be repeated. They are made of letters and digits, as is the AMF, because
SIPp takes keys as C strings.
"""
import random
import string
import sys

LETTERS = string.ascii_letters + string.digits
AMF = "sk"


def main():
    count, folder = int(sys.argv[1]), sys.argv[2]
    calls = int(sys.argv[3]) if len(sys.argv) > 3 else 2000
    callers = int(sys.argv[4]) if len(sys.argv) > 4 else count // 2
    rng = random.Random(20261)
    users = []
    for i in range(1, count + 1):
        key, op = ("".join(rng.choices(LETTERS, k=16)) for _ in range(2))
        users.append((f"user{i:06d}", f"+49301{i:06d}", key, op))

    with open(f"{folder}/subscribers.csv", "w") as out:
        out.write("impi,impu,k,op,amf\n")
        for name, number, key, op in users:
            out.write(f"{name}@ims.example,sip:{name}@ims.example;tel:{number},"
                      f"{key.encode().hex()},{op.encode().hex()},{AMF.encode().hex()}\n")

    half = count // 2
    for access, part in (("lte", users[:half]), ("wlan", users[half:])):
        with open(f"{folder}/register_{access}.csv", "w") as out:
            out.write("SEQUENTIAL\n")
            for name, _, key, op in part:
                auth = (f"[authentication username={name}@ims.example"
                        f" aka_K={key} aka_OP={op} aka_AMF={AMF}]")
                out.write(f"{name};{auth}\n")

    with open(f"{folder}/pairs.csv", "w") as out:
        out.write("SEQUENTIAL\n")
        for _ in range(calls):
            out.write(f"{rng.choice(users[:callers])[0]};{rng.choice(users[half:half + callers])[0]}\n")


if __name__ == "__main__":
    main()
