#!/usr/bin/env python3
"""contacts.py - a caller and three terminals of the user he calls

contacts.py IP REMOTE STATE WHAT: carol calls from port 5061; bob's terminals are at 5071, 5072 and 5073. STATE: a file that keeps what
the registrar has said from one WHAT to the next. Exits 0, or says what was wrong.
"""
import hashlib
import json
import os
import re
import select
import socket
import sys
import time

IP, (HOST, PORT) = sys.argv[1], sys.argv[2].rsplit(":", 1)
STATE, WHAT = sys.argv[3], sys.argv[4]
REMOTE = (HOST, int(PORT))
BOB = "sip:bob@ims.example"
number = int(time.time() * 1000) % 2000000000  # CSeqs and branches rise from one run to the next


def wrong(what):
    sys.exit(f"{WHAT}: {what}")


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def fresh():
    global number
    number += 1
    return number


class Message:
    def __init__(self, data):
        head, _, self.body = data.decode().partition("\r\n\r\n")
        self.first, *lines = head.split("\r\n")
        self.lines = [tuple(line.split(": ", 1)) for line in lines if ": " in line]
        self.status = int(self.first.split()[1]) if self.first.startswith("SIP/2.0") else 0
        self.method = self.get("CSeq").split()[1]
        self.uri = None if self.status else self.first.split()[1]

    def all(self, name):
        return [v for n, v in self.lines if n.lower() == name.lower()]

    def get(self, name):
        return (self.all(name) or [""])[0]

    def answer(self, status, reason, tag, contact=None):
        lines = [f"SIP/2.0 {status} {reason}"]
        for name in ("Via", "Record-Route", "From", "To", "Call-ID", "CSeq"):
            for v in self.all(name):
                lines.append(f"{name}: {v}{f';tag={tag}' if name == 'To' and ';tag=' not in v else ''}")
        if contact:
            lines.append(f"Contact: <{contact}>")
        return "\r\n".join([*lines, "Content-Length: 0", "", ""]).encode()


class Phone:
    def __init__(self, user, port, name=None, impi=None):
        self.user, self.port, self.impi = user, port, impi or f"{user}@ims.example"
        self.instance = f'+sip.instance="<urn:uuid:{name}>"' if name else ""
        self.name = name
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((IP, port))
        self.uri = f"sip:{user}@{IP}:{port}"

    def send(self, data):
        self.sock.sendto(data if isinstance(data, bytes) else data.encode(), REMOTE)

    def hear(self, seconds=3.0):
        """The next message, or None."""
        if not select.select([self.sock], [], [], seconds)[0]:
            return None
        return Message(self.sock.recv(65536))

    def wait(self, want, seconds=3.0):
        """The next one of this method or status; repeats of others are passed over."""
        end = time.time() + seconds
        while (left := end - time.time()) > 0:
            m = self.hear(left)
            if m and want in (m.status, None if m.status else m.method):
                return m
        wrong(f"port {self.port} waited for {want}")

    def silent(self, seconds=0.4):
        m = self.hear(seconds)
        if m:
            wrong(f"port {self.port} hears {m.first}")

    def request(self, method, uri, extra=(), call_id=None, cseq=None, to=None, tag="c"):
        cseq = cseq or fresh()
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {IP}:{self.port};branch=z9hG4bK{method}{cseq};rport",
            "Max-Forwards: 70",
            f"From: <sip:{self.user}@ims.example>;tag={tag}",
            f"To: {to or f'<{BOB}>'}",
            f"Call-ID: {call_id or f'call-{cseq}'}",
            f"CSeq: {cseq} {method}",
            *extra,
            "Content-Length: 0",
        ]
        self.send("\r\n".join([*lines, "", ""]))
        return cseq

    def register(self, params="", uri_params="", expires=600):
        """The 200 OK."""
        def send(authorization):
            to = f"<sip:{self.user}@ims.example>"
            cseq = self.request("REGISTER", "sip:ims.example", [
                f"Contact: <{self.uri}{uri_params}>;{self.instance or 'x'}{params}", f"Expires: {expires}",
                "Supported: path, gruu, outbound", authorization], call_id=f"reg-{self.port}{uri_params}", to=to)
            while m := self.hear():
                if m.get("CSeq") == f"{cseq} REGISTER":  # and no repeat of an earlier call's answer
                    return m
            wrong("REGISTER is not answered")
        name, uri = self.impi, "sip:ims.example"
        m = send(f'Authorization: Digest username="{name}", realm="ims.example", nonce="", uri="{uri}", response=""')
        if m.status != 401:
            wrong(f"REGISTER: {m.first}")
        challenge = next(v for v in m.all("WWW-Authenticate") if "MD5" in v)
        nonce, realm = (re.search(f'{k}="([^"]+)"', challenge).group(1) for k in ("nonce", "realm"))
        response = md5(f"{md5(f'{name}:{realm}:secret')}:{nonce}:00000001:cn:auth:{md5(f'REGISTER:{uri}')}")
        m = send(f'Authorization: Digest username="{name}", realm="{realm}", nonce="{nonce}", uri="{uri}", qop=auth, '
                 f'nc=00000001, cnonce="cn", response="{response}", algorithm=MD5')
        if m.status != 200:
            wrong(f"REGISTER: {m.first} {m.get('Warning')}")
        return m

    def own(self, m):
        """Its own Contact in the 200 OK."""
        return next(c for c in m.all("Contact") if f"<{self.uri}>" in c)


