#!/usr/bin/env python3
"""application_server.py - an Application Server on Sh, told what to do line by line; and a hostile one

  application_server.py ADDRESS:PORT IDENTITY REALM HSS LOG

Connects, and again whenever the connection is lost. Reads from stdin, and answers each line by one on stdout:
  udr IMPU REFERENCE [KEY=VALUE ...]        the result of UDR, and User-Data; keys: service, tag, server, set, domain,
                                            current, msisdn (TBCD, hexadecimal; IMPU is then -)
  pur IMPU REFERENCE XML                    the result of PUR
  snr IMPU REFERENCE [KEY=VALUE ...]        of SNR, and User-Data; besides: send, once, unsubscribe (0 is "yes" for once,
                                            as the AVP has it), expiry in seconds from now
  answer RESULT                             every PNR is answered with this from now on; 0: not at all
  hostile NAME                              the result of one of the malformed requests below; "none" for no answer
PNRs go to LOG, a line each: the IMPU and User-Data. Results of 3GPP are + 100000.
"""
import queue
import socket
import struct
import sys
import threading
import time

from hostile_diameter import (BASE, CER, DPR, DWR, M, ORIGIN_HOST, ORIGIN_REALM, P, R, RESULT_CODE, SESSION_ID, TGPP, V,
                              avp, message, parse, result_of, value_of)

SH, UDR, PUR, SNR, PNR = 16777217, 306, 307, 308, 309
USER_IDENTITY, MSISDN, USER_DATA, REFERENCE = 700, 701, 702, 703
ADDRESS, IDENTITY, REALM, HSS, LOG = sys.argv[1:6]
ENUMS = {"domain": 706, "current": 707, "set": 708, "send": 710, "once": 712, "unsubscribe": 705}
TEXTS = {"service": 704, "tag": 711, "server": 602}
SECONDS_1900 = 2208988800


def tgpp(code, value, flags=M):
    return avp(code, value, flags, TGPP)


def user(impu, keys=()):
    if "msisdn" in keys:
        return tgpp(USER_IDENTITY, tgpp(MSISDN, bytes.fromhex(keys["msisdn"])))
    return tgpp(USER_IDENTITY, tgpp(601, impu))


