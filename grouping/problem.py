"""The problem: complete ratings, what is to be maximised, and what one pass tells about it."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grouping.aggregation import Aggregation, aggregation
from grouping.constraints.rules import Constraints, Rule
from grouping.counting import Counting
from grouping.errors import IncompleteError, InputError
from grouping.exclusions import Exclusions, penalty
from grouping.ids import Ids
from grouping.memory import require
from grouping.ratings import Ratings, ordered_keys, value_of_key

SEMANTICS = ("lm", "av")

CHUNK_CELLS = 1 << 18
"""Cells of a dense matrix that are worth a thread's while, at least."""

MOST_CHUNKS = 32
"""Chunks that a reduction is cut into, at most: each takes memory for a result of its own."""

NO_CONSTRAINTS = Constraints()

NO_EXCLUSIONS = Exclusions()

ALIKE = Counting()
"""Groups count once, and users alike."""

EXACT = 2.0**53
"""Whole numbers up to here are exact in float64."""


@dataclass(frozen=True, eq=False)
class OwnLists:
    """Each user's own best list: the paper's top-k item sequence and its ratings.

    Attributes
    ----------
    items : int32 array, shape (n, k)
        Columns, best first; equal ratings by ascending column.
    scores : float64 array, shape (n, k)
        The user's ratings of them.
    """

    items: NDArray[np.int32]
    scores: NDArray[np.float64]


SMALL = 2.0**-4
"""Below this, ratings are divided by a `Problem.unit` before a method runs."""

LARGE = 2.0**64
"""Ratings above it are divided too."""