carol = Phone("carol", 5061)
bob = [Phone("bob", 5071, "phone"), Phone("bob", 5072, "tablet"), Phone("bob", 5073, "watch")]


def register_all(params):
    """The GRUUs of each."""
    carol.register()
    found = {}
    for phone, more in zip(bob, params):
        m = phone.register(more)
        c = phone.own(m)
        found[phone.name] = [re.search(f'{k}="([^"]+)"', c).group(1) for k in ("pub-gruu", "temp-gruu")]
        if found[phone.name][0] != f"{BOB};gr=urn:uuid:{phone.name}":
            wrong(f"pub-gruu: {c}")
        if "reg-id" in more and (m.get("Require") != "outbound" or m.get("Flow-Timer") != "90"):
            wrong(f"outbound: {m.lines}")
    return found


def keep_alive(phone):
    ask = bytes.fromhex("000100002112a442") + os.urandom(12)
    phone.send(ask)
    if not select.select([phone.sock], [], [], 3)[0]:
        wrong("a keep-alive is not answered")
    answer = phone.sock.recv(1500)
    port = int.from_bytes(answer[26:28], "big") ^ 0x2112
    if answer[:2] != b"\x01\x01" or answer[4:20] != ask[4:] or port != phone.port:
        wrong(f"the answer to a keep-alive: {answer.hex()}")


def call(uri=BOB, extra=()):
    return carol.request("INVITE", uri, [f"Contact: <{carol.uri}>", *extra])


def hang_up(answer, cseq):
    """ACK and BYE by the Route set and remote target of the 2xx."""
    routes = [f"Route: {r}" for r in reversed(re.split(r",\s*", ", ".join(answer.all("Record-Route"))))]
    target = re.search("<([^>]+)>", answer.get("Contact")).group(1)
    for method, n in (("ACK", cseq), ("BYE", fresh())):
        carol.request(method, target, routes, call_id=answer.get("Call-ID"), cseq=n, to=answer.get("To"))


def cancelled(phone, invite):
    phone.send(phone.wait("CANCEL").answer(200, "OK", phone.name))
    phone.send(invite.answer(487, "Request Terminated", phone.name))
    phone.wait("ACK")


def ended(phone):
    """ACK and BYE came, in either order: two workers carry them."""
    heard = {}
    while len(heard) < 2:
        m = phone.hear() or wrong(f"port {phone.port} has heard {list(heard)}")
        heard[m.method] = m
        if m.method not in ("ACK", "BYE"):
            wrong(f"port {phone.port} hears {m.first}")
    if heard["BYE"].uri != phone.uri:
        wrong(f"BYE to {heard['BYE'].uri}")
    phone.send(heard["BYE"].answer(200, "OK", phone.name))
    while carol.wait(200).method != "BYE":
        pass


def talk(phone, invite, cseq, contact=None):
    phone.send(invite.answer(200, "OK", phone.name, contact or phone.uri))
    ok = carol.wait(200)
    if ok.method != "INVITE":
        wrong(f"200 of {ok.method}")
    hang_up(ok, cseq)
    ended(phone)


def refuse(phone, invite, status=486, reason="Busy Here"):
    phone.send(invite.answer(status, reason, phone.name))
    phone.wait("ACK")


def together():
    cseq = call()
    invites = [p.wait("INVITE") for p in bob]
    for p, m in zip(bob, invites):
        if m.get("Max-Breadth") != "20" or m.uri != p.uri:
            wrong(m.first)
        p.send(m.answer(180, "Ringing", p.name))
        carol.wait(180)
    bob[1].send(invites[1].answer(200, "OK", "tablet", bob[1].uri))
    ok = carol.wait(200)
    for i in (0, 2):
        cancelled(bob[i], invites[i])
    hang_up(ok, cseq)
    ended(bob[1])
    carol.silent()


def decline():
    call()
    invites = [p.wait("INVITE") for p in bob]
    for p, m in zip(bob, invites):
        p.send(m.answer(180, "Ringing", p.name))
    time.sleep(0.1)
    bob[0].send(invites[0].answer(603, "Decline", "phone"))
    for i in (1, 2):
        cancelled(bob[i], invites[i])
    carol.wait(603)


