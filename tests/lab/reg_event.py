#!/usr/bin/env python3
"""reg_event.py - a terminal that registers, subscribes to its own registration, and checks what it is told

reg_event.py REMOTE LOCAL USER PASSWORD OTHER-LOCAL

On the way it prints what has to be done outside: "reauth", then "dereg". Exits 0, or says what was wrong.
"""
import re
import sys
import xml.etree.ElementTree as ET

from terminal import DOMAIN, RUN, Terminal, address, lines

REMOTE, USER, PASSWORD = address(sys.argv[1]), sys.argv[3], sys.argv[4]
NS = {"r": "urn:ietf:params:xml:ns:reginfo"}


def subscribe(t, user, to, uri, tag="", expires=3600, route=True):
    t.cseq += 1
    head = [f"Route: <sip:{REMOTE[0]}:{REMOTE[1]};lr>, {t.route[0]}"] if route else []
    t.send(f"SUBSCRIBE {uri} SIP/2.0", t.via("s"), *head, "Max-Forwards: 70", f"From: <sip:{t.user}@{DOMAIN}>;tag=s",
           f"To: <sip:{user}@{DOMAIN}>{to}", f"Call-ID: subscribe-{RUN}{tag}", f"CSeq: {t.cseq} SUBSCRIBE", "Event: reg",
           f"Contact: {t.contact}", f"Expires: {expires}", "Accept: application/reginfo+xml")


class Told:
    """One NOTIFY, answered."""

    def __init__(self, t, seconds=3.0):
        self.text = t.wanted("NOTIFY ", seconds)
        t.answer(self.text)
        self.state = lines(self.text, "Subscription-State")[0]
        self.doc = ET.fromstring(self.text.split("\r\n\r\n", 1)[1])
        self.version = int(self.doc.get("version"))
        self.full = self.doc.get("state") == "full"
        self.contacts = {c.find("r:uri", NS).text: c for c in self.doc.iterfind(".//r:contact", NS)}

    def expect(self, what, version, full, contact, **attributes):
        c = self.contacts.get(contact)
        if (self.version, self.full) != (version, full) or c is None:
            sys.exit(f"{what}: version {self.version}, full {self.full}, contacts {list(self.contacts)}")
        for name, value in attributes.items():
            if c.get(name) != value:
                sys.exit(f"{what}: {name} is {c.get(name)}, wanted {value}")


def uri(t):
    return t.contact.strip("<>")


t = Terminal(address(sys.argv[2]), USER, REMOTE, PASSWORD)
second = Terminal(address(sys.argv[5]), USER, REMOTE, PASSWORD)
t.register(f"Contact: {t.contact};expires=3600")

subscribe(t, "user000001", "", f"sip:user000001@{DOMAIN}", "-other")
t.wanted("SIP/2.0 480")
subscribe(t, USER, "", f"sip:{USER}@{DOMAIN}")
ok = t.wanted("SIP/2.0 200")
target = re.search(r"<(.*)>", lines(ok, "Contact")[0]).group(1)
to = re.search(r"(;tag=\w+)", lines(ok, "To")[0]).group(1)
first = Told(t)
first.expect("the first document", 0, True, uri(t), state="active", event="registered")
if not first.state.startswith("active;expires="):
    sys.exit(f"Subscription-State: {first.state}")

second.register(f"Contact: {second.contact};expires=3600")
Told(t).expect("a second terminal", 1, False, uri(second), state="active", event="registered")
subscribe(t, USER, to, target, route=False)
t.wanted("SIP/2.0 200")
Told(t).expect("within the dialog", 2, True, uri(second), state="active")
second.register("Contact: " + second.contact + ";expires=0")
Told(t).expect("it leaves", 3, False, uri(second), state="terminated", event="unregistered")

print("reauth", flush=True)
shortened = Told(t, 10)
shortened.expect("shortened", 4, False, uri(t), state="active", event="shortened")
t.register(f"Contact: {t.contact};expires=3600")
Told(t).expect("registered anew", 5, False, uri(t), state="active", event="refreshed")

print("dereg", flush=True)
last = Told(t, 10)
last.expect("de-registered", 6, False, uri(t), state="terminated", event="rejected")
if last.state != "terminated;reason=noresource":
    sys.exit(f"Subscription-State at the end: {last.state}")
