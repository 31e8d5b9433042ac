"""milenage.py - the terminal's side of AKA (TS 35.206), by the cryptography library's AES"""
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def _aes(key, block):
    e = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return e.update(block) + e.finalize()


def _xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def _out(k, opc, temp, rotate, constant):
    """OUT2 to OUT5 of §4.1; rotate in octets."""
    block = _xor(temp, opc)
    block = block[rotate:] + block[:rotate]
    block = block[:15] + bytes([block[15] ^ constant])
    return _xor(_aes(k, block), opc)


def answer(k, op, nonce):
    """RES, CK and IK for RAND | AUTN; ValueError: the network did not know K."""
    rand, autn = nonce[:16], nonce[16:32]
    opc = _xor(_aes(k, op), op)
    temp = _aes(k, _xor(rand, opc))
    out2 = _out(k, opc, temp, 0, 1)
    ck, ik = _out(k, opc, temp, 4, 2), _out(k, opc, temp, 8, 4)
    sqn = _xor(autn[:6], out2[:6])
    in1 = (sqn + autn[6:8]) * 2
    block = _xor(in1, opc)
    mac = _xor(_aes(k, _xor(temp, block[8:] + block[:8])), opc)[:8]
    if mac != autn[8:16]:
        raise ValueError("AUTN has another MAC")
    return out2[8:], ck, ik
