#!/usr/bin/env python3
"""network.py - terminals of SIP Digest and an S-CSCF, for what the network does with registrations

network.py register LOCAL REMOTE USER           registers USER (password: secret) for an hour, the Contact being LOCAL
network.py call LOCAL REMOTE USER CALLEE AT     USER calls CALLEE, whose terminal is at AT; prints "reached" or the status
network.py scscf LOCAL POLICY FILE              an S-CSCF: answers each REGISTER with POLICY (a status, or "nothing"),
                                                and writes a line of what it got to FILE; ends when it is killed
"""
import hashlib
import os
import re
import select
import socket
import sys

DOMAIN, PASSWORD = "ims.example", "secret"


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def bound(local):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(address(local))
    s.settimeout(8)
    return s


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def status_of(message):
    return int(message.split(" ", 2)[1])


def header(message, name):
    return re.findall(rf"(?mi)^{name}: *(.*?)\r$", message)


def request(method, uri, local, user, to, call_id, cseq, more=()):
    lines = [
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/UDP {local};branch=z9hG4bK{call_id}{cseq}",
        "Max-Forwards: 70",
        f"From: <sip:{user}@{DOMAIN}>;tag=f{call_id}",
        f"To: <sip:{to}@{DOMAIN}>",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq} {method}",
        f"Contact: <sip:{user}@{local}>",
        *more,
        "Content-Length: 0",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def answer_to(sock, call_id):
    """Other dialogs' messages may be on their way to the same port."""
    while True:
        answer = sock.recv(65536).decode()
        if answer.startswith("SIP/2.0") and header(answer, "Call-ID") == [call_id]:
            return answer


def register(local, remote, user):
    sock, call_id, name, uri = bound(local), os.urandom(6).hex(), f"{user}@{DOMAIN}", f"sip:{DOMAIN}"
    sock.sendto(request("REGISTER", uri, local, user, user, call_id, 1, ["Expires: 3600"]), address(remote))
    answer = answer_to(sock, call_id)
    if status_of(answer) == 401:
        challenge = next(c for c in header(answer, "WWW-Authenticate") if "MD5" in c and "AKA" not in c)
        nonce, realm = (re.search(rf'{key}="([^"]+)"', challenge).group(1) for key in ("nonce", "realm"))
        response = md5(f"{md5(f'{name}:{realm}:{PASSWORD}')}:{nonce}:00000001:cn:auth:{md5(f'REGISTER:{uri}')}")
        sock.sendto(request("REGISTER", uri, local, user, user, call_id, 2, [
            "Expires: 3600",
            f'Authorization: Digest username="{name}", realm="{realm}", nonce="{nonce}", uri="{uri}", qop=auth, '
            f'nc=00000001, cnonce="cn", response="{response}", algorithm=MD5']), address(remote))
        answer = answer_to(sock, call_id)
    print(status_of(answer))


def call(local, remote, user, callee, at):
    sock, terminal, call_id = bound(local), bound(at), os.urandom(6).hex()
    sock.sendto(request("INVITE", f"sip:{callee}@{DOMAIN}", local, user, callee, call_id, 1), address(remote))
    while True:
        ready, _, _ = select.select([sock, terminal], [], [], 8)
        if not ready:
            print("nothing")
            return
        if terminal in ready:
            invite = terminal.recv(65536).decode()
            # What earlier calls left unanswered is repeated for half a minute.
            if not invite.startswith("INVITE ") or header(invite, "Call-ID") != [call_id]:
                continue
            vias = "".join(f"Via: {v}\r\n" for v in header(invite, "Via"))
            same = "".join(f"{n}: {header(invite, n)[0]}\r\n" for n in ("From", "Call-ID", "CSeq"))
            to = header(invite, "To")[0]
            terminal.sendto(f"SIP/2.0 486 Busy Here\r\n{vias}{same}To: {to};tag=t\r\nContent-Length: 0\r\n\r\n".encode(),
                            address(remote))
            print("reached")
            return
        answer = sock.recv(65536).decode()
        if answer.startswith("SIP/2.0") and header(answer, "Call-ID") == [call_id] and status_of(answer) >= 200:
            print(status_of(answer))
            return


def scscf(local, policy, file):
    sock = bound(local)
    sock.settimeout(None)
    seen = set()
    while True:
        data, source = sock.recvfrom(65536)
        text = data.decode()
        if not text.startswith("REGISTER "):
            continue
        branch = header(text, "Via")[0]
        if branch not in seen:
            seen.add(branch)
            with open(file, "a") as f:
                print(text.split("\r\n", 1)[0], "path" if header(text, "Path") else "no path", file=f)
        if policy == "nothing":
            continue
        vias = "".join(f"Via: {v}\r\n" for v in header(text, "Via"))
        same = "".join(f"{n}: {header(text, n)[0]}\r\n" for n in ("From", "Call-ID", "CSeq"))
        answer = f"SIP/2.0 {policy} Said so\r\n{vias}{same}To: {header(text, 'To')[0]};tag=s\r\nContent-Length: 0\r\n\r\n"
        sock.sendto(answer.encode(), source)


{"register": register, "call": call, "scscf": scscf}[sys.argv[1]](*sys.argv[2:])
