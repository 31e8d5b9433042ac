#!/usr/bin/env python3
"""redirect_agent.py - a subscription locator: sends every Cx request to the HSS that has the user (RFC 6733 §6.12)

  redirect_agent.py ADDRESS:PORT IDENTITY REALM FILE

The first line of FILE says what it answers, and may change at any time: "HOST[,HOST...] USAGE SECONDS", the values of
Redirect-Host, Redirect-Host-Usage and Redirect-Max-Cache-Time. Appends the code of each command it redirected to
FILE.log, a line each. Ends when it is killed.
"""
import contextlib
import socket
import struct
import sys
import threading

from hostile_diameter import (BASE, CER, CX, DPR, DWR, E, M, ORIGIN_HOST, ORIGIN_REALM, P, RESULT_CODE, SESSION_ID, TGPP,
                              avp, message, parse, value_of)

REDIRECT_HOST, REDIRECT_HOST_USAGE, REDIRECT_MAX_CACHE_TIME = 292, 261, 262
ADDRESS, IDENTITY, REALM, FILE = sys.argv[1:5]


def answer(m, avps, flags, app):
    octets = bytearray(message(m["code"], avps, flags, app, m["hop"]))
    octets[16:20] = struct.pack("!I", m["end"])
    return bytes(octets)


def origin():
    return [avp(ORIGIN_HOST, IDENTITY), avp(ORIGIN_REALM, REALM)]


def redirection(m):
    with open(FILE) as f:
        hosts, usage, seconds = f.readline().split()
    with open(FILE + ".log", "a") as log:
        print(m["code"], file=log)
    return [avp(SESSION_ID, value_of(m, SESSION_ID) or b""), avp(RESULT_CODE, 3006), *origin(),
            *(avp(REDIRECT_HOST, f"aaa://{h}:3868;transport=tcp") for h in hosts.split(",")),
            avp(REDIRECT_HOST_USAGE, int(usage)), avp(REDIRECT_MAX_CACHE_TIME, int(seconds))]


def take(link, m):
    if not m["flags"] & 0x80:
        return
    if m["code"] == CER:
        host = socket.inet_aton(ADDRESS.rsplit(":", 1)[0])
        link.sendall(answer(m, [avp(RESULT_CODE, 2001), *origin(), avp(257, struct.pack("!H", 1) + host),
                                avp(266, 0), avp(269, "locator", 0), avp(265, TGPP),
                                avp(260, avp(266, TGPP) + avp(258, CX))], 0, BASE))
    elif m["code"] in (DWR, DPR):
        link.sendall(answer(m, [avp(RESULT_CODE, 2001), *origin()], 0, BASE))
    else:
        link.sendall(answer(m, redirection(m), P | E, CX))


def serve(link):
    left = b""
    with link, contextlib.suppress(OSError, struct.error):
        while more := link.recv(65536):
            left += more
            while len(left) >= 20 and len(left) >= int.from_bytes(left[1:4], "big"):
                length = int.from_bytes(left[1:4], "big")
                take(link, parse(left[:length]))
                left = left[length:]


def main():
    host, port = ADDRESS.rsplit(":", 1)
    listener = socket.create_server((host, int(port)))
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


main()
