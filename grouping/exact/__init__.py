"""The exact side: for each semantics and aggregation a formulation that can prove its optimum.

A formulation is a function of a `Search`: it offers formations, states certificates of upper
bounds, and returns when the search is over or it has nothing left to try. Adding one means adding
a folder here with a module `solve`, a line to `FORMULATIONS` and one to `formulation_of`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from grouping.errors import InputError

if TYPE_CHECKING:
    from grouping.exact.search import Search
    from grouping.problem import Problem

ENUMERATED_USERS = 10
"""Up to so many users every set of users is scored: nothing cleverer is needed."""


@dataclass(frozen=True)
class Formulation:
    """A formulation, loaded when it is first asked for.

    Under aggregate voting its module also has ``bound_certificate(problem, *, steps)``, a bound
    without a search for formations.

    Attributes
    ----------
    name : str
        Of its folder here, and of its argument for bounds.
    """

    name: str

    @property
    def module(self) -> Any:
        """Its module `solve`, loaded when first asked for."""
        return import_module(f"grouping.exact.{self.name}.solve")

    def solve(self, search: Search) -> None:
        """Search for the optimum and its proof."""
        self.module.solve(search)


FORMULATIONS = {
    formulation.name: formulation
    for formulation in (
        Formulation("partitions"),
        Formulation("covers"),
        Formulation("medians"),
        Formulation("weakest"),
        Formulation("catalogues"),
        Formulation("sized"),
    )
}


def formulation_of(problem: Problem) -> Formulation | None:
    """Choose the strongest formulation for a problem.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    formulation : Formulation or None
        None where there is none.
    """
    aggregation = problem.aggregation
    if problem.ratings.shape[0] <= ENUMERATED_USERS:
        return FORMULATIONS["partitions"]
    if aggregation.per_member or problem.by_members:
        return None
    if problem.constraints:
        return FORMULATIONS["sized"]
    if problem.semantics == "lm":
        return FORMULATIONS["covers"]
    if problem.k == 1 or (aggregation.name != "min" and not aggregation.weights[1:].any()):
        return FORMULATIONS["medians"]
    if aggregation.name == "min":
        return FORMULATIONS["weakest"]
    return FORMULATIONS["catalogues"]


def formulation_for(problem: Problem) -> Formulation:
    """Choose the strongest formulation, or say why there is none.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    formulation : Formulation

    Raises
    ------
    InputError
        If there is none: for ndcg, beyond a few users. (Where groups count by their members there
        is none either, but a bound.)
    """
    formulation = formulation_of(problem)
    if formulation is not None:
        return formulation
    raise InputError(
        f"exact solves ndcg for up to {ENUMERATED_USERS} users only: a member's NDCG depends "
        "on the order of the list, which no bound known here follows; use greedy"
    )
