"""group.py - which function measures which figures, in the order they are run"""
import call
import kamailio
import program
import ratio
import register
import testpmd
from figure import reaches


class Group:
    """name: what progress calls it. figures: names, or "stem.*" for all below."""

    def __init__(self, name, figures, run):
        self.name = name
        self.figures = figures
        self.run = run


GROUPS = (
    Group("parser", ("parse.*", "emit.*", "ratio.parse.osip"), program.parse),
    Group("small operations",
          ("ring.*", "punt.*", "digest.*", "aka.*", "route.*", "hash.*", "token.*"), program.micro),
    Group("ESP", ("esp.*",), program.esp),
    Group("tables", ("table.*", "memory.*", "ratio.table.lookup"), program.table),
    Group("worker from memory", ("worker.*",), program.worker),
    Group("bare freeDiameter", ("diameter.*",), program.diameter),
    Group("testpmd macswap", ("bound.*",), testpmd.bound),
    Group("Kamailio, stateless", ("kamailio.stateless.*",), kamailio.stateless),
    Group("Kamailio, t_relay", ("kamailio.stateful.*",), kamailio.stateful),
    Group("calls over memif", ("call.memif.*", "call.cpu_us", "overload.*"), call.memif),
    Group("calls by way of Application Servers", ("call.as.*",), call.services),
    Group("calls with a policy function", ("call.policy.*", "call.bystander.*"), call.policy),
    Group("calls under ESP", ("call.ipsec.*",), call.ipsec),
    Group("calls over veth", ("saker.veth.*",), call.over_veth),
    Group("registrations", ("register.aka.*", "register.cpu_ms.*"), register.aka),
    Group("registrations with a security agreement", ("register.ipsec.*",), register.ipsec),
    Group("churn", ("churn.*",), register.churn),
    Group("refreshes", ("register.refresh.*",), register.refresh),
)


# A word for figures of other names too: what churns are registrations.
ALSO = {"register": ("churn",), "services": ("call.as", "ratio.as"),
        "policy": ("call.policy", "call.bystander", "ratio.policy")}


def meant(names):
    """The names, and those that they stand for."""
    return [*names, *(also for n in names for also in ALSO.get(n, ()) if also not in names)]


def chosen(names):
    """The groups that the named figures need; all without names."""
    wide = list(names)
    for known in ratio.RATIOS:
        if any(known[0] == n or known[0].startswith(n + ".") for n in names):
            wide += ratio.needs(known[0])
    return [g for g in GROUPS if any(reaches(p, wide) for p in g.figures)]


def known(name):
    return name in ALSO or any(reaches(p, [name]) for g in GROUPS for p in g.figures) or any(
        r[0] == name or r[0].startswith(name + ".") for r in ratio.RATIOS)
