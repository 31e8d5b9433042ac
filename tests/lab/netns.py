"""netns.py - work in a network namespace, for the lab's scripts"""
import ctypes
import os

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


def inside(namespace, make):
    """What make() gives, made in a namespace: a socket stays in the one it was made in."""
    own, there = os.open("/proc/self/ns/net", os.O_RDONLY), os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        if LIBC.setns(there, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        try:
            return make()
        finally:
            LIBC.setns(own, CLONE_NEWNET)
    finally:
        os.close(own)
        os.close(there)
