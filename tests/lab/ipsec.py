#!/usr/bin/python3
"""ipsec.py - terminals with a security agreement, whose ESP is Scapy's: they register, talk and leave under it

ipsec.py SUBSCRIBERS.CSV LOCAL REMOTE ALG EALG WHAT [INSIDE]

The users are the first two of the file. ALG and EALG as in Security-Client (RFC 3329). WHAT:
  call     both register, one calls the other and hangs up, each message under ESP; a new set of associations takes the
           place of the first; they leave
  hostile  what a terminal must not get away with, and what nobody may do to it; prints what it did as NAME=COUNT
  calls    one calls the other until a line comes in, each second some; prints how many
  pause    one calls the other, prints "sa SPI CK IK" of each association in use and "up", waits for a line, and calls again
INSIDE: LOCAL is the address of a NAT, and this one, and those that follow, are the terminals' own behind it: ESP goes in UDP.
Exits 0, or says what was wrong.
"""
import base64
import csv
import hashlib
import os
import random
import re
import select
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "unit", "esp"))
import milenage
import peer
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6

FILE, LOCAL, REMOTE, ALG, EALG, WHAT = sys.argv[1:7]
INSIDE = sys.argv[7] if len(sys.argv) > 7 else ""
SIX = ":" in LOCAL
DOMAIN = "ims.example"
RUN = str(time.time_ns())
INTEGRITY = {"hmac-md5-96": "md5", "hmac-sha-1-96": "sha1", "hmac-sha-256-128": "sha256", "aes-gmac": "gmac", "null": "none"}
CIPHER = {"null": "null", "aes-cbc": "cbc", "aes-gcm": "gcm"}
FAMILY = socket.AF_INET6 if SIX else socket.AF_INET
MODE = "mod=UDP-enc-tun; " if INSIDE else ""
HOST = f"[{REMOTE}]" if SIX else REMOTE
random.seed(int(RUN))


def lines(message, name):
    return re.findall(rf"^{name}: (.*)\r$", message, re.M | re.I)


def parameter(text, name):
    found = re.search(rf'{name}="?([^;,"\s]+)', text)
    return found.group(1) if found else ""


class Associations:
    """One agreed set, as the terminal sees it."""

    def __init__(self, ck, ik, address, own, theirs, alg, ealg):
        self.address = address
        self.ck, self.ik, self.own, self.theirs = ck, ik, own, theirs
        self.cipher, self.integrity = CIPHER[ealg], INTEGRITY[alg] if ealg != "aes-gcm" else "none"
        self.sequence = 0

    def _words(self, spi, sequence, source, target, octets):
        ports = [str(p) for p in (source[1], target[1])]
        return [self.cipher, self.integrity, "6" if SIX else "4", "1" if INSIDE else "0", str(spi), str(sequence), self.ck.hex(), self.ik.hex(),
                source[0], target[0], *ports, LOCAL, REMOTE, octets.hex()]

    def seal(self, text, sequence=None):
        """From port_uc to port_ps."""
        if sequence is None:
            self.sequence += 1
            sequence = self.sequence
        return peer.work("seal", self._words(self.theirs["spi-s"], sequence, (self.address, self.own["port-c"]),
                                             (REMOTE, self.theirs["port-s"]), text.encode()))

    def open(self, packet):
        """What came to port_us."""
        udp = peer.work("open", self._words(self.own["spi-s"], 0, (REMOTE, self.theirs["port-c"]),
                                            (self.address, self.own["port-s"]), packet))
        source, target = struct.unpack("!HH", udp[:4])
        if (source, target) != (self.theirs["port-c"], self.own["port-s"]):
            sys.exit(f"ESP carries UDP from {source} to {target}")
        return udp[8:].decode()


class Wire:
    """All ESP of this host, or, behind a NAT, of one terminal."""

    def __init__(self):
        self.esp = socket.socket(FAMILY, socket.SOCK_DGRAM if INSIDE else socket.SOCK_RAW, 0 if INSIDE else socket.IPPROTO_ESP)
        self.esp.bind((LOCAL, 0))
        self.esp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.kept = []

    def send(self, packet):
        self.esp.sendto(packet, (REMOTE, 4500 if INSIDE else 0))

    def receive(self, spi, seconds):
        """The next packet with this SPI; others wait for whoever asks."""
        until = time.time() + seconds
        while True:
            for packet in self.kept:
                if struct.unpack("!I", packet[:4])[0] == spi:
                    self.kept.remove(packet)
                    return packet
            self.esp.settimeout(max(0.01, until - time.time()))
            try:
                packet = self.esp.recv(65536)
            except TimeoutError:
                return None
            self.kept.append(packet if SIX or INSIDE else packet[(packet[0] & 15) * 4:])