def sequence():
    register_all([";q=1.0", ";q=0.5", ";q=0.2"])
    cseq = call()
    first = bob[0].wait("INVITE")
    bob[0].send(first.answer(180, "Ringing", "phone"))
    bob[1].silent(1.5)
    second = bob[1].wait("INVITE", 1.5)  # ring-time is 2 s
    cancelled(bob[0], first)
    bob[2].silent()
    refuse(bob[1], second)
    talk(bob[2], bob[2].wait("INVITE"), cseq)
    # Nobody wants to: the best answer of all.
    call()
    for p, answer in zip(bob, ((404, "Not Found"), (486, "Busy Here"), (480, "Temporarily Unavailable"))):
        refuse(p, p.wait("INVITE"), *answer)
    carol.wait(404)


def gruu():
    names = register_all([";q=1.0"] * 3)
    json.dump(names, open(STATE, "w"))
    for i, p in enumerate(bob):
        for name in names[p.name]:
            cseq = call(name)
            m = p.wait("INVITE")
            if m.get("P-Called-Party-ID") != f"<{name}>":
                wrong(m.get("P-Called-Party-ID"))
            talk(p, m, cseq, name)  # a Contact by which it is found in the dialog as well
        for other in bob[:i] + bob[i + 1:]:
            other.silent(0.1)
    call(f"{BOB};gr=urn:uuid:nobody")
    carol.wait(480)
    call(names["phone"][1].replace("tgruu", "tgruv"))
    carol.wait(404)


def wishes():
    register_all([";audio;q=1.0", ";audio;video;q=0.5", ";audio;automata;q=0.7"])
    for lines, chosen in ((["Accept-Contact: *;video;require;explicit"], 1),
                          (["Reject-Contact: *;automata", "Request-Disposition: no-fork"], 0),
                          (["Accept-Contact: *;automata;require;explicit"], 2)):
        call(extra=lines)
        refuse(bob[chosen], bob[chosen].wait("INVITE"))
        carol.wait(486)
    for p in bob:
        p.silent(0.1)


def two():
    register_all([""] * 3)
    car = Phone("bob", 5074, "car", "bob-car@ims.example")
    if len(car.register().all("Contact")) != 4:
        wrong("not four contacts")
    cseq = call()
    invites = [p.wait("INVITE") for p in bob]
    for p, m in zip(bob, invites):
        p.send(m.answer(180, "Ringing", p.name))
    invite = car.wait("INVITE")
    car.send(invite.answer(200, "OK", "car", car.uri))
    ok = carol.wait(200)
    for p, m in zip(bob, invites):
        cancelled(p, m)
    hang_up(ok, cseq)
    ended(car)
    if len(car.register(expires=0).all("Contact")) != 3:
        wrong("the car's contact stays, or others went with it")
    call()
    for p in bob:
        refuse(p, p.wait("INVITE"))
    car.silent()


def exchange():
    pbx = Phone("pbx", 5075)
    identities = pbx.register().get("P-Associated-URI")
    if identities != "<sip:pbx@ims.example>, <sip:pbx-!.*!@ims.example>":
        wrong(identities)
    for number in ("sip:pbx-77@ims.example", "sip:pbx-@IMS.example"):
        cseq = call(number)
        m = pbx.wait("INVITE")
        if m.get("P-Called-Party-ID") != f"<{number}>":
            wrong(m.get("P-Called-Party-ID"))
        talk(pbx, m, cseq)
    call("sip:pbx77@ims.example")
    carol.wait(404)
    # A MESSAGE goes to one terminal, and on to the next when that one is out.
    register_all([";q=1.0", ";q=0.5", ";q=0.2"])
    carol.request("MESSAGE", BOB)
    bob[0].send(bob[0].wait("MESSAGE").answer(480, "Temporarily Unavailable", "phone"))
    bob[1].send(bob[1].wait("MESSAGE").answer(200, "OK", "tablet"))
    carol.wait(200)
    bob[2].silent()


def old():
    name = json.load(open(STATE))["tablet"][1]
    cseq = call(name)
    talk(bob[1], bob[1].wait("INVITE"), cseq)


def emergency():
    m = bob[0].register(uri_params=";sos", expires=30)
    own = next(c for c in m.all("Contact") if ";sos>" in c)
    if not 290 <= int(re.search(r";expires=(\d+)", own).group(1)) <= 300:
        wrong(own)
    call(f"{BOB};gr=urn:uuid:phone")
    m = bob[0].wait("INVITE")
    if ";sos" in m.uri:
        wrong(m.first)
    refuse(bob[0], m)
    carol.wait(486)
    bob[0].silent()


if WHAT == "register":
    register_all([";reg-id=1", "", ""])
    for phone in bob:
        keep_alive(phone)
    register_all([""] * 3)
    os.path.exists(STATE) and os.remove(STATE)
else:
    globals()[WHAT]()
