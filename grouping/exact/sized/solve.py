"""Groups of limited size, and whatever else a formation has to satisfy.

The bound looks at sizes and leaves all other constraints aside: a formation that satisfies more is
one of those that it bounds. The formations come from local search, which keeps to everything, and
from the columns of the relaxation, of which an integer program chooses.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from grouping import memory
from grouping.exact.grain import grain_of, rounded_down
from grouping.exact.search import Search
from grouping.exact.sized.choosing import chosen_labels
from grouping.exact.sized.parts import Part, parts_of
from grouping.exact.sized.relaxation import PartCertificate, Relaxation
from grouping.exact.sized.rooms import Rooms, limited
from grouping.kernels.sized_prices import LEAST, WEAKEST
from grouping.local.alternation import Sizes
from grouping.problem import NO_CONSTRAINTS, Problem
from grouping.rows.items import item_rows

ROUNDS, WORK = 12, 3e9
"""Of a bound alone: rounds of each part, and ratings that one search for lists looks at."""

TIMED, UNTIMED = 10**9, 400
"""Rounds of each part in a search, at most: with a time limit it is time that ends them."""

OWN_LISTS = 100
"""Users whose own lists are among the columns at first."""

CHOICES = 60
"""Columns that formations are chosen from."""

EARLY, LATE = 0.15, 0.3
"""Shares of the time for local search before the relaxation, and for choosing after it."""


@dataclass(frozen=True, eq=False)
class SizedCertificate:
    """Proof that no formation within the sizes is worth more than the bound.

    Attributes
    ----------
    parts : tuple of PartCertificate
        Whose bounds, times their factors, add up to the bound.
    bound : float
        Rounded outward, and down to the ratings' grain.
    """

    parts: tuple[PartCertificate, ...]
    bound: float


def bound_certificate(
    problem: Problem, steps: int = ROUNDS, stop: Callable[[], bool] = lambda: False
) -> SizedCertificate | None:
    """Bound the objective of all formations within the sizes.

    Parameters
    ----------
    problem : Problem
        Not ndcg, and not by members; with no items excluded for single users.
    steps : int
        Rounds of each part, at most.
    stop : callable

    Returns
    -------
    certificate : SizedCertificate or None
        None where there was no time for one.

    Raises
    ------
    GroupingError
        If there is not enough memory.
    """
    sized = _Sized(problem, None, stop)
    sized.improve(min(steps, ROUNDS), WORK, stop, lambda: False)
    return sized.certificate()


def solve(search: Search) -> None:
    """Search for the best formation within constraints, and for a bound that knows sizes.

    Parameters
    ----------
    search : Search
        Its formation satisfies the constraints.
    """
    from grouping.exact.bounding import upper_bound
    from grouping.methods.refine import improve

    problem, budget = search.problem, search.budget
    timed = budget.time_limit is not None
    rounds = 1 if budget.iterations is None and not timed else None

    def local(until: float) -> None:
        """Search from the best formation, until so much of the time is left."""
        left = max(0.0, search.remaining - until) if timed else None
        some = replace(budget, time_limit=left, iterations=rounds or budget.iterations)
        inner = Search(problem, some, search.labels)
        inner.certificate = search.certificate
        try:
            improve(inner, None)
        finally:  # an interrupt too
            search.offer(inner.labels)

    total = search.remaining
    if problem.constraints.satisfied(search.labels, problem.groups) and not search.over:
        local((1.0 - EARLY) * total if timed else 0.0)
    free = replace(problem.relaxed(), constraints=NO_CONSTRAINTS)
    least = (1.0 - 2 * EARLY) * total if timed else 0.0
    search.prove(upper_bound(free, stop=lambda: search.remaining <= least).certificate)
    if limited(problem) and not search.over:
        sized = _Sized(problem.relaxed(), search.labels, lambda: search.over)

        def state() -> bool:
            found = sized.certificate()
            if found is not None:
                search.prove(found)
            search.report(columns=sized.columns)
            return search.over

        sized.improve(TIMED if timed else UNTIMED, math.inf, lambda: search.over, state)
        state()
        while not search.over:
            some = max(1.0, LATE * search.remaining) if timed else math.inf
            before = search.objective
            for labels in sized.formations(some, lambda: search.over):
                search.offer_met(labels)
                search.report(columns=sized.columns)
            if search.objective <= before or not timed:
                break
    if not search.over:
        local(0.0)


class _Sized:
    """The relaxations of all parts; of the first ones, where it was stopped at the start."""

    def __init__(
        self, problem: Problem, labels: NDArray[np.int64] | None, stop: Callable[[], bool]
    ) -> None:
        self.problem, self.labels = problem, labels
        self.rooms = Rooms.of(problem)
        n, m = problem.ratings.shape
        memory.require(
            12 * n * m,
            "bounding groups within sizes",
            "take fewer users or items, or leave out the bound",
        )
        self.rows = item_rows(problem.ratings).astype(np.float64, copy=False)
        self.parts = parts_of(problem)
        weights = problem.aggregation.weights
        whole = bool(np.array_equal(weights, np.rint(weights)))
        self.grain = grain_of(problem.ratings, n * problem.k) if whole else None
        grain = grain_of(problem.ratings, n * problem.k)
        self.relaxations: list[Relaxation] = []
        for part in self.parts:
            if stop():
                break
            self.relaxations.append(self._relaxation(part, grain, stop))

    @property
    def columns(self) -> int:
        return sum(len(relaxation.gains) for relaxation in self.relaxations)

    def certificate(self) -> SizedCertificate | None:
        """State the bound; None before each part has one."""
        found = [relaxation.certificate for relaxation in self.relaxations]
        parts = tuple(part for part in found if part is not None)
        if len(parts) < len(self.parts):
            return None
        if len(parts) == 1 and parts[0].part.factor == 1.0:
            return SizedCertificate(parts, parts[0].bound)
        terms = [part.part.factor * part.bound for part in parts]
        slack = 4 * np.finfo(np.float64).eps * math.fsum(map(abs, terms))
        bound = math.nextafter(math.fsum(terms) + slack, math.inf)
        return SizedCertificate(parts, rounded_down(bound, self.grain))

    def improve(
        self,
        rounds: int,
        work: float,
        stop: Callable[[], bool],
        told: Callable[[], bool],
    ) -> None:
        """Go round the parts, until all are solved or it is time to stop."""
        if len(self.relaxations) < len(self.parts):
            return
        waiting = list(zip(self.relaxations, self.parts, strict=True))
        known = [-math.inf if self.labels is None else self._known(part) for part in self.parts]
        for _ in range(rounds):
            for at, (relaxation, _) in enumerate(waiting):
                if relaxation.settled:
                    continue
                if not relaxation.round(known[at], stop, work):
                    relaxation.settled = True
                if stop():
                    return
            if told() or all(relaxation.settled for relaxation in self.relaxations):
                return

    def formations(self, seconds: float, stop: Callable[[], bool]) -> list[NDArray[np.int64]]:
        """Choose columns of each part that make a formation."""
        if len(self.rooms.limits) > 1 or self.problem.constraints.slotted:
            return []
        if not Sizes(self.problem).suit(self.problem.ratings.shape[0]):
            return []
        found = []
        for relaxation, part in zip(self.relaxations, self.parts, strict=False):
            if stop():
                break
            best = relaxation.best_columns(CHOICES)
            values, gains = relaxation.values[best], relaxation.gains[best]
            if part.kind == LEAST:  # and a group for whoever is left
                lowest = self.rows.min(axis=1)
                rest = np.sort(lowest)[::-1][part.k - 1]
                values = np.concatenate([values, np.zeros((1, values.shape[1]), np.float32)])
                gains = np.append(gains, rest)
            labels = chosen_labels(values, gains, self.rooms, seconds / len(self.parts))
            if labels is not None:
                found.append(np.unique(labels, return_inverse=True)[1].astype(np.int64))
        return found

    def _relaxation(self, part: Part, grain: float | None, stop: Callable[[], bool]) -> Relaxation:
        users = self.rows.shape[1]
        own = self.problem.own
        if part.kind == LEAST:
            worth = float(own.scores[:, part.k - 1].mean()) * float(self.rooms.limits.sum())
            start = np.full(users, 0.8 * worth / users)
        else:
            start = own.scores[:, : part.k].sum(axis=1) * 0.95
            if part.kind == WEAKEST:
                start /= part.k
        lists = own.items[:: max(1, users // OWN_LISTS), : part.k].astype(np.int64)
        if self.labels is not None:
            made = self._lists(part)
            lists = np.concatenate([made, lists])
            if part.kind == LEAST:
                start[:] = self._known(part) / users
            elif len(made) > 1:
                offered = np.array([self.rows[items].sum(axis=0) for items in made])
                if part.kind == WEAKEST:
                    offered /= part.k
                offered.sort(axis=0)
                start = offered[-2:].mean(axis=0)
        relaxation = Relaxation(self.rows, own.scores, self.rooms, part, grain, start)
        relaxation.start(lists, stop)
        return relaxation

    def _scores(self) -> list[NDArray[np.float64]]:
        assert self.labels is not None
        lm = self.problem.semantics == "lm"
        return [
            self.rows[:, self.labels == group].min(axis=1)
            if lm
            else self.rows[:, self.labels == group].sum(axis=1)
            for group in np.unique(self.labels)
        ]

    def _lists(self, part: Part) -> NDArray[np.int64]:
        """Lists of the formation's groups."""
        return np.array([np.argsort(-scores, kind="stable")[: part.k] for scores in self._scores()])

    def _known(self, part: Part) -> float:
        """What the formation is worth by this part."""
        best = [np.sort(scores)[::-1][: part.k] for scores in self._scores()]
        if part.kind in (LEAST, WEAKEST):
            return float(sum(scores[-1] for scores in best))
        return float(sum(scores.sum() for scores in best))