class Terminal:
    count = 0

    def __init__(self, wire, row):
        Terminal.count += 1
        self.wire, self.user = Wire() if INSIDE else wire, row["impi"].split("@")[0]
        self.address = INSIDE[:-1] + str(int(INSIDE[-1]) + Terminal.count) if INSIDE else LOCAL
        self.host = f"[{self.address}]" if SIX else self.address
        self.k, self.op = bytes.fromhex(row["k"]), bytes.fromhex(row["op"])
        self.clear = socket.socket(FAMILY, socket.SOCK_DGRAM)
        self.clear.bind((LOCAL, 5080 + Terminal.count))
        self.clear.settimeout(3)
        self.port_s = 6100 + 10 * Terminal.count
        self.cseq, self.set, self.nonce, self.heard = 0, None, "", set()

    def offer(self):
        """A new client port and SPIs for each agreement (TS 33.203 §7.4)."""
        spi = random.randrange(1000, 1 << 31)
        return {"spi-c": spi, "spi-s": spi + 1, "port-c": random.randrange(20000, 40000), "port-s": self.port_s}

    def register(self, own, *more, expires=600, response="", clear=False):
        self.cseq += 1
        port = own["port-s"]
        via = self.clear.getsockname()[1] if clear else port
        client = f"ipsec-3gpp; alg={ALG}; ealg={EALG}; {MODE}" + "; ".join(f"{k}={v}" for k, v in own.items())
        return "\r\n".join([
            f"REGISTER sip:{DOMAIN} SIP/2.0", f"Via: SIP/2.0/UDP {self.host}:{via};rport;branch=z9hG4bKr{self.user}{self.cseq}{RUN}",
            "Max-Forwards: 70", f"From: <sip:{self.user}@{DOMAIN}>;tag=r", f"To: <sip:{self.user}@{DOMAIN}>",
            f"Call-ID: r-{self.user}-{RUN}", f"CSeq: {self.cseq} REGISTER", f"Contact: <sip:{self.user}@{self.host}:{port}>",
            f"Expires: {expires}", "Require: sec-agree", "Proxy-Require: sec-agree", "Supported: path",
            f'Authorization: Digest username="{self.user}@{DOMAIN}", realm="{DOMAIN}", uri="sip:{DOMAIN}", nonce="{self.nonce}", '
            f'response="{response}"' + (", algorithm=AKAv1-MD5" if response else ""),
            f"Security-Client: {client}", *more, "Content-Length: 0", "", ""])

    def agree(self, answer, own):
        """The keys and associations of a 401."""
        server = lines(answer, "Security-Server")
        if not answer.startswith("SIP/2.0 401") or not server:
            sys.exit(f"{self.user}: {answer.splitlines()[0]} and Security-Server {server}")
        challenge = lines(answer, "WWW-Authenticate")[0]
        if parameter(challenge, "[, ]ck") or parameter(challenge, "[, ]ik"):
            sys.exit("keys in the challenge to the terminal")
        self.nonce = parameter(challenge, "nonce")
        res, ck, ik = milenage.answer(self.k, self.op, base64.b64decode(self.nonce))
        first = [s for s in ",".join(server).split(",") if f"alg={ALG}" in s and f"ealg={EALG}" in s][0]
        theirs = {name: int(parameter(first, name)) for name in ("spi-c", "spi-s", "port-c", "port-s")}
        ha1 = hashlib.md5(f"{self.user}@{DOMAIN}:{DOMAIN}:".encode() + res).hexdigest()
        ha2 = hashlib.md5(f"REGISTER:sip:{DOMAIN}".encode()).hexdigest()
        response = hashlib.md5(f"{ha1}:{self.nonce}:{ha2}".encode()).hexdigest()
        return Associations(ck, ik, self.address, own, theirs, ALG, EALG), ",".join(server), response

    def start(self, expires=600):
        """In clear, then under the associations agreed upon."""
        own = self.offer()
        self.clear.sendto(self.register(own, expires=expires, clear=True).encode(), (REMOTE, 5060))
        answer = self.clear.recv(65536).decode()
        new, verify, response = self.agree(answer, own)
        self.set, self.verify = new, verify
        self.say(self.register(own, f"Security-Verify: {verify}", expires=expires, response=response))
        self.route = lines(self.hear("SIP/2.0 200"), "Service-Route")[0]
        return own, verify, response

    def renew(self):
        """Under the old set, a new one; the 200 comes under the new one."""
        old, own = self.set, self.offer()
        self.say(self.register(own, f"Security-Verify: {self.verify}"))
        new, verify, response = self.agree(self.hear("SIP/2.0 401"), own)
        self.set, self.verify = new, verify
        self.say(self.register(own, f"Security-Verify: {verify}", response=response))
        self.hear("SIP/2.0 200")
        return old

    def say(self, text):
        self.wire.send(self.set.seal(text))

    def hear(self, begin, seconds=3.0, under=None):
        under = under or self.set
        until = time.time() + seconds
        while True:
            packet = self.wire.receive(under.own["spi-s"], max(0.01, until - time.time()))
            if packet is None:
                sys.exit(f"{self.user}: no {begin} under ESP")
            text = under.open(packet)
            # On a busy machine our answer may come after T1: what is sent again is no news.
            news = text.split("\r\n\r\n", 1)[0]
            if news in self.heard:
                continue
            self.heard.add(news)
            if text.startswith(begin):
                return text
            if not text.startswith("SIP/2.0 1"):
                sys.exit(f"{self.user}: {text.splitlines()[0]} instead of {begin}")

    def silent(self, what, seconds=0.5):
        packet = self.wire.receive(self.set.own["spi-s"], seconds)
        if packet:
            sys.exit(f"{what}: {self.set.open(packet).splitlines()[0]}")

    def request(self, method, other, *more, uri=None, to="", call=None, cseq=None, body=""):
        self.cseq += 1
        port = self.set.own["port-s"]
        route = [] if uri else [f"Route: <sip:{HOST}:{self.set.theirs['port-s']};lr>, {self.route}"]
        return "\r\n".join([
            f"{method} {uri or f'sip:{other.user}@{DOMAIN}'} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.host}:{port};branch=z9hG4bK{method}{self.user}{self.cseq}{RUN}", *route, "Max-Forwards: 70",
            f"From: <sip:{self.user}@{DOMAIN}>;tag=a", f"To: <sip:{other.user}@{DOMAIN}>{to}", f"Call-ID: {call or self.cseq}-{RUN}",
            f"CSeq: {cseq or self.cseq} {method}", f"Contact: <sip:{self.user}@{self.host}:{port}>", "Require: sec-agree",
            "Proxy-Require: sec-agree", *more, f"Content-Length: {len(body)}", "", body])

    def answer(self, request, *more, tag=""):
        kept = [f"{n}: {v}" for n in ("Via", "Record-Route", "From", "Call-ID", "CSeq") for v in lines(request, n)]
        self.say("\r\n".join(["SIP/2.0 200 OK", *kept, f"To: {lines(request, 'To')[0]}{tag}", *more, "Content-Length: 0", "", ""]))


