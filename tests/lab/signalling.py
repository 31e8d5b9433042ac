#!/usr/bin/env python3
"""signalling.py - a terminal registers, moves and leaves, while a PCRF grants, refuses, is silent, slow, away, or takes the bearer away

signalling.py LAB PCRF LOG SAKERCTL KILL

As rx.py.
"""
import shlex
import subprocess
import sys
import time

from calls import HOST, Mobile
from pcrf import Pcrf, aar_of, all_of, case, metrics_of, one, wait

LAB, PCRF, LOG, SAKERCTL, KILL = sys.argv[1:6]
PROMPT = 0.8  # seconds that two transactions of a REGISTER may take; policy.timeout is more
metric = metrics_of(SAKERCTL)


def count(what):
    return metric(f"saker_signalling_{what}_total")


def paths(state):
    return metric(f'saker_signalling_paths{{state="{state}"}}')


def enter(access="lte"):
    start = time.monotonic()
    ue.enter(access)
    if time.monotonic() - start > PROMPT:
        sys.exit(f"the 200 OK took {time.monotonic() - start:.1f} s")


def leave():
    ue.register(f"Contact: {ue.contact};expires=0")


def registered():
    return "digest1" in subprocess.run(shlex.split(SAKERCTL) + ["-o", "json", "reg", "list"], capture_output=True, text=True, check=False).stdout


def granted():
    enter()
    aar = aar_of(pcrf.wanted("AAR"), HOST["lte"])[0]
    media = one(aar, "Media-Component-Description")
    flow = one(media, "Media-Sub-Component")
    # TS 29.214 section 4.4.5 and annex B.2: number 0 for both, usage AF signalling, SIP
    said = [one(media, "Media-Component-Number"), one(flow, "Flow-Number"), one(flow, "Flow-Usage"), one(flow, "AF-Signalling-Protocol")]
    actions = sorted(all_of(aar, "Specific-Action"))
    if said != [0, 0, 2, 1] or actions != [2, 4, 6] or one(aar, "Subscription-Id", "Subscription-Id-Data") != "sip:digest1@ims.example":
        sys.exit(f"{aar}")
    enter()
    if pcrf.sessions() != 1:
        sys.exit("not one session")
    leave()
    pcrf.wanted("STR")


def refused():
    pcrf.tell("refuse 5065")
    enter()
    pcrf.wanted("AAR")
    wait(lambda: paths("none") == 1, "the refusal is not seen", 3)
    pcrf.tell("ok")
    enter()
    pcrf.wanted("AAR")
    leave()
    pcrf.wanted("STR")


def unanswered(how):
    pcrf.tell(how)
    enter()
    # The answer may have been lost: the session of the first is ended, and another begun.
    pcrf.wanted("AAR", "STR", "AAR")
    leave()
    pcrf.wanted("STR")


def slow():
    pcrf.tell("delay 900 1")
    enter()
    leave()
    pcrf.wanted("AAR", "STR")


def away():
    pcrf.stop()
    enter()
    wait(lambda: paths("waiting") == 1, "it is not waited for", 3)
    pcrf.start()
    pcrf.wanted("AAR")
    wait(lambda: paths("open") == 1, "it is not open", 3)
    leave()
    pcrf.wanted("STR")


def moved():
    enter()
    pcrf.wanted("AAR")
    enter("wlan")
    messages = pcrf.wanted("AAR", "STR")
    if len(aar_of(messages, HOST["wlan"])) != 1:
        sys.exit("the new address was not asked for")
    leave()
    pcrf.wanted("STR")


def changed():
    enter()
    pcrf.wanted("AAR")
    before = count("changed")
    pcrf.tell("rar 6")
    if pcrf.wanted("RAA")[0]["RAA"] != 2001 or count("changed") != before + 1 or not registered():
        sys.exit("a change of access")
    pcrf.tell("storm 300")
    wait(lambda: not registered(), "the bearer is lost, and the contact still there", 5)
    answers = [m["RAA"] for m in pcrf.wanted(*["RAA"] * 300, "STR", seconds=20) if "RAA" in m]
    if any(a not in (2001, 3004, 5002) for a in answers):
        sys.exit(f"{set(answers)}")


def dropped(line, answer):
    enter()
    pcrf.wanted("AAR")
    before = count("dropped")
    pcrf.tell(line)
    messages = pcrf.wanted(answer, "STR")
    if any(m.get(answer, 2001) != 2001 for m in messages):
        sys.exit(f"{messages}")
    wait(lambda: not registered(), "it is still registered", 5)
    if count("dropped") != before + 1:
        sys.exit("not counted")


def control_dies():
    enter()
    pcrf.wanted("AAR")
    subprocess.run(shlex.split(KILL), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait(lambda: metric("saker_policy_up") == 1, "the PCRF is not connected again", 20)
    wait(lambda: paths("open") == 1, "the session is not taken over", 3)
    # It is the session of before, and it is told of.
    pcrf.tell("rar 6")
    if pcrf.wanted("RAA")[0]["RAA"] != 2001 or count("changed") != 1:
        sys.exit("nobody has the session")
    leave()
    pcrf.wanted("STR")


def nothing_left(function, *args):
    function(*args)
    if pcrf.sessions() != 0:
        sys.exit("a session is left")


def see(name, *function):
    case(pcrf, (ue,), name, nothing_left, *function)


pcrf = Pcrf(LAB, PCRF, LOG, metric)
ue = Mobile(LAB, "lte", 1)
leave()
try:
    see("a bearer is watched as long as its terminal is registered", granted)
    see("a registration whose bearer nobody watches stands", refused)
    see("a silent PCRF keeps no registration waiting", unanswered, "silent 1")
    see("nor one whose answer cannot be read", unanswered, "wrong 1")
    see("nor does a slow one", slow)
    see("nor one that is away", away)
    see("a terminal that moves", moved)
    see("a change of access is heard, and a storm ends one registration once", changed)
    see("a lost bearer ends its contact", dropped, "rar 2", "RAA")
    see("so does the end of all bearers", dropped, "asr 0", "ASA")
    see("the death of control ends no session", control_dies)
finally:
    pcrf.process.kill()
    pcrf.process.wait()
