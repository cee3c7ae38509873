"""What a search for an optimum knows: the best formation, the best bound, and when to stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from grouping.bounds import own_list_bound
from grouping.constraints.allowing import allowed
from grouping.constraints.meeting import meet
from grouping.errors import UndecidedError
from grouping.exact.grain import Nearness
from grouping.interrupts import as_interrupts
from grouping.methods import Budget, Outcome
from grouping.objective import score
from grouping.problem import Problem
from grouping.stopping import Proven, Standing, ending


class Certificate(Protocol):
    """Proof of an upper bound, which the ratings alone suffice to check.

    Attributes
    ----------
    bound : float
        No formation into at most l groups scores more.
    """

    @property
    def bound(self) -> float:
        """Upper bound, recomputed from what the certificate holds, rounded outward."""
        ...


class OwnListCertificate:
    """The bound by each user's own best list (`grouping.bounds.own_list_bound`)."""

    def __init__(self, problem: Problem) -> None:
        self.bound = own_list_bound(problem)


class Search:
    """State of a search: formations and certificates go in, the best of each are kept.

    Parameters
    ----------
    problem : Problem
    budget : Budget
        Its time starts now.
    labels : int64 array, shape (n,), optional
        A formation to start from; by default everyone is in one group.

    Attributes
    ----------
    labels : int64 array, shape (n,)
        Best formation so far: groups numbered 0, 1, ... without a gap.
    objective : float
        Its score by the definition; minus infinity where a list has an excluded item.
    certificate : Certificate
        Of the best bound so far.
    """

    def __init__(
        self, problem: Problem, budget: Budget, labels: NDArray[np.int64] | None = None
    ) -> None:
        self.problem = problem
        self.budget = budget
        self.started = time.perf_counter()
        self._ended = ending(budget.time_limit, budget.gap, budget.looks)
        self._looks = 0
        self._nearness = Nearness(problem)
        users = problem.ratings.shape[0]
        self.labels = np.zeros(users, np.int64) if labels is None else _numbered(labels)
        self.objective = self._worth(self.labels)
        self.certificate: Certificate = OwnListCertificate(problem)

    @property
    def bound(self) -> float:
        """Best upper bound so far."""
        return self.certificate.bound

    def offer(self, labels: NDArray[np.int64]) -> bool:
        """Keep a formation if it is better than the best.

        Parameters
        ----------
        labels : int array, shape (n,)
            Group of each user; numbers may be left out. At most l groups.

        Returns
        -------
        better : bool
        """
        numbered = _numbered(labels)
        assert numbered.max() < self.problem.groups
        objective = self._worth(numbered)
        if objective <= self.objective:
            return False
        self.labels, self.objective = numbered, objective
        return True

    def _worth(self, labels: NDArray[np.int64]) -> float:
        """Objective of a formation: minus infinity where a list has an excluded item."""
        scored = score(self.problem, labels)
        return scored.objective if self.problem.allows(scored.item_scores) else -math.inf

    def offer_met(self, labels: NDArray[np.int64]) -> None:
        """Offer a formation, changed to meet the constraints if there is time for that.

        Parameters
        ----------
        labels : int64 array, shape (n,)
        """
        timed = self.budget.time_limit is not None
        seconds = max(0.0, self.remaining) if timed else None
        with suppress(UndecidedError):
            self.offer(meet(self.problem.constraints, labels, self.problem.groups, seconds))

    def offer_allowed(self, share: float) -> None:
        """Offer a formation whose lists nobody excludes, where none is known yet.

        Parameters
        ----------
        share : float
            Of the time left that may be spent on it.

        Raises
        ------
        InfeasibleError
            If there is none; the message names constraints that conflict.
        """
        if self.objective == -math.inf:
            with suppress(UndecidedError):
                self.offer(allowed(self.problem, self.labels, share * max(0.0, self.remaining)))

    def prove(self, certificate: Certificate) -> bool:
        """Keep a certificate if its bound is lower than the best.

        Returns
        -------
        better : bool
        """
        if not certificate.bound < self.bound:
            return False
        self.certificate = certificate
        return True

    @property
    def standing(self) -> Standing:
        """Where the search stands; tries are counted by those who make them."""
        seconds = time.perf_counter() - self.started
        near = self._nearness(self.objective)
        return Standing(self.objective, self.bound, seconds, looks=self._looks, near=near)

    @property
    def proven(self) -> bool:
        """Whether the best formation is known to be optimal."""
        return Proven()(self.standing)

    @property
    def remaining(self) -> float:
        """Seconds left."""
        if self.budget.time_limit is None:
            return math.inf
        return self.budget.time_limit - (time.perf_counter() - self.started)

    @property
    def over(self) -> bool:
        """Whether the optimum is proven, the gap asked for reached, or time or looks spent."""
        ended = self._ended(self.standing)
        self._looks += 1
        return ended

    def report(self, **figures: Any) -> None:
        """Tell the caller's progress function where the search stands.

        Parameters
        ----------
        **figures
            Besides the objective, the bound and the seconds.
        """
        if self.budget.progress is not None:
            self.budget.progress(
                {
                    "objective": self.objective,
                    "bound": self.bound,
                    "seconds": time.perf_counter() - self.started,
                    **figures,
                }
            )

    def outcome(self, course: Callable[[], None]) -> Outcome:
        """Search, and say how it ended: an interrupt (Ctrl-C) keeps the best so far.

        Parameters
        ----------
        course : callable
            The search itself: it offers and proves.

        Returns
        -------
        outcome : Outcome
            ``optimal`` only with a bound that meets the objective.

        Raises
        ------
        InfeasibleError, UndecidedError
            If no formation was found whose lists have no excluded item.
        """
        interrupted = False
        try:
            with as_interrupts():
                course()
        except KeyboardInterrupt:
            interrupted = True
        if self.objective == -math.inf:
            seconds = 1.0 if interrupted else max(1.0, self.remaining)
            if not self.offer(allowed(self.problem, self.labels, seconds)):
                raise UndecidedError(
                    f"{self.problem.exclusions.words}: no formation was found whose lists nobody "
                    "excludes: exclude fewer, or allow more groups"
                )
        if self.proven:
            status = "optimal"
        elif interrupted:
            status = "interrupted"
        else:
            status = "time_limit" if self.remaining <= 0 else "feasible"
        return Outcome(
            self.labels,
            status=status,
            bound=max(self.bound, self.objective),
            certificate=self.certificate,
        )


def _numbered(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number groups from 0 without a gap, in their order."""
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)
