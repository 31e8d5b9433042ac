#!/usr/bin/env python3
"""hiding.py - a proxy of our own network and a foreign network, with the node between them

hiding.py HOME FOREIGN NODE FOLDER: HOME calls sip:bob@foreign.example through NODE; FOREIGN sees nothing of HOME, nor of what lies behind it, and
answers. HOME finds in the answer what it wrote. When FOLDER/go is there, FOREIGN asks OPTIONS in the dialog and HOME ends it. Then FOREIGN calls HOME, and
the same the other way round. Exits 0, or says what was wrong.
"""
import os
import re
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from terminal import RUN, address, lines  # noqa: E402

HOME, FOREIGN, NODE, FOLDER = sys.argv[1:5]
SECRET = [HOME.split(":")[0], "10.10.0.9", "secret", "sip:as@"]


class Proxy:
    def __init__(self, at):
        self.at = at
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(address(at))
        self.sock.settimeout(4)

    def send(self, *head):
        self.sock.sendto(("\r\n".join([*head, "Content-Length: 0"]) + "\r\n\r\n").encode(), address(NODE))

    def wanted(self, begin):
        while True:
            try:
                message = self.sock.recv(65536).decode()
            except TimeoutError:
                sys.exit(f"{self.at}: no {begin}")
            if message.startswith(begin):
                return message

    def answer(self, request, status, *more, top=()):
        kept = [f"{n}: {v}" for n in ("Via", "Record-Route", "From", "Call-ID", "CSeq") for v in lines(request, n)]
        to = lines(request, "To")[0]
        self.send(f"SIP/2.0 {status}", *top, *kept, f"To: {to}{'' if 'tag=' in to else ';tag=b'}", *more)


home, foreign = Proxy(HOME), Proxy(FOREIGN)


def entries(message, name):
    return sum((re.findall(r"<[^>]+>", v) for v in lines(message, name)), [])


def shows_nothing(message):
    for secret in SECRET:
        if secret in message:
            sys.exit(f"the foreign network sees {secret}:\n{message}")


def same(what, one, other):
    if one != other:
        sys.exit(f"{what}: {one}\ninstead of {other}")


def vias(at, what):
    return [f"Via: SIP/2.0/UDP {at};branch=z9hG4bK{what}{RUN}", f"Via: SIP/2.0/UDP 10.10.0.9:5060;branch=z9hG4bKsecret{what}"]


def inside(method, target, routes, call_id, cseq, via, sides):
    return [f"{method} {target} SIP/2.0", *via, "Max-Forwards: 70", *[f"Route: {r}" for r in routes], *sides,
            f"Call-ID: {call_id}", f"CSeq: {cseq} {method}"]


RECORDED = [f"<sip:d1@{HOME};lr>", f"<sip:as@{HOME};lr>"]


def wait_for(name):
    open(f"{FOLDER}/{name}.ready", "w").close()
    for _ in range(300):
        if os.path.exists(f"{FOLDER}/{name}"):
            return
        time.sleep(0.1)
    sys.exit(f"nobody said {name}")


