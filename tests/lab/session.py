#!/usr/bin/env python3
"""session.py - two terminals of SIP Digest in a call that the network ends

session.py REMOTE LOCAL1 USER1 LOCAL2 USER2 PASSWORD wait|leave|hangup

Both register, USER1 calls USER2, "up" is printed. wait: both have to be sent BYE within 10 s. leave: USER2 de-registers first.
hangup: USER1 sends BYE, and no other BYE may come within 1 s. Exits 0, or says what was wrong.
"""
import hashlib
import re
import socket
import sys
import time

ADDRESS = [(h, int(p)) for h, p in (a.rsplit(":", 1) for a in (sys.argv[1], sys.argv[2], sys.argv[4]))]
REMOTE, PASSWORD, WHAT = ADDRESS[0], sys.argv[6], sys.argv[7]
DOMAIN = "ims.example"
RUN = f"{WHAT}-{time.time_ns()}"


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def lines(message, name):
    return re.findall(rf"^{name}: (.*)\r$", message, re.M | re.I)


class Terminal:
    def __init__(self, local, user):
        self.local, self.user, self.cseq = local, user, 0
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(local)
        self.contact = f"<sip:{user}@{local[0]}:{local[1]}>"

    def send(self, *head, body=""):
        text = "\r\n".join([*head, f"Content-Length: {len(body)}"]) + "\r\n\r\n" + body
        self.sock.sendto(text.encode(), REMOTE)

    def receive(self, what, seconds=3.0):
        self.sock.settimeout(seconds)
        try:
            return self.sock.recv(65536).decode()
        except TimeoutError:
            sys.exit(f"{self.user}: no {what}")

    def wanted(self, begin, seconds=3.0):
        """Passes over 100 and what comes again."""
        until = time.time() + seconds
        while time.time() < until:
            message = self.receive(begin, max(0.1, until - time.time()))
            if message.startswith(begin):
                return message
            if not re.match(r"SIP/2.0 1|BYE|OPTIONS", message):
                sys.exit(f"{self.user}: {message.splitlines()[0]} instead of {begin}")
        sys.exit(f"{self.user}: no {begin}")

    def via(self, what):
        return f"Via: SIP/2.0/UDP {self.local[0]}:{self.local[1]};branch=z9hG4bK{what}{self.user}{self.cseq}{RUN}"

    def _register(self, extra):
        self.cseq += 1
        self.send(f"REGISTER sip:{DOMAIN} SIP/2.0", self.via("r"), "Max-Forwards: 70",
                  f"From: <sip:{self.user}@{DOMAIN}>;tag=r", f"To: <sip:{self.user}@{DOMAIN}>",
                  f"Call-ID: register-{self.user}-{RUN}", f"CSeq: {self.cseq} REGISTER", *extra)

    def register(self, *contact):
        self._register(contact)
        for challenge in lines(self.wanted("SIP/2.0 401"), "WWW-Authenticate"):
            if "algorithm=MD5" in challenge:
                nonce = re.search(r'nonce="([^"]+)"', challenge).group(1)
                realm = re.search(r'realm="([^"]+)"', challenge).group(1)
        name, uri = f"{self.user}@{DOMAIN}", f"sip:{DOMAIN}"
        response = md5(f"{md5(f'{name}:{realm}:{PASSWORD}')}:{nonce}:00000001:cn:auth:{md5(f'REGISTER:{uri}')}")
        self._register([*contact, f'Authorization: Digest username="{name}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
                        f'qop=auth, nc=00000001, cnonce="cn", response="{response}", algorithm=MD5'])
        self.route = lines(self.wanted("SIP/2.0 200"), "Service-Route") or None

    def answer(self, request, *more, tag=""):
        kept = [f"{n}: {v}" for n in ("Via", "Record-Route", "From", "Call-ID", "CSeq") for v in lines(request, n)]
        self.send("SIP/2.0 200 OK", *kept, f"To: {lines(request, 'To')[0]}{tag}", *more)


def call(a, b):
    a.cseq += 1
    dialog = [f"From: <sip:{a.user}@{DOMAIN}>;tag=a", f"Call-ID: call-{RUN}"]
    a.send(f"INVITE sip:{b.user}@{DOMAIN} SIP/2.0", a.via("i"), f"Route: <sip:{REMOTE[0]}:{REMOTE[1]};lr>, {a.route[0]}",
           "Max-Forwards: 70", *dialog, f"To: <sip:{b.user}@{DOMAIN}>", f"CSeq: {a.cseq} INVITE", f"Contact: {a.contact}")
    b.answer(b.wanted("INVITE "), f"Contact: {b.contact}", tag=";tag=b")
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
    bye = terminal.wanted("BYE ", 10)
    terminal.answer(bye)
    for name, value in (("From", f";tag={other}"), ("To", f";tag={own}"), ("Call-ID", f"call-{RUN}"), ("Reason", "SIP;cause=")):
        if not any(value in v for v in lines(bye, name)):
            sys.exit(f"{terminal.user}: BYE with {name} {lines(bye, name)}")
    if not bye.startswith(f"BYE sip:{terminal.user}@{terminal.local[0]}:{terminal.local[1]} "):
        sys.exit(f"{terminal.user}: {bye.splitlines()[0]}")


a, b = Terminal(ADDRESS[1], sys.argv[3]), Terminal(ADDRESS[2], sys.argv[5])
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