@dataclass(frozen=True, eq=False)
class Problem:
    """A validated instance of group formation: methods trust what stands here.

    Make one with `of`.

    Attributes
    ----------
    ratings : Ratings
        Complete: dense without NaN, or CSR with a `fill`. Under aggregate voting times the users'
        weights.
    semantics : {"lm", "av"}
    aggregation : Aggregation
    groups : int
        At most so many groups are formed (the paper's l).
    k : int
        List length.
    own : OwnLists
    column_scores : array, shape (m,), or None
        Each item's score for the group of all users, gathered in the pass that found the own
        lists: the minimum (dense, least misery) or the float64 sum (aggregate voting; of CSR
        the sum of rating - fill over stored cells). None for CSR under least misery.
    column_error : float
        How far each of them may be from the true sum beyond float64's own roundings: CSR sums
        are taken in float32, which takes half the cache.
    low, high : float
        Range of all cells' values, but for those of excluded items.
    constraints : Constraints
        What formations have to satisfy besides.
    counting : Counting
        How much groups and users count.
    unweighted : Ratings or None
        The ratings without the users' weights and exclusions, where they have some.
    exclusions : Exclusions
        What single users exclude. Such a cell's rating is minus the penalty.
    left_out : tuple of str
        Items that are excluded for everybody, and not in the ratings.
    asked_items : Ids or None
        All items, those left out too; None where none is.
    penalty : float
        0 where nothing is excluded by single users.
    exact_sums : bool
        Whether sums of ratings are known to be exact, in whatever order they are taken.
    """

    ratings: Ratings
    semantics: str
    aggregation: Aggregation
    groups: int
    k: int
    own: OwnLists
    column_scores: NDArray[Any] | None
    low: float
    high: float
    exact_sums: bool = False
    column_error: float = 0.0
    constraints: Constraints = NO_CONSTRAINTS
    counting: Counting = ALIKE
    unweighted: Ratings | None = None
    exclusions: Exclusions = NO_EXCLUSIONS
    left_out: tuple[str, ...] = ()
    asked_items: Ids | None = None
    penalty: float = 0.0

    @classmethod
    def of(
        cls,
        ratings: Ratings,
        semantics: str = "lm",
        agg: str = "min",
        groups: int = 10,
        k: int = 5,
        *,
        position_weights: str | Sequence[float] | None = None,
        constraints: Constraints | None = None,
        counting: Counting | None = None,
        exclusions: Exclusions | None = None,
    ) -> Problem:
        """Validate an instance, reading the ratings once.

        Parameters
        ----------
        ratings : Ratings
            Complete ratings.
        semantics : {"lm", "av"}
            Least misery or aggregate voting (paper, 2.2).
        agg : {"min", "max", "sum", "wsum", "ndcg"}
            Aggregation (paper, 2.3 and 6).
        groups : int
            At most so many groups, at least 1.
        k : int
            List length, 1 <= k <= m.
        position_weights : {"inverse", "log"} or k numbers, optional
            For ``wsum``.
        constraints : Constraints, optional
        counting : Counting, optional
        exclusions : Exclusions, optional

        Returns
        -------
        problem : Problem

        Raises
        ------
        InputError
            If an argument is out of range, a rating is missing, infinite or outside the
            declared scale, or negative with ``ndcg``.
        InfeasibleError
            If a user excludes so much that no list is left.
        GroupingError
            If the memory is not there for the pass and for scoring groups after it.
        """
        exclusions = exclusions or NO_EXCLUSIONS
        left_out = tuple(ratings.items.take(exclusions.items))
        asked_items = ratings.items if left_out else None
        ratings, exclusions = exclusions.left(ratings, positive(k, "the list length k"))
        groups, k, made = asked(ratings.shape, semantics, agg, groups, k, position_weights)
        exclusions.check(ratings.users, ratings.shape[1], k)
        counting = counting or ALIKE
        counting.check(semantics, made)
        given, ratings = ratings, counting.rated(ratings, semantics)
        if given.scale is not None and (exclusions or given is not ratings):
            given.check_scale(*given.observed_range())
        _require_memory(ratings, semantics, k)
        excluded = 0.0
        if exclusions:
            low, high = _range(ratings)
            largest = max(abs(low), abs(high))
            excluded = penalty(counting.masses(ratings.shape[0]), made.weights, largest)
            if math.isinf(excluded):
                raise _too_large(ratings, largest, counting)
            ratings = exclusions.rated(ratings, -excluded)
        own, columns, lowest, highest, exact_sums = _read_once(ratings, semantics, k)
        if not exclusions:
            low, high = lowest, highest
        if made.per_member and low < 0:
            raise InputError(
                f"{ratings.source}: ndcg takes ratings as gains, and the lowest is {low:g}: "
                "shift the ratings so that none is negative"
            )
        largest = max(abs(low), abs(high))
        with np.errstate(over="ignore"):
            mass = float(counting.masses(ratings.shape[0]).sum())
        if not math.isfinite(largest * mass * max(k, sum(made.weights.tolist()))):
            raise _too_large(ratings, largest, counting)
        constraints = constraints or NO_CONSTRAINTS
        if exclusions:
            named = Rule("exclude", exclusions.words)
            constraints = Constraints((*constraints.rules, named))
        columns, error = _trusted(ratings, columns, semantics, lowest, high, exact_sums)
        return cls(
            ratings,
            semantics,
            made,
            groups,
            k,
            own,
            columns,
            low,
            high,
            exact_sums,
            error,
            constraints,
            counting,
            None if given is ratings else given,
            exclusions,
            left_out,
            asked_items,
            excluded,
        )

    def allows(self, item_scores: NDArray[np.float64]) -> bool:
        """Whether lists have only items that no member excludes, by the groups' scores of them."""
        return not self.penalty or bool(item_scores.min() > -self.penalty / 2)

    def relaxed(self) -> Problem:
        """Return the same problem with excluded items allowed, at a low rating.

        What is formed without them is worth the same there, so a bound there bounds here; and
        numbers are as large as the ratings are.
        """
        if not self.penalty:
            return self
        low = self.low - (self.high - self.low)
        ratings = self.exclusions.rated(self.ratings, low)
        own, columns, low, high, exact_sums = _read_once(ratings, self.semantics, self.k)
        columns, error = _trusted(ratings, columns, self.semantics, low, high, exact_sums)
        return replace(
            self,
            ratings=ratings,
            own=own,
            column_scores=columns,
            column_error=error,
            low=low,
            high=high,
            exact_sums=exact_sums,
            exclusions=NO_EXCLUSIONS,
            penalty=0.0,
        )

    @property
    def items(self) -> Ids:
        """All items that the ratings were given of, those left out too."""
        return self.ratings.items if self.asked_items is None else self.asked_items

    def in_input(self, lists: NDArray[np.int64]) -> NDArray[np.int64]:
        """Positions of items among all items, from those in the ratings."""
        if self.asked_items is None:
            return lists
        places = [self.asked_items.position(item) for item in self.ratings.items]
        return np.array(places, np.int64)[lists]

    @property
    def given(self) -> Ratings:
        """The ratings as single users gave them."""
        return self.ratings if self.unweighted is None else self.unweighted

    def voting(self) -> Problem:
        """Return the same problem under aggregate voting, with the same weights of users.

        The lowest of some members' ratings, times what they weigh, is no more than their ratings
        times their weights add up to. So a group that counts by its members under least misery
        counts no more than it is worth under aggregate voting.
        """
        named = self.aggregation.name
        return Problem.of(
            self.given,
            "av",
            named,
            self.groups,
            self.k,
            position_weights=self.aggregation.weights.tolist() if named == "wsum" else None,
            counting=Counting(weights=self.counting.weights),
            exclusions=self.exclusions,
        )

    @property
    def unit(self) -> float:
        """What to divide ratings by: 1, or the power of two next to the largest.

        That is where all are below `SMALL`, or one is above `LARGE`.
        Tolerances of solvers are absolute, and would take small ratings for nothing; searches hold
        some numbers in float32, of which large ones are none.
        """
        largest = max(abs(self.low), abs(self.high))
        usual = largest == 0 or SMALL <= largest <= LARGE
        return 1.0 if usual else 2.0 ** math.floor(math.log2(largest))

    def divided(self, unit: float) -> Problem:
        """Return the same problem with all ratings divided by a power of two.

        Raises
        ------
        GroupingError
            If a copy does not fit.
        """

        def less(ratings: Ratings) -> Ratings:
            dense = isinstance(ratings.matrix, np.ndarray)
            cells: Any = ratings.matrix if dense else ratings.matrix.data
            require(cells.nbytes, f"dividing {ratings.source} by a power of two", "scale them up")
            matrix: Any = ratings.matrix / unit
            fill = None if ratings.fill is None else ratings.fill / unit
            return replace(ratings, matrix=matrix, fill=fill, scale=None)

        columns = self.column_scores
        return replace(
            self,
            ratings=less(self.ratings),
            own=OwnLists(self.own.items, self.own.scores / unit),
            column_scores=None if columns is None else columns / unit,
            column_error=self.column_error / unit,
            low=self.low / unit,
            high=self.high / unit,
            unweighted=None if self.unweighted is None else less(self.unweighted),
            penalty=self.penalty / unit,
        )

    @property
    def by_members(self) -> bool:
        """Whether groups count by their members, under least misery."""
        return self.counting.weigh == "members"

    @property
    def masses(self) -> NDArray[np.float64]:
        """What each user weighs: float64, shape (n,)."""
        return self.counting.masses(self.ratings.shape[0])


