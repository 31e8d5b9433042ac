#!/usr/bin/env python3
"""hostile_dns.py - a name server that lies, breaks the rules, is slow or silent

hostile_dns.py PORT: answers at 127.0.0.1:PORT until it is ended. What it does follows from the first label of the name that is asked for, or of
the name that a service is asked of ("_sip._udp.loop.evil.example": loop). All addresses it gives are 10.10.0.2, all ports 5090.
"""
import socket
import struct
import sys
import threading

A, CNAME, AAAA, SRV, NAPTR, OPT = 1, 5, 28, 33, 35, 41
ADDRESS, PORT = bytes([10, 10, 0, 2]), 5090


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def record(name, kind, data, ttl=300):
    return (name if isinstance(name, bytes) else wire(name)) + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def srv(target, priority=10):
    return struct.pack("!HHH", priority, 0, PORT) + wire(target)


def reply(query, records, rcode=0, flags=0x8400, ident=None, question=None):
    end = query.index(b"\0", 12) + 5
    head = query[:2] if ident is None else ident
    return head + struct.pack("!HHHHH", flags | rcode, 1, len(records), 0, 0) + (question or query[12:end]) + b"".join(records)


def asked(query):
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1").lower())
        at += query[at] + 1
    return labels, struct.unpack("!H", query[at + 1:at + 3])[0]


def answers(query, labels, kind):
    """The datagrams to send, each after so many seconds."""
    name = ".".join(labels)
    how = next((label for label in labels if not label.startswith("_")), "")
    good = {A: [record(name, A, ADDRESS)], SRV: [record(name, SRV, srv("host." + labels[-1]))]}.get(kind, [])
    if labels[:1] == ["host"]:
        return [(0, reply(query, good))]
    pointer = b"\xc0\x0c"
    if how == "silent":
        return []
    if how == "slow":
        return [(0.3, reply(query, good))]
    if how == "servfail":
        return [(0, reply(query, [], 2))]
    if how == "refused":
        return [(0, reply(query, [], 5))]
    if how == "nothing":
        return [(0, reply(query, [], 3))]
    if how == "truncated":
        return [(0, reply(query, [], 0, 0x8600))]
    if how == "cut":
        return [(0, reply(query, good)[:-7])]
    if how == "counts":  # says 60,000 records
        octets = bytearray(reply(query, good))
        octets[6:8] = b"\xea\x60"
        return [(0, bytes(octets))]
    if how == "circle":  # of aliases
        return [(0, reply(query, [record(name, CNAME, wire("b." + name)), record("b." + name, CNAME, wire(name))]))]
    if how == "squeezed":  # a name that points to itself
        at = struct.pack("!H", 0xC000 | len(reply(query, [])))
        return [(0, reply(query, [record(at, kind, ADDRESS)]))]
    if how == "long":  # labels behind labels, by pointers
        return [(0, reply(query, [record(name, CNAME, (b"\x3f" + b"a" * 63) * 4 + pointer)]))]
    if how == "many":
        return [(0, reply(query, good * 100 if kind != SRV else [record(name, SRV, srv(f"h{i}.nothing.example", i)) for i in range(100)]))]
    if how == "forged":  # another identifier, then another question; never the right one
        return [(0, reply(query, good, ident=bytes([query[0] ^ 1, query[1]]))),
                (0, reply(query, [record("x.example", A, ADDRESS)], question=wire("x.example") + struct.pack("!HH", kind, 1)))]
    if how == "brief":
        return [(0, reply(query, [g.replace(struct.pack("!I", 300), struct.pack("!I", 0)) for g in good]))]
    if how == "eternal":
        return [(0, reply(query, [g.replace(struct.pack("!I", 300), struct.pack("!I", 0xFFFFFFFF)) for g in good]))]
    if how == "inside":  # leads to the host itself
        return [(0, reply(query, [record(name, A, bytes([127, 0, 0, 1]))] if kind == A else []))]
    if how == "group":
        return [(0, reply(query, [record(name, A, bytes([224, 0, 0, 5]))] if kind == A else []))]
    if how == "noise":
        return [(0, bytes(range(256)) * 4)]
    return [(0, reply(query, good))]


server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", int(sys.argv[1])))
while True:
    octets, who = server.recvfrom(4096)
    for delay, datagram in answers(octets, *asked(octets)):
        if delay:
            threading.Timer(delay, server.sendto, (datagram, who)).start()
        else:
            server.sendto(datagram, who)
