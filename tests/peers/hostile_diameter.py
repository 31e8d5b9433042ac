#!/usr/bin/env python3
"""hostile_diameter.py - a Diameter peer that breaks the rules, to see that the service stays

  hostile_diameter.py ADDRESS:PORT --identity ALLOWED [--realm REALM] [--host HSS]
  hostile_diameter.py --server PATH_OF_cx_server

After each attack it connects properly, as an identity that is allowed, and asks: the attack passes if the answer is
right. Some attacks have an answer of their own to check. Prints "ok NAME" or "FAIL NAME: why" and exits 1 if any
failed. With --server it starts the small HSS of tests/unit/cx on a free port of 127.0.0.1, which has to end in order.
"""
import argparse
import contextlib
import random
import socket
import struct
import subprocess
import sys
import tempfile
import time

V, M, R, P, E = 0x80, 0x40, 0x80, 0x40, 0x20
CER, DWR, DPR, UAR, SAR, LIR, MAR = 257, 280, 282, 300, 301, 302, 303
TGPP, CX, BASE = 10415, 16777216, 0
SESSION_ID, ORIGIN_HOST, ORIGIN_REALM, RESULT_CODE, FAILED_AVP = 263, 264, 296, 268, 279
PATIENCE = 15.0


def avp(code, value=b"", flags=M, vendor=None, length=None):
    """One AVP with its padding; length overrides the right one."""
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, int):
        value = struct.pack("!I", value)
    head = 8
    if vendor is not None:
        flags |= V
        value = struct.pack("!I", vendor) + value
    if length is None:
        length = head + len(value)
    return struct.pack("!II", code, flags << 24 | length & 0xFFFFFF) + value + bytes(-len(value) % 4)


def message(code, avps, flags=R | P, app=CX, hop=None, length=None, version=1):
    body = b"".join(avps)
    if length is None:
        length = 20 + len(body)
    hop = random.getrandbits(32) if hop is None else hop
    return struct.pack("!IIIII", version << 24 | length & 0xFFFFFF, flags << 24 | code, app, hop, hop) + body


def parse(octets):
    """Header fields and the list of (code, vendor, value)."""
    first, second, app, hop, end = struct.unpack("!IIIII", octets[:20])
    avps, at = [], 20
    while at + 8 <= len(octets):
        code, word = struct.unpack("!II", octets[at:at + 8])
        length, head = word & 0xFFFFFF, 12 if word >> 31 else 8
        if length < head:
            break
        vendor = struct.unpack("!I", octets[at + 8:at + 12])[0] if head == 12 else 0
        avps.append((code, vendor, octets[at + head:at + length]))
        at += length + -length % 4
    return {"code": second & 0xFFFFFF, "flags": second >> 24, "hop": hop, "end": end, "avps": avps}


def value_of(m, code, vendor=0):
    return next((v for c, n, v in m["avps"] if c == code and n == vendor), None)


def result_of(m):
    """Result-Code, or Experimental-Result-Code + 100000."""
    value = value_of(m, RESULT_CODE)
    if value:
        return struct.unpack("!I", value)[0]
    group = value_of(m, 297)
    inner = parse(bytes(20) + group) if group else {"avps": []}
    value = value_of(inner, 298)
    return struct.unpack("!I", value)[0] + 100000 if value else None


class Failure(Exception):
    pass


def expect(what, wanted, got):
    if got != wanted:
        raise Failure(f"{what}: {got}, not {wanted}")


