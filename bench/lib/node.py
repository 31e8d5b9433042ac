"""node.py - a whole Saker node (data plane, control, HSS) as what is measured

The worker is on the measured core, and so are control and HSS, which rest while calls are measured; where the worker's
answers give control work, it has the measured core alone (slow_core). The data plane's other threads are beside the
generator, on the other core; they hardly run.
"""
import json
import os
import shutil

from process import Failed, cpu_seconds, quiet, wait_for, wait_for_text

SIP_IP = "10.200.0.1"
GENERATOR_IP = "10.200.0.2"
USERS_NET = "10.64.0.0/10"

CONFIG = """\
realm: ims.example
pcscf-uri: sip:pcscf.ims.example:5060
icscf-uri: sip:icscf.ims.example:5060
scscf-uri: sip:scscf.ims.example:5060
runtime-dir: {scratch}
state-dir: {scratch}
dataplane:
  roles: [pcscf, icscf, scscf]
  workers: 1
  cores: "{core}"
  idle: {idle}
  huge-pages: auto
  users: {room}
  transactions: 1048576
  buffers: 65536
  punt-ring: 128MiB
  ports:
    - name: access
      device: "{device}"
      addresses: [{ip}/24]
      routes: [{users_net}]
      gateway: {gateway}
      zone: access
{peers}
control:
  hss: 127.0.0.1:3868
  metrics-listen: 127.0.0.1:0
{control}
{sections}
hss:
  diameter-listen: 127.0.0.1:3868
  metrics-listen: 127.0.0.1:0
"""

# Security agreements (TS 33.203 §7), and what saker-blast's terminals choose of them.
PROTECTED = "pcscf:\n  protected-ports: {server: 5101, client: [5102, 5103]}"
SUITE = "hmac-sha-1-96/aes-cbc"

PROGRAMS = {
    "dataplane": "dataplane/saker-dataplane",
    "control": "control/saker-control",
    "hss": "hss/server/saker-hss",
}


IMPORT = 100000  # subscribers of one import: sakerctl takes files of so many megabytes


def _parts(path):
    """The file, or copies of its parts, each with the head line."""
    with open(path) as f:
        head, *rows = f
    if len(rows) <= IMPORT:
        return [path]
    parts = []
    for at in range(0, len(rows), IMPORT):
        parts.append(f"{path}.{at}")
        with open(parts[-1], "w") as f:
            f.writelines([head, *rows[at:at + IMPORT]])
    return parts


class Node:
    """started in order, stopped in the other; nothing of it stays but logs."""

    def __init__(self, bench, device, users, idle="poll", netns=None, control="", sections="", peers="", criteria=None,
                 slow_core=None):
        """
        slow_core: of control and HSS. control: further lines of that section; sections: further ones. peers: lines of
        dataplane.peers. criteria: the XML of every user's filter criteria.
        """
        self.bench = bench
        self.netns = netns
        self.folder = os.path.join(bench.scratch, "node")
        self.child = {}
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.config = os.path.join(self.folder, "saker.yaml")
        with open(self.config, "w") as f:
            f.write(CONFIG.format(scratch=self.folder, core=bench.sut_core, idle=idle, device=device, ip=SIP_IP,
                                  users_net=USERS_NET, gateway=GENERATOR_IP, room=max(20000, 4 * users),
                                  control=control, sections=sections, peers=peers))
        self._start("dataplane", None)
        self._part_threads()
        slow_core = bench.sut_core if slow_core is None else slow_core
        self._start("hss", slow_core)
        self._start("control", slow_core)
        wait_for("control's connection to the HSS", self._connected, 20)
        self._subscribers(users, criteria)

    def _start(self, name, core):
        log = self.bench.log(f"node-{name}")
        if os.path.exists(log):
            os.remove(log)
        child = self.bench.children.start(
            [self.bench.program(PROGRAMS[name]), "-c", self.config], log, core=core, netns=self.netns)
        self.child[name] = child
        wait_for_text(child, log, "event=ready", 30)

    def _part_threads(self):
        """The data plane pins its worker; its other threads are not to visit that core."""
        pid = self.child["dataplane"].pid
        for tid in map(int, os.listdir(f"/proc/{pid}/task")):
            if os.sched_getaffinity(tid) != {self.bench.sut_core}:
                os.sched_setaffinity(tid, {self.bench.other_core})

    def ctl(self, *argv, check=True):
        return quiet([self.bench.program("control/ctl/sakerctl"), "-c", self.config, *argv], check=check)

    def _connected(self):
        answer = self.ctl("-o", "json", "diameter", "peers", check=False)
        return '"open":true' in "".join(answer.split())

    def _subscribers(self, users, criteria):
        make = os.path.join(self.bench.root, "scripts", "lib", "subscribers.py")
        quiet(["python3", make, users, self.folder, 1])
        self.subscribers = os.path.join(self.folder, "subscribers.csv")
        if criteria:
            self._profiled(criteria)
        for part in _parts(self.subscribers):
            self.ctl("sub", "import", part)

    def _profiled(self, criteria):
        """One profile for all subscribers, named in a column of its own."""
        path = os.path.join(self.folder, "criteria.xml")
        with open(path, "w") as f:
            f.write(criteria)
        self.ctl("sub", "profile", "put", "bench", path)
        with open(self.subscribers) as f:
            head, *rows = f.read().splitlines()
        with open(self.subscribers, "w") as f:
            f.write("\n".join([head + ",profile", *(row + ",bench" for row in rows)]) + "\n")

    def cpu(self, name):
        return cpu_seconds(self.child[name].pid)

    def metric(self, name):
        """The value of a series, or 0."""
        rows = json.loads(self.ctl("-o", "json", "metrics"))["rows"]
        return sum(int(r["value"]) for r in rows if r["metric"] == name)

    def alive(self):
        for name, child in self.child.items():
            if child.poll() is not None:
                raise Failed(f"saker-{name} ended under load; its log is {self.bench.log('node-' + name)}")

    def stop(self):
        for name in ("control", "dataplane", "hss"):
            if name in self.child:
                self.bench.children.stop(self.child[name])
        shutil.rmtree(self.folder, ignore_errors=True)


def memif(socket):
    return f"net_memif0,role=server,socket={socket},socket-abstract=no,rsize=11"


def af_xdp(interface):
    return f"net_af_xdp0,iface={interface},start_queue=0,queue_count=1,busy_budget=0"
