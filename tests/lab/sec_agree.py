#!/usr/bin/env python3
"""sec_agree.py - one terminal that offers security agreements in clear

sec_agree.py LOCAL REMOTE USER offer|again|wrong|required|none

offer: the first REGISTER is challenged with Security-Server; the set that it names is printed as "SPI_C SPI_S PORT_C PORT_S".
again: five more challenges, each with SPIs of its own. wrong: what has to be refused, and how. required: a REGISTER without
an agreement is refused with 421. none: it is challenged as if there were none. Exits 0, or says what was wrong.
"""
import re
import socket
import sys

LOCAL, REMOTE = ((h, int(p)) for h, p in (a.rsplit(":", 1) for a in sys.argv[1:3]))
USER, WHAT = sys.argv[3], sys.argv[4]
WANTED = ["Require: sec-agree", "Proxy-Require: sec-agree"]
ENDS = "spi-c=34001;spi-s=34002;port-c=6000;port-s=6001"
OFFER = f"ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;prot=esp;mod=trans;{ENDS}"
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(LOCAL)
sock.settimeout(3)
cseq = 0


def register(*lines):
    global cseq
    cseq += 1
    message = [
        "REGISTER sip:ims.example SIP/2.0",
        f"Via: SIP/2.0/UDP {LOCAL[0]}:{LOCAL[1]};branch=z9hG4bKsec{WHAT}{cseq}",
        "Max-Forwards: 70",
        f"From: <sip:{USER}@ims.example>;tag=s",
        f"To: <sip:{USER}@ims.example>",
        f"Call-ID: sec-agree-{WHAT}",
        f"CSeq: {cseq} REGISTER",
        f"Contact: <sip:{USER}@{LOCAL[0]}:6001>",
        f'Authorization: Digest username="{USER}@ims.example",realm="ims.example",nonce="",uri="sip:ims.example",response=""',
        *lines,
        "Content-Length: 0",
    ]
    sock.sendto(("\r\n".join(message) + "\r\n\r\n").encode(), REMOTE)
    return sock.recv(65536).decode()


def wanted(what, answer, status, *parts):
    if not answer.startswith(f"SIP/2.0 {status} "):
        sys.exit(f"{what}: {answer.splitlines()[0]}")
    for part in parts:
        if part not in answer:
            sys.exit(f"{what}: no {part} in {answer}")


def server(answer):
    line = re.search(r"^Security-Server: (.*)\r$", answer, re.M)
    if not line:
        sys.exit(f"no Security-Server in {answer}")
    return line[1]


def offer():
    answer = register(*WANTED, f"Security-Client: {OFFER}")
    wanted("an offer", answer, 401, "\r\nWWW-Authenticate: Digest ")
    if re.search(r"\b[ci]k=", answer):
        sys.exit(f"keys in {answer}")
    sets = set(re.findall(r"spi-c=(\d+);spi-s=(\d+);port-c=(\d+);port-s=(\d+)", server(answer)))
    if len(sets) != 1:
        sys.exit(f"not one set in {server(answer)}")
    return sets.pop()


def wrong():
    def refused(status, client, *more):
        lines = [*WANTED, *([f"Security-Client: {client}"] if client else []), *more]
        wanted(client, register(*lines), status, "\r\nSecurity-Server: ipsec-3gpp;q=0.9;", "\r\nWarning: ")

    refused(494, None)
    refused(494, "tls;q=0.5")
    refused(494, OFFER.replace("hmac-sha-1-96", "hmac-md5-96"))
    refused(494, OFFER.replace("mod=trans", "mod=UDP-enc-tun"))
    refused(494, OFFER.replace("prot=esp", "prot=ah"))
    refused(494, OFFER, f"Security-Verify: {OFFER}")
    refused(400, OFFER.replace("34002", "34001"))
    refused(400, OFFER.replace("34002", "0"))
    refused(400, OFFER.replace("6001", "6000"))
    refused(400, OFFER.replace(";spi-s=34002", ""))
    refused(400, OFFER + ";" + ENDS)
    refused(400, ",".join([OFFER] * 33))
    wanted("another extension", register(*WANTED, "Require: x"), 420, "\r\nUnsupported: x\r\n")


if WHAT == "offer":
    print(*offer())
elif WHAT == "again":
    if len({offer()[:2] for _ in range(5)}) != 5:
        sys.exit("SPIs come again")
elif WHAT == "wrong":
    wrong()
elif WHAT == "required":
    wanted("no agreement", register(), 421, "\r\nRequire: sec-agree\r\n", "\r\nSecurity-Server: ipsec-3gpp;q=0.9;")
    wanted("support alone", register("Supported: sec-agree"), 494, "\r\nSecurity-Server: ipsec-3gpp;q=0.9;")
    offer()
else:
    answer = register()
    wanted("no agreement", answer, 401)
    if "Security-Server" in answer:
        sys.exit(f"Security-Server in {answer}")
