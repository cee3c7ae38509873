"""Masks that hide each one's part of a sum, and cancel in the sum.

Every two organisations agree on a secret of theirs (Diffie and Hellman, group 14 of RFC 3526) and
draw the same stream of numbers from it; the one adds it to what it tells, the other subtracts it.
So a part looks random to all, and the sum over all is the sum (Bonawitz et al., *Practical secure
aggregation for privacy-preserving machine learning*, CCS 2017, without its provisions for those who
drop out). Numbers are whole multiples of a small unit, added modulo 2^64: nothing is lost by
masking, and the order of adding does not matter.
"""

from __future__ import annotations

import hashlib
import secrets

import numpy as np
from numpy.typing import NDArray

from grouping.errors import GroupingError

Masked = NDArray[np.uint64]

PUBLIC = 256
"""Bytes of what one tells in public, to agree on secrets."""

_UNIT = 2.0**-34
_RANGE = 2.0**29  # of sums, so that they stay within 64 bits
_GENERATOR = 2
_PRIME = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AACAA68FFFFFFFFFFFFFFFF",
    16,
)


class Secret:
    """One's own half of the secrets shared with others.

    Parameters
    ----------
    exponent : int, optional
        Drawn anew by default. Results do not depend on it.
    """

    def __init__(self, exponent: int | None = None) -> None:
        self._exponent = secrets.randbits(256) | 1 if exponent is None else exponent

    def public(self) -> NDArray[np.uint8]:
        """What others may know of it, shape (256,)."""
        told = pow(_GENERATOR, self._exponent, _PRIME).to_bytes(PUBLIC, "big")
        return np.frombuffer(told, dtype=np.uint8)

    def shared_with(self, public: NDArray[np.uint8]) -> bytes:
        """Secret shared with the one who told this.

        Raises
        ------
        ValueError
            If what was told would give a secret that anybody knows.
        """
        theirs = int.from_bytes(public.tobytes(), "big")
        if not 1 < theirs < _PRIME - 1:
            raise ValueError("no public half of a secret")
        shared = pow(theirs, self._exponent, _PRIME).to_bytes(PUBLIC, "big")
        return hashlib.sha256(shared).digest()


def stream(secret: bytes, *where: object, count: int) -> Masked:
    """Numbers that two organisations draw alike and nobody else can.

    Parameters
    ----------
    secret : bytes
        Theirs.
    *where : object
        What the numbers are for; never twice the same.
    count : int

    Returns
    -------
    numbers : uint64 array, shape (count,)
    """
    drawn = hashlib.shake_256(secret + repr(where).encode()).digest(8 * count)
    return np.frombuffer(drawn, dtype="<u8").astype(np.uint64)


def whole(values: NDArray[np.float64], parts: int = 1) -> Masked:
    """Real numbers as multiples of the unit, modulo 2^64.

    Parameters
    ----------
    values : float64 array
    parts : int
        How many such parts will be added up; their sum stays in range.

    Returns
    -------
    numbers : uint64 array

    Raises
    ------
    GroupingError
        If a number is too large, or none.
    """
    if not (np.abs(values) < _RANGE / parts).all():
        raise GroupingError(
            "sums are too large to be masked: are ratings and side information as they should be?"
        )
    return np.rint(values / _UNIT).astype(np.int64).view(np.uint64)


def real(numbers: Masked) -> NDArray[np.float64]:
    """Real numbers again."""
    return numbers.view(np.int64).astype(np.float64) * _UNIT
