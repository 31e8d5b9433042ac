"""target.py - what the figures are to reach (the budgets of the project's design)

One line a figure: name, comparison, bound, and what the bound stands for.
"""

TARGETS = (
    ("parse.invite.cycles", "<=", 350, "index and all a proxy needs of an INVITE of 900 octets"),
    ("ratio.parse.osip", ">=", 40, "against libosip2's parser"),
    ("worker.indialog.cycles", "<=", 700, "in-dialog request through the whole worker, 1 M users"),
    ("worker.response.cycles", "<=", 700, "its response"),
    ("worker.esp.cbc_sha1.cycles", "<=", 2500, "the same under AES-CBC and HMAC-SHA-1, in and out"),
    ("worker.esp.gcm.cycles", "<=", 1800, "and under AES-GCM"),
    ("worker.invite.cycles", "<=", 1400, "initial INVITE, stateful, both users here"),
    ("table.bytes_per_contact", "<=", 512, "a registered contact, all tables and indexes, 10 M"),
    ("ratio.table.lookup", "<=", 2, "look-up at 10 M users against 10 k"),
    ("call.memif.msgs_per_s", ">=", 1500000, "full calls through one core: a 10 GbE line"),
    ("call.memif.calls_per_s", ">=", 200000, "the same in calls"),
    ("call.memif.p999_us", "<=", 100, "latency at half the maximum"),
    ("call.cpu_us", "<=", 3.6, "a whole call: 1/500 of Kamailio's 1.8 ms for P, I and S"),
    ("overload.share", ">=", 0.9, "calls completed at twice the maximum, of those at the maximum"),
    ("ratio.bound", ">=", 0.5, "against testpmd macswap in the node's place"),
    ("ratio.kamailio.stateless", ">=", 10, "against its stateless forward, per core"),
    ("ratio.kamailio.stateful", ">=", 40, "against its t_relay, per core"),
    ("ratio.kamailio.veth", ">=", 5, "the node on the same veth, against t_relay"),
    ("ratio.register", ">=", 0.8, "registrations, four exchanges each, of bare freeDiameter's exchanges"),
    ("ratio.policy.bystander", ">=", 0.95, "calls of users without policy, beside some with it"),
    ("register.cpu_ms", "<=", 0.35, "CPU of control and HSS for one registration"),
    ("register.refresh.per_s", ">=", 300000, "refreshes answered on the worker"),
)


class Target:
    def __init__(self, name, comparison, bound, reason):
        self.name = name
        self.comparison = comparison
        self.bound = bound
        self.reason = reason

    def met(self, value):
        return value <= self.bound if self.comparison == "<=" else value >= self.bound


BY_NAME = {row[0]: Target(*row) for row in TARGETS}


def verdict(figure):
    """met, missed, invalid, or "-" for a figure without a target."""
    if figure.invalid:
        return "invalid"
    target = BY_NAME.get(figure.name)
    if not target:
        return "-"
    return "met" if target.met(figure.value) else "missed"
