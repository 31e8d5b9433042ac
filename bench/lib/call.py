"""call.py - full calls through a whole node: the maximum, latency at half of it, and what is left at twice of it"""
import statistics

import blast
import node
import veth
from figure import Figure
from process import Failed

# A virtual machine's cores are taken away for up to 15 ms, some times a second, which fills rings and sheds calls; a
# bound of less would be met or missed by that. With cores of one's own, --slo 'p99<500us,fail<0.01%' is what to ask
# saker-blast for.
SLO = "p99<10ms,fail<1%"
# A quick run shows that all works on any machine, also one that others keep busy.
QUICK_SLO = "p99<100ms,fail<5%"
VETH_FIRST = 4000  # calls a second
PROTECTED_QUICK = 1000
SERVED_QUICK = 2000
ONE_RATE = "a quick run has one rate here, not the highest"
USERS, USERS_QUICK = 20000, 500


# Registrations a second before the calls begin: less than control and HSS can do.
REGISTER_RATE, REGISTER_RATE_QUICK = 1000, 300


def _users(bench):
    return USERS_QUICK if bench.quick else USERS


# After the climb, in multiples of the rate it found: the maximum again, half of it, twice of it.
AFTER = (1, 1, 1, 0.5, 0.5, 0.5, 2, 2, 2)
AFTER_QUICK = (1, 0.5, 2)


def _calls(bench, saker, link, name, options):
    """
    One run of the generator. All rates are in one: it is one peer to the node's port for that long. A second time
    where the first came to nothing, with terminals that could not be registered.
    """
    options = ["--scenario", "call", "--size", 900, "--users", _users(bench), "--subscribers", saker.subscribers,
               "--register-first", "--register-rate", REGISTER_RATE_QUICK if bench.quick else REGISTER_RATE, *options]
    try:
        return blast.run(bench, name, link, options, timeout=400)
    except Failed:
        return blast.run(bench, name, link, options, timeout=400)


def _ladder(bench, saker, link, name, slo, first, after, more=()):
    """The runs at `after` times the highest rate that holds, which is looked for from `first` on: {multiple: runs}."""
    quick = bench.quick
    found = _calls(bench, saker, link, name,
                   [*more, "--find-max", "--slo", QUICK_SLO if quick else slo, "--rate", first, "--seconds", 1 if quick else 4,
                    "--then", ",".join(map(str, after))])
    blast.best(found, name)
    return {multiple: [r for r in found["then"] if r["of_max"] == multiple] for multiple in set(after)}


def _of(name, unit, results, value):
    invalid = next((why for why in map(blast.why_invalid, results) if why), "")
    return Figure.of_runs(name, unit, [value(r) for r in results], invalid)


def memif(bench):
    """call.memif.*, call.cpu_us and overload.share."""
    socket = bench.socket("node")
    saker = node.Node(bench, node.memif(socket), _users(bench))
    try:
        runs = _ladder(bench, saker, blast.over_memif(bench, socket), "call", SLO, 20000,
                       AFTER_QUICK if bench.quick else AFTER)
        saker.alive()
    finally:
        saker.stop()
    at_max, at_half, over = runs[1], runs[0.5], runs[2]
    figures = [
        _of("call.memif.msgs_per_s", "1/s", at_max, lambda r: r["msgs_per_s"]),
        _of("call.memif.calls_per_s", "1/s", at_max, lambda r: r["calls_per_s"]),
        _of("call.cpu_us", "us", at_max, lambda r: 1e6 / max(1e-9, r["calls_per_s"])),
    ]
    for name in ("p50", "p99", "p999"):
        figures.append(_of(f"call.memif.{name}_us", "us", at_half, lambda r, n=name: r["latency_us"][n]))
    calls = statistics.median(r["calls_per_s"] for r in at_max)
    figures.append(_of("overload.share", "", over, lambda r: r["calls_per_s"] / calls))
    return figures


def ipsec(bench):
    """call.ipsec.*: the calls of call.memif.* among terminals that are all protected."""
    socket = bench.socket("protected")
    saker = node.Node(bench, node.memif(socket), _users(bench), sections=node.PROTECTED)
    try:
        link, under = blast.over_memif(bench, socket), ("--ipsec", node.SUITE)
        if bench.quick:
            once = _calls(bench, saker, link, "call-ipsec", [*under, "--rate", PROTECTED_QUICK, "--seconds", 2])
            runs = {1: [once], 0.5: [once]}
        else:
            runs = _ladder(bench, saker, link, "call-ipsec", SLO, 5000, (1, 1, 1, 0.5), under)
        saker.alive()
    finally:
        saker.stop()
    figures = [_of("call.ipsec.calls_per_s", "1/s", runs[1], lambda r: r["calls_per_s"]),
               _of("call.ipsec.p99_us", "us", runs[0.5], lambda r: r["latency_us"]["p99"])]
    if bench.quick:
        for figure in figures:
            figure.invalid = ONE_RATE
    return figures


SERVER = "10.127.255.1:5060"


