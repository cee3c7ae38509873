"""One data set dealt out to organisations, to see what they lose and gain."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.ids import Ids
from learners.features import Features
from learners.mtal.domain import Align, Domain
from learners.splits import Parts

Blocks = Sequence[NDArray[np.int64]]


def uniform(columns: int, domains: int, seed: int = 0) -> Blocks:
    """Deal columns out at random, equally many to each domain, the remainder to the last.

    Parameters
    ----------
    columns, domains : int
    seed : int

    Returns
    -------
    blocks : sequence of int64 arrays
        Positions of each domain's columns, ascending.

    Raises
    ------
    InputError
        If there are fewer columns than domains, or fewer than one domain.
    """
    if not 1 <= domains <= columns:
        raise InputError(f"cannot deal {columns} columns out to {domains} organisations")
    order = np.random.default_rng(seed).permutation(columns)
    size = columns // domains
    starts = [size * k for k in range(domains)]
    return [np.sort(order[a:b]) for a, b in zip(starts, [*starts[1:], columns], strict=True)]


def by_genre(
    genres: Features,
    seed: int = 0,
    *,
    accept: Callable[[Blocks], bool] = lambda blocks: True,
    tries: int = 1000,
) -> Blocks:
    """Deal items out by genre: each to one drawn among its own, or among all if it has none.

    Parameters
    ----------
    genres : Features
        Flags of genres, an item a row.
    seed : int
    accept : callable
        Whether a draw will do; drawn again until it does.
    tries : int

    Returns
    -------
    blocks : sequence of int64 arrays
        Positions of each genre's items, ascending.

    Raises
    ------
    InputError
        If no draw was accepted.
    """
    rng = np.random.default_rng(seed)
    flags = genres.matrix > 0
    flags[~flags.any(axis=1)] = True
    for _ in range(tries):
        drawn = np.where(flags, rng.random(flags.shape), -1.0).argmax(axis=1)
        blocks = [np.flatnonzero(drawn == genre) for genre in range(flags.shape[1])]
        if accept(blocks):
            return blocks
    raise InputError(f"no partition by genre gives every organisation its ratings ({tries} tries)")


def deal(
    parts: Parts,
    *,
    align: Align = "user",
    partition: str = "uniform:8",
    shared: float = 1.0,
    profiles: Features | None = None,
    attributes: Features | None = None,
    genres: Features | None = None,
    seed: int = 0,
) -> list[Domain]:
    """Deal one data set out to organisations.

    Every organisation gets a block of the columns (items if user-aligned, users if item-aligned)
    and all rows. Where not all rows are shared, the others keep their ratings but are strangers
    between organisations: their ids differ from one to the next.

    Parameters
    ----------
    parts : Parts
    align : {"user", "item"}
    partition : str
        ``uniform:K``, or ``genre`` (user-aligned only). ``uniform:1`` keeps all in one place.
    shared : float
        Share of the rows whose ids organisations have in common.
    profiles, attributes : Features, optional
        Side information of users and of items.
    genres : Features, optional
        For ``genre``.
    seed : int

    Returns
    -------
    domains : list of Domain

    Raises
    ------
    InputError
        If an argument has no such value.
    """
    if align not in ("user", "item"):
        raise InputError(f"organisations are aligned by user or item, not {align!r}")
    if not 0 <= shared <= 1:
        raise InputError(f"the share of common rows must lie between 0 and 1, not {shared}")
    sides = [parts.ratings.users, parts.ratings.items]
    features = [profiles, attributes]
    three = [parts.train, parts.validation, parts.test]
    if align == "item":
        sides, features = sides[::-1], features[::-1]
        three = [part.transposed() for part in three]
    rows, columns = sides
    every_row = np.arange(len(rows), dtype=np.int64)

    def filled(blocks: Blocks) -> bool:
        owner = np.zeros(len(columns), dtype=np.int64)
        for number, block in enumerate(blocks):
            owner[block] = number
        return all(
            len(np.unique(owner[part.columns])) == len(blocks) for part in three if len(part)
        )

    blocks = _blocks(partition, align, len(columns), genres, seed, filled)
    described = [() if one is None else one.described() for one in features]
    names = genres.names if partition == "genre" and genres is not None else None
    private = every_row[np.random.default_rng([seed, 1]).permutation(len(rows))]
    private = private[round(shared * len(rows)) :]
    domains = []
    for number, block in enumerate(blocks):
        name = f"{number + 1:02d}" if names is None else f"{number + 1:02d}-{names[number]}"
        train, validation, test = (part.within(every_row, block) for part in three)
        domain = Domain(
            name,
            align,
            _estranged(rows, private, name),
            Ids(columns.take(block), columns.what),
            train,
            validation,
            test,
            None if features[0] is None else features[0].matrix,
            None if features[1] is None else features[1].matrix[block],
            *described,
        )
        domains.append(domain)
    return domains


def _blocks(
    partition: str,
    align: Align,
    columns: int,
    genres: Features | None,
    seed: int,
    filled: Callable[[Blocks], bool],
) -> Blocks:
    kind, _, count = partition.partition(":")
    if kind == "uniform" and count.isdecimal():
        return uniform(columns, int(count), seed)
    if partition == "genre":
        if align != "user":
            raise InputError("only items have genres: --partition genre goes with --align user")
        if genres is None:
            raise InputError("a partition by genre needs the items' genres")
        return by_genre(genres, seed, accept=filled)
    raise InputError(f"partition {partition!r}: give uniform:K (as uniform:8) or genre")


def _estranged(rows: Ids, private: NDArray[np.int64], name: str) -> Ids:
    """Ids under which nobody else knows the private rows."""
    ids = rows[:]
    for row in private:
        ids[row] = f"{ids[row]} of {name}"
    return Ids(ids, rows.what)
