"""testpmd.py - DPDK's own macswap in the node's place on memif: what input and output alone can carry"""
import os
import re
import shutil
import statistics
import time

from figure import Figure
from process import Failed, wait_for_text

FRAME = 942  # octets: a message of 900 with its headers down to Ethernet
SECONDS, SECONDS_QUICK = 15, 8


def _argv(core, main_core, device, forward):
    return ["dpdk-testpmd", "--lcores", f"0@{main_core},1@{core}", "--no-pci", "--in-memory", "-m", "128",
            "--vdev", device, "--", "--stats-period", "1", "--total-num-mbufs=16384", "--mbcache=256", "--burst=32",
            "--no-lsc-interrupt", "--disable-link-check", *forward]


def _rates(log):
    with open(log, errors="replace") as f:
        rates = [int(n) for n in re.findall(r"Tx-pps:\s+(\d+)", f.read())]
    return rates


def start_macswap(bench, socket, log):
    """testpmd as the server of a memif socket, forwarding on the core of what is measured."""
    if not shutil.which("dpdk-testpmd"):
        raise Failed("dpdk-testpmd is not installed (package dpdk-dev)")
    device = f"net_memif0,role=server,socket={socket},socket-abstract=no,rsize=11"
    child = bench.children.start(_argv(bench.sut_core, bench.other_core, device, ["--forward-mode=macswap"]), log)
    wait_for_text(child, log, "start packet forwarding", 20)
    return child


def bound(bench):
    """bound.testpmd.pps: frames a second that went through testpmd, another testpmd making and taking them."""
    seconds = SECONDS_QUICK if bench.quick else SECONDS
    log, far_log = bench.log("testpmd"), bench.log("testpmd-generator")
    for path in (log, far_log):
        if os.path.exists(path):
            os.remove(path)
    socket = bench.socket("testpmd")
    near = start_macswap(bench, socket, log)
    device = f"net_memif0,role=client,socket={socket},socket-abstract=no,rsize=11"
    far = bench.children.start(
        _argv(bench.other_core, bench.other_core, device, ["--forward-mode=flowgen", f"--txpkts={FRAME}"]), far_log)
    wait_for_text(far, far_log, "start packet forwarding", 20)
    time.sleep(seconds)
    bench.children.stop(far)
    bench.children.stop(near)
    # The first and the last second with traffic are not whole.
    rates = [r for r in _rates(log) if r][1:-1]
    if not rates:
        raise Failed(f"testpmd forwarded nothing; its log is {log}")
    return [Figure("bound.testpmd.pps", statistics.median(rates), "1/s", len(rates), min(rates), max(rates))]
