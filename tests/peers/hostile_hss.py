#!/usr/bin/env python3
"""hostile_hss.py - an HSS that breaks the rules, to see that control's Cx client stays

  hostile_hss.py PATH_OF_cx_client [ATTACK ... | K/N]      some of them, or the K-th of N parts

Starts the client of tests/unit/cx/client.c, which connects here and asks without end. Each attack answers some of
its requests wrongly; then it answers rightly, and passes if the client gets good answers again. Prints
"ok NAME" or "FAIL NAME: why"; exits 1 if any failed or the client does not end in order.
"""
import contextlib
import random
import socket
import struct
import subprocess
import sys
import threading
import time

from hostile_diameter import (BASE, CER, CX, DWR, DPR, E, FAILED_AVP, LIR, M, ORIGIN_HOST, ORIGIN_REALM, P, R,
                              RESULT_CODE, SAR, SESSION_ID, TGPP, UAR, Failure, avp, message, parse, part_of,
                              value_of)

RTR, PPR = 304, 305
HOST, REALM, CLIENT = "hss.home.test", "home.test", "scscf.home.test"
WRONG_TIME, PATIENCE, ENOUGH = 0.6, 30.0, 20


def origin():
    return [avp(ORIGIN_HOST, HOST), avp(ORIGIN_REALM, REALM)]


def application():
    return avp(260, avp(266, TGPP) + avp(258, CX))


def answer(m, avps, flags=None, code=None, app=None):
    """To a parsed request, with its identifiers."""
    if code is None:
        code = m["code"]
    if app is None:
        app = BASE if code in (CER, DWR, DPR) else CX
    if flags is None:
        flags = 0 if app == BASE else P
    octets = bytearray(message(code, avps, flags, app, m["hop"]))
    octets[16:20] = struct.pack("!I", m["end"])
    return bytes(octets)


def good(m):
    """DIAMETER_SUBSEQUENT_REGISTRATION."""
    return [avp(SESSION_ID, value_of(m, SESSION_ID) or b""), application(), avp(277, 1), *origin(),
            avp(297, avp(266, TGPP) + avp(298, 2002)), avp(602, "sip:scscf.home.test", M, TGPP)]