def asked(
    shape: tuple[int, int],
    semantics: str,
    agg: str,
    groups: Any,
    k: Any,
    position_weights: str | Sequence[float] | None = None,
) -> tuple[int, int, Aggregation]:
    """Validate what is asked of ratings, which takes no look at them.

    Parameters
    ----------
    shape : (int, int)
        Users and items.
    semantics, agg, groups, k, position_weights
        As for `Problem.of`.

    Returns
    -------
    groups, k : int
    aggregation : Aggregation

    Raises
    ------
    InputError
        If an argument is out of range.
    """
    if semantics not in SEMANTICS:
        raise InputError(f"unknown semantics {semantics!r}: choose lm or av")
    groups = positive(groups, "the number of groups")
    k = positive(k, "the list length k")
    m = shape[1]
    if k > m:
        raise InputError(
            f"lists of k = {k} items need at least {k} items, and there are {m} "
            f"(n_features = {m}): give a k of at most {m}"
        )
    return groups, k, aggregation(agg, k, position_weights)


def positive(number: Any, what: str) -> int:
    """Whole number of at least 1.

    Raises
    ------
    InputError
        If it is not.
    """
    try:
        whole = operator.index(number)
    except TypeError as error:
        raise InputError(f"{what} must be a whole number, not {number!r}") from error
    if whole < 1:
        raise InputError(f"{what} must be at least 1, not {whole}")
    return whole


