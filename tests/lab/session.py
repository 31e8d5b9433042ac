#!/usr/bin/env python3
"""session.py - two terminals of SIP Digest in a call that the network ends

session.py REMOTE LOCAL1 USER1 LOCAL2 USER2 PASSWORD wait|leave|hangup|timer

Both register, USER1 calls USER2, "up" is printed. wait: both have to be sent BYE within 10 s. leave: USER2 de-registers first.
hangup: USER1 sends BYE, and no other BYE may come within 1 s. timer: USER2 gives the call a second and nobody refreshes it:
both have to be sent BYE within 45 s. Exits 0, or says what was wrong.
"""
import sys
import time

from terminal import DOMAIN, RUN, Terminal, address, lines

REMOTE, PASSWORD, WHAT = address(sys.argv[1]), sys.argv[6], sys.argv[7]


def call(a, b):
    a.cseq += 1
    dialog = [f"From: <sip:{a.user}@{DOMAIN}>;tag=a", f"Call-ID: call-{RUN}"]
    a.send(f"INVITE sip:{b.user}@{DOMAIN} SIP/2.0", a.via("i"), f"Route: <sip:{REMOTE[0]}:{REMOTE[1]};lr>, {a.route[0]}",
           "Max-Forwards: 70", *dialog, f"To: <sip:{b.user}@{DOMAIN}>", f"CSeq: {a.cseq} INVITE", f"Contact: {a.contact}")
    timed = ["Session-Expires: 1;refresher=uas"] if WHAT == "timer" else []
    b.answer(b.wanted("INVITE "), f"Contact: {b.contact}", *timed, tag=";tag=b")
    ok = a.wanted("SIP/2.0 200")
    routes = ", ".join(lines(ok, "Record-Route")).split(",")[::-1]

    def request(method):
        a.send(f"{method} sip:{b.user}@{b.local[0]}:{b.local[1]} SIP/2.0", a.via(method), "Route: " + ",".join(routes),
               "Max-Forwards: 70", *dialog, f"To: {lines(ok, 'To')[0]}", f"CSeq: {a.cseq} {method}")

    request("ACK")
    b.wanted("ACK ")
    a.cseq += 1
    return request


def ended(terminal, own, other):
    bye = terminal.wanted("BYE ", 45 if WHAT == "timer" else 10)
    terminal.answer(bye)
    for name, value in (("From", f";tag={other}"), ("To", f";tag={own}"), ("Call-ID", f"call-{RUN}"), ("Reason", "SIP;cause=")):
        if not any(value in v for v in lines(bye, name)):
            sys.exit(f"{terminal.user}: BYE with {name} {lines(bye, name)}")
    if not bye.startswith(f"BYE sip:{terminal.user}@{terminal.local[0]}:{terminal.local[1]} "):
        sys.exit(f"{terminal.user}: {bye.splitlines()[0]}")


a, b = (Terminal(address(sys.argv[i]), sys.argv[i + 1], REMOTE, PASSWORD) for i in (2, 4))
for terminal in a, b:
    terminal.register(f"Contact: {terminal.contact};expires=600")
in_call = call(a, b)
print("up", flush=True)
if WHAT == "hangup":
    time.sleep(1)
    in_call("BYE")
    b.answer(b.wanted("BYE "))
    a.wanted("SIP/2.0 200")
    b.sock.settimeout(1)
    try:
        sys.exit(f"then came {b.sock.recv(65536).decode().splitlines()[0]}")
    except TimeoutError:
        pass
else:
    if WHAT == "leave":
        b.register("Contact: *", "Expires: 0")
    ended(a, "a", "b")
    ended(b, "b", "a")