class Hss(threading.Thread):
    """Accepts one connection after the other. `wrong` is given each request while it is set, and the link."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.wrong = self.wrong_cea = self.link = None
        self.connections = 0
        self.start()

    def run(self):
        while True:
            link, _ = self.listener.accept()
            self.connections += 1
            self.link = link
            with link, contextlib.suppress(OSError, struct.error):
                self.serve(link)
            self.link = None

    def serve(self, link):
        left = b""
        while more := link.recv(65536):
            left += more
            while len(left) >= 20 and len(left) >= int.from_bytes(left[1:4], "big"):
                length = int.from_bytes(left[1:4], "big")
                self.take(link, parse(left[:length]))
                left = left[length:]

    def take(self, link, m):
        if not m["flags"] & R:
            return
        if m["code"] == CER:
            avps = [avp(RESULT_CODE, 2001), *origin(), avp(257, b"\0\1\x7f\0\0\1"), avp(266, 0), avp(269, "hss", 0),
                    application()]
            link.sendall(self.wrong_cea(m, avps) if self.wrong_cea else answer(m, avps))
        elif m["code"] in (DWR, DPR):
            link.sendall(answer(m, [avp(RESULT_CODE, 2001), *origin()]))
        elif self.wrong:
            self.wrong(link, m)
        else:
            link.sendall(answer(m, good(m)))


class Client:
    def __init__(self, path, port):
        self.process = subprocess.Popen([path, f"127.0.0.1:{port}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.counts, self.log = {}, []
        threading.Thread(target=self.read_counts, daemon=True).start()
        self.logger = threading.Thread(target=self.read_log, daemon=True)
        self.logger.start()

    def read_counts(self):
        for line in self.process.stdout:
            self.counts = {k.decode(): int(v) for k, v in (word.split(b"=") for word in line.split())}

    def read_log(self):
        for line in self.process.stderr:
            self.log = self.log[-60:] + [line.decode(errors="replace")]

    def alive(self):
        return self.process.poll() is None

    def wait_good(self):
        """Until so many more good answers have come in."""
        start, until = self.counts.get("good", 0), time.monotonic() + PATIENCE
        while self.counts.get("good", 0) < start + ENOUGH:
            if not self.alive():
                raise Failure(f"the client has ended with {self.process.returncode}")
            if time.monotonic() > until:
                raise Failure("no good answers any more")
            time.sleep(0.05)

    def end(self):
        self.process.terminate()
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.logger.join(2)
        if code:
            raise Failure(f"exit code {code}\n" + "".join(self.log))


ATTACKS = []


def attack(function):
    ATTACKS.append(function)
    return function


def wrongly(hss, client, wrong, seconds=WRONG_TIME):
    """Answers by `wrong` for a while, then rightly."""
    until = time.monotonic() + PATIENCE
    while hss.link is None and time.monotonic() < until:
        time.sleep(0.02)
    hss.wrong = wrong
    time.sleep(seconds)
    hss.wrong = None
    client.wait_good()


def each(hss, client, answers):
    """Every request gets the next of these lists of AVPs, in turn, as UAA with and without the E bit."""
    turn = iter(range(1 << 30))

    def wrong(link, m):
        n = next(turn)
        made = answers[n // 2 % len(answers)]
        link.sendall(answer(m, made(m) if callable(made) else made, P | (E if n % 2 else 0)))

    wrongly(hss, client, wrong, WRONG_TIME + 0.05 * len(answers))


@attack
def unknown_avps_before_the_result(hss, client):
    bad = avp(65000, b"x", M, TGPP)
    each(hss, client, [[bad], [bad, avp(RESULT_CODE, 2001)], [bad, avp(RESULT_CODE, 5012)],
                       lambda m: [bad, *good(m)], lambda m: [*good(m), bad],
                       [avp(260, b"x" * 5), avp(RESULT_CODE, 5012)], [avp(277, b""), avp(RESULT_CODE, 3002)]])


@attack
def results_that_are_none(hss, client):
    each(hss, client, [[], [avp(RESULT_CODE, b"")], [avp(RESULT_CODE, b"\0" * 5)], [avp(RESULT_CODE, 0)],
                       [avp(RESULT_CODE, 0xFFFFFFFF)], [avp(RESULT_CODE, 100000)], [avp(RESULT_CODE, 2001, M, 0)],
                       [avp(RESULT_CODE, 2001)] * 2, [avp(297, b"")], [avp(297, avp(298, 2002))],
                       [avp(297, avp(266, 1) + avp(298, 2002))], [avp(297, avp(266, TGPP) + avp(298, 0xFFFFFFFF))],
                       lambda m: [avp(RESULT_CODE, 2001), *good(m)]])


@attack
def redirections(hss, client):
    """To nobody, to strangers, to us again, to a thousand, for ever and a day."""
    head = [avp(RESULT_CODE, 3006)]
    each(hss, client, [head + more for more in (
        [], [avp(292, b"")], [avp(292, b"\0")], [avp(292, "aaa://")], [avp(292, f"aaa://{HOST}:3868")],
        [avp(292, "aaa://nobody.test")] * 8, [avp(292, "aaa://nobody.test")] * 1000, [avp(292, b"x" * 60000)],
        [avp(292, f"aaa://{HOST}"), avp(261, 6), avp(262, 0xFFFFFFFF)], [avp(292, HOST), avp(261, 7)],
        [avp(292, HOST), avp(261, b"\0")], [avp(261, 6), avp(262, 1)])] + [
        lambda m: [*good(m), avp(292, f"aaa://{HOST}")], lambda m: [avp(292, "aaa://nobody.test"), *good(m), *head]])


@attack
def session_ids(hss, client):
    each(hss, client, [lambda m, sid=sid: [sid, *good(m)[1:]] for sid in (
        avp(SESSION_ID, b""), avp(SESSION_ID, b"\0"), avp(SESSION_ID, b"a\0b"), avp(SESSION_ID, b"other;1;2"),
        avp(SESSION_ID, b"x", M, 0), avp(SESSION_ID, b"", 0, 0), avp(SESSION_ID, b"x" * 60000))])


@attack
def values_out_of_range(hss, client):
    each(hss, client, [lambda m, bad=bad: [*good(m), bad] for bad in (
        avp(602, b"", M, TGPP), avp(602, b"a\0", M, TGPP), avp(602, b"x" * 60000, M, TGPP), avp(603, b"x", M, TGPP),
        avp(603, avp(604, 1, M, TGPP) * 17, M, TGPP), avp(603, avp(602, "n", M, TGPP) * 1000, M, TGPP),
        avp(603, avp(604, b"\0", M, TGPP), M, TGPP), avp(ORIGIN_HOST, HOST), avp(1, b"x", 0, 0))])


@attack
def lengths(hss, client):
    """Those that cannot be parsed cost the connection, so some of them only."""
    for length in (0, 7, 11, 65535):
        for vendor in (None, TGPP):
            wrongly(hss, client, lambda link, m: link.sendall(
                answer(m, [*good(m), avp(602, b"x" * 8, M, vendor, length)])))
    each(hss, client, [lambda m, n=n: [*good(m), avp(603, avp(604, 1, M, TGPP, n), M, TGPP)] for n in range(20)])


@attack
def nesting(hss, client):
    def nest(code, depth):
        inner = b""
        for _ in range(depth):
            inner = struct.pack("!II", code, 8 + len(inner)) + inner
        return inner
    each(hss, client, [lambda m, c=code, d=depth: [*good(m), nest(c, d)]
                       for code in (FAILED_AVP, 260, 284, 297) for depth in (9, 1000, 8000)])


@attack
def another_command(hss, client):
    for code in (SAR, LIR, RTR, 999, DWR, CER, 0, 0xFFFFFF):
        wrongly(hss, client, lambda link, m: link.sendall(answer(m, good(m), code=code)), 0.2)


@attack
def another_application(hss, client):
    for app in (BASE, 4, 0xFFFFFFFF):
        wrongly(hss, client, lambda link, m: link.sendall(answer(m, good(m), app=app)), 0.2)


@attack
def twice_late_and_to_nobody(hss, client):
    old = []

    def wrong(link, m):
        old.append(answer(m, good(m)))
        link.sendall(old[-1] * 2 + message(UAR, good(m), P))
        if len(old) % 3 == 0:
            link.sendall(b"".join(random.sample(old, len(old) // 3)))

    wrongly(hss, client, wrong)


@attack
def silence(hss, client):
    before = client.counts.get("none", 0)
    wrongly(hss, client, lambda link, m: None, 2.5)
    if client.counts["none"] - before < 8:
        raise Failure("the requests did not time out")


@attack
def hanging_up(hss, client):
    """In place of an answer, before it, and within it."""
    for cut in (0, 1, 20, 60):
        def wrong(link, m):
            link.sendall(answer(m, good(m))[:cut])
            link.shutdown(socket.SHUT_RDWR)
        wrongly(hss, client, wrong, 0.2)


@attack
def capabilities_that_are_wrong(hss, client):
    """The answer to its CER."""
    for change in (lambda m, a: answer(m, []), lambda m, a: answer(m, [avp(RESULT_CODE, 5010), *a[1:]]),
                   lambda m, a: answer(m, [avp(SESSION_ID, b"x", M, 0), *a]), lambda m, a: answer(m, a[:-1]),
                   lambda m, a: answer(m, [*a, avp(257, b"\0")]), lambda m, a: answer(m, a + a),
                   lambda m, a: answer(m, [avp(65000, b"x"), *a]), lambda m, a: answer(m, a, code=UAR),
                   lambda m, a: answer(m, [a[0], avp(ORIGIN_HOST, "other.example"), *a[2:]])):
        hss.wrong_cea = change
        seen = hss.connections
        with contextlib.suppress(OSError, AttributeError):
            hss.link.shutdown(socket.SHUT_RDWR)
        until = time.monotonic() + 8
        while hss.connections == seen and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(0.2)
        hss.wrong_cea = None
        # It may think that all is well, or wait for a CEA that it takes.
        with contextlib.suppress(OSError, AttributeError):
            hss.link.shutdown(socket.SHUT_RDWR)
        client.wait_good()


@attack
def requests_of_the_hss(hss, client):
    """RTR and PPR, right and wrong; more than control has in hand at a time."""
    reason = avp(615, avp(616, 0, M, TGPP), M, TGPP)
    common = [avp(SESSION_ID, "h;1;2"), application(), avp(277, 1), *origin(), avp(293, CLIENT), avp(283, REALM)]
    bodies = [[*common, avp(1, "a@home.test"), reason], [*common, avp(1, "a@home.test")], [], common[1:],
              [*common, avp(1, b"\0"), reason], [*common, avp(1, "a"), avp(615, b"x", M, TGPP)],
              [*common, avp(1, "a"), avp(606, b"<x/>", M, TGPP)], [*common, avp(1, "a"), avp(606, b"x" * 60000, M, TGPP)],
              [avp(SESSION_ID, b"\0"), *common[1:], avp(1, "a"), reason], [avp(SESSION_ID, b"x", M, 0), *common]]

    def wrong(link, m):
        for code in (RTR, PPR, UAR, 999):
            for body in bodies:
                link.sendall(message(code, body))
        link.sendall(message(RTR, bodies[0]) * 100 + answer(m, good(m)))

    wrongly(hss, client, wrong)


@attack
def random_changes(hss, client):
    source = random.Random(20260102)

    def wrong(link, m):
        octets = bytearray(answer(m, good(m)))
        for _ in range(source.randint(1, 4)):
            octets[source.randrange(20, len(octets))] = source.choice((0, 1, 0x7F, 0x80, 0xFF, source.randrange(256)))
        link.sendall(octets)

    for _ in range(5):
        wrongly(hss, client, wrong)


def chosen(arguments):
    if len(arguments) == 1 and "/" in arguments[0]:
        return part_of(ATTACKS, arguments[0])
    return [f for f in ATTACKS if not arguments or f.__name__ in arguments]


def run(hss, client, attacks):
    failed = 0
    for function in attacks:
        try:
            function(hss, client)
            print(f"ok {function.__name__}", flush=True)
        except Failure as error:
            failed += 1
            print(f"FAIL {function.__name__}: {error}", flush=True)
            if not client.alive():
                break
    return failed


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    hss = Hss()
    client = Client(sys.argv[1], hss.port)
    failed = 1
    try:
        client.wait_good()
        failed = run(hss, client, chosen(sys.argv[2:]))
    except Failure as error:
        print(f"FAIL connects: {error}")
    finally:
        try:
            client.end()
            print("ok the_client_ends")
        except Failure as error:
            failed += 1
            print(f"FAIL the_client_ends: {error}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
