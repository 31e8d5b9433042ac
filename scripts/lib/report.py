#!/usr/bin/env python3
"""report.py - quickstart's figures: report.json, and the same as a table

report.py RUN USERS CALLS MESSAGES. Reads SIPp's statistics, the capture of the calls, and what sakerctl told.
call.setup is the time from a caller's INVITE to its 180, both as they pass Saker's port, so it holds what the
called terminal takes; SIPp's own clock knows milliseconds only. Exits 1 if a figure that must be there is missing.
"""
import csv
import glob
import json
import os
import sys

import ladder


def counter(run, name, column):
    """Last value of a cumulative counter of one SIPp run."""
    with open(f"{run}/sipp/{name}/stat.csv", newline="") as f:
        rows = list(csv.reader(f, delimiter=";"))
    at = rows[0].index(column)
    return int(float(rows[-1][at]))


def setup_times(path):
    """Milliseconds from INVITE to 180 of every whole call in the capture, sorted."""
    times = []
    for messages in ladder.calls(path).values():
        messages.sort(key=lambda m: m[0])
        caller = messages[0][1]
        begun = next((m[0] for m in messages if ladder.title(m[3]) == "INVITE"), None)
        rung = next((m[0] for m in messages if ladder.title(m[3]) == "180 Ringing (INVITE)" and m[2] == caller), None)
        if begun and rung:
            times.append((rung - begun) / 1e6)
    return sorted(times)


def percentile(values, share):
    return values[min(len(values) - 1, int(share * len(values)))]


def rows_of(answer):
    return answer["rows"] if isinstance(answer, dict) else answer


def main():
    run = sys.argv[1]
    users, calls, messages = (int(a) for a in sys.argv[2:5])
    figures = {}

    def attempts(figure, count, names):
        ok = sum(counter(run, n, "SuccessfulCall(C)") for n in names)
        figures[f"{figure}.attempts"] = count
        figures[f"{figure}.successes"] = ok
        figures[f"{figure}.failures"] = count - ok

    attempts("register", users, ["register-lte", "register-wlan"])
    attempts("call", calls, ["call"])
    attempts("message", messages, ["message"])
    attempts("deregister", users, ["deregister-lte", "deregister-wlan"])

    setup = setup_times(f"{run}/first-calls.pcapng")
    if not setup:
        sys.exit("report: the capture holds no whole call")
    figures["call.setup.samples"] = len(setup)
    figures["call.setup.p50_ms"] = round(percentile(setup, 0.50), 3)
    figures["call.setup.p99_ms"] = round(percentile(setup, 0.99), 3)
    runs = [os.path.basename(p) for p in glob.glob(f"{run}/sipp/*")]
    figures["sip.retransmissions"] = sum(counter(run, n, "Retransmissions(C)") for n in runs)

    with open(f"{run}/lcore.json") as f:
        lcores = rows_of(json.load(f))
    busy = sum(r["busy_cycles"] for r in lcores)
    worked = sum(r["messages"] for r in lcores)
    figures["worker.messages"] = worked
    figures["worker.cycles_per_message"] = round(busy / worked) if worked else 0

    with open(f"{run}/drops.json") as f:
        drops = rows_of(json.load(f))
    figures["drops.total"] = sum(d["count"] for d in drops)
    for d in drops:
        figures[f"drops.{d['reason']}"] = d["count"]

    with open(f"{run}/report.json", "w") as out:
        json.dump({"figures": figures}, out, indent=2)
        out.write("\n")

    print("\n  figure                            value")
    print("  -------------------------------------------")
    for name, value in figures.items():
        print(f"  {name:<30} {value:>12}")
    print()


if __name__ == "__main__":
    main()
