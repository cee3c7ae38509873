"""Which rows two organisations have in common, found without naming the others."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from learners.mtal.messages import DIGEST


def digests(ids: Iterable[str], key: bytes, session: str) -> NDArray[np.uint8]:
    """Keyed hashes of ids: HMAC-SHA256 of session and id under the key agreed upon.

    The session is the salt: hashes of one session cannot be matched with those of another. Who
    has the key can hash any id and so test whether it is there; see docs/concepts/mtal.md.

    Parameters
    ----------
    ids : iterable of str
        Text as written: ``01`` is not ``1``.
    key : bytes
    session : str

    Returns
    -------
    digests : uint8 array, shape (ids, 32)
    """
    salted = hmac.new(key, session.encode() + b"\0", hashlib.sha256)
    hashed = []
    for identity in ids:
        one = salted.copy()
        one.update(identity.encode("utf-8", errors="surrogatepass"))
        hashed.append(one.digest())
    return np.frombuffer(b"".join(hashed), dtype=np.uint8).reshape(-1, DIGEST)


def common_rows(own: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> tuple[NDArray[np.int64], str]:
    """Positions of the rows that both have, in an order that both know, and its fingerprint.

    Parameters
    ----------
    own : uint8 array, shape (rows, 32)
        Digests in the order of one's rows.
    theirs : uint8 array, shape (their rows, 32)

    Returns
    -------
    rows : int64 array
        Positions in `own`, by ascending digest.
    fingerprint : str
        Equal on both sides if and only if the lists are.
    """
    place = {bytes(digest): row for row, digest in enumerate(own)}
    shared = sorted(digest for digest in map(bytes, theirs) if digest in place)
    rows = np.array([place[digest] for digest in shared], dtype=np.int64)
    return rows, hashlib.sha256(b"".join(shared)).hexdigest()


def ascending(hashed: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Digests in ascending order: what an offer carries."""
    return hashed[np.lexsort(hashed.T[::-1])]
