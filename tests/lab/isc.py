#!/usr/bin/env python3
"""isc.py - Application Servers, and the terminals whose calls go through them

isc.py as LOCAL MODE LOG: a server that does as the file MODE says with each INVITE: voicemail (answers it), redirect (302),
b2bua (begins a call of its own that carries the identifier on), divert (a proxy that changes the Request-URI to what stands
behind the word), busy, fail (503), silent. What came is written to LOG.
isc.py call REMOTE LOCAL1 USER1 LOCAL2 USER2 PASSWORD [CALLED]: both register, USER1 calls CALLED (USER2), the call is ended by
USER1; prints who answered, or the status.
isc.py message ...: the same with MESSAGE.
"""
import os
import re
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from terminal import DOMAIN, RUN, Terminal, address, lines  # noqa: E402


class Server:
    def __init__(self, local, log):
        self.local, self.name = address(local), local
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(self.local)
        self.log = open(log, "a", buffering=1, encoding="utf-8")
        self.legs = {}  # Call-ID of our own call: the INVITE it continues, and from where that came

    def send(self, to, *head):
        self.sock.sendto(("\r\n".join([*head, "Content-Length: 0"]) + "\r\n\r\n").encode(), to)

    def reply(self, to, request, status, *more):
        kept = [f"{n}: {v}" for n in ("Via", "Record-Route", "From", "Call-ID", "CSeq") for v in lines(request, n)]
        tag = "" if "tag=" in lines(request, "To")[0] else ";tag=as"
        self.send(to, f"SIP/2.0 {status}", *kept, f"To: {lines(request, 'To')[0]}{tag}", *more)

    def onward(self, request):
        """Our own identifier: what stands behind the server's Route."""
        return [r for v in lines(request, "Route") for r in re.findall(r"<[^>]+>", v) if self.name not in r]

    def begin(self, source, request):
        call_id = f"b2b-{time.time_ns()}"
        self.legs[call_id] = (request, source)
        self.send(source, f"INVITE {request.split()[1]} SIP/2.0", f"Via: SIP/2.0/UDP {self.name};branch=z9hG4bK{call_id}",
                  "Route: " + ",".join(self.onward(request)), "Max-Forwards: 60", f"From: {lines(request, 'From')[0]}",
                  f"To: <{request.split()[1]}>", f"Call-ID: {call_id}", "CSeq: 1 INVITE", f"Contact: <sip:{self.name}>",
                  *[f"P-Asserted-Identity: {v}" for v in lines(request, "P-Asserted-Identity")])

    def divert(self, source, request, uri):
        via = f"Via: SIP/2.0/UDP {self.name};branch=z9hG4bKd{abs(hash(lines(request, 'Via')[0]))}"
        head = re.sub(r"^Route: .*\r\n", "", request, flags=re.M)
        head = re.sub(r"^(\w+) \S+ (SIP/2.0\r\n)", rf"\1 {uri} \2{via}\r\nRoute: {','.join(self.onward(request))}\r\n", head)
        self.sock.sendto(head.encode(), source)

    def own_answer(self, source, response):
        request, back = self.legs[lines(response, "Call-ID")[0]]
        status = response.split()[1]
        if status[0] == "2":
            routes = [f"Route: {v}" for v in reversed([r for v in lines(response, "Record-Route") for r in re.findall(r"<[^>]+>", v)])]
            target = re.search(r"<([^>]+)>", lines(response, "Contact")[0]).group(1)
            self.send(source, f"ACK {target} SIP/2.0", f"Via: SIP/2.0/UDP {self.name};branch=z9hG4bKa{time.time_ns()}", *routes,
                      "Max-Forwards: 60", f"From: {lines(response, 'From')[0]}", f"To: {lines(response, 'To')[0]}",
                      f"Call-ID: {lines(response, 'Call-ID')[0]}", "CSeq: 1 ACK")
        if status != "100":
            self.reply(back, request, " ".join(response.split("\r\n")[0].split()[1:]), f"Contact: <sip:{self.name}>", "Server: b2bua")

    def serve(self, mode):
        while True:
            data, source = self.sock.recvfrom(65536)
            text = data.decode()
            with open(mode, encoding="utf-8") as f:
                what = f.read().split() or ["silent"]
            self.log.write(f"{text.split(chr(13))[0]} served={(lines(text, 'P-Served-User') or [''])[0]}\n")
            if text.startswith("SIP/2.0"):
                if lines(text, "Call-ID")[0] in self.legs:
                    self.own_answer(source, text)
                else:  # a proxy's: back to where the next Via leads
                    rest = text.replace(f"Via: {lines(text, 'Via')[0]}\r\n", "", 1)
                    self.sock.sendto(rest.encode(), address(re.search(r"UDP (\S+?);", lines(rest, "Via")[0]).group(1)))
            elif text.startswith("ACK"):
                continue
            elif text.startswith(("BYE", "REGISTER")):
                self.reply(source, text, "200 OK")
            elif what[0] == "voicemail":
                self.reply(source, text, "200 OK", f"Contact: <sip:{self.name}>", "Server: voicemail")
            elif what[0] == "redirect":
                self.reply(source, text, "302 Moved Temporarily", f"Contact: <{what[1]}>")
            elif what[0] == "b2bua":
                self.reply(source, text, "100 Trying")
                self.begin(source, text)
            elif what[0] == "divert":
                self.divert(source, text, what[1])
            elif what[0] in ("busy", "fail"):
                self.reply(source, text, "486 Busy Here" if what[0] == "busy" else "503 Service Unavailable")