def message(a, b, octets=0):
    a.say(a.request("MESSAGE", b, "Content-Type: text/plain", body="x" * octets))
    got = b.hear("MESSAGE ")
    if len(got.split("\r\n\r\n", 1)[1]) != octets:
        sys.exit(f"MESSAGE of {octets} octets came with {len(got.split(chr(13) + chr(10) * 1, 1)[1])}")
    b.answer(got, tag=";tag=m")
    a.hear("SIP/2.0 200")


def call(a, b):
    a.say(a.request("INVITE", b, call=f"call{a.cseq}"))
    invite = b.hear("INVITE ")
    b.answer(invite, f"Contact: <sip:{b.user}@{b.host}:{b.set.own['port-s']}>", tag=";tag=b")
    ok = a.hear("SIP/2.0 200")
    routes = ",".join(",".join(lines(ok, "Record-Route")).split(",")[::-1])
    target = re.search(r"<(.*)>", lines(ok, "Contact")[0]).group(1)
    inside = {"uri": target, "to": ";tag=b", "call": lines(ok, "Call-ID")[0].split("-")[0]}
    a.say(a.request("ACK", b, f"Route: {routes}", cseq=int(lines(ok, "CSeq")[0].split()[0]), **inside))
    b.hear("ACK ")
    a.say(a.request("BYE", b, f"Route: {routes}", **inside))
    bye = b.hear("BYE ")
    b.answer(bye)
    a.hear("SIP/2.0 200")


def leave(t):
    own = t.offer()
    t.say(t.register(own, f"Security-Verify: {t.verify}", expires=0))
    new, verify, response = t.agree(t.hear("SIP/2.0 401"), own)
    t.set = new
    t.say(t.register(own, f"Security-Verify: {verify}", expires=0, response=response))
    t.hear("SIP/2.0 200")


def calls(a, b):
    a.start()
    b.start()
    message(a, b, 20)
    message(b, a, 2500)  # in fragments
    call(a, b)
    old = b.renew()
    # What it sends before it uses the new ones still comes through; what is sent to it goes under the new ones.
    b.wire.send(old.seal(b.request("MESSAGE", a, body="last")))
    a.answer(a.hear("MESSAGE "), tag=";tag=m")
    b.hear("SIP/2.0 200", under=old)
    call(a, b)
    message(b, a, 20)
    # Its first request under the new set has ended the old one's use.
    b.wire.send(old.seal(b.request("MESSAGE", a, body="old")))
    a.silent("a MESSAGE under associations that have been succeeded")
    leave(a)
    leave(b)