class Peer:
    """One TCP connection to the service."""

    def __init__(self, target):
        self.target = target
        self.socket = socket.create_connection(target.address, timeout=5)
        self.left = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, octets):
        with contextlib.suppress(OSError):
            self.socket.sendall(octets)

    def receive(self, timeout=3.0):
        """The next message that is not a watchdog (which is answered); None: none, or closed."""
        until = time.monotonic() + timeout
        while True:
            length = int.from_bytes(self.left[1:4], "big") if len(self.left) >= 4 else 0
            if length >= 20 and len(self.left) >= length:
                m = parse(self.left[:length])
                self.left = self.left[length:]
                if m["code"] != DWR or not m["flags"] & R:
                    return m
                self.send(message(DWR, self.target.origin() + [avp(RESULT_CODE, 2001)], 0, BASE, m["hop"]))
                continue
            self.socket.settimeout(max(0.01, until - time.monotonic()))
            try:
                more = self.socket.recv(65536)
            except OSError:
                return None
            if not more or time.monotonic() > until:
                return None
            self.left += more

    def ask(self, octets, timeout=3.0):
        self.send(octets)
        return self.receive(timeout)


class Target:
    def __init__(self, address, identity, realm, host, seed):
        self.address, self.identity, self.realm, self.host, self.seed = address, identity, realm, host, seed

    def origin(self, identity=None):
        return [avp(ORIGIN_HOST, identity or self.identity), avp(ORIGIN_REALM, self.realm)]

    def capabilities(self, identity=None):
        return self.origin(identity) + [
            avp(257, b"\0\1\x7f\0\0\1"), avp(266, 0), avp(269, "hostile", 0),
            avp(260, avp(266, TGPP) + avp(258, CX))]

    def cer(self, before=(), after=(), identity=None):
        return message(CER, [*before, *self.capabilities(identity), *after], R, BASE)

    def cx(self, before=(), after=(), session="hostile;1;2", user="a@home", to_host=True):
        """The AVPs of a UAR."""
        destination = [avp(293, self.host)] if to_host else []
        return [*([avp(SESSION_ID, session)] if session is not None else []), *before,
                avp(260, avp(266, TGPP) + avp(258, CX)), avp(277, 1), *self.origin(),
                avp(283, self.realm), *destination, avp(1, user), avp(601, "sip:a@home", M, TGPP),
                avp(600, "home", M, TGPP), *after]

    def uar(self, **how):
        return message(UAR, self.cx(**how))

    def connect(self):
        """A connection past CER and CEA. The service may need a moment to see that the last one is gone."""
        until = time.monotonic() + PATIENCE
        last = None
        while time.monotonic() < until:
            try:
                peer = Peer(self)
            except OSError as error:
                last = error
                time.sleep(0.1)
                continue
            m = peer.ask(self.cer(), 5)
            last = m and result_of(m)
            if m and m["code"] == CER and last == 2001:
                return peer
            peer.socket.close()
            time.sleep(0.05)
        raise Failure(f"no connection as {self.identity}: {last}")

    def probe(self):
        with self.connect() as peer:
            for _ in range(4):
                m = peer.ask(self.uar(), 2)
                if m:
                    break
            if not m:
                raise Failure("UAR is not answered")
            expect("probe", 102002, result_of(m))
            peer.ask(message(DPR, [*self.origin(), avp(273, 0)], R, BASE), 1)


ATTACKS = []


def attack(function):
    ATTACKS.append(function)
    return function


def connected(target, octets, wanted=None):
    """Sends it on a proper connection; the result of the answer, if one is wanted."""
    with target.connect() as peer:
        # Past the watchdogs that follow a reconnection.
        peer.receive(0.3)
        m = peer.ask(octets, 3.0 if wanted else 0.3)
        if wanted:
            expect("result", wanted, m and result_of(m))
        return m


def stranger(target, octets):
    with Peer(target) as peer:
        return peer.ask(octets, 0.5)


@attack
def nul_in_session_id(target):
    for sid in (b"\0a;1;2", b"a;\0;2", b"a;1;2\0", b"\0", b"\0" * 64):
        connected(target, target.uar(session=sid), 102002)
        connected(target, message(MAR, target.cx(session=sid)), 5005)


@attack
def nul_in_session_id_of_others(target):
    sid = avp(SESSION_ID, b"a\0b")
    connected(target, message(999, [sid, *target.origin()]))
    connected(target, message(UAR, target.cx(session=b"\0"), P))
    connected(target, message(UAR, target.cx(session=b"\0"), R | P, 4))
    stranger(target, target.cer(before=[sid]))
    stranger(target, message(UAR, target.cx(session=b"\0")))


