"""What one organisation holds: its own ratings and side information, and nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.ids import Ids
from learners.entries import Entries

Align: TypeAlias = Literal["user", "item"]
"""Which side organisations have in common."""
Feedback: TypeAlias = Literal["explicit", "implicit"]
"""Ratings to be met, or likes to be told from dislikes."""


@dataclass(frozen=True, eq=False)
class Domain:
    """One organisation's data, with the side in common as rows.

    User-aligned, a row is a user and a column an item; item-aligned, the other way round.

    Attributes
    ----------
    name : str
    align : {"user", "item"}
    rows, columns : Ids
    train, validation, test : Entries
        Ratings to learn from, to choose on, and to test on. The last two may be empty.
    row_features : float32 array, shape (rows, p), or None
        Side information of the rows, for example users' profiles.
    column_features : float32 array, shape (columns, q), or None
    row_feature_names, column_feature_names : tuple of str
        What they are, where it must be the same everywhere; see `Features.described`.
    """

    name: str
    align: Align
    rows: Ids
    columns: Ids
    train: Entries
    validation: Entries
    test: Entries
    row_features: NDArray[np.float32] | None = None
    column_features: NDArray[np.float32] | None = None
    row_feature_names: tuple[str, ...] = ()
    column_feature_names: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return len(self.rows), len(self.columns)

    def ratings(self) -> sp.csr_array:
        """Sparse matrix of the ratings to learn from."""
        return self.train.csr(self.shape)

    def checked(self) -> Domain:
        """Return the domain if it can take part.

        Raises
        ------
        InputError
            If it has no rating to learn from, or one that is not finite.
        """
        if not len(self.train):
            raise InputError(f"organisation {self.name!r} has no rating to learn from")
        for part in (self.train, self.validation, self.test):
            if not np.isfinite(part.values).all():
                raise InputError(f"organisation {self.name!r} has a rating that is not finite")
        return self

    def binarised(self, positive_from: float) -> Domain:
        """Ratings as likes: 1 from a threshold on, 0 below it.

        Unrated cells are no dislikes: they stay unobserved.

        Parameters
        ----------
        positive_from : float

        Returns
        -------
        domain : Domain
        """

        def liked(part: Entries) -> Entries:
            return part.with_values(part.values >= positive_from)

        return replace(
            self,
            train=liked(self.train),
            validation=liked(self.validation),
            test=liked(self.test),
        )

    def digest(self) -> str:
        """SHA-256 of all that it holds, in hexadecimal."""
        sha = hashlib.sha256(repr((self.name, self.align, self.shape)).encode())
        for ids in (self.rows, self.columns):
            sha.update("\0".join(ids[:]).encode("utf-8", errors="surrogatepass"))
        for part in (self.train, self.validation, self.test):
            for array in (part.rows, part.columns, part.values):
                sha.update(array.tobytes())
        for features in (self.row_features, self.column_features):
            if features is not None:
                sha.update(features.tobytes())
        return sha.hexdigest()
