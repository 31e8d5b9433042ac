#!/usr/bin/env python3
"""emergency.py - terminals that call for help, and points that answer them

emergency.py psap LOCAL NAME FOLDER: answers each INVITE as FOLDER/NAME.mode says: answer, busy, silent; asks OPTIONS in the
dialog, then ends it. What came is written to FOLDER/NAME.log.
emergency.py call LOCAL REMOTE USER normal|sos|known|none URI: registers, if normal or sos, and calls; prints who answered, or the status.
emergency.py burst LOCAL REMOTE COUNT MOST: COUNT calls at once of a stranger, of which MOST at most may pass.
emergency.py flood LOCAL REMOTE SECONDS: other calls, as fast as they go.
"""
import os
import re
import select
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from terminal import RUN, Terminal, address, lines  # noqa: E402


def reply(sock, source, request, status, *more):
    tag = "" if "tag=" in lines(request, "To")[0] or status.startswith("100") else ";tag=psap"
    kept = [f"{n}: {v}" for n in ("Via", "Record-Route", "From", "Call-ID", "CSeq") for v in lines(request, n)]
    head = [f"SIP/2.0 {status}", *kept, f"To: {lines(request, 'To')[0]}{tag}", *more, "Content-Length: 0"]
    sock.sendto(("\r\n".join(head) + "\r\n\r\n").encode(), source)


def psap(local, name, folder):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(address(local))
    calls, log = {}, open(f"{folder}/{name}.log", "w", buffering=1)
    while True:
        message, source = sock.recvfrom(65536)
        message = message.decode()
        call_id = lines(message, "Call-ID")[0]
        mode = open(f"{folder}/{name}.mode").read().strip()
        if message.startswith("INVITE ") and mode != "silent":
            reply(sock, source, message, "100 Trying")
            if mode == "busy":
                reply(sock, source, message, "486 Busy Here")
                continue
            info = lines(message, "P-Access-Network-Info")
            log.write(f"{message.split()[1]} asserted={(lines(message, 'P-Asserted-Identity') or [None])[0]} "
                      f"place={(info or [None])[0]} route={(lines(message, 'Route') or [None])[0]}\n")
            reply(sock, source, message, "180 Ringing")
            reply(sock, source, message, "200 OK", f"Contact: <sip:{name}@{local}>", f"Server: {name}")
            calls[call_id] = message
        elif message.startswith("ACK ") and call_id in calls:
            inside(sock, local, source, calls[call_id], "OPTIONS", 1)
        elif message.startswith("SIP/2.0 200") and "OPTIONS" in lines(message, "CSeq")[0] and call_id in calls:
            inside(sock, local, source, calls.pop(call_id), "BYE", 2)


def inside(sock, local, source, invite, method, cseq):
    routes = [f"Route: {v}" for v in lines(invite, "Record-Route")]
    target = re.search(r"<([^>]+)>", lines(invite, "Contact")[0]).group(1)
    head = [f"{method} {target} SIP/2.0", f"Via: SIP/2.0/UDP {local};branch=z9hG4bK{method}{lines(invite, 'Call-ID')[0]}",
            "Max-Forwards: 70", *routes, f"From: {lines(invite, 'To')[0]};tag=psap", f"To: {lines(invite, 'From')[0]}",
            f"Call-ID: {lines(invite, 'Call-ID')[0]}", f"CSeq: {cseq} {method}", "Content-Length: 0"]
    sock.sendto(("\r\n".join(head) + "\r\n\r\n").encode(), source)


def invite(t, uri, name):
    t.cseq += 1
    t.call_id = f"{name}-{RUN}"
    t.send(f"INVITE {uri} SIP/2.0", t.via(name), "Max-Forwards: 70", f"From: <sip:{t.user}@ims.example>;tag=c",
           f"To: <{uri}>", f"Call-ID: {t.call_id}", f"CSeq: {t.cseq} INVITE", f"Contact: {t.contact}")


