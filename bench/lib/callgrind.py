"""callgrind.py - instructions of one operation, counted by valgrind: free of the machine's noise

The program is run twice, with few and with many operations; what lies between is the operations' own. valgrind knows
no AVX-512, so code that chooses its instructions at run time is counted in its AVX2 form.
"""
import re
import shutil

from figure import Figure
from process import Failed

FEW, MANY = 100, 1100


def available():
    return shutil.which("valgrind") is not None


def _total(bench, program, op, count):
    log = bench.log(f"callgrind-{op}")
    with open(log, "w"):
        pass
    bench.children.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, "--once", op, "--count", count],
        log, core=bench.other_core, timeout=120)
    with open(log) as f:
        found = re.search(r"Collected : (\d+)", f.read())
    if not found:
        raise Failed(f"callgrind counted nothing for {op}; its log is {log}")
    return int(found.group(1))


def instructions(bench, program, op):
    few, many = (_total(bench, program, op, n) for n in (FEW, MANY))
    return Figure(f"{op}.instructions", (many - few) / (MANY - FEW), "instructions")
