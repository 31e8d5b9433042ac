#!/usr/bin/env python3
"""charging.py - calls and what a CDF hears of them, whoever dies meanwhile

charging.py LAB CDF LOG SAKERCTL KILL

As rx.py. Prints "ok" or "FAIL" for each case.
"""
import json
import shlex
import subprocess
import sys
import time

from calls import Call, Mobile
from pcrf import Pcrf, case, metrics_of, one, wait

LAB, CDF, LOG, SAKERCTL, KILL = sys.argv[1:6]
metric = metrics_of(SAKERCTL)
EVENT, START, INTERIM, STOP = 1, 2, 3, 4
ORIGINATING, TERMINATING = 0, 1


class Cdf(Pcrf):
    NAME, PORT, UP = "cdf", 3871, "saker_charging_up"

    def records(self, wanted, seconds=8):
        """So many different ones; that a record came again has to be said by its T flag. Gives (type, role) and AVPs of each, as they came."""
        seen, end = {}, time.monotonic() + seconds
        while len(seen) < wanted or self.metric("saker_charging_spooled"):
            if time.monotonic() > end:
                sys.exit(f"the CDF had {[k[1:] for k in seen]}, wanted {wanted}")
            time.sleep(0.05)
            for m in self.heard():
                if m.get("wrong"):
                    sys.exit(m["wrong"])
                key = one(m["avps"], "Session-Id"), one(m["avps"], "Accounting-Record-Number")
                if key in seen and not m["again"]:
                    sys.exit("a record came twice, without the T flag")
                seen.setdefault(key, m["avps"])
        if len(seen) != wanted:
            sys.exit(f"the CDF had {[k[1:] for k in seen]}, wanted {wanted}")
        return [((one(r, "Accounting-Record-Type"), one(r, "Service-Information", "IMS-Information", "Role-Of-Node")), r)
                for r in seen.values()]


def kinds(records):
    return sorted(k for k, _ in records)


BOTH = (ORIGINATING, TERMINATING)


def expect(records, *types):
    if kinds(records) != sorted((t, role) for t in types for role in BOTH):
        sys.exit(f"{kinds(records)}, wanted {types}")


def ask(*words):
    return json.loads(subprocess.run(shlex.split(SAKERCTL) + ["-o", "json", *words], capture_output=True, check=True).stdout)["rows"]


def a_call():
    call = Call(a, b)
    started = cdf.records(2)
    expect(started, START)
    shown = [(r["call_id"], r["caller"], r["accounts"], r["records"]) for r in ask("charging", "show")]
    if shown != [(call.id, f"sip:{a.user}@ims.example", 2, 1)]:
        sys.exit(f"{shown}")
    call.offer(call.a, call.b)
    expect(cdf.records(2), INTERIM)
    call.hang_up(call.a, call.b)
    stopped = cdf.records(2)
    expect(stopped, STOP)
    for _, r in started + stopped:
        ims = one(r, "Service-Information", "IMS-Information")
        facts = (one(ims, "Calling-Party-Address"), one(ims, "Called-Party-Address"), one(ims, "User-Session-Id"), one(ims, "Node-Functionality"))
        if facts != (f"sip:{a.user}@ims.example", f"sip:{b.user}@ims.example", call.id, 0):
            sys.exit(f"{facts}")
    ids = {one(r, "Session-Id") for _, r in started + stopped}
    icids = {one(r, "Service-Information", "IMS-Information", "IMS-Charging-Identifier") for _, r in started + stopped}
    numbers = sorted(one(r, "Accounting-Record-Number") for _, r in started + stopped)
    if len(ids) != 2 or len(icids) != 1 or numbers != [0, 0, 2, 2]:
        sys.exit(f"{ids} {icids} {numbers}")
    if any(one(r, "Service-Information", "IMS-Information", "Cause-Code") != 0 for _, r in stopped):
        sys.exit("Cause-Code")


