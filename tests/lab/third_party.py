#!/usr/bin/env python3
"""third_party.py - both ends of third-party registration

third_party.py as LOCAL LOG MODE: an Application Server. Each REGISTER is written to the file LOG, a line of JSON each, and
answered with the status that the file MODE says; "silent": not at all.
third_party.py terminal LOCAL REMOTE USER PASSWORD STEP...: a terminal. Steps: register=SECONDS, again=SECONDS (a second
Contact) and end with the password, refresh=SECONDS without it, gone: without it, and it is challenged.
third_party.py call LOCAL REMOTE USER: a peer calls the user; prints the final answer.
third_party.py heard LOG [FIELD...]: of each state that came, once: its Expires, or the fields named.
third_party.py times LOG: how many REGISTERs came, and how many different states.
"""
import email
import json
import re
import socket
import sys
import time


def application_server(local, log, mode):
    from terminal import address, lines
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(address(local))
    while True:
        data, source = sock.recvfrom(65536)
        text = data.decode()
        head, body = text.split("\r\n\r\n", 1)
        one = lambda name: (lines(head + "\r\n", name) or [""])[0]
        with open(mode, encoding="utf-8") as f:
            status = f.read().strip()
        with open(log, "a", encoding="utf-8") as f:
            f.write(json.dumps({
                "at": time.time(), "line": head.split("\r\n")[0], "to": one("To"), "from": one("From"), "call_id": one("Call-ID"),
                "cseq": int(one("CSeq").split()[0]), "expires": int(one("Expires")), "contact": one("Contact"),
                "access": one("P-Access-Network-Info"), "visited": one("P-Visited-Network-ID"), "charging": one("P-Charging-Vector"),
                "type": one("Content-Type"), "length": int(one("Content-Length")), "body": body}) + "\n")
        if status == "silent":
            continue
        kept = [f"{n}: {v}" for n in ("Via", "From", "Call-ID", "CSeq") for v in lines(head + "\r\n", n)]
        answer = [f"SIP/2.0 {status} Said", *kept, f"To: {one('To')};tag=as", "Content-Length: 0", "", ""]
        sock.sendto("\r\n".join(answer).encode(), source)


def states(log):
    """The REGISTERs of LOG without repeats of a transaction."""
    try:
        with open(log, encoding="utf-8") as f:
            rows = [json.loads(line) for line in f]
    except FileNotFoundError:
        rows = []
    seen, out = set(), []
    for row in rows:
        if (row["call_id"], row["cseq"]) not in seen:
            seen.add((row["call_id"], row["cseq"]))
            out.append(row)
    return out


def parts(row):
    """The Content-Types of the body's parts, and what they begin with."""
    if not row["type"].startswith("multipart"):
        return [row["type"].split(";")[0], row["body"].split("\r\n")[0]] if row["type"] else []
    message = email.message_from_string(f"Content-Type: {row['type']}\r\n\r\n{row['body']}")
    out = []
    for part in message.get_payload():
        text = part.get_payload() if isinstance(part.get_payload(), str) else str(part.get_payload(0))
        info = re.search("<service-info>(.*)</service-info>", text)
        out += [part.get_content_type(), info.group(1) if info else text.strip().split("\n")[0].strip()]
    return out


def heard(log, *fields):
    for row in states(log):
        row["parts"] = ",".join(parts(row))
        row["user"] = re.search("sip:([^@]*)@", row["to"]).group(1)
        print(*(row[f] for f in fields or ["expires"]))


def times(log):
    rows = states(log)
    print(len(rows), len({row["call_id"] for row in rows}))


def call(local, remote, user):
    """A peer's INVITE to a user of the node; any final answer is good."""
    from terminal import RUN, address
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(address(local))
    head = [f"Via: SIP/2.0/UDP {local};branch=z9hG4bKc{RUN}", "Max-Forwards: 70", "From: <sip:x@far.example>;tag=x",
            f"To: <sip:{user}@ims.example>", f"Call-ID: c{RUN}", "CSeq: 1 INVITE", f"Contact: <sip:x@{local}>", "Content-Length: 0"]
    sock.sendto("\r\n".join([f"INVITE sip:{user}@ims.example SIP/2.0", *head, "", ""]).encode(), address(remote))
    sock.settimeout(5)
    while True:
        answer = sock.recv(65536).decode()
        if answer.startswith("SIP/2.0 1"):
            continue
        tag = re.search(r"^To: .*;tag=([^\s;]+)", answer, re.M).group(1)
        ack = [h.replace("INVITE", "ACK") if h.startswith("CSeq") else h + f";tag={tag}" if h.startswith("To") else h for h in head]
        sock.sendto("\r\n".join([f"ACK sip:{user}@ims.example SIP/2.0", *ack, "", ""]).encode(), address(remote))
        print(answer.splitlines()[0])
        return


def terminal(local, remote, user, password, *steps):
    from terminal import Terminal, address
    t = Terminal(address(local), user, address(remote), password)
    access = "P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=1"
    for step in steps:
        what, _, seconds = step.partition("=")
        # A second Contact is nothing that a worker takes for a refresh.
        contact = {"again": t.contact.replace(">", ";second>"), "end": "*"}.get(what, t.contact)
        lines = (f"Contact: {contact}", f"Expires: {seconds or 0}", access)
        if what in ("refresh", "gone"):
            t._register(lines)
            t.wanted("SIP/2.0 401" if what == "gone" else "SIP/2.0 200")
        else:
            t.register(*lines)
        time.sleep(0.3)


if __name__ == "__main__":
    sys.path.insert(0, __file__.rsplit("/", 1)[0])
    {"as": application_server, "heard": heard, "times": times, "call": call, "terminal": terminal}[sys.argv[1]](*sys.argv[2:])