@attack
def session_id_empty_or_twice(target):
    connected(target, target.uar(session=b""))
    connected(target, target.uar(before=[avp(SESSION_ID, "b;2;3")]), 5009)
    connected(target, target.uar(session=b"x" * 60000))
    connected(target, target.uar(session=None), 5005)


@attack
def session_id_of_vendor_zero(target):
    for flags in (0, M):
        for value in (b"a;1;2", b"a\0", b""):
            connected(target, target.uar(before=[avp(SESSION_ID, value, flags, 0)], session=None))
            connected(target, target.uar(before=[avp(SESSION_ID, value, flags, 0)]))


@attack
def vendor_zero_in_cer(target):
    for code in (SESSION_ID, ORIGIN_HOST, ORIGIN_REALM, 257, 260, 266, 278):
        for flags in (0, M):
            bad = avp(code, "nobody.example", flags, 0)
            stranger(target, target.cer(before=[bad], identity="nobody.example"))
            stranger(target, target.cer(before=[bad]))
            stranger(target, target.cer(after=[bad]))


@attack
def vendor_zero_in_base_messages(target):
    for code, avps in ((DWR, [avp(278, 7, 0, 0)]), (DPR, [avp(273, 0, 0, 0)]), (DPR, [avp(273, 9)]),
                       (DWR, [avp(ORIGIN_HOST, "x", 0, 0)]), (DPR, [])):
        connected(target, message(code, [*avps, *target.origin()], R, BASE))


@attack
def avp_shorter_than_its_header(target):
    for length in range(20):
        for vendor in (None, TGPP):
            bad = avp(65000, b"x" * 12, 0, vendor, length)
            connected(target, target.uar(after=[bad]))
            stranger(target, target.cer(before=[bad], identity="nobody.example"))


@attack
def member_shorter_than_its_header(target):
    for length in range(20):
        bad = avp(65000, b"x" * 12, 0, None, length)
        for group in (avp(FAILED_AVP, bad), avp(284, bad), avp(612, bad, M, TGPP), avp(603, bad, 0, TGPP)):
            connected(target, target.uar(after=[group]))
        stranger(target, target.cer(before=[avp(260, bad)], identity="nobody.example"))


@attack
def avp_longer_than_the_message(target):
    for length in (64, 4096, 65535, 0x7FFFFF, 0xFFFFFF):
        connected(target, target.uar(after=[avp(65000, b"x", 0, None, length)]))
        connected(target, target.uar(after=[avp(FAILED_AVP, avp(1, b"x", M, None, length))]))
        stranger(target, target.cer(after=[avp(269, b"x", 0, None, length)]))


@attack
def declared_message_length(target):
    for length in [*range(24), 65535, 65536, 0xFFFFFF]:
        connected(target, message(UAR, target.cx(), length=length))
        stranger(target, message(CER, target.capabilities(), R, BASE, length=length))


@attack
def other_version(target):
    for version in (0, 2, 255):
        connected(target, message(UAR, target.cx(), version=version))
        stranger(target, message(CER, target.capabilities(), R, BASE, version=version))


@attack
def nesting(target):
    for code in (FAILED_AVP, 284, 260, 297):
        for depth in (9, 100, 8000):
            nest = b""
            for _ in range(depth):
                nest = struct.pack("!II", code, (8 + len(nest))) + nest
            connected(target, target.uar(after=[nest]))
            stranger(target, target.cer(before=[nest], identity="nobody.example"))


@attack
def many_origin_hosts(target):
    many = [avp(ORIGIN_HOST, target.identity)] * 64
    connected(target, target.uar(before=many), 5009)
    stranger(target, target.cer(before=many))
    stranger(target, target.cer(before=[avp(ORIGIN_HOST, f"h{i}.example") for i in range(64)]))


