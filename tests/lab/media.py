#!/usr/bin/env python3
"""media.py - two terminals of SIP Digest and what they offer each other

media.py REMOTE LOCAL1 USER1 LOCAL2 USER2 PASSWORD

The network allows PCMA alone and one stream. Prints a line a case, "ok" or "FAIL" before it.
"""
import sys

from terminal import DOMAIN, RUN, Terminal, address, lines

REMOTE, PASSWORD = address(sys.argv[1]), sys.argv[6]
AUDIO, VIDEO = "m=audio 4000 RTP/AVP 8\r\n", "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
SDP = ["Content-Type: application/sdp"]
number = 0


def description(of, media):
    host = of.local[0]
    return f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n{media}"


class Call:
    def __init__(self):
        global number
        number += 1
        a.cseq += 1
        self.cseq, self.tag = a.cseq, ""
        self.dialog = [f"From: <sip:{a.user}@{DOMAIN}>;tag=a", f"Call-ID: media{number}-{RUN}"]
        self.route = [f"<sip:{REMOTE[0]}:{REMOTE[1]};lr>", a.route[0]]
        self.uri = f"sip:{b.user}@{DOMAIN}"

    def request(self, method, media="", branch=None):
        head = SDP if media else []
        a.send(f"{method} {self.uri} SIP/2.0", a.via(f"{number}{branch or method}{self.cseq}"), "Route: " + ",".join(self.route), "Max-Forwards: 70",
               *self.dialog, f"To: <sip:{b.user}@{DOMAIN}>{self.tag}", f"CSeq: {self.cseq} {method}", f"Contact: {a.contact}", *head,
               body=description(a, media) if media else "")

    def answer(self, request, status, media=""):
        kept = [f"{n}: {v}" for n in ("Via", "Record-Route", "From", "Call-ID", "CSeq") for v in lines(request, n)]
        to = lines(request, "To")[0]
        b.send(f"SIP/2.0 {status}", *kept, f"To: {to}{'' if 'tag=' in to else ';tag=b'}", f"Contact: {b.contact}", *(SDP if media else []),
               body=description(b, media) if media else "")

    def accepted(self):
        ok = a.wanted("SIP/2.0 200")
        self.route = ", ".join(lines(ok, "Record-Route")).split(",")[::-1]
        self.uri, self.tag = lines(ok, "Contact")[0].strip("<>"), ";tag=b"
        return ok

    def ring(self, offer, answer):
        self.request("INVITE", offer)
        self.answer(b.wanted("INVITE "), "200 OK", answer)
        return self.accepted()

    def refused(self, begin):
        response = a.wanted(begin)
        kept = self.tag
        self.tag = lines(response, "To")[0].partition(">")[2]
        self.request("ACK", branch="INVITE")  # RFC 3261 section 17.1.1.3
        self.tag = kept
        return response

    def hang_up(self):
        self.cseq += 1
        self.request("BYE")
        b.answer(b.wanted("BYE "))
        a.wanted("SIP/2.0 200")

    def ended(self):
        for terminal in a, b:
            bye = terminal.wanted("BYE ", 5)
            terminal.answer(bye)
            if not lines(bye, "Reason")[0].startswith("SIP;cause=488"):
                sys.exit(f"Reason: {lines(bye, 'Reason')}")


def passes():
    call = Call()
    call.ring(AUDIO, AUDIO)
    call.request("ACK")
    b.wanted("ACK ")
    call.hang_up()


def refused(offer, warning, instead):
    call = Call()
    call.request("INVITE", offer)
    response = call.refused("SIP/2.0 488")
    head, _, body = response.partition("\r\n\r\n")
    if not any(warning in v for v in lines(head + "\r\n", "Warning")) or (instead not in body if instead else body):
        sys.exit(response)


def codec():
    refused("m=audio 4000 RTP/AVP 0\r\n", "305 ", "m=audio 0 RTP/AVP 0\r\n")


def one_codec_of_two():
    refused("m=audio 4000 RTP/AVP 0 8\r\n", "305 ", "m=audio 4000 RTP/AVP 8\r\n")


def streams():
    refused(AUDIO + AUDIO, "305 ", "m=audio 0 RTP/AVP 8\r\n")


def unreadable():
    refused("m=audio 99999 RTP/AVP 8\r\n", "399 ", "")


def unfit():
    call = Call()
    call.ring(AUDIO, AUDIO + VIDEO)
    call.ended()


def unfit_late():
    call = Call()
    call.ring("", AUDIO)
    call.request("ACK", AUDIO + VIDEO)
    b.wanted("ACK ")
    call.ended()


def late():
    call = Call()
    call.ring("", AUDIO)
    call.request("ACK", AUDIO)
    b.wanted("ACK ")
    call.hang_up()


def changed():
    call = Call()
    call.ring(AUDIO, AUDIO)
    call.request("ACK")
    b.wanted("ACK ")
    call.cseq += 1
    call.request("INVITE", "m=audio 4000 RTP/AVP 0\r\n")
    call.refused("SIP/2.0 488")
    call.cseq += 1
    call.request("INVITE", AUDIO + "a=sendonly\r\n")
    call.answer(b.wanted("INVITE "), "200 OK", AUDIO + "a=recvonly\r\n")
    a.wanted("SIP/2.0 200")
    call.request("ACK")
    b.wanted("ACK ")
    call.hang_up()


def busy():
    call = Call()
    call.request("INVITE", AUDIO)
    request = b.wanted("INVITE ")
    call.answer(request, "486 Busy Here")
    call.refused("SIP/2.0 486")
    b.wanted("ACK ")


def case(name, function):
    """Of a child, for what is wrong ends it."""
    for terminal in a, b:
        terminal.drain()
    try:
        function()
        print(f"ok {name}", flush=True)
    except SystemExit as e:
        print(f"FAIL {name}\n{e}", flush=True)
    a.cseq += 10


a, b = (Terminal(address(sys.argv[i]), sys.argv[i + 1], REMOTE, PASSWORD) for i in (2, 4))
for t in a, b:
    t.register(f"Contact: {t.contact};expires=600")
case("what may be offered passes", passes)
case("a codec that may not is refused with what may", codec)
case("one of two codecs", one_codec_of_two)
case("one stream too many", streams)
case("a description that cannot be read", unreadable)
case("an answer that does not fit ends the session", unfit)
case("an offer in the 200 and its answer in the ACK", late)
case("an answer in the ACK that does not fit", unfit_late)
case("a session changes: refused, put on hold", changed)
case("a session that is refused", busy)