def on_and_on(a, b):
    a.start()
    b.start()
    n = 0
    print("up", flush=True)
    while not select.select([sys.stdin], [], [], 0.1)[0]:
        call(a, b)
        n += 1
    print(n)


def with_a_pause(a, b):
    a.start()
    b.start()
    call(a, b)
    for t in a, b:
        for spi in t.set.own["spi-s"], t.set.theirs["spi-s"]:
            print("sa", hex(spi), t.set.ck.hex(), t.set.ik.hex())
    print("up", flush=True)
    sys.stdin.readline()
    call(a, b)
    call(b, a)


def refused(what, answer, status):
    if not answer.startswith(f"SIP/2.0 {status} "):
        sys.exit(f"{what}: {answer.splitlines()[0]} instead of {status}")


def hostile(a, b):
    did = {}
    # The list that is verified differs: somebody took an algorithm away on the way.
    own = a.offer()
    a.clear.sendto(a.register(own, clear=True).encode(), (REMOTE, 5060))
    a.set, verify, response = a.agree(a.clear.recv(65536).decode(), own)
    a.say(a.register(own, f"Security-Verify: {verify};q=0.9", response=response))
    refused("a changed Security-Verify", a.hear("SIP/2.0 4"), 494)
    a.nonce = ""
    a.start()
    b.start()

    good = a.request("MESSAGE", b, body="hello")
    packet = a.set.seal(good)
    # Bits, in every part of the packet; none gets through, and the packet itself does after them.
    for at in (8, 12, 20, len(packet) // 2, len(packet) - 13, len(packet) - 1):
        a.wire.send(packet[:at] + bytes([packet[at] ^ 0x10]) + packet[at + 1:])
    for length in (4, 7, 8, 20, len(packet) - 4, len(packet) - 1):
        a.wire.send(packet[:length])
    b.silent("a MESSAGE of flipped or missing octets")
    a.wire.send(packet)
    b.answer(b.hear("MESSAGE "), tag=";tag=m")
    a.hear("SIP/2.0 200")
    for _ in range(3):
        a.wire.send(packet)
    b.silent("a replayed MESSAGE")
    a.silent("an answer to a replay")
    did["replays"] = 3
    a.wire.send(struct.pack("!I", 0x7fffff00) + packet[4:])
    did["unknown"] = 1

    # In clear at the protected port, from the protected port.
    clear = socket.socket(FAMILY, socket.SOCK_DGRAM)
    clear.bind((LOCAL, a.set.own["port-c"]))
    clear.settimeout(0.5)
    for port in (a.set.theirs["port-s"], a.set.theirs["port-c"]):
        clear.sendto(a.request("MESSAGE", b, body="clear").encode(), (REMOTE, port))
    b.silent("a MESSAGE in clear at a protected port")
    did["clear"] = 2
    # And at the open port: the flow is the protected one's, the message is not.
    clear.sendto(a.request("MESSAGE", b, body="clear").encode(), (REMOTE, 5060))
    try:
        refused("a MESSAGE in clear of a protected terminal", clear.recv(65536).decode(), 403)
    except TimeoutError:
        pass
    b.silent("a MESSAGE in clear of a protected terminal")

    # Under one's own associations, in another's name: the network asserts who it is.
    a.say(a.request("MESSAGE", b, body="x").replace(f"From: <sip:{a.user}@", f"From: <sip:{b.user}@", 1))
    got = b.hear("MESSAGE ")
    asserted = lines(got, "P-Asserted-Identity")
    if not any(f"sip:{a.user}@" in v for v in asserted) or any(f"sip:{b.user}@" in v for v in asserted):
        sys.exit(f"asserted: {asserted}")
    b.answer(got, tag=";tag=m")
    a.hear("SIP/2.0 200")
    # A REGISTER of another's private identity under one's own associations.
    other = a.register(a.offer()).replace(a.user, b.user)
    a.say(other)
    refused("another's REGISTER", a.hear("SIP/2.0 4"), 403)
    call(a, b)
    call(b, a)
    print(*(f"{k}={v}" for k, v in did.items()))


with open(FILE, newline="") as f:
    ROWS = list(csv.DictReader(f))[:2]
for row in ROWS:
    row["op"] = row.get("op") or row["opc"]
WIRE = None if INSIDE else Wire()
A, B = Terminal(WIRE, ROWS[0]), Terminal(WIRE, ROWS[1])
{"call": calls, "hostile": hostile, "calls": on_and_on, "pause": with_a_pause}[WHAT](A, B)