def request(a, method, called):
    a.cseq += 1
    a.send(f"{method} sip:{called}@{DOMAIN} SIP/2.0", a.via(method), f"Route: <sip:{a.remote[0]}:{a.remote[1]};lr>, {a.route[0]}",
           "Max-Forwards: 70", f"From: <sip:{a.user}@{DOMAIN}>;tag=a", f"To: <sip:{called}@{DOMAIN}>", f"Call-ID: c-{RUN}",
           f"CSeq: {a.cseq} {method}", f"Contact: {a.contact}")


def serve(b, what, until):
    """The called terminal: answers what comes, until `until`; True: it was INVITE or MESSAGE."""
    b.sock.settimeout(max(0.01, until - time.time()))
    try:
        message = b.sock.recv(65536).decode()
    except TimeoutError:
        return False
    if message.startswith(("INVITE ", "BYE ", "MESSAGE ")):
        b.answer(message, f"Contact: {b.contact}", f"Server: {b.user}", tag="" if "tag=" in lines(message, "To")[0] else ";tag=b")
    return message.startswith(what)


def final(a, b, method, until):
    while time.time() < until:
        if b:
            serve(b, method, time.time() + 0.05)
        a.sock.settimeout(0.05)
        try:
            message = a.sock.recv(65536).decode()
        except TimeoutError:
            continue
        if re.match("SIP/2.0 [2-6]", message) and method in lines(message, "CSeq")[0] and f"c-{RUN}" in lines(message, "Call-ID"):
            return message
    sys.exit(f"no answer to {method}")


def main():
    if sys.argv[1] == "as":
        Server(sys.argv[2], sys.argv[4]).serve(sys.argv[3])
    remote, called = address(sys.argv[2]), sys.argv[8] if len(sys.argv) > 8 else sys.argv[6]
    method = "INVITE" if sys.argv[1] == "call" else "MESSAGE"
    a, b = (Terminal(address(sys.argv[i]), sys.argv[i + 1], remote, sys.argv[7]) for i in (3, 5))
    for terminal in a, b:
        terminal.register(f"Contact: {terminal.contact};expires=600")
    request(a, method, called)
    answer = final(a, b, method, time.time() + 12)
    status = answer.split()[1]
    if method == "INVITE" and status != "200":
        a.send(f"ACK sip:{called}@{DOMAIN} SIP/2.0", a.via("INVITE"), "Max-Forwards: 70", f"From: <sip:{a.user}@{DOMAIN}>;tag=a",
               f"To: {lines(answer, 'To')[0]}", f"Call-ID: c-{RUN}", f"CSeq: {a.cseq} ACK")
    elif method == "INVITE":
        routes = [r for v in lines(answer, "Record-Route") for r in re.findall(r"<[^>]+>", v)][::-1]
        target = re.search(r"<([^>]+)>", lines(answer, "Contact")[0]).group(1)
        for inside in ("ACK", "BYE"):
            a.cseq += inside == "BYE"
            a.send(f"{inside} {target} SIP/2.0", a.via(inside), "Route: " + ", ".join(routes), "Max-Forwards: 70",
                   f"From: <sip:{a.user}@{DOMAIN}>;tag=a", f"To: {lines(answer, 'To')[0]}", f"Call-ID: c-{RUN}",
                   f"CSeq: {a.cseq} {inside}")
        if not final(a, b, "BYE", time.time() + 4).startswith("SIP/2.0 200"):
            sys.exit("BYE was refused")
    print((lines(answer, "Server") or [status])[0])


main()
