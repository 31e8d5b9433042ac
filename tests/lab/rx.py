#!/usr/bin/env python3
"""rx.py - calls whose resources a PCRF grants, refuses, takes back, or is not there for

rx.py LAB PCRF LOG SAKERCTL [KILL]

LAB: the prefix of the namespaces; PCRF: the program tests/peers/diameter/pcrf; LOG: what it prints goes there; SAKERCTL: the program with its
options, in one word; KILL: a command that kills control and starts it anew. Prints "ok" or "FAIL" for each case.
"""
import shlex
import subprocess
import sys
import time

from calls import Attempt, Call, Mobile
from pcrf import Pcrf, aar_of, all_of, case, metrics_of, one, wait
from terminal import lines

LAB, PCRF, LOG, SAKERCTL, KILL = sys.argv[1:6]
metric = metrics_of(SAKERCTL)


def resources_first():
    call = Call(a, b)
    messages = pcrf.wanted("AAR", "AAR", "AAR")
    mine, theirs = aar_of(messages, a.local[0]), aar_of(messages, b.local[0])
    same = one(mine[0], "Session-Id") == one(mine[1], "Session-Id") != one(theirs[0], "Session-Id")
    said = [one(m, "Service-Info-Status") for m in (*mine, *theirs)], [one(m, "Rx-Request-Type") for m in (*mine, *theirs)]
    if not same or said != ([1, 0, 0], [0, 1, 0]):
        sys.exit(f"sessions and states: {same} {said}")
    media = one(mine[1], "Media-Component-Description")
    flows = all_of(one(media, "Media-Sub-Component"), "Flow-Description")
    wanted = [f"permit in 17 from {a.local[0]} to {b.local[0]} {30000 + b.number}",
              f"permit out 17 from {b.local[0]} to {a.local[0]} {30000 + a.number}"]
    if flows != wanted or one(media, "Media-Type") != 0 or one(media, "Flow-Status") != 2:
        sys.exit(f"{media}")
    icid = {one(m, "AF-Charging-Identifier") for m in (*mine, *theirs)}
    if len(icid) != 1 or len(icid.pop()) != 32:
        sys.exit("AF-Charging-Identifier")
    if pcrf.sessions() != 2:
        sys.exit("not two sessions")
    call.hang_up(call.a, call.b)
    pcrf.wanted("STR", "STR")


def refused_with_the_offer():
    pcrf.tell("refuse 5063 1")
    response = Attempt(a, b).refused(503)
    if not any("REQUESTED_SERVICE_NOT_AUTHORIZED" in v for v in lines(response, "Warning")):
        sys.exit(response)
    pcrf.wanted("AAR")


def refused_with_an_early_answer():
    attempt = Attempt(a, b)
    invite = b.wanted("INVITE ")
    pcrf.tell("refuse 5065")
    kept = [f"{n}: {v}" for n in ("Via", "Record-Route", "From", "Call-ID", "CSeq") for v in lines(invite, n)]
    b.send("SIP/2.0 183 Session Progress", *kept, f"To: {lines(invite, 'To')[0]};tag=b", f"Contact: {b.contact}",
           "Content-Type: application/sdp", body=b.sdp())
    attempt.refused(503)
    b.answer(b.wanted("CANCEL "))
    b.send("SIP/2.0 487 Request Terminated", *kept, f"To: {lines(invite, 'To')[0]};tag=b")
    b.wanted("ACK ")
    pcrf.tell("ok")
    pcrf.wanted("AAR", "AAR", "AAR", "STR")


def both_are_sent_bye(cause):
    for terminal in a, b:
        bye = terminal.wanted("BYE ", 5)
        terminal.answer(bye)
        if not lines(bye, "Reason")[0].startswith(f"SIP;cause={cause}"):
            sys.exit(f"{lines(bye, 'Reason')}")


def refused_with_the_answer():
    attempt = Attempt(a, b)
    invite = b.wanted("INVITE ")
    pcrf.tell("refuse 5065")
    b.answer(invite, f"Contact: {b.contact}", "Content-Type: application/sdp", tag=";tag=b", body=b.sdp())
    a.wanted("SIP/2.0 200")
    both_are_sent_bye(503)
    pcrf.tell("ok")
    pcrf.wanted("AAR", "AAR", "AAR", "STR")
    a.drain()
    b.drain()
    del attempt


