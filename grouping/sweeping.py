"""`sweep`: what groups are worth over ranges of their number and of the lists' length."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from grouping import __version__
from grouping.comparing import SIZES, sizes_in_five
from grouping.constraints import Constraints, Rule
from grouping.counting import Counting, user_weights
from grouping.errors import InfeasibleError, InputError, UndecidedError
from grouping.exclusions import Exclusions
from grouping.forming import form
from grouping.interrupts import as_interrupts
from grouping.methods import method_named
from grouping.missing import Missing, complete
from grouping.points import Row, Tell, described, measure_into
from grouping.problem import Problem, positive
from grouping.ratings import Ratings

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

COLUMNS = ("l", "k", "status", "objective", "bound", "gap", "groups", *SIZES, "seconds")

RULES = (
    "min_size",
    "max_size",
    "together",
    "apart",
    "balance",
    "no_isolated",
    "profiles",
)
"""Arguments of `form` that make constraints for any number of groups."""

NOT_FOR_MANY = {
    "sizes": "is about groups of given numbers, and a sweep changes how many there are: "
    "use max_size",
    "fixed": "is about groups of given numbers, and a sweep changes how many there are: "
    "use together and apart",
    "start": "is one formation, and a sweep makes many: leave it out",
    "write_model": "is one file, and a sweep makes many programs: use form",
}
"""Arguments of `form` that make no sense here, and why."""

MOST_LINES = 10
"""Lines in a picture, at most: of more lists' lengths some are drawn."""