def _criterion(priority, case):
    return (f"<InitialFilterCriteria><Priority>{priority}</Priority><TriggerPoint><ConditionTypeCNF>1</ConditionTypeCNF>"
            "<SPT><ConditionNegated>0</ConditionNegated><Group>0</Group><Method>INVITE</Method></SPT>"
            f"<SPT><ConditionNegated>0</ConditionNegated><Group>1</Group><SessionCase>{case}</SessionCase></SPT></TriggerPoint>"
            f"<ApplicationServer><ServerName>sip:{SERVER}</ServerName><DefaultHandling>1</DefaultHandling></ApplicationServer>"
            "</InitialFilterCriteria>")


def services(bench):
    """call.as.*: the calls of call.memif.*, each INVITE by way of an Application Server for either side."""
    socket = bench.socket("services")
    saker = node.Node(bench, node.memif(socket), _users(bench), peers=f"  peers:\n    - {{name: as.ims.example, net: {SERVER.split(':')[0]}}}",
                      criteria=_criterion(1, 0) + _criterion(2, 1))
    try:
        link, served = blast.over_memif(bench, socket), ("--as", SERVER)
        if bench.quick:
            runs = {1: [_calls(bench, saker, link, "call-as", [*served, "--rate", SERVED_QUICK, "--seconds", 2])]}
        else:
            runs = _ladder(bench, saker, link, "call-as", SLO, 10000, (1, 1, 1), served)
        saker.alive()
    finally:
        saker.stop()
    for run in runs[1]:
        if run["served"] < 2 * run["done"]:
            raise Failed(f"{run['served']} messages by way of the server in {run['done']} calls")
    figures = [_of("call.as.calls_per_s", "1/s", runs[1], lambda r: r["calls_per_s"])]
    if bench.quick:
        figures[0].invalid = ONE_RATE
    return figures


PCRF = "127.0.0.1:3870"


def _with_pcrf(bench, name, access, first, after, quick_rate):
    """A node whose terminals in `access` ask a PCRF for each call; the runs at its highest rate."""
    socket = bench.socket(name)
    pcrf = bench.children.start([bench.program("tests/peers/diameter/peer_pcrf"), "pcrf.ims.example", "ims.example", PCRF,
                                 "scscf.ims.example", "quiet"], bench.log(f"{name}-pcrf"), core=bench.other_core)
    saker = node.Node(bench, node.memif(socket), _users(bench), slow_core=bench.other_core,
                      sections=f"policy:\n  access: [{access}]\n  pcrfs:\n    - {{identity: pcrf.ims.example, address: {PCRF}}}")
    try:
        link = blast.over_memif(bench, socket)
        if bench.quick:
            return [_calls(bench, saker, link, name, ["--rate", quick_rate, "--seconds", 2])]
        return _ladder(bench, saker, link, name, POLICY_SLO if after == POLICY_AFTER else SLO, first, after)[1]
    finally:
        granted = saker.metric("saker_policy_questions_total{answer=\"granted\"}")
        saker.alive()
        saker.stop()
        bench.children.stop(pcrf)
        if granted == 0:
            raise Failed(f"{name}: the PCRF was not asked")


# With its peer on the same core as the generator an answer takes its time.
POLICY_SLO = "p99<200ms,fail<1%"
POLICY_FIRST, POLICY_QUICK, POLICY_AFTER = 100, 50, (1, 1, 1)
# Four addresses with four terminals each.
BESIDE = "10.64.0.0/30"


def policy(bench):
    """call.policy.* and call.bystander.*: calls that all wait for a PCRF, and calls of which few do."""
    all_of_them = _with_pcrf(bench, "policy", "10.64.0.0/10", POLICY_FIRST, POLICY_AFTER, POLICY_QUICK)
    few = _with_pcrf(bench, "bystander", BESIDE, 20000, (1, 1, 1, 1), SERVED_QUICK)
    figures = [_of("call.policy.calls_per_s", "1/s", all_of_them, lambda r: r["calls_per_s"]),
               _of("call.bystander.calls_per_s", "1/s", few, lambda r: r["calls_per_s"])]
    if bench.quick:
        for figure in figures:
            figure.invalid = ONE_RATE
    return figures


def over_veth(bench):
    """saker.veth.msgs_per_s: the same calls where Kamailio has its own, on AF_XDP."""
    veth.up(kernel_address=False)
    saker = None
    try:
        saker = node.Node(bench, node.af_xdp(veth.SUT_IF), _users(bench), netns=veth.SUT)
        link = blast.over_veth(bench)
        # A climb that loses messages takes its time, which a quick run does not have twice.
        if bench.quick:
            at_max = [_calls(bench, saker, link, "veth", ["--rate", VETH_FIRST, "--seconds", 2])]
        else:
            at_max = _ladder(bench, saker, link, "veth", SLO, VETH_FIRST, (1, 1, 1))[1]
        saker.alive()
    finally:
        if saker:
            saker.stop()
        veth.down()
    found = _of("saker.veth.msgs_per_s", "1/s", at_max, lambda r: r["msgs_per_s"])
    if bench.quick:
        found.invalid = ONE_RATE
    return [found]
