#!/usr/bin/env python3
"""bad_input.py - what a terminal may send wrongly, and the answer it must get

bad_input.py LOCAL REMOTE (addresses with ports). Prints "ok NAME" or "FAIL NAME: why". Runs in a host of the lab.
"""
import socket
import sys

LOCAL, REMOTE = ((h, int(p)) for h, p in (a.rsplit(":", 1) for a in sys.argv[1:3]))
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(LOCAL)
sock.settimeout(2)
serial = 0


def message(start, drop=(), add=(), body="", length=None, method=None):
    """A sound request but for what is dropped and added."""
    global serial
    serial += 1
    method = method or start.split(" ")[0]
    fields = [
        ("Via", f"SIP/2.0/UDP {LOCAL[0]}:{LOCAL[1]};branch=z9hG4bKbad{serial};rport"),
        ("Max-Forwards", "70"),
        ("From", "<sip:user000001@ims.example>;tag=bad"),
        ("To", "<sip:user000002@ims.example>"),
        ("Call-ID", f"bad-{serial}@{LOCAL[0]}"),
        ("CSeq", f"1 {method}"),
        ("Contact", f"<sip:user000001@{LOCAL[0]}:{LOCAL[1]}>"),
        ("Content-Length", str(len(body) if length is None else length)),
    ]
    lines = [start]
    lines += [f"{n}: {v}" for n, v in fields if n not in drop and n not in [a[0] for a in add]]
    lines += [f"{n}: {v}" for n, v in add]
    return "\r\n".join(lines) + "\r\n\r\n" + body


def exchange(text):
    sock.sendto(text.encode("latin-1"), REMOTE)
    while True:
        try:
            answer = sock.recv(65536).decode("latin-1")
        except socket.timeout:
            return None
        if answer.startswith("SIP/2.0 100"):
            continue
        return answer


def check(name, text, status, warning=False):
    answer = exchange(text)
    if answer is None:
        got = "nothing"
    else:
        got = answer.split(" ")[1]
    if got != str(status):
        print(f"FAIL bad input: {name}: {got}, wanted {status}")
    elif warning and "\r\nWarning: 399 " not in answer:
        print(f"FAIL bad input: {name}: no Warning says why")
    else:
        print(f"ok bad input: {name}: {status}")


def silence(name, text):
    answer = exchange(text)
    if answer is None:
        print(f"ok bad input: {name}: dropped")
    else:
        print(f"FAIL bad input: {name}: answered {answer.splitlines()[0]}")


def main():
    target = "MESSAGE sip:user000002@ims.example SIP/2.0"
    check("Content-Length larger than the datagram", message(target, length=500), 400, True)
    check("Content-Length no number", message(target, length="x"), 400, True)
    check("two different Content-Lengths", message(target, add=[("Content-Length", "0"), ("l", "1")]), 400, True)
    for field in ("From", "To", "Call-ID", "CSeq"):
        check(f"no {field}", message(target, drop=[field]), 400, True)
    check("CSeq of another method", message(target, method="INVITE"), 400, True)
    check("too many headers", message(target, add=[("X", "y")] * 200), 400, True)
    check("Max-Forwards 0", message(target, add=[("Max-Forwards", "0")]), 483)
    check("unknown scheme", message("MESSAGE mailto:a@b SIP/2.0"), 416)
    check("another version", message("MESSAGE sip:user000002@ims.example SIP/7.0"), 505)
    check("unknown Proxy-Require", message(target, add=[("Proxy-Require", "novelty")]), 420)
    check("unknown Require in REGISTER", message("REGISTER sip:ims.example SIP/2.0", add=[
        ("Require", "novelty"), ("To", "<sip:user000001@ims.example>")]), 420)
    check("a sender that is not registered", message(target), 403)
    check("unknown user registers", message("REGISTER sip:ims.example SIP/2.0", add=[
        ("From", "<sip:nobody@ims.example>;tag=1"), ("To", "<sip:nobody@ims.example>")]), 403)
    check("identity of another subscriber", message("REGISTER sip:ims.example SIP/2.0", add=[
        ("To", "<sip:user000002@ims.example>"), ("From", "<sip:user000002@ims.example>;tag=1"),
        ("Authorization", 'Digest username="user000001@ims.example", realm="ims.example", nonce="", '
                          'uri="sip:ims.example", response=""')]), 403)
    check("Contact is our own address", message("REGISTER sip:ims.example SIP/2.0", add=[
        ("To", "<sip:user000001@ims.example>"), ("Contact", f"<sip:x@{REMOTE[0]}:{REMOTE[1]}>")]), 403)
    silence("malformed response", "SIP/2.0 999 Odd\r\nVia: SIP/2.0/UDP x\r\n\r\n")
    silence("response to nothing", message("SIP/2.0 200 OK", method="MESSAGE"))
    silence("no SIP", "GET / HTTP/1.1\r\n\r\n")
    sock.sendto(b"\r\n\r\n", REMOTE)
    try:
        print("ok keep-alive" if sock.recv(10) == b"\r\n" else "FAIL keep-alive: not one CRLF")
    except socket.timeout:
        print("FAIL keep-alive: no answer")
    check("OPTIONS to the node", message(f"OPTIONS sip:{REMOTE[0]} SIP/2.0"), 200)


main()
