#!/usr/bin/env python3
"""proxy_auth.py - two terminals of SIP Digest that have to prove each request (407)

proxy_auth.py REMOTE LOCAL1 USER1 LOCAL2 USER2 PASSWORD message|call|replay|register|wrong

Both register. message: one is challenged, answered, delivered without its proof, and the next needs no new challenge. call: the same with
an INVITE; ACK and BYE are not asked. replay: answers given once are given again, in requests that the workers share among them, and get
nowhere. register: so do those of REGISTER. wrong: wrong passwords. Exits 0, or says what was wrong.
"""
import re
import sys

from terminal import DOMAIN, RUN, Terminal, address, lines, md5

REMOTE, PASSWORD, WHAT = address(sys.argv[1]), sys.argv[6], sys.argv[7]
COPIES = 16  # that the workers share


def proof(t, method, uri, challenge, nc=1, password=PASSWORD, header="Proxy-Authorization"):
    nonce = re.search(r'nonce="([^"]+)"', challenge).group(1)
    name, count = f"{t.user}@{DOMAIN}", f"{nc:08x}"
    response = md5(f"{md5(f'{name}:{DOMAIN}:{password}')}:{nonce}:{count}:cn:auth:{md5(f'{method}:{uri}')}")
    return (f'{header}: Digest username="{name}", realm="{DOMAIN}", nonce="{nonce}", uri="{uri}", qop=auth, nc={count}, cnonce="cn", '
            f'response="{response}", algorithm=MD5')


def request(t, other, method, *more, uri=None, to=""):
    t.cseq += 1
    text = (f"{method} {uri or f'sip:{other.user}@{DOMAIN}'} SIP/2.0", t.via(method),
            f"Route: <sip:{REMOTE[0]}:{REMOTE[1]};lr>, {t.route[0]}", "Max-Forwards: 70", f"From: <sip:{t.user}@{DOMAIN}>;tag=a",
            f"To: <sip:{other.user}@{DOMAIN}>{to}", f"Call-ID: {method}-{t.cseq}-{RUN}", f"CSeq: {t.cseq} {method}",
            f"Contact: {t.contact}", *more)
    t.send(*text)
    return text


def challenge_of(answer):
    found = [c for c in lines(answer, "Proxy-Authenticate") if "algorithm=MD5" in c]
    if not found:
        sys.exit(f"no Proxy-Authenticate with MD5: {answer}")
    return found[0]


def silent(t, what):
    t.sock.settimeout(0.5)
    try:
        sys.exit(f"{what}: {t.sock.recv(65536).decode().splitlines()[0]}")
    except TimeoutError:
        pass


def challenged(a, b):
    request(a, b, "MESSAGE")
    return challenge_of(a.wanted("SIP/2.0 407"))


def message(a, b):
    uri = f"sip:{b.user}@{DOMAIN}"
    challenge = challenged(a, b)
    for nc in (1, 2):
        request(a, b, "MESSAGE", proof(a, "MESSAGE", uri, challenge, nc), 'Proxy-Authorization: Digest realm="elsewhere", username="x"')
        got = b.wanted("MESSAGE ")
        if lines(got, "Proxy-Authorization") != ['Digest realm="elsewhere", username="x"']:
            sys.exit(f"delivered with {lines(got, 'Proxy-Authorization')}")
        b.answer(got, tag=";tag=b")
        a.wanted("SIP/2.0 200")


def call(a, b):
    uri = f"sip:{b.user}@{DOMAIN}"
    text = request(a, b, "INVITE")
    refused = a.wanted("SIP/2.0 407")
    a.send(text[0].replace("INVITE", "ACK"), text[1], *text[3:5], f"To: {lines(refused, 'To')[0]}", text[6],
           f"CSeq: {a.cseq} ACK")
    request(a, b, "INVITE", proof(a, "INVITE", uri, challenge_of(refused)))
    call_id = f"INVITE-{a.cseq}-{RUN}"
    b.answer(b.wanted("INVITE "), f"Contact: {b.contact}", tag=";tag=b")
    ok = a.wanted("SIP/2.0 200")
    routes = "Route: " + ",".join(", ".join(lines(ok, "Record-Route")).split(",")[::-1])
    invite = a.cseq
    for method in ("ACK", "BYE"):
        a.cseq = invite + (method == "BYE")
        a.send(f"{method} {b.contact.strip('<>')} SIP/2.0", a.via(method), routes, "Max-Forwards: 70",
               f"From: <sip:{a.user}@{DOMAIN}>;tag=a", f"To: <sip:{b.user}@{DOMAIN}>;tag=b", f"Call-ID: {call_id}", f"CSeq: {a.cseq} {method}")
        got = b.wanted(method + " ")
    b.answer(got)
    a.wanted("SIP/2.0 200")


def replay(a, b):
    uri = f"sip:{b.user}@{DOMAIN}"
    once = proof(a, "MESSAGE", uri, challenged(a, b))
    request(a, b, "MESSAGE", once)
    b.answer(b.wanted("MESSAGE "), tag=";tag=b")
    a.wanted("SIP/2.0 200")
    for _ in range(COPIES):
        request(a, b, "MESSAGE", once)
        a.wanted("SIP/2.0 407")
    silent(b, "a replayed MESSAGE")


def register(a, _):
    def send(*more):
        a.cseq += 1
        a.send(f"REGISTER sip:{DOMAIN} SIP/2.0", a.via("r"), "Max-Forwards: 70", f"From: <sip:{a.user}@{DOMAIN}>;tag=r",
               f"To: <sip:{a.user}@{DOMAIN}>", f"Call-ID: replay-{RUN}", f"CSeq: {a.cseq} REGISTER", f"Contact: {a.contact}", *more)

    send()
    challenge = [c for c in lines(a.wanted("SIP/2.0 401"), "WWW-Authenticate") if "algorithm=MD5" in c][0]
    once = proof(a, "REGISTER", f"sip:{DOMAIN}", challenge, header="Authorization")
    send(once)
    a.wanted("SIP/2.0 200")
    for _ in range(COPIES):
        send(once)
        a.wanted("SIP/2.0 401")


def wrong(a, b):
    challenge = challenged(a, b)
    for tries in range(1, 20):
        request(a, b, "MESSAGE", proof(a, "MESSAGE", f"sip:{b.user}@{DOMAIN}", challenge, password="guess"))
        answer = a.wanted("SIP/2.0 40")
        if answer.startswith("SIP/2.0 403"):
            break
        challenge = challenge_of(answer)
    if tries < 2 or tries == 19:
        sys.exit(f"403 after {tries} wrong passwords")
    silent(b, "a MESSAGE by a wrong password")


A, B = (Terminal(address(sys.argv[i]), sys.argv[i + 1], REMOTE, PASSWORD) for i in (2, 4))
for terminal in A, B:
    terminal.register(f"Contact: {terminal.contact};expires=600")
{"message": message, "call": call, "replay": replay, "register": register, "wrong": wrong}[WHAT](A, B)
