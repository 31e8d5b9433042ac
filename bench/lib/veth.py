"""veth.py - two hosts joined by a veth pair, in network namespaces of our own

  skb-gen  gen0 10.200.0.2 ── veth ── 10.200.0.1 sut0  skb-sut

The generator sends and receives on gen0 itself, below the kernel's IP, and is a router there with the terminals' net
10.64.0.0/10 behind it. On sut0 is what is measured: a kernel's socket (Kamailio) or the node's port.
"""
from process import quiet

GENERATOR, SUT = "skb-gen", "skb-sut"
GENERATOR_IF, SUT_IF = "gen0", "sut0"
GENERATOR_IP, SUT_IP = "10.200.0.2", "10.200.0.1"
USERS_NET = "10.64.0.0/10"


def _in(netns, *argv, check=True):
    return quiet(["ip", "netns", "exec", netns, *argv], check=check)


def down():
    for netns in (GENERATOR, SUT):
        quiet(["ip", "netns", "del", netns], check=False)


def up(kernel_address):
    """kernel_address: the kernel of the measured host has the address; else its port brings its own."""
    down()
    for netns in (GENERATOR, SUT):
        quiet(["ip", "netns", "add", netns])
        quiet(["ip", "-n", netns, "link", "set", "lo", "up"])
    quiet(["ip", "-n", SUT, "link", "add", SUT_IF, "type", "veth", "peer", "name", GENERATOR_IF, "netns", GENERATOR])
    for netns, name in ((SUT, SUT_IF), (GENERATOR, GENERATOR_IF)):
        # Unfinished checksums and merged packets are what a veth sends else.
        for offload in ("tx", "rx", "tso", "gso", "gro"):
            _in(netns, "ethtool", "-K", name, offload, "off", check=False)
        _in(netns, "sysctl", "-qw", f"net.ipv6.conf.{name}.disable_ipv6=1", check=False)
        quiet(["ip", "-n", netns, "link", "set", name, "up"])
    if kernel_address:
        quiet(["ip", "-n", SUT, "addr", "add", f"{SUT_IP}/24", "dev", SUT_IF])
        quiet(["ip", "-n", SUT, "route", "add", USERS_NET, "via", GENERATOR_IP])
        for key in ("rmem_max", "wmem_max"):
            _in(SUT, "sysctl", "-qw", f"net.core.{key}=8388608", check=False)


def mac(netns, name):
    return _in(netns, "cat", f"/sys/class/net/{name}/address").strip()
