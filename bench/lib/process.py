"""process.py - programs that a benchmark starts: pinned, bounded in time, and ended whatever happens"""
import os
import signal
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A benchmark cannot go on; the text says why, in one sentence."""


def _prefix(core, netns):
    # A child does not outlive us, even where we are killed without a chance to end it.
    argv = ["setpriv", "--pdeathsig", "KILL"]
    if core is not None:
        argv = ["taskset", "-c", str(core)] + argv
    if netns:
        argv = ["ip", "netns", "exec", netns] + argv
    return argv


class Children:
    """All that was started and not ended yet, ended by PID in close()."""

    def __init__(self):
        self.running = []

    def start(self, argv, log, core=None, netns=None, env=None):
        """In the background, in a session of its own, so that Ctrl-C reaches only us."""
        with open(log, "ab") as out:
            child = subprocess.Popen(
                _prefix(core, netns) + [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, start_new_session=True, env=env)
        self.running.append(child)
        return child

    def run(self, argv, log, core=None, netns=None, timeout=120, good=(0,)):
        """To its end; what it wrote to stdout. stderr goes to the log."""
        with open(log, "ab") as errors:
            child = subprocess.Popen(
                _prefix(core, netns) + [str(a) for a in argv], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=errors, start_new_session=True, text=True)
        self.running.append(child)
        try:
            out, _ = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.stop(child, patience=3)
            raise Failed(f"{os.path.basename(str(argv[0]))} did not end within {timeout} s; its log is {log}")
        self.running.remove(child)
        with open(log, "a") as keep:
            keep.write(out)
        if child.returncode not in good:
            raise Failed(f"{os.path.basename(str(argv[0]))} ended with {child.returncode}: {last_line(log)}")
        return out

    def stop(self, child, patience=10):
        """TERM, and KILL for who does not listen."""
        if child not in self.running:
            return
        self.running.remove(child)
        for sign, wait in ((signal.SIGTERM, patience), (signal.SIGKILL, 5)):
            if child.poll() is None:
                child.send_signal(sign)
            try:
                child.wait(wait)
                return
            except subprocess.TimeoutExpired:
                continue

    def close(self):
        for child in reversed(list(self.running)):
            self.stop(child, patience=3)


def last_line(log):
    try:
        with open(log, errors="replace") as f:
            lines = [line.strip() for line in f if line.strip()]
    except OSError:
        return "no log"
    return lines[-1] if lines else f"nothing in {log}"


def wait_for(what, test, seconds):
    """Until test() is true; Failed after so many seconds."""
    until = time.monotonic() + seconds
    while not test():
        if time.monotonic() > until:
            raise Failed(f"{what} did not come within {seconds} s")
        time.sleep(0.05)


def wait_for_text(child, log, text, seconds):
    """Until a started program has written this text."""
    def written():
        if child.poll() is not None:
            raise Failed(f"what writes {log} ended early: {last_line(log)}")
        with open(log, errors="replace") as f:
            return text in f.read()
    wait_for(f'"{text}" in {log}', written, seconds)


def descendants(pid):
    """The process and all its children, their children and so on."""
    pids = [pid]
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            for child in f.read().split():
                pids += descendants(int(child))
    except OSError:
        pass
    return pids


def cpu_seconds(pid):
    """CPU time, user and system, of all threads of one process; 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            rest = f.read().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(rest[11]) + int(rest[12])) / TICKS


def quiet(argv, check=True):
    """A short command of the system, such as ip; what it wrote to stdout."""
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=30)
    if check and done.returncode:
        raise Failed(f"{' '.join(map(str, argv))}: {done.stderr.strip() or done.returncode}")
    return done.stdout
