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
    packet = bytearray(udp_packet(src, NODE4, 5555, SIP, payload))
    if not good:
        packet[26] ^= 1
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((iface, 0))
        s.send(node_mac() + mac_of(iface) + b"\x08\x00" + bytes(packet))


def udp_packet(src, dst, sport, dport, payload):
    a, b = socket.inet_aton(src), socket.inet_aton(dst)
    udp = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload
    total = checksum(a + b + struct.pack("!BBH", 0, 17, len(udp)) + udp) or 0xFFFF
    udp = udp[:6] + struct.pack("!H", total) + udp[8:]
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 7, 0, 64, 17, 0, a, b)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + udp


class Tagged:
    """Frames with a VLAN tag, without a VLAN interface: the kernel may have no 802.1Q."""

    SOL_PACKET, PACKET_AUXDATA, VLAN_VALID = 263, 8, 1 << 4

    def __init__(self, iface, vlan):
        self.mac, self.vlan = mac_of(iface), vlan
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind((iface, 3))
        self.socket.setsockopt(self.SOL_PACKET, self.PACKET_AUXDATA, 1)

    def send(self, to, ethertype, data):
        self.socket.send(to + self.mac + struct.pack("!HHH", 0x8100, self.vlan, ethertype) + data)

    def receive(self, ethertype, wanted, timeout=TIMEOUT):
        """The first tagged frame of that type whose payload `wanted` likes: its source and payload."""
        end = time.time() + timeout
        while (left := end - time.time()) > 0:
            self.socket.settimeout(left)
            try:
                data, extra, _, _ = self.socket.recvmsg(65535, 256)
            except socket.timeout:
                break
            tag = None
            for level, kind, aux in extra:
                if level == self.SOL_PACKET and kind == self.PACKET_AUXDATA:
                    status, _, _, _, _, tci = struct.unpack("IIIHHH", aux[:18])
                    tag = tci & 0xFFF if status & self.VLAN_VALID else None
            kind, at = struct.unpack("!H", data[12:14])[0], 14
            if kind == 0x8100:
                tag, at = struct.unpack("!H", data[14:16])[0] & 0xFFF, 18
                kind = struct.unpack("!H", data[16:18])[0]
            if tag == self.vlan and kind == ethertype and wanted(data[at:]):
                return data[6:12], data[at:]
        return None

    def resolve(self):
        arp = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + self.mac + socket.inet_aton(PEER4)
        self.send(b"\xff" * 6, 0x0806, arp + bytes(6) + socket.inet_aton(NODE4))
        got = self.receive(0x0806, lambda p: p[6:8] == b"\0\2" and p[14:18] == socket.inet_aton(NODE4))
        return got and got[0]


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

    def vlan_tagged(self):
        """An answer with our tag to a frame with it; none to a frame with another, or without."""
        right, wrong = Tagged(self.iface, 42), Tagged(self.iface, 43)
        node = right.resolve()
        if not node or wrong.resolve():
            return False
        packet = udp_packet(PEER4, NODE4, 5555, SIP, b"tagged")
        right.send(node, 0x0800, packet)
        wrong.send(node, 0x0800, packet)
        likes = lambda p: p.endswith(b"tagged") and p[12:16] == socket.inet_aton(NODE4)
        return bool(right.receive(0x0800, likes)) and not right.receive(0x0800, likes, 0.3)

    def control_socket(self):
        """As saker-control does: one hello with the region and the eventfd; gone when it hangs up."""
        path = os.path.join(os.path.dirname(self.path), "dataplane-abi.sock")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.settimeout(2)
            s.connect(path)
            hello, fds, _, _ = socket.recv_fds(s, 256, 4)
            size = struct.unpack("Q", hello[-8:])[0]
            sound = hello[:8] == b"SAKER001"[::-1] and len(fds) == 2
            sound = sound and os.fstat(fds[0]).st_size == size
            connected = admin(self.path, "status")["control"]
            for fd in fds:
                os.close(fd)
        time.sleep(0.2)
        return sound and connected and not admin(self.path, "status")["control"]

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
