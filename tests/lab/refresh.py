#!/usr/bin/env python3
"""refresh.py - one terminal of SIP Digest that registers once with its password, and then refreshes without it

refresh.py LOCAL REMOTE USER PASSWORD COUNT SECONDS register|refresh|stranger

register: registers for 3600 s; then COUNT refreshes for SECONDS s, each answered 200 without a challenge, with the header
fields of the first 200 OK; each sent twice. Then what has to be challenged: an end of the registration, a second Contact, another user.
refresh: COUNT refreshes alone, with CSeq from SECONDS * 1000 on. stranger: a refresh that has to be challenged.
Exits 0, or says what was wrong.
"""
import hashlib
import re
import socket
import sys

LOCAL, REMOTE = ((h, int(p)) for h, p in (a.rsplit(":", 1) for a in sys.argv[1:3]))
USER, PASSWORD, COUNT, SECONDS, WHAT = sys.argv[3], sys.argv[4], int(sys.argv[5]), int(sys.argv[6]), sys.argv[7]
CONTACT = f"<sip:{USER}@10.10.0.2:5070>;+sip.instance=\"<urn:uuid:1>\";q=0.5"
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(LOCAL)
sock.settimeout(3)


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def register(cseq, expires, contact=CONTACT, authorization=None, user=USER, times=1):
    lines = [
        "REGISTER sip:ims.example SIP/2.0",
        f"Via: SIP/2.0/UDP {LOCAL[0]}:{LOCAL[1]};branch=z9hG4bKrefresh{cseq}",
        "Max-Forwards: 70",
        f"From: <sip:{user}@ims.example>;tag=r",
        f"To: <sip:{user}@ims.example>",
        "Call-ID: refresh",
        f"CSeq: {cseq} REGISTER",
        f"Contact: {contact}",
        f"Expires: {expires}",
        *([authorization] if authorization else []),
        "Content-Length: 0",
    ]
    answers = []
    for _ in range(times):
        sock.sendto(("\r\n".join(lines) + "\r\n\r\n").encode(), REMOTE)
        answers.append(sock.recv(65536).decode())
    return answers if times > 1 else answers[0]


def wanted(what, answer, status):
    if not answer.startswith(f"SIP/2.0 {status} "):
        sys.exit(f"{what}: {answer.splitlines()[0]}")


def plain(answer):
    """What two answers to one terminal have in common."""
    answer = re.sub(r"(To: .*;tag=)\w+", r"\1x", answer)
    return re.sub(r"(CSeq: |branch=z9hG4bKrefresh|;expires=)\d+", r"\1n", answer)


def expires(answer):
    return int(re.search(r";expires=(\d+)", answer).group(1))


def first():
    answer = register(1, 3600)
    wanted("the first REGISTER", answer, 401)
    for line in answer.split("\r\n"):
        if line.startswith("WWW-Authenticate: Digest ") and "MD5" in line:
            nonce = re.search(r'nonce="([^"]+)"', line).group(1)
            realm = re.search(r'realm="([^"]+)"', line).group(1)
    name, uri = f"{USER}@ims.example", "sip:ims.example"
    response = md5(f"{md5(f'{name}:{realm}:{PASSWORD}')}:{nonce}:00000001:cn:auth:{md5(f'REGISTER:{uri}')}")
    answer = register(2, 3600, authorization=f'Authorization: Digest username="{name}", realm="{realm}", nonce="{nonce}", '
                      f'uri="{uri}", qop=auth, nc=00000001, cnonce="cn", response="{response}", algorithm=MD5')
    wanted("the right response", answer, 200)
    return plain(answer)


def refresh(start, model):
    for i in range(COUNT):
        for answer in register(start + i, SECONDS, times=2):
            wanted(f"refresh {i}", answer, 200)
            if not SECONDS - 2 <= expires(answer) <= SECONDS:
                sys.exit(f"refresh {i}: granted {expires(answer)}")
            if model and plain(answer) != model:
                sys.exit(f"refresh {i}: {answer}\n\nnot as control:\n{model}")


def main():
    if WHAT == "stranger":
        wanted("a stranger's refresh", register(50, SECONDS), 401)
        return
    if WHAT == "refresh":
        refresh(SECONDS * 1000, None)
        return
    refresh(3, first())
    at = COUNT + 10
    wanted("an end of the registration", register(at, 0), 401)
    wanted("another Contact", register(at + 1, SECONDS, contact=f"<sip:{USER}@10.10.0.2:5071>"), 401)
    wanted("another user", register(at + 2, SECONDS, user="digest2"), 401)
    wanted("too brief", register(at + 3, 5), 401)
    refresh(at + 4, None)


main()
