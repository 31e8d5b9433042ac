#!/usr/bin/env python3
"""net_peer.py - the far side of the packet tests: pings, datagrams, raw frames, and the admin socket

Run inside the peer's network namespace:  net_peer.py IFACE ADMIN_SOCKET WORKERS CHECK...
Prints "ok NAME" or "FAIL NAME why" for each check.
"""
import json
import os
import socket
import struct
import sys
import time

NODE4, NODE6 = "10.77.0.1", "2001:db8:77::1"
PEER4 = "10.77.0.9"
SIP, WORKER_BASE = 5060, 5080
TIMEOUT = 1.5


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def family(node):
    return socket.AF_INET6 if ":" in node else socket.AF_INET


def ping(node, size):
    v6 = ":" in node
    proto = socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP
    with socket.socket(family(node), socket.SOCK_RAW, proto) as s:
        s.settimeout(TIMEOUT)
        body = struct.pack("!HH", os.getpid() & 0xFFFF, 1) + os.urandom(size)
        head = struct.pack("!BBH", 128 if v6 else 8, 0, 0)
        if not v6:
            head = struct.pack("!BBH", 8, 0, checksum(head + body))
        s.sendto(head + body, (node, 0))
        end = time.time() + TIMEOUT
        while time.time() < end:
            got = s.recv(65535)
            if not v6:
                got = got[20:]
            if got[0] == (129 if v6 else 0) and got[4:] == body:
                return True
    return False


def ask(node, payload, port=SIP, timeout=TIMEOUT, sport=0):
    """Sends a datagram and returns the answer, or None."""
    with socket.socket(family(node), socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        if sport:
            s.bind(("", sport))
        s.sendto(payload, (node, port))
        try:
            return s.recv(65535)
        except socket.timeout:
            return None


def echoes(node, size, port=SIP, times=3):
    for _ in range(times):
        payload = b"E" + os.urandom(size - 1)
        if ask(node, payload, port) != payload:
            return False
    return True


def admin(path, *words):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(5)
        s.connect(path)
        s.sendall(b"".join(w.encode() + b"\0" for w in words) + b"\0")
        s.shutdown(socket.SHUT_WR)
        out = b""
        while chunk := s.recv(65536):
            out += chunk
    return json.loads(out)


def counted(path, reason):
    return sum(r["count"] for r in admin(path, "counters", "--all") if r["reason"] == reason)


def mac_of(iface):
    with open(f"/sys/class/net/{iface}/address") as f:
        return bytes.fromhex(f.read().strip().replace(":", ""))


def node_mac():
    with open("/proc/net/arp") as f:
        for line in f:
            words = line.split()
            if words[0] == NODE4:
                return bytes.fromhex(words[3].replace(":", ""))
    raise RuntimeError("the node's MAC address is not known")


def raw_udp(iface, src, payload, good=True):
    """A frame with a source address of choice, and a right or wrong UDP checksum."""
    a, b = socket.inet_aton(src), socket.inet_aton(NODE4)
    udp = struct.pack("!HHHH", 5555, SIP, 8 + len(payload), 0) + payload
    pseudo = a + b + struct.pack("!BBH", 0, 17, len(udp))
    right = checksum(pseudo + udp) or 0xFFFF
    udp = udp[:6] + struct.pack("!H", right if good else right ^ 0x0101) + udp[8:]
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 7, 0, 64, 17, 0, a, b)
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((iface, 0))
        s.send(node_mac() + mac_of(iface) + b"\x08\x00" + head + udp)


class Checks:
    def __init__(self, iface, path, workers):
        self.iface, self.path, self.workers = iface, path, workers

    def ping4(self):
        return ping(NODE4, 56)

    def ping6(self):
        return ping(NODE6, 56)

    def ping4_fragments(self):
        return ping(NODE4, 3000)

    def ping6_fragments(self):
        return ping(NODE6, 3000)

    def udp4(self):
        return echoes(NODE4, 900, times=20)

    def udp6(self):
        return echoes(NODE6, 900, times=20)

    def udp4_fragments(self):
        return echoes(NODE4, 3000, times=10)

    def udp6_fragments(self):
        return echoes(NODE6, 3000, times=10)

    def udp4_largest(self):
        return echoes(NODE4, 11000)

    def full_mtu(self):
        return echoes(NODE4, 1472) and echoes(NODE6, 1452)

    def keepalive(self):
        return ask(NODE4, b"\r\n\r\n") == b"\r\n" and ask(NODE4, b"\r\n", timeout=0.2) is None

    def worker_ports(self):
        return all(echoes(NODE4, 300, WORKER_BASE + i, 1) for i in range(self.workers))

    def handoff(self):
        return all(ask(NODE4, b"HAND %d please" % i) == b"HAND %d please" % i
                   for i in range(self.workers))

    def many_sources(self):
        """Enough flows that a driver with several queues uses each."""
        return all(ask(NODE4, b"E%d" % i, sport=20000 + i) == b"E%d" % i for i in range(64))

    def bad_checksum(self):
        before = counted(self.path, "drop_checksum")
        raw_udp(self.iface, PEER4, b"bad", good=False)
        raw_udp(self.iface, PEER4, b"good")
        time.sleep(0.2)
        return counted(self.path, "drop_checksum") == before + 1

    def closed_port(self):
        before = counted(self.path, "drop_udp")
        none = ask(NODE4, b"x", 4444, 0.2)
        return none is None and counted(self.path, "drop_udp") == before + 1

    def unknown_neighbour(self):
        before = counted(self.path, "drop_neighbour")
        for _ in range(12):
            raw_udp(self.iface, "10.77.0.200", b"who")
        time.sleep(1.6)
        return counted(self.path, "drop_neighbour") == before + 12

    def status(self):
        s = admin(self.path, "status")
        rows = admin(self.path, "lcore", "show")
        port = admin(self.path, "port", "show")[0]
        text = admin(self.path, "metrics")["data"]
        return (s["workers"] == self.workers == len(rows) and port["rx_packets"] > 0
                and "saker_port_rx_packets_total{port=\"wire\"}" in text
                and "error" in admin(self.path, "nonsense"))


def main():
    checks = Checks(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    prefix, names = sys.argv[4], sys.argv[5:]
    failed = 0
    for name in names:
        try:
            good, why = getattr(checks, name)(), ""
        except Exception as e:  # a check that breaks has failed
            good, why = False, f" {type(e).__name__}: {e}"
        print(("ok " if good else "FAIL ") + prefix + name + why, flush=True)
        failed += not good
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
