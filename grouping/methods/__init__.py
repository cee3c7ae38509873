"""Methods: functions of a problem and a budget that return an outcome, listed with what they can.

Adding a method means adding a module here and a line to `METHODS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from grouping.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from grouping.constraints import Constraints
    from grouping.exact.search import Certificate
    from grouping.problem import Problem

Progress: TypeAlias = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Budget:
    """What a method may spend, and the seed of what it draws.

    Attributes
    ----------
    time_limit : float or None
        Seconds.
    iterations : int or None
        Tries: what one is depends on the method.
    patience : int or None
        Tries in a row that may lead to nothing better.
    gap : float or None
        Stop as soon as the gap to the bound is at most this.
    seed : int
    progress : callable or None
        Called now and then with a dict of figures.
    looks : int or None
        Times that a search may look whether it is over: an effort that no clock measures.
    """

    time_limit: float | None = None
    iterations: int | None = None
    patience: int | None = None
    gap: float | None = None
    seed: int = 0
    progress: Progress | None = None
    looks: int | None = None

    def after(self, seconds: float) -> Budget:
        """Return what is left of it when some seconds are spent."""
        if self.time_limit is None:
            return self
        return replace(self, time_limit=max(0.0, self.time_limit - seconds))

    def in_units(self, unit: float) -> Budget:
        """The same for ratings divided by a unit: what progress is told is multiplied by it."""
        if self.progress is None:
            return self
        tell = self.progress
        worths = ("objective", "bound")
        return replace(
            self,
            progress=lambda figures: tell(
                {
                    name: value * unit if name in worths and value is not None else value
                    for name, value in figures.items()
                }
            ),
        )


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a method found.

    Attributes
    ----------
    labels : int64 array, shape (n,)
        Group of each user; groups are numbered 0, 1, ... in the order to report them.
    lists : int64 array, shape (groups, k), or None
        The groups' lists where the method knows them.
    status : {"feasible", "optimal", "time_limit", "interrupted"}
    bound : float or None
        An upper bound on the objective of any formation.
    certificate : Certificate or None
        Proof of the bound (`grouping.exact.search.Certificate`), from the methods that give one.
    advice : list of str
        Sentences for the user.
    method : str or None
        Name of the method that made the formation, where that is not the one asked for.
    """

    labels: NDArray[np.int64]
    lists: NDArray[np.int64] | None = None
    status: str = "feasible"
    bound: float | None = None
    certificate: Certificate | None = None
    advice: list[str] = field(default_factory=list)
    method: str | None = None

    def times(self, unit: float) -> Outcome:
        """The outcome for ratings multiplied by a power of two."""
        bound = None if self.bound is None else self.bound * unit
        proof = None if self.certificate is None else InUnits(self.certificate, unit)
        return replace(self, bound=bound, certificate=proof)


@dataclass(frozen=True)
class InUnits:
    """A certificate for ratings that were divided by a unit.

    Attributes
    ----------
    certificate : Certificate
    unit : float
    """

    certificate: Certificate
    unit: float

    @property
    def bound(self) -> float:
        """Upper bound for the ratings as they were."""
        return self.certificate.bound * self.unit


@dataclass(frozen=True)
class Method:
    """A method and what it can do.

    Attributes
    ----------
    name : str
    summary : str
        One line for `--help`.
    module : str
        Where ``run(problem, budget, **options) -> Outcome`` lives.
    options : tuple of str
        The options of its own that it takes.
    exact : bool
        Whether it can prove an optimum.
    constrained : bool
        Whether it forms groups within constraints.
    patient : bool
        Whether it goes from try to try, so that a budget's patience can end it.
    by_members : bool
        Whether it takes problems in which groups count by their members.
    blind : bool
        Whether its groups depend on the ratings, the number of groups and the budget alone:
        neither on semantics nor on aggregation or list length.
    orders : bool
        Whether it numbers the groups in an order of its own; if not, they are numbered by
        satisfaction, then size, descending, then smallest first user.
    """

    name: str
    summary: str
    module: str
    options: tuple[str, ...] = ()
    exact: bool = False
    constrained: bool = False
    patient: bool = False
    by_members: bool = True
    blind: bool = False
    orders: bool = False

    def check(self, constraints: Constraints) -> None:
        """Refuse constraints that this method cannot keep to.

        Raises
        ------
        InputError
            If there are some.
        """
        if constraints and not self.constrained:
            able = ", ".join(method.name for method in METHODS.values() if method.constrained)
            raise InputError(
                f"the method {self.name} cannot keep to {constraints.rules[0].words}: use {able}"
            )

    def run(self, problem: Problem, budget: Budget, **options: Any) -> Outcome:
        """Run the method.

        Raises
        ------
        InputError
            If an option is set that this method does not take, or there are constraints that it
            cannot keep.
        """
        self.check(problem.constraints)
        if problem.by_members and not self.by_members:
            able = ", ".join(method.name for method in METHODS.values() if method.by_members)
            raise InputError(
                f"the method {self.name} counts groups once and cannot weigh members: use {able}"
            )
        if budget.patience is not None and not self.patient:
            able = ", ".join(method.name for method in METHODS.values() if method.patient)
            raise InputError(
                f"the method {self.name} does not search try by try, so patience means nothing to "
                f"it: leave it out, or use {able}"
            )
        for name, value in options.items():
            if name not in self.options and value is not None and value is not False:
                able = ", ".join(other.name for other in METHODS.values() if name in other.options)
                raise InputError(
                    f"the method {self.name} does not take {name.replace('_', ' ')}: leave it out, "
                    f"or use {able}"
                )
        taken = {name: value for name, value in options.items() if name in self.options}
        run: Callable[..., Outcome] = import_module(self.module).run
        unit = problem.unit
        if unit == 1.0:
            return run(problem, budget, **taken)
        return run(problem.divided(unit), budget.in_units(unit), **taken).times(unit)


METHODS = {
    method.name: method
    for method in (
        Method(
            "auto",
            "the best that the time allows: exact where it proves quickly, else refine, or greedy",
            "grouping.methods.auto",
            options=("split_buckets", "start"),
            exact=True,
            constrained=True,
            patient=True,
        ),
        Method(
            "greedy",
            "GRD of the paper: equal top-k lists together, the best first, the rest in one group",
            "grouping.methods.greedy",
            options=("split_buckets",),
            orders=True,
        ),
        Method(
            "refine",
            "local search from GRD and other starts, better the longer it may take; constraints",
            "grouping.methods.refine",
            options=("start",),
            constrained=True,
            patient=True,
        ),
        Method(
            "exact",
            "the strongest formulation for the objective: an optimum with a proof, or a bound",
            "grouping.methods.exact",
            options=("start",),
            exact=True,
            constrained=True,
        ),
        Method(
            "ip",
            "the paper's integer program, solved by HiGHS: the reference, for small instances",
            "grouping.methods.ip",
            options=("write_model", "symmetry_breaking"),
            exact=True,
            constrained=True,
            by_members=False,
        ),
        Method(
            "baseline",
            "the paper's rival: K-means of users by Kendall's tau over all items",
            "grouping.methods.baseline",
            blind=True,
        ),
        Method(
            "kmeans",
            "K-means of users by their ratings",
            "grouping.methods.kmeans",
            blind=True,
        ),
        Method(
            "fasterpam",
            "k-medoids of users by their ratings, with the package kmedoids",
            "grouping.methods.fasterpam",
            blind=True,
        ),
    )
}


def method_named(name: str) -> Method:
    """Look a method up.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in METHODS:
        raise InputError(f"unknown method {name!r}: choose one of {', '.join(METHODS)}")
    return METHODS[name]
