"""blast.py - runs saker-blast, the load generator, and reads what it found"""
import json
import os

import veth
from process import Failed


def over_memif(bench, socket):
    """EAL arguments: the far end of the node's memif socket."""
    return ["--vdev", f"net_memif0,role=client,socket={socket},socket-abstract=no,rsize=11"], None


def over_veth(bench):
    """EAL arguments, and the namespace to start in: the generator's end of the veth."""
    device = f"net_af_packet0,iface={veth.GENERATOR_IF},qpairs=1,blocksz=65536,framesz=2048,framecnt=2048"
    return ["--vdev", device], veth.GENERATOR


def run(bench, name, link, options, timeout=180, good=(0,)):
    """One run to its end; the contents of its JSON file, which stays in the results' folder as blast-NAME.json."""
    eal, netns = link
    path = bench.blast_json(name)
    if os.path.exists(path):
        os.remove(path)
    argv = [bench.program("bench/blast/saker-blast"), "--lcores", f"0@{bench.other_core}", "--no-pci", "--in-memory",
            "--file-prefix", "skb-blast", *eal, "--", *options, "--json", path]
    bench.children.run(argv, bench.log(f"blast-{name}"), core=bench.other_core, netns=netns, timeout=timeout, good=good)
    try:
        with open(path) as f:
            result = json.load(f)
    except (OSError, ValueError) as error:
        raise Failed(f"saker-blast wrote no result for {name}: {error}")
    clear = sum(part["clear"] for part in [result, *result["then"]])
    if clear:
        raise Failed(f"{name}: {clear} messages came in clear to protected terminals")
    return result


def why_invalid(result):
    """Empty for a run that counts."""
    if result.get("limited_by_generator"):
        return "limited by the generator"
    if not result.get("valid", True):
        return "saker-blast says it is not valid"
    return ""


def fail_share(result):
    return result["failed"] / max(1, result["begun"])


def best(result, name):
    """The highest stair of --find-max that held."""
    passed = [s for s in result["stairs"] if s["pass"]]
    if not passed:
        raise Failed(f"{name}: no rate held the bound; the stairs are in its JSON file")
    return max(passed, key=lambda s: s["rate"])