@attack
def many_small_avps(target):
    connected(target, target.uar(after=[avp(65000, b"", 0)] * 8000), 102002)
    connected(target, target.uar(after=[avp(65000, b"", 0, TGPP)] * 5000))
    connected(target, target.uar(after=[avp(601, "x", M, TGPP)] * 3000), 5009)


@attack
def empty_messages(target):
    for code in (CER, DWR, DPR, UAR, SAR, LIR, MAR, 0, 0xFFFFFF):
        for flags in (R, R | P, P, 0, E, R | E, 0xFF):
            for app in (BASE, CX, 0xFFFFFFFF):
                stranger(target, message(code, [], flags, app)) if code == CER else None
        connected(target, message(code, [], R | P, CX))
        connected(target, message(code, [], R, BASE))


@attack
def unknown_command_and_application(target):
    connected(target, message(999, target.cx()), 3001)
    connected(target, message(UAR, target.cx(), app=4), 3007)
    connected(target, message(UAR, target.cx(), R | E | P))


@attack
def unknown_mandatory_avp(target):
    m = connected(target, target.uar(after=[avp(65000, b"x", M, TGPP)]), 5001)
    if value_of(m, FAILED_AVP) is None:
        raise Failure("5001 without Failed-AVP")
    connected(target, target.uar(after=[avp(65000, b"x", 0, TGPP)]), 102002)


@attack
def values_that_are_wrong(target):
    for bad, wanted in ((avp(623, 9, M, TGPP), 5004), (avp(623, b"\0" * 3, M, TGPP), 5014),
                        (avp(601, "second", M, TGPP), 5009), (avp(628, avp(630, 1, 0, TGPP), M, TGPP), 105011)):
        m = connected(target, target.uar(after=[bad]), wanted)
        if value_of(m, FAILED_AVP) is None:
            raise Failure(f"{wanted} without Failed-AVP")
    for user in (b"", b"a\0b", b"u" * 256):
        connected(target, target.uar(user=user), 5004)


@attack
def answers_nobody_asked_for(target):
    for code, app in ((DWR, BASE), (CER, BASE), (DPR, BASE), (UAR, CX), (304, CX), (305, CX)):
        done = [avp(SESSION_ID, "x;1;2"), avp(RESULT_CODE, 2001), *target.origin()]
        with target.connect() as peer:
            for hop in (0, 1, 0xFFFFFFFF, None):
                peer.send(message(code, done, 0, app, hop))
                peer.send(message(code, [], E, app, hop))
            peer.receive(0.2)


@attack
def wrong_answers(target):
    """The small HSS asks us with RTR when we ask for sip:rtr@..., and gets these answers."""
    ok = avp(RESULT_CODE, 2001)
    strange = avp(65000, b"x", M, TGPP)
    for code, flags, avps in (
            (304, P, [strange, ok]), (304, P, [avp(FAILED_AVP, b"abc"), ok]), (304, P | E, [strange, ok]),
            (304, P, [avp(RESULT_CODE, b"abc")]), (304, P, [avp(RESULT_CODE, b"")]),
            (304, P, [avp(RESULT_CODE, 2001, M, 0)]), (304, P, [strange, avp(RESULT_CODE, 2001, M, 0)]),
            (304, P, [avp(RESULT_CODE, b"", M, None, 3)]), (304, P, [avp(297, avp(298, b"a"))]), (304, P, []),
            (304, P, [ok] * 64), (999, P, [strange, ok]), (300, P, [strange, ok]), (DWR, 0, [ok]), (CER, 0, []),
            (304, P, [avp(SESSION_ID, b"\0"), ok]), (304, P, [avp(SESSION_ID, b"a", M, 0), strange, ok])):
        with target.connect() as peer:
            peer.receive(0.3)
            lir = [avp(SESSION_ID, "l;1;2"), *target.origin(), avp(283, target.realm), avp(293, target.host),
                   avp(601, "sip:rtr@home.test", M, TGPP)]
            rtr = peer.ask(message(LIR, lir), 3)
            if not rtr or rtr["code"] != 304:
                continue  # a service that sends none
            peer.send(message(code, avps, flags, CX, rtr["hop"]))
            peer.receive(0.3)


