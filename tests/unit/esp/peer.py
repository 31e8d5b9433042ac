#!/usr/bin/python3
"""peer.py - the UE's side of ESP by Scapy, one request a line, for test_scapy

  seal CIPHER INTEGRITY FAMILY TUNNEL SPI SEQ CK IK SRC DST SPORT DPORT OUTER_SRC OUTER_DST TEXT
  open ...the same, TEXT being the ESP packet
Octets are hexadecimal, the answer is as well; of an open it is the UDP datagram. A line that
begins with "error" says what Scapy did not like. The salts are made here, from TS 33.203
Annex I, and AES-GMAC by the cryptography library, as Scapy has none.
"""

import hashlib
import hmac
import logging
import sys

logging.getLogger("scapy").setLevel(logging.ERROR)

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.ipsec import ESP, SecurityAssociation
from scapy.packet import raw

AUTH = {"md5": "HMAC-MD5-96", "sha1": "HMAC-SHA1-96", "sha256": "SHA2-256-128"}
KEY_OCTETS = {"md5": 16, "sha1": 20, "sha256": 32}


def salt(ck, ik, fc, text):
    s = bytes([fc]) + text + len(text).to_bytes(2, "big")
    return hmac.new(ck + ik, s, hashlib.sha256).digest()[-4:]


def association(cipher, integrity, family, tunnel, spi, ck, ik, outer_src, outer_dst):
    ip = IP if family == "4" else IPv6
    keys = {}
    if cipher == "gcm":
        keys = {"crypt_algo": "AES-GCM", "crypt_key": ck + salt(ck, ik, 0x59, b"AES_GCM_SALT")}
    elif cipher == "cbc":
        keys = {"crypt_algo": "AES-CBC", "crypt_key": ck}
    if integrity in AUTH:
        keys["auth_algo"] = AUTH[integrity]
        keys["auth_key"] = ik.ljust(KEY_OCTETS[integrity], b"\0")
    if tunnel == "1":
        keys["tunnel_header"] = ip(src=outer_src, dst=outer_dst)
        keys["nat_t_header"] = UDP(sport=4500, dport=4500)
    return SecurityAssociation(ESP, spi=spi, **keys)


def gmac_seal(spi, seq, ck, ik, payload, next_header):
    pad = -(len(payload) + 2) % 4
    iv = seq.to_bytes(8, "big")
    clear = spi.to_bytes(4, "big") + seq.to_bytes(4, "big") + iv + payload
    clear += bytes(range(1, pad + 1)) + bytes([pad, next_header])
    nonce = salt(ck, ik, 0x58, b"AES_GMAC_SALT") + iv
    return clear + AESGCM(ik).encrypt(nonce, b"", clear)


def gmac_open(ck, ik, packet):
    nonce = salt(ck, ik, 0x58, b"AES_GMAC_SALT") + packet[8:16]
    AESGCM(ik).decrypt(nonce, packet[-16:], packet[:-16])
    pad, next_header = packet[-18], packet[-17]
    return packet[16 : len(packet) - 18 - pad], next_header


def inner_udp(packet, tunnel):
    """The UDP datagram of a payload that ESP carried, checked."""
    if tunnel == "1":
        ip = IP(packet) if packet[0] >> 4 == 4 else IPv6(packet)
    else:
        ip = packet
    udp = ip[UDP]
    octets, told = raw(udp), udp.chksum
    del udp.chksum
    again = ip.__class__(raw(ip))[UDP].chksum
    if told != again:
        raise ValueError(f"UDP checksum {told:04x} where {again:04x} is right")
    return octets


def work(verb, a):
    cipher, integrity, family, tunnel, spi, seq, ck, ik = a[:8]
    src, dst, sport, dport, outer_src, outer_dst, text = a[8:]
    spi, seq, text = int(spi), int(seq), bytes.fromhex(text)
    ck, ik = bytes.fromhex(ck), bytes.fromhex(ik)
    ip = IP if family == "4" else IPv6
    gmac = integrity == "gmac"
    sa = association(cipher, integrity, family, tunnel, spi, ck, ik, outer_src, outer_dst)
    if verb == "seal":
        packet = ip(src=src, dst=dst) / UDP(sport=int(sport), dport=int(dport)) / text
        packet = ip(raw(packet))
        if gmac and tunnel == "1":
            return gmac_seal(spi, seq, ck, ik, raw(packet), 4 if family == "4" else 41)
        if gmac:
            return gmac_seal(spi, seq, ck, ik, raw(packet[UDP]), 17)
        sealed = sa.encrypt(packet, seq_num=seq)
        return raw(sealed[UDP].payload if tunnel == "1" else sealed.payload)
    if gmac:
        payload, next_header = gmac_open(ck, ik, text)
        if tunnel == "1":
            return inner_udp(payload, tunnel)
        if next_header != 17:
            raise ValueError(f"next header {next_header}")
        head = ip(src=src, dst=dst, proto=17) if family == "4" else ip(src=src, dst=dst, nh=17)
        return inner_udp(ip(raw(head / payload)), tunnel)
    if tunnel == "1":
        outer = ip(src=outer_src, dst=outer_dst) / UDP(sport=4500, dport=4500) / ESP(text)
        return inner_udp(raw(sa.decrypt(outer)), tunnel)
    outer = ip(src=src, dst=dst) / ESP(text)
    if family == "4":
        outer.proto = 50
    else:
        outer.nh = 50
    opened = sa.decrypt(ip(raw(outer)))
    return inner_udp(ip(raw(opened)), tunnel)


def main():
    print("ready", flush=True)
    for line in sys.stdin:
        words = line.split()
        try:
            print(work(words[0], words[1:]).hex(), flush=True)
        except Exception as e:
            print("error", type(e).__name__, str(e).replace("\n", " "), flush=True)


if __name__ == "__main__":
    main()