def from_home():
    call_id = f"out-{RUN}"
    sides = ["From: <sip:alice@ims.example>;tag=a", "To: <sip:bob@foreign.example>"]
    home.send("INVITE sip:bob@foreign.example SIP/2.0", *vias(HOME, "out"), "Max-Forwards: 70", *sides, f"Call-ID: {call_id}",
              "CSeq: 1 INVITE", "Contact: <sip:alice@ims.example>", *[f"Record-Route: {r}" for r in RECORDED],
              "P-Asserted-Identity: <sip:alice@ims.example>", "P-Charging-Vector: icid-value=secret", "Privacy: id")
    got = foreign.wanted("INVITE ")
    shows_nothing(got)
    if lines(got, "P-Asserted-Identity") or lines(got, "P-Charging-Vector"):
        sys.exit(f"trusted with too much:\n{got}")
    same("Vias", len(lines(got, "Via")), 2)
    foreign.answer(got, "200 OK", f"Contact: <sip:bob@{FOREIGN}>", "P-Asserted-Identity: <sip:anybody@foreign.example>")
    answer = home.wanted("SIP/2.0 200")
    if lines(answer, "P-Asserted-Identity"):
        sys.exit("a foreign network asserts an identity")
    same("Record-Route of the answer", entries(answer, "Record-Route")[1:], RECORDED)
    if "z9hG4bKsecretout" not in answer or "hidden=" in answer:
        sys.exit(f"Vias of the answer:\n{answer}")
    routes = list(reversed(entries(answer, "Record-Route")))[2:]
    sides = ["From: <sip:alice@ims.example>;tag=a", "To: <sip:bob@foreign.example>;tag=b"]
    home.send(*inside("ACK", f"sip:bob@{FOREIGN}", routes, call_id, 1, vias(HOME, "ack"), sides))
    shows_nothing(foreign.wanted("ACK "))
    wait_for("go")
    back = ["From: <sip:bob@foreign.example>;tag=b", "To: <sip:alice@ims.example>;tag=a"]
    foreign.send(*inside("OPTIONS", "sip:alice@ims.example", entries(got, "Record-Route"), call_id, 1,
                         [f"Via: SIP/2.0/UDP {FOREIGN};branch=z9hG4bKopt{RUN}"], back))
    asked = home.wanted("OPTIONS ")
    same("Route of a request of the called side", entries(asked, "Route"), RECORDED)
    home.answer(asked, "200 OK")
    shows_nothing(foreign.wanted("SIP/2.0 200"))
    home.send(*inside("BYE", f"sip:bob@{FOREIGN}", routes, call_id, 2, vias(HOME, "bye"), sides))
    bye = foreign.wanted("BYE ")
    shows_nothing(bye)
    foreign.answer(bye, "200 OK")
    if "z9hG4bKsecretbye" not in home.wanted("SIP/2.0 200"):
        sys.exit("Vias of the answer to BYE")
    # With a token that is another call's.
    foreign.send(*inside("OPTIONS", "sip:alice@ims.example", entries(got, "Record-Route"), call_id + "x", 1,
                         [f"Via: SIP/2.0/UDP {FOREIGN};branch=z9hG4bKforged{RUN}"], back))
    foreign.wanted("SIP/2.0 403")


def from_abroad():
    call_id = f"in-{RUN}"
    sides = ["From: <sip:bob@foreign.example>;tag=a", "To: <sip:service@ims.example>"]
    foreign.send("INVITE sip:service@ims.example SIP/2.0", f"Via: SIP/2.0/UDP {FOREIGN};branch=z9hG4bKin{RUN}", "Max-Forwards: 70", *sides,
                 f"Call-ID: {call_id}", "CSeq: 1 INVITE", f"Contact: <sip:bob@{FOREIGN}>", "P-Asserted-Identity: <sip:alice@ims.example>")
    got = home.wanted("INVITE ")
    if lines(got, "P-Asserted-Identity"):
        sys.exit("a foreign network asserts an identity of ours")
    home.answer(got, "200 OK", f"Contact: <sip:service@ims.example>", top=[f"Record-Route: {r}" for r in RECORDED])
    answer = foreign.wanted("SIP/2.0 200")
    shows_nothing(answer)
    routes = list(reversed(entries(answer, "Record-Route")))
    sides = ["From: <sip:bob@foreign.example>;tag=a", "To: <sip:service@ims.example>;tag=b"]
    foreign.send(*inside("BYE", "sip:service@ims.example", routes, call_id, 2,
                         [f"Via: SIP/2.0/UDP {FOREIGN};branch=z9hG4bKinbye{RUN}"], sides))
    bye = home.wanted("BYE ")
    same("Route of a request of the calling side", entries(bye, "Route"), list(reversed(RECORDED)))
    home.answer(bye, "200 OK")
    shows_nothing(foreign.wanted("SIP/2.0 200"))


from_home()
from_abroad()