@attack
def wrong_answers_to_watchdogs(target):
    for avps in ([], [avp(RESULT_CODE, 5012)], [avp(278, 1, 0, 0)], [avp(RESULT_CODE, b"")]):
        with target.connect() as peer:
            peer.socket.settimeout(8)
            with contextlib.suppress(OSError):
                while len(octets := peer.socket.recv(4096)) >= 20:
                    hop = parse(octets)["hop"]
                    peer.send(message(DWR, avps, 0, BASE, hop) * 2)
                    break


@attack
def second_connection_of_the_same_identity(target):
    with target.connect() as first:
        with Peer(target) as second:
            m = second.ask(target.cer(), 3)
            if m and result_of(m) == 2001:
                raise Failure("a second connection was let in")
        first.receive(0.2)
        m = first.ask(target.uar(), 3)
        expect("the first connection", 102002, m and result_of(m))


@attack
def unknown_identity(target):
    for name in ("nobody.example", target.identity + ".evil.example", "x" * 255, "a b", "", "\x00", "%s%n"):
        m = stranger(target, target.cer(identity=name) if name else
                     message(CER, [avp(ORIGIN_HOST, b""), *target.capabilities()[1:]], R, BASE))
        if m and result_of(m) == 2001:
            raise Failure(f"{name!r} was let in")


@attack
def request_before_capabilities(target):
    stranger(target, target.uar())
    stranger(target, message(DWR, target.origin(), R, BASE))


@attack
def proxy_info(target):
    right = avp(284, avp(280, "proxy.example") + avp(33, "state"))
    connected(target, target.uar(after=[right]), 102002)
    connected(target, message(UAR, target.cx(after=[right]), app=4), 3007)
    for value in (b"abc", avp(RESULT_CODE, b"abc"), avp(280, b"x", M, None, 200), b"", avp(284, b"abc"),
                  avp(280, b"x", M, None, 7)):
        for flags in (0, M):
            bad = [avp(284, value, flags)]
            connected(target, target.uar(after=bad))
            connected(target, message(UAR, target.cx(after=bad), app=4))
            connected(target, message(999, target.cx(after=bad)))
            connected(target, message(UAR, target.cx(after=bad), R | P | E))
            connected(target, target.uar(after=[*bad, avp(623, 9, M, TGPP)]))


@attack
def asks_and_hangs_up(target):
    for octets in (message(UAR, target.cx(), app=4), message(UAR, target.cx(), R | P | E), target.uar(),
                   target.uar(after=[avp(65000, b"x", M, TGPP)]), message(999, target.cx())):
        for _ in range(6):
            with target.connect() as peer:
                peer.send(octets * 20)


@attack
def commands_without_a_handler(target):
    for code in (304, 305, 258, 271, 274, 275):
        connected(target, message(code, target.cx()))
        connected(target, message(code, target.cx(), R))


@attack
def routing_avps(target):
    connected(target, target.uar(after=[avp(282, target.host)]))
    connected(target, target.uar(user="other.example!a@home", to_host=False))
    connected(target, target.uar(user="!@", to_host=False))
    connected(target, target.uar(after=[avp(293, "elsewhere.example")], to_host=False), 3002)
    for value in (b"", avp(280, "x"), avp(33, b"x" * 3000), b"\0" * 8):
        connected(target, target.uar(after=[avp(284, value)]))


@attack
def truncated_and_silent(target):
    whole = target.uar()
    for cut in range(1, len(whole), 37):
        connected(target, whole[:cut])
    cer = target.cer()
    for cut in (1, 3, 4, 19, 20, 40):
        with Peer(target) as peer:
            peer.send(cer[:cut])


@attack
def idle_strangers(target):
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(Peer(target))
        target.probe()


@attack
def slow_reader(target):
    with target.connect() as peer:
        peer.socket.settimeout(2)
        octets = target.uar() * 50
        with contextlib.suppress(OSError):
            for _ in range(400):
                peer.socket.sendall(octets)
        time.sleep(1)


