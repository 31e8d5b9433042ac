"""ratio.py - figures made of two others of the same run"""
from figure import Figure

# name, above, below, and what the division is multiplied with
RATIOS = (
    ("ratio.bound", "call.memif.msgs_per_s", "bound.testpmd.pps", 1),
    ("ratio.kamailio.stateless", "call.memif.msgs_per_s", "kamailio.stateless.msgs_per_s", 1),
    ("ratio.kamailio.stateful", "call.memif.msgs_per_s", "kamailio.stateful.msgs_per_s", 1),
    ("ratio.kamailio.veth", "saker.veth.msgs_per_s", "kamailio.stateful.msgs_per_s", 1),
    ("ratio.as", "call.as.calls_per_s", "call.memif.calls_per_s", 1),
    # Three AARs and two STRs make one call.
    ("ratio.policy.diameter", "call.policy.calls_per_s", "diameter.bound.per_s", 5),
    ("ratio.policy.bystander", "call.bystander.calls_per_s", "call.memif.calls_per_s", 1),
    # UAR, MAR, UAR and SAR make one registration.
    ("ratio.register", "register.aka.per_s", "diameter.bound.per_s", 4),
    ("ratio.table.lookup", "table.lookup.cycles.10m", "table.lookup.cycles.10k", 1),
)


def needs(name):
    """The two figures that a ratio is made of; none for any other figure."""
    return [part for ratio in RATIOS if ratio[0] == name for part in ratio[1:3]]


def make(figures):
    """Those that can be made and are not there: an invalid part makes an invalid ratio."""
    by_name = {f.name: f for f in figures}
    made = []
    for name, above, below, factor in RATIOS:
        a, b = by_name.get(above), by_name.get(below)
        if name in by_name or not a or not b or not b.value:
            continue
        invalid = "; ".join(f"{f.name}: {f.invalid}" for f in (a, b) if f.invalid)
        made.append(Figure(name, factor * a.value / b.value, "", invalid=invalid))
    return made