def sweep(
    X: Any,
    groups: int | Iterable[int] = range(2, 41),
    k: int | Iterable[int] = 5,
    semantics: str = "lm",
    agg: str = "min",
    method: str = "greedy",
    *,
    missing: Missing = "error",
    scale: tuple[float, float] | None = None,
    round: float | None = None,
    position_weights: str | Sequence[float] | None = None,
    constraints: Constraints | None = None,
    exclude: Any = None,
    bound: bool = True,
    file: str | os.PathLike[str] | None = None,
    tell: Tell | None = None,
    measured: Callable[[Row], None] | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Form groups for every number of groups and every list length, and put the figures together.

    Parameters
    ----------
    X : array-like of shape (n, m), CSR, frame, or Ratings
        Read, completed and rounded once.
    groups : int or iterable of int
        Numbers of groups (l), each at most so many.
    k : int or iterable of int
        Lengths of lists.
    semantics, agg, method, missing, scale, round
        As for `form`.
    position_weights : {"inverse", "log"} or numbers, optional
        For ``wsum``; of numbers, lists of k items take the first k.
    constraints : Constraints, optional
        Ready made, in place of the arguments of `form` that make constraints. None may be about
        groups of given numbers (``sizes``, ``fixed``): there is not the same number at each point.
    exclude : optional
        As for `form`.
    bound : bool
        Also compute upper bounds and gaps.
    file : path-like, optional
        A CSV that each point is written to as soon as it is measured, beside a record of the
        settings, ``FILE.csv.settings.json``. The same sweep into the same file goes on where an
        earlier one ended.
    tell : callable, optional
        ``tell(done, all, point)``, before each point is measured and at the end.
    measured : callable, optional
        Called with the row of each point as soon as it is measured.
    **options
        Further arguments of `form`: max_size, together, balance, time_limit, iterations, seed,
        threads, ...

    Returns
    -------
    table : pandas.DataFrame
        A row a point, k by k: ``l``, ``k``, ``status``, ``objective``, ``bound``, ``gap``,
        ``groups`` (how many were formed), their sizes (``smallest``, ``lower_quartile``,
        ``median``, ``upper_quartile``, ``largest``), and ``seconds`` of forming and bounding.
        Where no groups meet the constraints (or the time passed before that was known), the
        status is ``infeasible`` (``undecided``) and figures are missing.

    Raises
    ------
    InputError
        If an argument or a rating is not valid, the method cannot take the problem, or the file
        holds points of another sweep.
    GroupingError
        If memory does not suffice, or the file cannot be written.
    """
    import pandas as pd

    chosen = method_named(method)
    numbers = _numbers(groups, "the number of groups")
    lengths = _numbers(k, "the list length k")
    for name in NOT_FOR_MANY:
        if _given(options.pop(name, None)):
            raise InputError(f"{name}: {NOT_FOR_MANY[name]}")
    ratings = complete(Ratings.of(X, scale=scale), missing, round)
    longest = max(lengths)
    # whatever is wrong with arguments or ratings is known before anything is written
    about = {name: options.pop(name) for name in RULES if name in options}
    constraints = Constraints.of(ratings.users, 1, **about).or_ready(constraints)
    if constraints.slotted:
        rule = next(rule for rule in constraints.rules if rule.kind in ("sizes", "fixed"))
        raise InputError(f"{rule.words}: {NOT_FOR_MANY[rule.kind]}")
    exclusions = Exclusions.of(ratings.users, ratings.items, exclude)
    named = [] if exclusions.pairs is None else [Rule("exclude", exclusions.words)]
    chosen.check(Constraints((*constraints.rules, *named)))
    weights = user_weights(ratings.users, options.get("user_weights"))
    Problem.of(
        ratings,
        semantics,
        agg,
        1,
        longest,
        position_weights=_first(position_weights, longest),
        counting=Counting(options.get("weigh", "groups"), weights),
        exclusions=Exclusions(exclusions.items),
    )

    def measure(point: Row) -> Row:
        row = _measured(
            ratings,
            semantics,
            agg,
            point["l"],
            point["k"],
            method,
            position_weights=_first(position_weights, point["k"]),
            constraints=constraints,
            exclude=exclusions,
            bound=bound,
            **options,
        )
        if measured is not None:
            measured(point | row)
        return row

    points: list[Row] = [{"l": number, "k": length} for length in lengths for number in numbers]
    tell = tell or (lambda done, of, point: None)
    if file is None:
        rows = []
        for done, point in enumerate(points):
            tell(done, len(points), point)
            rows.append(point | measure(point))
        tell(len(points), len(points), points[-1])
        return pd.DataFrame(rows, columns=list(COLUMNS))
    settings = {
        "version": __version__,
        "ratings": described(ratings),
        "semantics": semantics,
        "agg": agg,
        "method": method,
        "l": numbers,
        "k": lengths,
        "position_weights": position_weights,
        "bound": bound,
        **_told_apart(constraints, exclusions, ratings),
        **{name: value for name, value in options.items() if name != "progress"},
        **({} if weights is None else {"user_weights": _digest(weights)}),
    }
    path = Path(file)
    return measure_into(
        path,
        path.with_name(f"{path.name}.settings.json"),
        COLUMNS,
        points,
        measure,
        json.loads(json.dumps(settings, default=str)),
        tell,
    )


def _told_apart(
    constraints: Constraints, exclusions: Exclusions, ratings: Ratings
) -> dict[str, Any]:
    """What is asked of groups, so that other constraints make another record."""
    settings: dict[str, Any] = {}
    if constraints:
        settings["constraints"] = constraints.as_dict(ratings.users)
        values = [rule.attribute.of_user for rule in constraints.rules if rule.attribute]
        if values:
            settings["values"] = _digest(np.stack(values))
    if exclusions:
        settings["exclude"] = list(ratings.items.take(exclusions.items))
    if exclusions.pairs is not None:
        settings["excluded"] = _digest(exclusions.pairs)
    return settings


def _digest(array: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:12]


def _given(option: Any) -> bool:
    """Whether an argument says anything; arrays do, and have no truth value to ask."""
    nothing = isinstance(option, (tuple, dict)) and not option
    return not (option is None or option is False or nothing)


def _numbers(given: int | Iterable[int], what: str) -> list[int]:
    """Whole numbers, in their order, each once.

    Raises
    ------
    InputError
        If there is none, or one is below 1.
    """
    values = list(given) if isinstance(given, Iterable) else [given]
    if not values:
        raise InputError(f"{what}: there is none in what was given")
    return list(dict.fromkeys(positive(value, what) for value in values))


def _first(weights: str | Sequence[float] | None, k: int) -> str | Sequence[float] | None:
    return weights if weights is None or isinstance(weights, str) else list(weights)[:k]


def _measured(ratings: Ratings, *arguments: Any, **options: Any) -> Row:
    """One point, as `form` has it."""
    row: Row = dict.fromkeys(COLUMNS[2:])
    try:
        with as_interrupts():
            found = form(ratings, *arguments, **options)
    except InfeasibleError:
        return row | {"status": "infeasible"}
    except UndecidedError:
        return row | {"status": "undecided"}
    if found.status == "interrupted":  # not what the method would have found in its time
        raise KeyboardInterrupt
    return row | {
        "status": found.status,
        "objective": found.objective,
        "bound": found.bound,
        "gap": found.gap,
        "groups": len(found.groups),
        **sizes_in_five(found),
        "seconds": found.seconds["form"],
    }


def draw(table: pd.DataFrame, figure: Figure, title: str = "") -> None:
    """Draw a sweep: objective and bound, the gap, and the sizes of groups, over the number of them.

    Where only one number of groups was asked for, over the lists' length.

    Parameters
    ----------
    table : pandas.DataFrame
        From `sweep`.
    figure : matplotlib Figure
        Empty.
    title : str
    """
    import matplotlib

    table = table.astype(dict.fromkeys(("objective", "bound", "gap", *SIZES), float))
    over, of = ("l", "k") if table["l"].nunique() > 1 else ("k", "l")
    figure.set_size_inches(12, 4)
    figure.suptitle(title)
    worth, gaps, sizes = figure.subplots(1, 3)
    lines = sorted(table[of].unique())
    if len(lines) > MOST_LINES:
        step = (len(lines) - 1) / (MOST_LINES - 1)
        lines = [lines[int(0.5 + place * step)] for place in range(MOST_LINES)]
    colours = matplotlib.colormaps["viridis"]
    for place, value in enumerate(lines):
        part = table[table[of] == value].sort_values(over)
        colour = colours(place / max(1, len(lines) - 1) * 0.9)
        style = {"color": colour, "linewidth": 1.2, "marker": ".", "markersize": 4}
        worth.plot(part[over], part["objective"], label=f"{of} = {value}", **style)
        worth.plot(part[over], part["bound"], color=colour, linewidth=1, linestyle=":")
        gaps.plot(part[over], 100 * part["gap"], **style)
        sizes.plot(part[over], part["largest"], **style)
        sizes.plot(part[over], part["median"], color=colour, linewidth=1, linestyle="--")
    worth.set(title="objective (dotted: upper bound)", xlabel=over)
    gaps.set(title="gap to the bound, %", xlabel=over)
    sizes.set(title="size of the largest group (dashed: median)", xlabel=over)
    for axes in (worth, gaps, sizes):
        axes.xaxis.get_major_locator().set_params(integer=True)
    figure.legend(loc="outside right center", fontsize="small")
