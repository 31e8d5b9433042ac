"""register.py - registrations: by IMS-AKA through control and HSS, and refreshes answered on the worker"""
import blast
import call
import node
from figure import Figure

USERS, USERS_QUICK = 20000, 500
REGISTER_RATE = 500  # a second, before refreshes begin
# Before a terminal sends again (T1, RFC 3261 §17.1.1.1).
SLO = "p99<500ms,fail<1%"
REFRESH_SLO = "p99<10ms,fail<1%"
QUICK_SLO = "p99<500ms,fail<5%"
# So that the worker may answer: an address belongs to who registered from it.
REFRESHABLE = "  ip-association: true"


def _users(bench):
    return USERS_QUICK if bench.quick else USERS


def aka(bench):
    """register.aka.per_s and the CPU that control and HSS take for one of them."""
    socket = bench.socket("register")
    # The worker may sleep: it shares its core with control and HSS, whose work this is.
    saker = node.Node(bench, node.memif(socket), _users(bench), idle="adaptive")
    link = blast.over_memif(bench, socket)
    try:
        options = ["--scenario", "register", "--users", _users(bench), "--subscribers", saker.subscribers]
        seconds = 2 if bench.quick else 8
        found = blast.run(bench, "register", link,
                          options + ["--find-max", "--slo", QUICK_SLO if bench.quick else SLO, "--rate", 500,
                                     "--seconds", seconds])
        best = blast.best(found, "register.aka")
        rates, control, hss, invalid = [], [], [], ""
        for at in range(1 if bench.quick else 3):
            before = saker.cpu("control"), saker.cpu("hss")
            run = blast.run(bench, f"register-{at + 1}", link,
                            options + ["--rate", best["rate"], "--seconds", seconds])
            done = max(1, run["done"])
            rates.append(run["calls_per_s"])
            control.append((saker.cpu("control") - before[0]) * 1000 / done)
            hss.append((saker.cpu("hss") - before[1]) * 1000 / done)
            invalid = invalid or blast.why_invalid(run)
        saker.alive()
    finally:
        saker.stop()
    return [
        Figure.of_runs("register.aka.per_s", "1/s", rates, invalid),
        Figure.of_runs("register.cpu_ms", "ms", [c + h for c, h in zip(control, hss)], invalid),
        Figure.of_runs("register.cpu_ms.control", "ms", control, invalid),
        Figure.of_runs("register.cpu_ms.hss", "ms", hss, invalid),
    ]


def ipsec(bench):
    """register.ipsec.per_s: the same with a security agreement: four SAs each, the second REGISTER and its answer under ESP."""
    socket = bench.socket("ipsec")
    saker = node.Node(bench, node.memif(socket), _users(bench), idle="adaptive", sections=node.PROTECTED)
    link = blast.over_memif(bench, socket)
    try:
        options = ["--scenario", "register", "--ipsec", node.SUITE, "--users", _users(bench), "--subscribers", saker.subscribers]
        seconds = 2 if bench.quick else 8
        rate = 200
        if not bench.quick:
            found = blast.run(bench, "ipsec", link,
                              options + ["--find-max", "--slo", SLO, "--rate", 300, "--seconds", seconds])
            rate = blast.best(found, "register.ipsec")["rate"]
        runs = [blast.run(bench, f"ipsec-{at + 1}", link, options + ["--rate", rate, "--seconds", seconds])
                for at in range(1 if bench.quick else 3)]
        saker.alive()
    finally:
        saker.stop()
    invalid = next((why for why in map(blast.why_invalid, runs) if why), "")
    if bench.quick:
        invalid = invalid or call.ONE_RATE
    return [Figure.of_runs("register.ipsec.per_s", "1/s", [r["calls_per_s"] for r in runs], invalid)]


# Of the users, each second: REGISTERs that prolong, answered on the worker, and full ones by AKA.
CHURN_REFRESH, CHURN_FULL = 0.01, 0.0001
CHURN_USERS, CHURN_USERS_QUICK = 1000000, 1000
CHURN_REGISTER_RATE = 800  # a second, until all are there
CHURN_CALLS, CHURN_CALLS_QUICK = 10000, 1000  # a second


def churn(bench):
    """churn.*: calls among a million registered users of whom each second one in a hundred registers again."""
    users = CHURN_USERS_QUICK if bench.quick else CHURN_USERS
    rate = CHURN_CALLS_QUICK if bench.quick else CHURN_CALLS
    socket = bench.socket("churn")
    saker = node.Node(bench, node.memif(socket), users, control=REFRESHABLE, slow_core=bench.other_core)
    try:
        beside = f"refresh:{users * CHURN_REFRESH:g},register:{max(1, users * CHURN_FULL):g}"
        run = blast.run(bench, "churn", blast.over_memif(bench, socket),
                        ["--scenario", "call", "--users", users, "--subscribers", saker.subscribers, "--register-first",
                         "--register-rate", 300 if bench.quick else CHURN_REGISTER_RATE, "--rate", rate,
                         "--seconds", 2 if bench.quick else 30, "--beside", beside],
                        timeout=120 if bench.quick else 4000)
        saker.alive()
    finally:
        saker.stop()
    invalid = blast.why_invalid(run)
    done = sum(b["done"] for b in run["beside"])
    failed = sum(b["failed"] for b in run["beside"])
    seconds = run["seconds"]
    return [
        Figure("churn.calls_per_s", run["calls_per_s"], "1/s", invalid=invalid),
        Figure("churn.call.p99_us", run["latency_us"]["p99"], "us", invalid=invalid),
        Figure("churn.call.failed", blast.fail_share(run), "", invalid=invalid),
        Figure("churn.registers_per_s", done / seconds, "1/s", invalid=invalid),
        Figure("churn.register.failed", failed / max(1, done + failed), "", invalid=invalid),
    ]


def refresh(bench):
    """register.refresh.per_s: of bindings that are bound to their address. Control hears of each, on the other core."""
    socket = bench.socket("refresh")
    saker = node.Node(bench, node.memif(socket), _users(bench), control=REFRESHABLE,
                      slow_core=bench.other_core)
    link = blast.over_memif(bench, socket)
    try:
        found = blast.run(bench, "refresh", link,
                          ["--scenario", "refresh", "--users", _users(bench), "--subscribers", saker.subscribers,
                           "--register-first", "--register-rate", REGISTER_RATE, "--find-max", "--slo",
                           QUICK_SLO if bench.quick else REFRESH_SLO, "--rate", 2000,
                           "--seconds", 1 if bench.quick else 4])
        best = blast.best(found, "register.refresh")
        saker.alive()
    finally:
        saker.stop()
    return [Figure("register.refresh.per_s", best["achieved"], "1/s", invalid=blast.why_invalid(found))]