def silent():
    pcrf.tell("silent 1")
    start = time.monotonic()
    call = Call(a, b)
    if time.monotonic() - start < 0.9:
        sys.exit("the call did not wait")
    pcrf.wanted("AAR", "AAR", "AAR")
    call.hang_up(call.a, call.b)
    pcrf.wanted("STR", "STR")


def unreadable():
    pcrf.tell("wrong 2")
    call = Call(a, b)
    pcrf.wanted("AAR", "AAR", "AAR")
    call.hang_up(call.a, call.b)
    pcrf.wanted("STR", "STR")


def slow():
    pcrf.tell("delay 300 3")
    call = Call(a, b)
    pcrf.wanted("AAR", "AAR", "AAR")
    call.hang_up(call.a, call.b)
    pcrf.wanted("STR", "STR")


def away():
    call = Call(a, b)
    pcrf.wanted("AAR", "AAR", "AAR")
    pcrf.stop()
    call.hang_up(call.a, call.b)
    other = Call(a, b)
    other.hang_up(other.a, other.b)
    pcrf.start()
    # It has forgotten them: 5002 is an end as good as any.
    pcrf.wanted("STR", "STR", seconds=12)
    wait(lambda: metric("saker_policy_sessions") == 0, "sessions are left", 5)


def bearer_lost():
    call = Call(a, b)
    pcrf.wanted("AAR", "AAR", "AAR")
    pcrf.tell("rar 2")
    if any(m["RAA"] != 2001 for m in pcrf.wanted("RAA", "RAA")):
        sys.exit("RAA")
    call.hang_up(call.a, call.b)
    pcrf.wanted("STR", "STR")


def bearer_released():
    Call(a, b)
    pcrf.wanted("AAR", "AAR", "AAR")
    pcrf.tell("asr 0")
    both_are_sent_bye(503)
    if any(m.get("ASA", 2001) not in (2001, 5002) for m in pcrf.wanted("ASA", "ASA", "STR", "STR")):
        sys.exit("ASA")


def stranger():
    pcrf.tell("stranger")
    if pcrf.wanted("RAA")[0]["RAA"] != 5002:
        sys.exit("a session of nobody's")


def storm():
    call = Call(a, b)
    pcrf.wanted("AAR", "AAR", "AAR")
    pcrf.tell("storm 500")
    answers = pcrf.wanted(*["RAA"] * 1000, seconds=20)
    if any(m["RAA"] not in (2001, 3004) for m in answers):
        sys.exit(f"{ {m['RAA'] for m in answers} }")
    call.offer(call.a, call.b)
    pcrf.wanted("AAR", "AAR")
    call.hang_up(call.a, call.b)
    pcrf.wanted("STR", "STR")


def handed_over():
    call = Call(a, b)
    pcrf.wanted("AAR", "AAR", "AAR")
    a.enter("wlan")
    call.offer(call.a, call.b)
    messages = pcrf.wanted("STR", "AAR", "AAR")
    if one(aar_of(messages, a.local[0])[-1], "Rx-Request-Type") not in (0, 1):
        sys.exit("the new access network was not asked")
    call.hang_up(call.b, call.a)
    pcrf.wanted("STR", "STR")
    a.enter("lte")


def control_dies():
    call = Call(a, b)
    pcrf.wanted("AAR", "AAR", "AAR")
    subprocess.run(shlex.split(KILL), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait(lambda: metric("saker_policy_up") == 1, "the PCRF is not connected again", 20)
    if pcrf.sessions() != 2:
        sys.exit("the sessions are gone")
    call.hang_up(call.a, call.b)
    pcrf.wanted("STR", "STR")


def see(name, function):
    case(pcrf, (a, b), name, function)


pcrf = Pcrf(LAB, PCRF, LOG, metric)
a, b = Mobile(LAB, "lte", 1), Mobile(LAB, "wlan", 2)
try:
    see("resources first: with the offer, with the answer, and given back", resources_first)
    see("refused with the offer", refused_with_the_offer)
    see("refused with an early answer", refused_with_an_early_answer)
    see("refused when the call is taken", refused_with_the_answer)
    see("a PCRF that says nothing is not waited for for ever", silent)
    see("its answers that cannot be read are none", unreadable)
    see("one that is slow is waited for", slow)
    see("one that is away is told when it is back", away)
    see("the loss of a bearer is heard", bearer_lost)
    see("the end of all bearers ends the session", bearer_released)
    see("of a session of nobody's it is told so", stranger)
    see("a storm of RARs", storm)
    see("a call that is handed over", handed_over)
    see("a call over the death of control", control_dies)
finally:
    pcrf.process.kill()
    pcrf.process.wait()
