"""Verify SM2 signatures (GB/T 32918.2) over SM3, with nothing but numbers: only public values are met here."""

from __future__ import annotations

from gateway.audit.hashing import sm3

_P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_A = _P - 3
_B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
_N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
"""The curve of GB/T 32918.5."""

_SIGNER = b"1234567812345678"
"""The signer's id where nobody agreed on another (GM/T 0009)."""


def sm2_verifies(public: bytes, signature: bytes, content: bytes) -> bool:
    """Tell whether a signature (r and s, 32 bytes each) is that of a public key (its point, 64 bytes)."""
    if (len(public), len(signature)) != (64, 64):
        return False
    x, y, r, s = (int.from_bytes(one, "big") for one in (public[:32], public[32:], signature[:32], signature[32:]))
    if not (x < _P and y < _P and (y * y - x * x * x - _A * x - _B) % _P == 0 and 0 < r < _N and 0 < s < _N):
        return False
    curve = b"".join(number.to_bytes(32, "big") for number in (_A, _B, *_G))
    identity = sm3((len(_SIGNER) * 8).to_bytes(2, "big") + _SIGNER + curve + public)
    digest = int.from_bytes(sm3(identity + content), "big")
    factor = (r + s) % _N
    point = _sum(_times(s, _G), _times(factor, (x, y)))
    return factor != 0 and point is not None and (digest + point[0]) % _N == r


def _sum(one: tuple[int, int] | None, other: tuple[int, int] | None) -> tuple[int, int] | None:
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2) = one, other
    if x1 == x2 and (y1 + y2) % _P == 0:
        return None
    slope = (3 * x1 * x1 + _A) * pow(2 * y1, -1, _P) if one == other else (y2 - y1) * pow(x2 - x1, -1, _P)
    x = (slope * slope - x1 - x2) % _P
    return x, (slope * (x1 - x) - y1) % _P


def _times(count: int, point: tuple[int, int] | None) -> tuple[int, int] | None:
    total = None
    while count:
        if count & 1:
            total = _sum(total, point)
        point, count = _sum(point, point), count >> 1
    return total
