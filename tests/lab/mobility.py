#!/usr/bin/env python3
"""mobility.py - terminals that change their access network while they are in a call

mobility.py LAB one|many COUNT

LAB: the prefix of the namespaces. one: digest1 and digest2, each step by itself; prints "ok" or "FAIL" a step. many: COUNT users
digest1 ..., half of them callers, all on LTE; with all calls up every one of them moves to WLAN, tells the other side, and hangs up there;
prints the number of calls that went well, and what was wrong with the first other.
"""
import resource
import sys

from calls import Call, Mobile

LAB, WHAT, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])


def step(name, function, *args):
    try:
        function(*args)
        print(f"ok {name}", flush=True)
    except SystemExit as e:
        print(f"FAIL {name}: {e}", flush=True)


def ring_elsewhere(a, b):
    call = Call(a, b, "wlan" if b.access == "lte" else "lte")
    call.offer(call.b, call.a)
    call.hang_up(call.a, call.b)


def one():
    a, b = Mobile(LAB, "lte", 1), Mobile(LAB, "lte", 2)
    call = Call(a, b)
    step("the caller moves", a.enter, "wlan")
    step("and says where its media are now", call.offer, call.a, call.b)
    step("the called holds", call.offer, call.b, call.a, "sendonly", "recvonly")
    step("the called moves, too", b.enter, "wlan")
    step("and resumes from there", call.offer, call.b, call.a)
    step("the caller holds and resumes", call.offer, call.a, call.b, "sendonly", "recvonly")
    step("the caller moves back", a.enter, "lte")
    step("and is hung up on before it has said anything", hung_up_on, call)
    step("who is called while it moves is called there", ring_elsewhere, a, b)


def hung_up_on(call):
    call.hang_up(call.b, call.a)


def many():
    resource.setrlimit(resource.RLIMIT_NOFILE, (3 * COUNT + 64, 3 * COUNT + 64))
    users = [Mobile(LAB, "lte", i) for i in range(1, COUNT + 1)]
    calls = [Call(a, b) for a, b in zip(users[::2], users[1::2])]
    went_well, wrong = 0, None
    for user in users:
        user.enter("wlan")
    for i, call in enumerate(calls):
        try:
            call.offer(call.a, call.b)
            call.offer(call.b, call.a)
            call.hang_up(*((call.a, call.b) if i % 2 else (call.b, call.a)))
            went_well += 1
        except SystemExit as e:
            wrong = wrong or e
    print(went_well, wrong or "")


one() if WHAT == "one" else many()