def chunks(ratings: Ratings, members: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """Bounds that cut members into chunks of about equal work.

    They depend on the ratings alone, so that reductions over them are the same on any number of
    threads. A chunk of CSR rows has at least sixteen stored ratings for each item, since adding
    its result up costs one step for each item.

    Parameters
    ----------
    ratings : Ratings
    members : int64 array, optional
        By default all users.

    Returns
    -------
    bounds : int64 array, shape (chunks + 1,)
        From 0 to the number of members; a power of two of chunks, which most numbers of threads
        share evenly, at most `MOST_CHUNKS`; none empty.
    """
    n, m = ratings.shape
    matrix = ratings.matrix
    count = n if members is None else len(members)
    if isinstance(matrix, np.ndarray):
        pieces = _power_of_two(min(count * m // CHUNK_CELLS, MOST_CHUNKS, count))
        return count * np.arange(pieces + 1, dtype=np.int64) // pieces
    lengths = np.diff(matrix.indptr)
    work = np.cumsum((lengths if members is None else lengths[members]) + 1, dtype=np.int64)
    pieces = _power_of_two(min(int(work[-1]) // max(16 * m, CHUNK_CELLS // 16), MOST_CHUNKS))
    inner = np.searchsorted(work, work[-1] * np.arange(1, pieces) // pieces)
    return np.unique(np.concatenate([[0], inner, [count]])).astype(np.int64)


def _power_of_two(most: int) -> int:
    """Largest power of two up to `most`, at least 1."""
    return 1 << max(0, most.bit_length() - 1)


def _read_once(
    ratings: Ratings, semantics: str, k: int
) -> tuple[OwnLists, NDArray[Any] | None, float, float, bool]:
    from grouping.kernels import own_lists as kernels

    n, m = ratings.shape
    matrix = ratings.matrix
    column_scores: NDArray[Any] | None
    exact_sums = ratings.dtype.kind in "iu"
    if isinstance(matrix, np.ndarray):
        keys, limit = ordered_keys(matrix)
        columns = kernels.COLUMN_SUMS if semantics == "av" else kernels.COLUMN_MINIMA
        items, scores, sums, minima, low_key, low, high, bad = kernels.dense_own_lists(
            keys, matrix, limit, k, columns, chunks(ratings)
        )
        column_scores = sums if semantics == "av" else minima
    else:
        if ratings.fill is None and matrix.nnz < n * m:
            raise IncompleteError(_incomplete(ratings))
        keys, limit = ordered_keys(matrix.data)
        items, scores, sums, in_halves, low_key, low, high, bad = kernels.sparse_own_lists(
            matrix.indptr,
            matrix.indices,
            keys,
            matrix.data,
            limit,
            _fill(ratings),
            m,
            k,
            semantics == "av",
            chunks(ratings),
        )
        column_scores = sums if semantics == "av" else None
        # voted columns are added up in float32, which is exact for small halves alone
        exact_sums = in_halves or (exact_sums and semantics != "av")
        exact_sums = exact_sums and _fill(ratings) * 2 == round(_fill(ratings) * 2)
    if low_key != np.iinfo(np.int64).max:
        low = min(low, value_of_key(low_key, ratings.dtype))
    if bad < n:
        raise _not_finite(ratings, int(bad))
    if ratings.dtype.kind in "iu" and max(-low, high) > EXACT:
        raise InputError(
            f"{ratings.source}: whole ratings beyond 2**53 have no exact score: scale them down"
        )
    ratings.check_scale(low, high)
    if ratings.fill is not None and ratings.count() < n * m:
        low, high = min(low, ratings.fill), max(high, ratings.fill)
    exact_sums = bool(exact_sums) and n * max(abs(low), abs(high)) <= EXACT / 2
    return OwnLists(items, scores), column_scores, float(low), float(high), exact_sums


def _range(ratings: Ratings) -> tuple[float, float]:
    """Lowest and highest value of a cell, those not stored too."""
    low, high = ratings.observed_range()
    if ratings.fill is not None:
        low, high = min(low, ratings.fill), max(high, ratings.fill)
    return low, high


def _require_memory(ratings: Ratings, semantics: str, k: int) -> None:
    """Refuse what would not fit beside the ratings: O(n k + m chunks), as measured.

    Whatever is done with a problem starts here, so what greedy forming, scoring a partition and
    bounding take at their peaks is asked for at once: the own lists (12 bytes an entry), the
    ratings of the groups' lists (8), labels, members and hashes, and the chunks' columns.
    """
    n, m = ratings.shape
    pieces = len(chunks(ratings)) - 1
    if not ratings.sparse:
        column = 8 * (pieces + 3)
    elif semantics == "lm":
        column = 16 * (pieces + 1)  # minima, and how many have rated
    else:
        column = 12 * (pieces + 2)  # sums, narrow and wide
    require(
        n * (20 * k + 50) + m * column,
        f"finding the best {k} of {m} items for {n} users and their groups",
        "take a smaller k, or fewer users or items",
    )


def _trusted(
    ratings: Ratings,
    columns: NDArray[Any] | None,
    semantics: str,
    low: float,
    high: float,
    exact_sums: bool,
) -> tuple[NDArray[Any] | None, float]:
    """Column scores with the most that float32 sums can be off; None if that is too much."""
    from grouping.kernels.own_lists import MOST_NARROW

    if columns is None or semantics == "lm" or not ratings.sparse or exact_sums:
        return columns, 0.0
    n, fill = ratings.shape[0], _fill(ratings)
    magnitude = float(np.abs(columns).max())
    if low < fill:  # terms of both signs: their magnitudes add up to more than they do
        magnitude = n * max(abs(low - fill), abs(high - fill))
    unit = 2.0**-24
    roundings = min(int(np.diff(chunks(ratings)).max()), MOST_NARROW) + 2
    # the computed magnitude is itself off by this factor; the last term stands for underflow
    error = roundings * unit * magnitude / (1 - 2 * roundings * unit) + n * 2.0**-126
    return (columns, error) if math.isfinite(error) else (None, 0.0)


def _fill(ratings: Ratings) -> float:
    return 0.0 if ratings.fill is None else ratings.fill


def _incomplete(ratings: Ratings) -> str:
    n, m = ratings.shape
    return (
        f"{ratings.source}: {n * m - ratings.count()} of {n * m} ratings are missing (NaN or not "
        "stored): choose how to fill them (missing = min, mean, a number, or a predictor)"
    )


def _too_large(ratings: Ratings, largest: float, counting: Counting) -> InputError:
    weighted = "" if counting.weights is None else " times the weights of users"
    return InputError(
        f"{ratings.source}: ratings of up to {largest:g}{weighted} are too large to be added up: "
        "scale them down"
    )


def _not_finite(ratings: Ratings, user: int) -> InputError:
    if not np.isinf(ratings.row(user)).any():
        return IncompleteError(_incomplete(ratings))
    return ratings.infinite(user)
