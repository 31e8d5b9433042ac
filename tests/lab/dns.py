#!/usr/bin/env python3
"""dns.py - a user who calls out of the network, and the other network at once

dns.py LOCAL REMOTE USER PASSWORD OTHER: registers USER at LOCAL, then reads lines "URI WANTED" from the standard input. WANTED is a
status code, or several parted by "|", or the Request-URI with which a MESSAGE to URI has to arrive at OTHER. Each line goes out once. Exits 0, or says what was wrong.
"""
import hashlib
import re
import socket
import sys
import time

LOCAL, REMOTE, OTHER = ((h, int(p)) for h, p in (sys.argv[i].rsplit(":", 1) for i in (1, 2, 5)))
USER, PASSWORD = sys.argv[3:5]
AOR = f"sip:{USER}@ims.example"
LONGEST = 6


def bound(at):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(at)
    s.settimeout(LONGEST)
    return s


terminal, other = bound(LOCAL), bound(OTHER)


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def header(message, name):
    return re.findall(rf"^{name}: *(.*?)\r?$", message, re.M | re.I)


def ask(method, uri, to, cseq, *lines):
    terminal.sendto(("\r\n".join([
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/UDP {LOCAL[0]}:{LOCAL[1]};branch=z9hG4bKdns{time.time_ns()}",
        "Max-Forwards: 70",
        f"From: <{AOR}>;tag=d",
        f"To: <{to}>",
        f"Call-ID: dns-{time.time_ns()}",
        f"CSeq: {cseq} {method}",
        *lines,
        "Content-Length: 0",
        "",
        "",
    ])).encode(), REMOTE)


def answer():
    try:
        message = terminal.recv(65536).decode()
    except TimeoutError:
        sys.exit(f"no answer within {LONGEST} s")
    return int(message.split()[1]), message


def register():
    contact = f"Contact: <sip:{USER}@{LOCAL[0]}:{LOCAL[1]}>"
    ask("REGISTER", "sip:ims.example", AOR, 1, contact)
    status, message = answer()
    if status != 401:
        sys.exit(f"not challenged: {status}")
    nonce = next(re.search(r'nonce="([^"]*)"', c).group(1) for c in header(message, "WWW-Authenticate") if "algorithm=MD5" in c)
    user = f"{USER}@ims.example"
    ha1, ha2 = md5(f"{user}:ims.example:{PASSWORD}"), md5("REGISTER:sip:ims.example")
    response = md5(f"{ha1}:{nonce}:00000001:c:auth:{ha2}")
    ask("REGISTER", "sip:ims.example", AOR, 2, contact,
        f'Authorization: Digest username="{user}",realm="ims.example",nonce="{nonce}",uri="sip:ims.example",'
        f'response="{response}",algorithm=MD5,qop=auth,nc=00000001,cnonce="c"')
    status, message = answer()
    if status != 200:
        sys.exit(f"not registered: {status}")
    return f"Route: <sip:{REMOTE[0]}:{REMOTE[1]};lr>," + header(message, "Service-Route")[0]


def message(route, uri, wanted, cseq):
    ask("MESSAGE", uri, uri, cseq, route)
    if not wanted[0].isdigit():
        try:
            request, source = other.recvfrom(65536)
        except TimeoutError:
            sys.exit(f"{uri}: never arrived; the caller heard {answer()[0]}")
        request = request.decode()
        came = request.split()[1]
        if came != wanted:
            sys.exit(f"{uri}: arrived as {came}, wanted {wanted}")
        lines = [f"{n}: {v}" for n in ("Via", "From", "To", "Call-ID", "CSeq") for v in header(request, n)]
        other.sendto("\r\n".join(["SIP/2.0 200 OK", *lines, "Content-Length: 0", "", ""]).encode(), source)
        wanted = "200"
    status, _ = answer()
    if str(status) not in wanted.split("|"):
        sys.exit(f"{uri}: {status}, wanted {wanted}")


way = register()
for n, line in enumerate(sys.stdin):
    message(way, *line.split(), n + 10)