@attack
def flapping(target):
    for i in range(60):
        with contextlib.suppress(OSError), Peer(target) as peer:
            peer.send(target.cer() + (target.uar() if i % 2 else b""))
            if i % 3 == 0:
                peer.receive(0.2)


@attack
def random_changes(target):
    source = random.Random(target.seed)
    seeds = [target.uar(), message(MAR, target.cx(after=[
        avp(612, avp(608, "Unknown", M, TGPP), M, TGPP), avp(607, 1, M, TGPP), avp(602, "s", M, TGPP)])),
        message(SAR, target.cx(after=[avp(602, "s", M, TGPP), avp(614, 1, M, TGPP), avp(624, 0, M, TGPP)]))]
    for _ in range(60):
        with target.connect() as peer:
            for _ in range(20):
                octets = bytearray(source.choice(seeds))
                for _ in range(source.randint(1, 6)):
                    octets[source.randrange(4, len(octets))] = source.choice((0, 1, 0x7F, 0x80, 0xFF,
                                                                             source.randrange(256)))
                peer.send(bytes(octets))
            peer.receive(0.05)
        octets = bytearray(target.cer(identity="nobody.example"))
        for _ in range(4):
            octets[source.randrange(4, len(octets))] = source.randrange(256)
        stranger_quick = Peer(target)
        stranger_quick.send(bytes(octets))
        stranger_quick.socket.close()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def server(path, port):
    """The small HSS; yields a function that says whether it still runs."""
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen([path, "hss.home.test", "home.test", f"127.0.0.1:{port}", "scscf.home.test"],
                                 stdout=subprocess.PIPE, stderr=log)
        try:
            child.stdout.readline()
            yield lambda: child.poll() is None
        finally:
            child.terminate()
            try:
                code = child.wait(30)
            except subprocess.TimeoutExpired:
                child.kill()
                code = "none: it did not end"
            if code != 0:
                log.seek(0)
                print(log.read()[-4000:].decode(errors="replace"), flush=True)
                raise Failure(f"the server's exit code: {code}")


def part_of(attacks, part):
    """Of "2/3" the second third."""
    k, n = map(int, part.split("/"))
    return attacks[k - 1::n]


def run(target, alive, attacks):
    failed = 0
    for function in attacks:
        try:
            function(target)
            target.probe()
            if not alive():
                raise Failure("the server has ended")
            print(f"ok {function.__name__}", flush=True)
        except (Failure, OSError) as error:
            failed += 1
            print(f"FAIL {function.__name__}: {error}", flush=True)
            if not alive():
                break
    return failed


def main():
    args = argparse.ArgumentParser(description="Attacks a Diameter service and sees that it stays.")
    args.add_argument("service", nargs="?", help="ADDRESS:PORT")
    args.add_argument("--identity", default="scscf.home.test", help="that may connect")
    args.add_argument("--realm", default="home.test")
    args.add_argument("--host", default="hss.home.test", help="the service's own identity")
    args.add_argument("--server", help="start this cx_server instead")
    args.add_argument("--only", nargs="*", help="these attacks")
    args.add_argument("--part", default="1/1", help="the K-th of N parts, as K/N")
    args.add_argument("--seed", type=int, default=1, help="of random_changes")
    a = args.parse_args()
    attacks = part_of([f for f in ATTACKS if not a.only or f.__name__ in a.only], a.part)
    failed = 1
    with contextlib.ExitStack() as stack:
        alive = lambda: True
        if a.server:
            address = ("127.0.0.1", free_port())
            alive = stack.enter_context(server(a.server, address[1]))
        elif a.service:
            name, _, port = a.service.rpartition(":")
            address = (name, int(port))
        else:
            args.error("give ADDRESS:PORT or --server")
        failed = run(Target(address, a.identity, a.realm, a.host, a.seed), alive, attacks)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as error:
        print(f"FAIL the_server_ends: {error}")
        sys.exit(1)
