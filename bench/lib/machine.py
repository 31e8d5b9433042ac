"""machine.py - what the figures were measured on"""
import os
import platform
import subprocess
import time


def _first(path, key):
    try:
        with open(path) as f:
            for line in f:
                if line.startswith(key):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return ""


def _tsc_ghz():
    """The kernel's calibration where it says so, else what /proc/cpuinfo tells."""
    try:
        with open("/sys/devices/system/cpu/cpu0/tsc_freq_khz") as f:
            return round(int(f.read()) / 1e6, 4)
    except (OSError, ValueError):
        mips = _first("/proc/cpuinfo", "bogomips")
        return round(float(mips) / 2000, 4) if mips else 0


def _simd():
    flags = _first("/proc/cpuinfo", "flags").split()
    return [f for f in ("sse4_2", "avx2", "avx512bw", "avx512vl") if f in flags]


def _cpu_times():
    """Ticks of all cores so far: idle, and all."""
    with open("/proc/stat") as f:
        ticks = [int(n) for n in f.readline().split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def busy_share(seconds=1.0):
    """What others do here now, as a share of all cores; time that the hypervisor took away counts as well."""
    idle, total = _cpu_times()
    time.sleep(seconds)
    idle_then, total_then = _cpu_times()
    return round(1 - (idle_then - idle) / max(1, total_then - total), 3)


def describe():
    kib = int(_first("/proc/meminfo", "MemTotal").split()[0])
    huge = int(_first("/proc/meminfo", "HugePages_Total") or 0)
    size = int((_first("/proc/meminfo", "Hugepagesize") or "0 kB").split()[0])
    return {
        "cpu": _first("/proc/cpuinfo", "model name"),
        "simd": _simd(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "tsc_ghz": _tsc_ghz(),
        "hugepages": f"{huge} x {size} kB",
        "memory": f"{kib / 1048576:.1f} GiB",
        "hypervisor": "hypervisor" in _first("/proc/cpuinfo", "flags"),
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def commit(root):
    """Abbreviated, with "+" where the files are not just those of the commit; "unknown" without git."""
    def git(*args):
        return subprocess.run(["git", "-C", root, *args], capture_output=True, text=True, timeout=10)
    try:
        head = git("rev-parse", "--short=12", "HEAD")
        changed = git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    if head.returncode:
        return "unknown"
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")
