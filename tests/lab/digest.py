#!/usr/bin/env python3
"""digest.py - registers with SIP Digest, and tries the same credentials a second time

digest.py LOCAL REMOTE USER PASSWORD MD5|SHA-256: exits 0 if the challenge for that algorithm is there, the right response gets 200, and
the same Authorization sent again (a replay: same nonce, same nc) does not.
"""
import hashlib
import re
import socket
import sys

LOCAL, REMOTE = ((h, int(p)) for h, p in (a.rsplit(":", 1) for a in sys.argv[1:3]))
USER, PASSWORD, ALGORITHM = sys.argv[3:6]
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(LOCAL)
sock.settimeout(3)


def digest(text):
    return hashlib.new({"MD5": "md5", "SHA-256": "sha256"}[ALGORITHM], text.encode()).hexdigest()


def register(cseq, authorization):
    lines = [
        "REGISTER sip:ims.example SIP/2.0",
        f"Via: SIP/2.0/UDP {LOCAL[0]}:{LOCAL[1]};branch=z9hG4bKdigest{cseq}",
        "Max-Forwards: 70",
        f"From: <sip:{USER}@ims.example>;tag=d",
        f"To: <sip:{USER}@ims.example>",
        f"Call-ID: digest-{LOCAL[1]}",
        f"CSeq: {cseq} REGISTER",
        f"Contact: <sip:{USER}@{LOCAL[0]}:{LOCAL[1]}>",
        "Expires: 3600",
        *authorization,
        "Content-Length: 0",
    ]
    sock.sendto(("\r\n".join(lines) + "\r\n\r\n").encode(), REMOTE)
    return sock.recv(65536).decode()


def main():
    challenge = register(1, [])
    wanted = [line for line in challenge.split("\r\n")
              if line.startswith("WWW-Authenticate: Digest ") and f"algorithm={ALGORITHM}" in line.replace('"', "")]
    if not challenge.startswith("SIP/2.0 401") or not wanted:
        sys.exit(f"no challenge for {ALGORITHM}: {challenge}")
    nonce = re.search(r'nonce="([^"]+)"', wanted[0]).group(1)
    realm = re.search(r'realm="([^"]+)"', wanted[0]).group(1)
    name, uri, cnonce, nc = f"{USER}@ims.example", "sip:ims.example", "0a4f113b", "00000001"
    ha1, ha2 = digest(f"{name}:{realm}:{PASSWORD}"), digest(f"REGISTER:{uri}")
    response = digest(f"{ha1}:{nonce}:{nc}:{cnonce}:auth:{ha2}")
    authorization = [f'Authorization: Digest username="{name}", realm="{realm}", nonce="{nonce}", uri="{uri}", qop=auth, '
                     f'nc={nc}, cnonce="{cnonce}", response="{response}", algorithm={ALGORITHM}']
    answer = register(2, authorization)
    if not answer.startswith("SIP/2.0 200"):
        sys.exit(f"the right response: {answer}")
    answer = register(3, authorization)
    if not answer.startswith("SIP/2.0 401"):
        sys.exit(f"a replay: {answer}")


main()
