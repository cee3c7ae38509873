"""The exact side: for each semantics and aggregation a formulation that can prove its optimum.

A formulation is a function of a `Search`: it offers formations, states certificates of upper
bounds, and returns when the search is over or it has nothing left to try. Adding one means adding
a module here and a line to `formulation_for`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from grouping.errors import InputError

if TYPE_CHECKING:
    from grouping.exact.search import Search
    from grouping.problem import Problem

Formulation: TypeAlias = "Callable[[Search], None]"

ENUMERATED_USERS = 10
"""Up to so many users every set of users is scored: nothing cleverer is needed."""


def formulation_for(problem: Problem) -> Formulation:
    """Choose the strongest formulation for a problem.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    formulation : callable
        ``formulation(search)``.

    Raises
    ------
    InputError
        If there is none: for ndcg beyond a few users.
    """
    weights = problem.aggregation.weights
    if problem.ratings.shape[0] <= ENUMERATED_USERS:
        name = "partitions"
    elif problem.aggregation.per_member:
        raise InputError(
            f"exact solves ndcg for up to {ENUMERATED_USERS} users only: a member's NDCG depends "
            "on the order of the list, which no bound known here follows; use greedy"
        )
    elif problem.semantics == "lm":
        name = "covers"
    elif problem.k == 1 or (problem.aggregation.name != "min" and not weights[1:].any()):
        name = "medians"
    elif problem.aggregation.name == "min":
        name = "weakest"
    else:
        name = "catalogues"
    formulation: Formulation = import_module(f"grouping.exact.{name}").solve
    return formulation