def whole(n):
    """n calls, from INVITE to BYE."""
    for _ in range(n):
        call = Call(a, b)
        call.hang_up(call.b, call.a)


def full():
    cdf.tell("error 4002 5")
    whole(3)
    expect_all(cdf.records(12, 25), 3)


def expect_all(records, n):
    if kinds(records) != sorted([(START, r) for r in BOTH] * n + [(STOP, r) for r in BOTH] * n):
        sys.exit(f"{kinds(records)}")


def silent():
    cdf.tell("silent 2")
    whole(1)
    expect_all(cdf.records(4, 25), 1)


def away():
    cdf.stop()
    whole(5)
    wait(lambda: metric("saker_charging_spooled") == 20, f"{metric('saker_charging_spooled')} records are kept", 5)
    cdf.start()
    records = cdf.records(20, 30)
    expect_all(records, 5)
    for session in {one(r, "Session-Id") for _, r in records}:
        types = [k[0] for k, r in records if one(r, "Session-Id") == session]
        if types != [START, STOP]:
            sys.exit(f"out of order: {types}")


def kill():
    subprocess.run(shlex.split(KILL), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def control_dies():
    call = Call(a, b)
    expect(cdf.records(2), START)
    kill()
    wait(lambda: metric("saker_charging_up") == 1, "the CDF is not connected again", 20)
    call.hang_up(call.a, call.b)
    stopped = cdf.records(2, 15)
    expect(stopped, STOP)
    if any(one(r, "Accounting-Record-Number") != 1 for _, r in stopped):
        sys.exit("Accounting-Record-Number")


def both_die():
    cdf.stop()
    whole(3)
    wait(lambda: metric("saker_charging_spooled") == 12, "not all records are kept", 5)
    kill()
    wait(lambda: metric("saker_charging_spooled") == 12, f"{metric('saker_charging_spooled')} records are left", 20)
    cdf.start()
    expect_all(cdf.records(12, 30), 3)


def network_ends():
    Call(a, b)
    expect(cdf.records(2), START)
    subprocess.run(shlex.split(SAKERCTL) + ["reg", "dereg", f"sip:{a.user}@ims.example"], check=True, stdout=subprocess.DEVNULL)
    for t in a, b:
        t.answer(t.wanted("BYE ", 5))
    stopped = cdf.records(2)
    expect(stopped, STOP)
    if any(one(r, "Service-Information", "IMS-Information", "Cause-Code") != 1 for _, r in stopped):
        sys.exit("Cause-Code")


def an_event(user, cause):
    (kind, record), = cdf.records(1)
    ims = one(record, "Service-Information", "IMS-Information")
    facts = (one(ims, "Event-Type", "SIP-Method"), one(ims, "Called-Party-Address"), one(ims, "Cause-Code"))
    if kind != (EVENT, ORIGINATING) or facts != ("REGISTER", f"sip:{user}@ims.example", cause):
        sys.exit(f"{kind} {facts}, wanted {cause}")


def registrations():
    a.enter("lte")
    an_event(a.user, -1)
    a.enter("lte")
    an_event(a.user, -1)
    a.register(f"Contact: {a.contact};expires=0")
    an_event(a.user, -3)
    try:
        Mobile(LAB, "lte", 9)
    except SystemExit:
        an_event("digest9", 403)
    else:
        sys.exit("a stranger was registered")


def see(name, function):
    case(cdf, (a, b), name, function)


cdf = Cdf(LAB, CDF, LOG, metric)
a, b = Mobile(LAB, "lte", 1), Mobile(LAB, "wlan", 2)
try:
    see("a call, changed and hung up", a_call)
    see("a CDF that is full for a while", full)
    see("one that says nothing", silent)
    see("one that is away", away)
    see("a call over the death of control", control_dies)
    see("records over the death of control", both_die)
    see("a session that the network ends", network_ends)
    see("registrations, a removal, a refusal", registrations)
finally:
    cdf.process.kill()
    cdf.process.wait()