def outcome(t, uri):
    again, until = time.time() + 0.5, time.time() + 12
    invite(t, uri, "help")
    while time.time() < until:
        t.sock.settimeout(max(0.05, min(again, until) - time.time()))
        try:
            message = t.sock.recv(65536).decode()
        except TimeoutError:
            if again != until:
                t.cseq -= 1
                invite(t, uri, "help")
                again = time.time() + 1
            continue
        if "INVITE" not in (lines(message, "CSeq") or [""])[0] or f"help-{RUN}" not in message:
            continue
        again = until
        if not message.startswith("SIP/2.0 1"):
            return message
    sys.exit("no answer")


def ack(t, answer, uri, to):
    routes = [f"Route: {v}" for v in reversed(sum((re.findall(r"<[^>]+>", r) for r in lines(answer, "Record-Route")), []))]
    t.send(f"ACK {uri} SIP/2.0", t.via("ack" if routes else "help"), "Max-Forwards: 70", *routes,
           f"From: <sip:{t.user}@ims.example>;tag=c", f"To: {to}", f"Call-ID: {t.call_id}", f"CSeq: {t.cseq} ACK")


def register(t):
    """A node that was flooded may refuse new work a little longer."""
    for left in reversed(range(10)):
        try:
            return t.register(f"Contact: {t.contact}", "Expires: 600")
        except SystemExit as refused:
            if left == 0 or "503" not in str(refused):
                raise
            time.sleep(1)


def call(t, kind, uri):
    if kind in ("normal", "sos"):
        t.contact = f"<sip:{t.user}@{t.local[0]}:{t.local[1]}{';sos' if kind == 'sos' else ''}>"
        register(t)
    answer = outcome(t, uri)
    to = lines(answer, "To")[0]
    if not answer.startswith("SIP/2.0 200"):
        ack(t, answer, uri, to)
        said = re.findall(r"<type>(.*?)</type>|<action>(.*?)</action>", answer)
        print(" ".join([answer.split()[1], *("".join(s) for s in said)]))
        return
    ack(t, answer, re.search(r"<([^>]+)>", lines(answer, "Contact")[0]).group(1), to)
    for method in ("OPTIONS", "BYE"):
        t.answer(t.wanted(method + " ", 4) if method == "BYE" else options(t))
    print(lines(answer, "Server")[0])


def options(t):
    until = time.time() + 4
    while time.time() < until:
        message = t.receive("OPTIONS", until - time.time())
        if message.startswith("OPTIONS "):
            return message
    sys.exit("no OPTIONS in the dialog")


def burst(t, count, most):
    for i in range(count):
        invite(t, "urn:service:sos", f"burst{i}")
    passed = refused = 0
    until = time.time() + 2
    seen = set()
    while time.time() < until:
        if not select.select([t.sock], [], [], 0.2)[0]:
            continue
        message = t.sock.recv(65536).decode()
        key = (lines(message, "CSeq")[0], message.split()[1])
        if key in seen:
            continue
        seen.add(key)
        passed += message.startswith("SIP/2.0 100")
        refused += message.startswith("SIP/2.0 503")
    if passed > most or passed < 1 or passed + refused != count:
        sys.exit(f"{passed} passed, {refused} refused")


def flood(local, remote, seconds):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((local, 0))
    sock.connect(remote)
    head = ("INVITE sip:somebody@ims.example SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKflood%%d\r\nMax-Forwards: 70\r\n"
            "From: <sip:f@ims.example>;tag=1\r\nTo: <sip:somebody@ims.example>\r\nCall-ID: flood%%d\r\nCSeq: 1 INVITE\r\n"
            "Content-Length: 0\r\n\r\n" % local)
    until, i = time.time() + seconds, 0
    while time.time() < until:
        for _ in range(200):
            i += 1
            try:
                sock.send((head % (i, i)).encode())
            except OSError:
                pass


def main():
    what, local = sys.argv[1:3]
    if what == "psap":
        psap(local, *sys.argv[3:5])
    elif what == "flood":
        flood(local, address(sys.argv[3]), float(sys.argv[4]))
    elif what == "burst":
        burst(Terminal(address(local), "anonymous", address(sys.argv[3]), ""), int(sys.argv[4]), int(sys.argv[5]))
    else:
        call(Terminal(address(local), sys.argv[4], address(sys.argv[3]), "secret"), *sys.argv[5:7])


main()
