"""`compare`: several methods side by side, on one problem, by one measure each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from grouping.bounds import gap_between
from grouping.errors import GroupingError, InfeasibleError
from grouping.formation import Formation
from grouping.forming import form
from grouping.methods import method_named
from grouping.missing import Missing, complete
from grouping.ratings import Ratings

if TYPE_CHECKING:
    import pandas as pd

COMPARED = ("greedy", "refine", "exact", "baseline", "kmeans")
"""Methods that are compared unless others are named: those that end at any size, and exact."""

SECONDS = 10.0
"""Time for each of the methods that improve as long as they may, unless another is given."""

SIZES = ("smallest", "lower_quartile", "median", "upper_quartile", "largest")


def compare(
    X: Any,
    semantics: str = "lm",
    agg: str = "min",
    groups: int = 10,
    k: int = 5,
    methods: Sequence[str] | None = None,
    *,
    missing: Missing = "error",
    scale: tuple[float, float] | None = None,
    round: float | None = None,
    time_limit: float | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Form groups by several methods and put them side by side.

    Parameters
    ----------
    X : array-like of shape (n, m), CSR, frame, or Ratings
    semantics, agg, groups, k, missing, scale, round
        As for `form`.
    methods : sequence of str, optional
        By default `COMPARED`. A method that cannot take the problem, or ends without a formation
        (for want of time, memory or a package), is left out, with the reason in its row; if none
        is left, that of the first is raised.
    time_limit : float, optional
        Seconds for each method.
    **options
        Further arguments of `form`: position weights, constraints, seed, threads, ...

    Returns
    -------
    table : pandas.DataFrame
        A row a method: ``method``, ``status``, ``objective``, ``bound`` (the lowest of all
        methods'), ``gap``, ``groups``; ``smallest``, ``lower_quartile``, ``median``,
        ``upper_quartile``, ``largest`` size; ``mean_satisfaction`` and ``worst_satisfaction`` of
        members with their groups' lists, ``jain`` (see `MembersReport`), ``seconds`` and
        ``note`` (why a method was left out).

    Raises
    ------
    InputError
        If an argument or a rating is not valid, or no method can take the problem.
    InfeasibleError
        If no partition satisfies the constraints.
    GroupingError
        If every method ends without a formation: what the first one said.
    """
    import pandas as pd

    chosen = list(dict.fromkeys(methods or COMPARED))
    for name in chosen:
        method_named(name)
    ratings = complete(Ratings.of(X, scale=scale), missing, round)
    limit = SECONDS if time_limit is None else time_limit
    formed: dict[str, Formation | GroupingError] = {}
    for name in chosen:
        try:
            found = form(
                ratings,
                semantics,
                agg,
                groups,
                k,
                name,
                time_limit=limit,
                bound=True,
                per_user=True,
                **options,
            )
        except InfeasibleError:
            raise  # no method can do it
        except GroupingError as error:
            formed[name] = error
            continue
        if found.status == "interrupted":
            raise KeyboardInterrupt
        formed[name] = found
    done = [found for found in formed.values() if isinstance(found, Formation)]
    if not done:
        raise next(found for found in formed.values() if isinstance(found, GroupingError))
    bound = min(found.bound for found in done if found.bound is not None)
    rows = [
        _row(name, found, bound)
        if isinstance(found, Formation)
        else {"method": name, "note": str(found)}
        for name, found in formed.items()
    ]
    table = pd.DataFrame(rows, columns=[*_row(chosen[0], done[0], bound)])
    return table.astype({"groups": "Int64"})  # whole also beside methods that are left out


def sizes_in_five(formed: Formation) -> dict[str, float]:
    """Sizes of groups in five numbers.

    Parameters
    ----------
    formed : Formation

    Returns
    -------
    sizes : dict
        ``smallest``, ``lower_quartile``, ``median``, ``upper_quartile``, ``largest``.
    """
    quartiles = np.percentile(formed.sizes, [0, 25, 50, 75, 100])
    return dict(zip(SIZES, quartiles.tolist(), strict=True))


def _row(name: str, formed: Formation, bound: float) -> dict[str, Any]:
    assert formed.members is not None
    satisfaction = formed.members.satisfaction
    return {
        "method": name,
        "status": formed.status,
        "objective": formed.objective,
        "bound": bound,
        "gap": gap_between(formed.objective, bound),
        "groups": len(formed.groups),
        **sizes_in_five(formed),
        "mean_satisfaction": float(satisfaction.mean()),
        "worst_satisfaction": float(satisfaction.min()),
        "jain": formed.members.jain,
        "seconds": formed.seconds["form"],
        "note": "",
    }
