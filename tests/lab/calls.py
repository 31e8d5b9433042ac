"""calls.py - terminals that move between access networks, and their calls, for the lab's scripts"""
import sys

from terminal import DOMAIN, RUN, Terminal, lines

PASSWORD = "secret"
NODE = {"lte": ("10.10.0.1", 5060), "wlan": ("10.20.0.1", 5060)}
HOST = {"lte": "10.10.0.2", "wlan": "10.20.0.2"}


class Mobile(Terminal):
    def __init__(self, lab, access, number):
        self.lab, self.number = lab, number
        super().__init__((HOST[access], 20000 + number), f"digest{number}", NODE[access], PASSWORD, lab + access)
        self.enter(access)

    def enter(self, access):
        """Registers there; the instance is the same."""
        if self.local[0] != HOST[access]:
            self.attach((HOST[access], 20000 + self.number), NODE[access], self.lab + access)
        self.access = access
        instance = f'+sip.instance="<urn:uuid:00000000-0000-0000-0000-{self.number:012d}>"'
        self.register(f"Contact: {self.contact};{instance};expires=600",
                      f"P-Access-Network-Info: {'3GPP-E-UTRAN-FDD' if access == 'lte' else 'IEEE-802.11'}")

    def sdp(self, direction="sendrecv"):
        host = self.local[0]
        return (f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
                f"m=audio {30000 + self.number} RTP/AVP 8\r\na={direction}\r\n")


class Side:
    """What one terminal knows of the dialog."""
    def __init__(self, terminal, own, other, route, target):
        self.t, self.own, self.other, self.route, self.target = terminal, own, other, route, target

    def request(self, method, call_id, body=""):
        if method != "ACK":
            self.t.cseq += 1
        self.t.send(f"{method} {self.target} SIP/2.0", self.t.via(method), "Route: " + ",".join(self.route), "Max-Forwards: 70",
                    f"From: {self.own}", f"To: {self.other}", f"Call-ID: {call_id}", f"CSeq: {self.t.cseq} {method}",
                    f"Contact: {self.t.contact}", *(["Content-Type: application/sdp"] if body else []), body=body)


class Attempt:
    """An INVITE that is on its way."""
    def __init__(self, a, b):
        self.caller, self.called, self.id = a, b, f"call-{a.number}-{a.cseq}-{RUN}"
        a.cseq += 1
        self.me, self.you = f"<sip:{a.user}@{DOMAIN}>;tag=a", f"<sip:{b.user}@{DOMAIN}>"
        self.first = [f"Route: <sip:{a.remote[0]}:{a.remote[1]};lr>,{a.route[0]}", "Max-Forwards: 70", f"From: {self.me}"]
        a.send(f"INVITE sip:{b.user}@{DOMAIN} SIP/2.0", a.via("INVITE"), *self.first, f"To: {self.you}", f"Call-ID: {self.id}",
               f"CSeq: {a.cseq} INVITE", f"Contact: {a.contact}", "Content-Type: application/sdp", body=a.sdp())

    def refused(self, status, seconds=5.0):
        """The response, acknowledged (RFC 3261 section 17.1.1.3)."""
        a = self.caller
        response = a.wanted(f"SIP/2.0 {status}", seconds)
        a.send(f"ACK sip:{self.called.user}@{DOMAIN} SIP/2.0", a.via("INVITE"), *self.first, f"To: {lines(response, 'To')[0]}",
               f"Call-ID: {self.id}", f"CSeq: {a.cseq} ACK")
        return response


class Call(Attempt):
    """Up when it is made."""
    def __init__(self, a, b, moves_to=None):
        super().__init__(a, b)
        invite = b.wanted("INVITE ")
        if moves_to:  # before it has said anything
            b.enter(moves_to)
            invite = b.wanted("INVITE ", 8)
        b.answer(invite, f"Contact: {b.contact}", "Content-Type: application/sdp", tag=";tag=b", body=b.sdp())
        ok = a.wanted("SIP/2.0 200")
        routes = ", ".join(lines(ok, "Record-Route")).split(",")
        seen = ", ".join(lines(invite, "Record-Route")).split(",")
        self.a = Side(a, self.me, self.you + ";tag=b", routes[::-1], lines(ok, "Contact")[0].strip("<>"))
        self.b = Side(b, self.you + ";tag=b", self.me, seen, lines(invite, "Contact")[0].strip("<>"))
        self.a.request("ACK", self.id)
        b.wanted("ACK ")

    def offer(self, by, to, direction="sendrecv", answer="sendrecv"):
        """A re-INVITE (RFC 3261 section 14): both targets are refreshed."""
        by.request("INVITE", self.id, by.t.sdp(direction))
        invite = to.t.wanted("INVITE ")
        if f"c=IN IP4 {by.t.local[0]}\r\n" not in invite:
            sys.exit("the description is not the new one")
        to.target = lines(invite, "Contact")[0].strip("<>")
        to.t.answer(invite, f"Contact: {to.t.contact}", "Content-Type: application/sdp", body=to.t.sdp(answer))
        by.target = lines(by.t.wanted("SIP/2.0 200"), "Contact")[0].strip("<>")
        by.request("ACK", self.id)
        to.t.wanted("ACK ")

    def hang_up(self, by, to):
        by.request("BYE", self.id)
        to.t.answer(to.t.wanted("BYE "))
        by.t.wanted("SIP/2.0 200")
