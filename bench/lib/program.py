"""program.py - groups of figures that one program of bench/ measures and prints by itself"""
import os

import callgrind
import figure

# Far more than any program needs where the machine is not asleep.
QUICK_S, FULL_S = 60, 600


def _run(bench, relative, options=(), core=None):
    name, timeout = os.path.basename(relative), QUICK_S if bench.quick else FULL_S
    argv = [bench.program(f"bench/{relative}"), *options] + (["--quick"] if bench.quick else [])
    return figure.parse(bench.children.run(argv, bench.log(name), core=core, timeout=timeout))


def parse(bench):
    return _run(bench, "micro/parse/bench_parse", core=bench.sut_core)


def table(bench):
    return _run(bench, "table/bench_table", core=bench.sut_core)


def worker(bench):
    # It pins itself: to core 0, where nothing else runs now.
    found = _run(bench, "worker/bench_worker")
    if not bench.quick:
        for scale in ("10k", "10m"):
            found += _run(bench, "worker/bench_worker", ["--scale", scale])
    for suite in ("cbc_sha1", "gcm"):
        found += _run(bench, "worker/bench_worker", ["--esp", suite])
    return found


def esp(bench):
    return _run(bench, "esp/bench_esp", core=bench.sut_core)


def micro(bench):
    found = _run(bench, "micro/bench_micro", core=bench.sut_core)
    if bench.quick or not callgrind.available():
        return found
    program = bench.program("bench/micro/bench_micro")
    ops = bench.children.run([program, "--list"], bench.log("bench_micro")).split()
    return found + [callgrind.instructions(bench, program, op) for op in ops]


def diameter(bench):
    # On the core that control and the HSS have when registrations are measured.
    return _run(bench, "diameter/bench_diameter", ["--cores", f"{bench.sut_core},{bench.sut_core}"])
