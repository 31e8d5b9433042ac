"""kamailio.py - Kamailio as the peer: one worker on the measured core, over a veth, fed by our own generator

Its figure is messages received for each second of CPU time its worker process took, so that neither its waiting nor
its neighbours on a shared machine count against it. What the kernel receives for it runs on the generator's core and
is not counted either. The messages: full calls of 900-octet INVITEs as our node gets them, both terminals ours.
"""
import os
import shutil

import blast
import veth
from figure import Figure
from process import Failed, cpu_seconds, descendants, wait_for

# For shared and private memory. In Debian's package 5.6.3 fm and tlsf are equal within a few per cent, and qm, which it
# takes without being told, several times slower.
MEMORY_MANAGER = "tlsf"
SHARED_MIB, PRIVATE_MIB = 1024, 64
FIRST_CALLS = {"stateless": 6000, "stateful": 2500}  # a second, where the climb begins
STEP, STAIRS, STAIRS_QUICK = 1.2, 10, 3
LOSS, LOSS_QUICK = 0.001, 0.05  # of the calls: more is not carrying them
LOWEST = 100


class Kamailio:
    def __init__(self, bench, mode):
        if not shutil.which("kamailio"):
            raise Failed("kamailio is not installed (package kamailio)")
        self.bench = bench
        config = os.path.join(bench.root, "bench", "peers", f"{mode}.cfg")
        folder = bench.scratch
        self.child = bench.children.start(
            ["kamailio", "-DD", "-E", "-f", config, "-l", f"udp:{veth.SUT_IP}:5060", "-m", SHARED_MIB,
             "-M", PRIVATE_MIB, "-x", MEMORY_MANAGER, "-X", MEMORY_MANAGER, "-Y", folder,
             "-P", f"{folder}/kamailio.pid"],
            bench.log(f"kamailio-{mode}"), core=bench.sut_core, netns=veth.SUT)
        wait_for("Kamailio", self.is_up, 10)

    def is_up(self):
        if self.child.poll() is not None:
            raise Failed("Kamailio ended early; its log is in " + self.bench.out)
        # Its main process makes the others, one of which receives.
        return len(descendants(self.child.pid)) >= 3

    def worker_cpu(self):
        """Of the process that works most: the one that receives. The others only keep time."""
        return max(cpu_seconds(p) for p in descendants(self.child.pid))

    def stop(self):
        self.bench.children.stop(self.child)


def _stair(bench, proxy, mode, rate):
    """One rate: messages for each second of its worker's CPU, the share of a core that was, and the result."""
    cpu = proxy.worker_cpu()
    result = blast.run(bench, f"kamailio-{mode}", blast.over_veth(bench),
                       ["--direct", f"{veth.SUT_IP}:5060", "--scenario", "call", "--size", 900, "--rate", int(rate),
                        "--seconds", 2 if bench.quick else 4])
    cpu = proxy.worker_cpu() - cpu
    if cpu <= 0 or not result["sent"]:
        raise Failed(f"no message went through Kamailio ({mode})")
    return result["sent"] / cpu, cpu / result["seconds"], result


def _climb(bench, proxy, mode):
    """Upwards until it loses calls; the stairs without loss. Where the first is too high, from lower down."""
    stairs, rate = [], FIRST_CALLS[mode]
    most, loss = (STAIRS_QUICK, LOSS_QUICK) if bench.quick else (STAIRS, LOSS)
    while len(stairs) < most and rate > LOWEST:
        per_cpu, share, result = _stair(bench, proxy, mode, rate)
        if blast.fail_share(result) <= loss:
            stairs.append((per_cpu, share, result))
            rate *= STEP
        elif stairs:
            break
        else:
            rate /= 2
    if not stairs:
        raise Failed(f"Kamailio ({mode}) loses calls at {LOWEST} a second already")
    return stairs


def _measure(bench, mode):
    veth.up(kernel_address=True)
    proxy = None
    try:
        proxy = Kamailio(bench, mode)
        stairs = _climb(bench, proxy, mode)
    finally:
        if proxy:
            proxy.stop()
        veth.down()
    # Near its limit a process wakes least often for a message, so the last ones count.
    last = stairs[-3:]
    invalid = next((w for w in (blast.why_invalid(r) for _, _, r in last) if w), "")
    return [
        Figure.of_runs(f"kamailio.{mode}.msgs_per_s", "1/s", [p for p, _, _ in last], invalid),
        Figure.of_runs(f"kamailio.{mode}.cpu_share", "", [s for _, s, _ in last]),
    ]


def stateless(bench):
    return _measure(bench, "stateless")


def stateful(bench):
    return _measure(bench, "stateful")
