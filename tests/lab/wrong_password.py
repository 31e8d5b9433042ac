#!/usr/bin/env python3
"""wrong_password.py - answers every challenge wrongly, until the registrar has enough

wrong_password.py LOCAL REMOTE USER TRIES: exits 0 if TRIES - 1 wrong answers are challenged again with 401, each with a
nonce not seen before, and the last is refused with 403.
"""
import re
import socket
import sys

LOCAL, REMOTE = ((h, int(p)) for h, p in (a.rsplit(":", 1) for a in sys.argv[1:3]))
USER, TRIES = sys.argv[3], int(sys.argv[4])
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(LOCAL)
sock.settimeout(3)


def register(cseq, nonce):
    """The answer to a REGISTER that responds to `nonce` with rubbish."""
    lines = [
        "REGISTER sip:ims.example SIP/2.0",
        f"Via: SIP/2.0/UDP {LOCAL[0]}:{LOCAL[1]};branch=z9hG4bKwrong{cseq}",
        "Max-Forwards: 70",
        f"From: <sip:{USER}@ims.example>;tag=w",
        f"To: <sip:{USER}@ims.example>",
        f"Call-ID: wrong-{LOCAL[1]}",
        f"CSeq: {cseq} REGISTER",
        f"Contact: <sip:{USER}@{LOCAL[0]}:{LOCAL[1]}>",
    ]
    if nonce:
        lines.append(f'Authorization: Digest username="{USER}@ims.example", realm="ims.example", nonce="{nonce}", '
                     f'uri="sip:ims.example", algorithm=AKAv1-MD5, qop=auth, nc=00000001, cnonce="0a4f113b", '
                     f'response="{"0" * 32}"')
    lines.append("Content-Length: 0")
    sock.sendto(("\r\n".join(lines) + "\r\n\r\n").encode(), REMOTE)
    return sock.recv(65536).decode()


def main():
    seen, answer = set(), register(1, None)
    for wrong in range(1, TRIES + 1):
        nonce = re.search(r'nonce="([^"]+)"', answer)
        if not answer.startswith("SIP/2.0 401") or not nonce or nonce.group(1) in seen:
            sys.exit(f"try {wrong}: no fresh challenge: {answer.splitlines()[0]}")
        seen.add(nonce.group(1))
        answer = register(wrong + 1, nonce.group(1))
    if not answer.startswith("SIP/2.0 403"):
        sys.exit(f"after {TRIES} wrong answers: {answer.splitlines()[0]}")


main()