class Server(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.answers, self.link, self.result, self.session = queue.Queue(), None, 2001, 0
        self.open = threading.Event()
        self.log = open(LOG, "a", buffering=1)

    def origin(self):
        return [avp(ORIGIN_HOST, IDENTITY), avp(ORIGIN_REALM, REALM)]

    def head(self, origin=None):
        self.session += 1
        return [avp(SESSION_ID, f"{IDENTITY};{time.monotonic_ns()};{self.session}"),
                avp(260, avp(266, TGPP) + avp(258, SH)), avp(277, 1), *(origin or self.origin()), avp(283, REALM),
                avp(293, HSS)]

    def run(self):
        host, port = ADDRESS.rsplit(":", 1)
        while True:
            try:
                with socket.create_connection((host, int(port)), timeout=5) as link:
                    link.settimeout(None)
                    self.link = link
                    self.serve(link)
            except OSError:
                pass
            self.open.clear()
            self.answers.put(None)
            time.sleep(0.3)

    def serve(self, link):
        capabilities = [avp(257, b"\0\1\x7f\0\0\1"), avp(266, 0), avp(269, "as", 0), avp(265, TGPP),
                        avp(260, avp(266, TGPP) + avp(258, SH))]
        link.sendall(message(CER, [*self.origin(), *capabilities], R, BASE))
        left = b""
        while more := link.recv(65536):
            left += more
            while len(left) >= 20 and len(left) >= int.from_bytes(left[1:4], "big"):
                length = int.from_bytes(left[1:4], "big")
                self.take(parse(left[:length]))
                left = left[length:]

    def take(self, m):
        if m["code"] == CER:
            if result_of(m) == 2001:
                self.open.set()
        elif not m["flags"] & R:
            self.answers.put(m)
        elif m["code"] in (DWR, DPR):
            self.reply(m, [avp(RESULT_CODE, 2001), *self.origin()], 0, BASE)
        elif m["code"] == PNR:
            inner = parse(bytes(20) + (value_of(m, USER_IDENTITY, TGPP) or b""))
            impu = value_of(inner, 601, TGPP) or b"-"
            self.log.write(f"{impu.decode()} {(value_of(m, USER_DATA, TGPP) or b'-').decode()}\n")
            if self.result:
                code = (avp(RESULT_CODE, self.result) if self.result < 100000 else
                        avp(297, avp(266, TGPP) + avp(298, self.result - 100000)))
                self.reply(m, [avp(SESSION_ID, value_of(m, SESSION_ID) or b""), code,
                               avp(260, avp(266, TGPP) + avp(258, SH)), avp(277, 1), *self.origin()], P, SH)

    def reply(self, m, avps, flags, app):
        octets = bytearray(message(m["code"], avps, flags, app, m["hop"]))
        octets[16:20] = struct.pack("!I", m["end"])
        self.link.sendall(octets)

    def ask(self, octets):
        """The answer; None: none within 4 s, or the connection went."""
        if not self.open.wait(15):
            return None
        while not self.answers.empty():
            self.answers.get()
        try:
            self.link.sendall(octets)
            return self.answers.get(timeout=4)
        except (OSError, queue.Empty):
            return None

    def request(self, code, avps):
        return self.ask(message(code, self.head() + avps, R | P, SH))


def options(words):
    keys = dict(w.split("=", 1) for w in words)
    avps = [tgpp(TEXTS[k], v) for k, v in keys.items() if k in TEXTS]
    avps += [tgpp(ENUMS[k], int(v)) for k, v in keys.items() if k in ENUMS]
    if "expiry" in keys:
        avps.append(tgpp(709, struct.pack("!I", (int(time.time()) + int(keys["expiry"]) + SECONDS_1900) & 0xFFFFFFFF)))
    return keys, avps


def udr(server, impu, reference, *words):
    keys, avps = options(words)
    return server.request(UDR, [user(impu, keys), tgpp(REFERENCE, int(reference)), *avps])


def snr(server, impu, reference, *words):
    keys, avps = options(words)
    if "unsubscribe" not in keys:
        avps.append(tgpp(ENUMS["unsubscribe"], 0))
    return server.request(SNR, [user(impu, keys), tgpp(REFERENCE, int(reference)), *avps])


def pur(server, impu, reference, *xml):
    return server.request(PUR, [user(impu), tgpp(REFERENCE, int(reference)), tgpp(USER_DATA, " ".join(xml))])


def answer(server, result):
    server.result = int(result)


IMPU = "sip:digest1@ims.example"
BASIC = [user(IMPU), tgpp(REFERENCE, 11)]
HUGE = ("<Sh-Data><RepositoryData><ServiceIndication>s</ServiceIndication><SequenceNumber>0</SequenceNumber><ServiceData>"
        + "<a>" * 4000 + "</a>" * 4000 + "</ServiceData></RepositoryData></Sh-Data>")
LAUGHS = ("<!DOCTYPE x [" + "".join(f"<!ENTITY e{i + 1} '{f'&e{i};' * 10}'>" for i in range(9)) + "]><Sh-Data>&e9;</Sh-Data>")
ATTACKS = {
    "no-user": (UDR, [tgpp(REFERENCE, 11)]),
    "empty-user": (UDR, [tgpp(USER_IDENTITY, b""), tgpp(REFERENCE, 11)]),
    "two-users": (UDR, [user(IMPU), *BASIC]),
    "no-reference": (UDR, [user(IMPU)]),
    "negative-reference": (UDR, [user(IMPU), tgpp(REFERENCE, 0xFFFFFFFF)]),
    "many-references": (UDR, [user(IMPU), *[tgpp(REFERENCE, 11)] * 17]),
    "same-reference": (UDR, [user(IMPU), *[tgpp(REFERENCE, 11)] * 2]),
    "nul-identity": (UDR, [user("sip:a\0b@ims.example"), tgpp(REFERENCE, 11)]),
    "long-identity": (UDR, [user("sip:" + "a" * 2000 + "@ims.example"), tgpp(REFERENCE, 11)]),
    "short-reference": (UDR, [user(IMPU), avp(REFERENCE, b"\0", M, TGPP)]),
    "long-avp": (UDR, [user(IMPU), tgpp(REFERENCE, 11), avp(704, b"x", M | V, TGPP, length=60000)]),
    "unknown-mandatory": (UDR, [*BASIC, avp(9999, b"x", M, TGPP)]),
    "required-feature": (UDR, [*BASIC, avp(628, avp(266, TGPP) + tgpp(629, 1) + tgpp(630, 1), M, TGPP)]),
    "no-type": (SNR, BASIC),
    "wrong-type": (SNR, [*BASIC, tgpp(705, 7)]),
    "short-time": (SNR, [*BASIC, tgpp(705, 0), tgpp(709, b"\1\2")]),
    "past-time": (SNR, [*BASIC, tgpp(705, 0), tgpp(709, struct.pack("!I", SECONDS_1900 + 1000000000))]),
    "no-data": (PUR, [user(IMPU), tgpp(REFERENCE, 0)]),
    "deep-data": (PUR, [user(IMPU), tgpp(REFERENCE, 0), tgpp(USER_DATA, HUGE)]),
    "entities": (PUR, [user(IMPU), tgpp(REFERENCE, 0), tgpp(USER_DATA, LAUGHS)]),
    "large-data": (PUR, [user(IMPU), tgpp(REFERENCE, 0), tgpp(USER_DATA, "x" * 60000)]),
    "binary-data": (PUR, [user(IMPU), tgpp(REFERENCE, 0), tgpp(USER_DATA, bytes(range(256)))]),
    "push": (PNR, [user(IMPU), tgpp(USER_DATA, "<Sh-Data/>")]),
}


def hostile(server, name):
    if name == "other-server":
        origin = [avp(ORIGIN_HOST, "as2.ims.example"), avp(ORIGIN_REALM, REALM)]
        return server.ask(message(UDR, server.head(origin) + BASIC, R | P, SH))
    if name == "other-application":
        return server.ask(message(UDR, server.head() + BASIC, R | P, 16777216))
    code, avps = ATTACKS[name]
    m = server.request(code, avps)
    # What cost the connection is over when a right request is answered again.
    for _ in range(5):
        if m or server.request(UDR, BASIC):
            break
    return m


def main():
    server = Server()
    server.start()
    commands = {"udr": udr, "pur": pur, "snr": snr, "answer": answer, "hostile": hostile}
    for line in sys.stdin:
        words = line.split()
        m = commands[words[0]](server, *words[1:])
        if words[0] == "answer":
            print("ok", flush=True)
        elif m is None:
            print("none", flush=True)
        else:
            print(result_of(m), (value_of(m, USER_DATA, TGPP) or b"").decode(), flush=True)


main()
