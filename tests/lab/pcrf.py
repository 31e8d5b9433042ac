"""pcrf.py - a PCRF of the lab, or another Diameter peer, and what control says of it, for the lab's scripts"""
import json
import shlex
import subprocess
import sys
import time


class Pcrf:
    """lab: the prefix of the namespaces; program: of tests/peers/diameter; log: what it prints goes there; metric: of control's, by name."""
    NAME, PORT, UP = "pcrf", 3870, "saker_policy_up"

    def __init__(self, lab, program, log, metric):
        self.lab, self.program, self.path, self.metric = lab, program, log, metric
        self.log = open(log, "ab")
        self.process, self.at = None, 0
        self.start()

    def start(self):
        self.process = subprocess.Popen(("ip", "netns", "exec", self.lab + "node", self.program, f"{self.NAME}.ims.example", "ims.example",
                                         f"127.0.0.1:{self.PORT}",
                                         "scscf.ims.example"), stdin=subprocess.PIPE, stdout=self.log, stderr=subprocess.STDOUT)
        wait(lambda: self.metric(self.UP) == 1, f"the {self.NAME} is not connected", 20)

    def stop(self):
        self.process.kill()
        self.process.wait()
        wait(lambda: self.metric(self.UP) == 0, f"control does not see that the {self.NAME} is gone", 20)

    def tell(self, line):
        self.process.stdin.write((line + "\n").encode())
        self.process.stdin.flush()
        time.sleep(0.1)

    def heard(self):
        """What came since it was asked last."""
        with open(self.path, "rb") as f:
            f.seek(self.at)
            text = f.read()
        self.at += len(text)
        return [json.loads(line) for line in text.decode().splitlines() if line.startswith("{")]

    def wanted(self, *commands, seconds=6):
        """These come, in whatever order, and nothing else; gives them."""
        all_of_it, end = [], time.monotonic() + seconds
        while sorted(m.get("command") or next(iter(m)) for m in all_of_it) != sorted(commands):
            if time.monotonic() > end:
                sys.exit(f"the {self.NAME} had {[m.get('command') or m for m in all_of_it]}, wanted {commands}")
            time.sleep(0.05)
            all_of_it += self.heard()
        for m in all_of_it:
            if m.get("wrong"):
                sys.exit(f"{m['command']}: {m['wrong']}")
        return all_of_it

    def sessions(self):
        self.heard()
        self.tell("sessions")
        return self.wanted("sessions")[0]["sessions"]


def metrics_of(sakerctl):
    """sakerctl: the program with its options, in one word. Gives a function: a metric by its name and labels; -1: control is away."""
    def metric(name):
        text = subprocess.run(shlex.split(sakerctl) + ["-o", "json", "metrics"], capture_output=True, text=True, check=False).stdout
        try:
            return sum(int(r["value"]) for r in json.loads(text)["rows"] if r["metric"] == name)
        except (ValueError, KeyError):
            return -1
    return metric


def wait(condition, why, seconds):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(why)
        time.sleep(0.1)


def all_of(avps, name):
    return [value for n, value in avps if n == name]


def one(avps, *path):
    for name in path:
        avps = all_of(avps, name)[0]
    return avps


def aar_of(messages, host):
    """The AARs of a terminal, as they came."""
    octets = "".join(f"{int(part):02x}" for part in host.split("."))
    return [m["avps"] for m in messages if m.get("command") == "AAR" and one(m["avps"], "Framed-IP-Address") == octets]


def case(peer, terminals, name, function, *args):
    """One thing to see, with nothing of before in anybody's hands, and a peer that answers as it should."""
    for t in terminals:
        t.drain()
    peer.tell("ok")
    peer.heard()
    try:
        function(*args)
        print(f"ok {name}", flush=True)
    except SystemExit as e:
        print(f"FAIL {name}: {e}", flush=True)
        time.sleep(2)
    for t in terminals:
        t.cseq += 10
