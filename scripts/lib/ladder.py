#!/usr/bin/env python3
"""ladder.py - one call of a pcapng file as a ladder, with the microseconds each hop took

ladder.py FILE [CALL-ID]. Without a Call-ID the first whole call in the file (INVITE to the answer of BYE) is drawn. Reads
the pcapng files Saker writes: raw IP, nanoseconds, each message once as received and once as sent.
"""
import ipaddress
import struct
import sys


def packets(path):
    """(time in ns, source, destination, payload) of every UDP datagram over IPv4 or IPv6."""
    with open(path, "rb") as f:
        data = f.read()
    at = 0
    while at + 12 <= len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if length < 12 or at + length > len(data):
            sys.exit(f"ladder: {path}: broken block at octet {at}")
        if kind == 6:
            high, low, captured = struct.unpack_from("<III", data, at + 12)
            frame = data[at + 28:at + 28 + captured]
            packet = udp(frame)
            if packet:
                yield ((high << 32) | low, *packet)
        at += length


def udp(frame):
    if len(frame) < 28:
        return None
    if frame[0] >> 4 == 4:
        head = (frame[0] & 15) * 4
        source, target = ipaddress.ip_address(frame[12:16]), ipaddress.ip_address(frame[16:20])
    else:
        head = 40
        source, target = ipaddress.ip_address(frame[8:24]), ipaddress.ip_address(frame[24:40])
    sport, dport = struct.unpack_from(">HH", frame, head)
    return f"{source}:{sport}", f"{target}:{dport}", frame[head + 8:]


def header(message, *names):
    for line in message.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() in names:
            return value.strip().decode("latin-1")
    return ""


def title(message):
    first = message.split(b"\r\n", 1)[0].decode("latin-1")
    if first.startswith("SIP/2.0"):
        return first[8:] + " (" + header(message, b"cseq").split()[-1] + ")"
    return first.split(" ")[0]


def calls(path):
    found = {}
    for time, source, target, payload in packets(path):
        call_id = header(payload, b"call-id", b"i")
        if call_id:
            found.setdefault(call_id, []).append((time, source, target, payload))
    return found


def whole(messages):
    titles = [title(m[3]) for m in messages]
    return titles and titles[0] == "INVITE" and titles.count("200 OK (BYE)") >= 2


def draw(call_id, messages):
    messages.sort(key=lambda m: m[0])
    caller, saker = messages[0][1], messages[0][2]
    callee = next((m[2] for m in messages if title(m[3]) == "INVITE" and m[1] != caller), "?")
    print(f"Call-ID {call_id}")
    print(f"{'':>12}  {caller:<22}{'Saker':^26}{callee:>22}")
    before = messages[0][0]
    for time, source, target, payload in messages:
        text = title(payload)
        if source == caller:
            arrow = f"|{'-' * 2 + ' ' + text + ' ':-<32}>|{'':34}|"
        elif target == caller:
            arrow = f"|<{' ' + text + ' ' + '-' * 2:->32}|{'':34}|"
        elif target == callee:
            arrow = f"|{'':33}|{'-' * 2 + ' ' + text + ' ':-<33}>|"
        else:
            arrow = f"|{'':33}|<{' ' + text + ' ' + '-' * 2:->33}|"
        print(f"{(time - before) / 1000:>+9.1f} us  {arrow}")
        before = time
    print(f"{'':>12}  {(messages[-1][0] - messages[0][0]) / 1e6:.1f} ms from first to last\n")


def main():
    found = calls(sys.argv[1])
    if len(sys.argv) > 2:
        wanted = [sys.argv[2]] if sys.argv[2] in found else []
    else:
        wanted = [c for c, m in found.items() if whole(m)][:1]
    if not wanted:
        sys.exit("ladder: no such whole call in the file")
    draw(wanted[0], found[wanted[0]])


if __name__ == "__main__":
    main()
