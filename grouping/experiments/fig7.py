"""Figure 7: what members get from the groups of two methods; the user study without the users.

The paper asked people. What is computed here is what members' ratings say of the lists that they
are given; the questionnaires for asking people are written besides (`questionnaire.py`), and
`answers.py` analyses what comes back.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.experiments.figures import STYLES, legend_below
from grouping.experiments.pool import take
from grouping.experiments.questionnaire import write_questionnaires
from grouping.experiments.similarity import KINDS, list_similarity, sample
from grouping.experiments.study import Asked, Claim, Row, Study
from grouping.experiments.visits import PLACES
from grouping.forming import form
from grouping.generate import generate
from grouping.objective import ratings_on_lists
from grouping.problem import Problem
from grouping.ratings import Ratings

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from grouping.formation import Formation

WORKERS = 50
"""Users whose preferences are known, from whom samples are drawn."""

SIZE, GROUPS, K = 10, 3, 5
"""Members of a sample, groups, and items on a list (as in the paper, but k, which is lost)."""

PAIR = ("greedy", "baseline")
APART = ("kind", "semantics", "agg", "users", "items", "groups", "k", "one", "other", "run", "seed")
MEASURED = (
    "similarity",
    "objective_one",
    "objective_other",
    "mean_one",
    "mean_other",
    "worst_one",
    "worst_other",
    "prefer_one",
    "prefer_other",
)


def study(asked: Asked) -> Study:
    """Lay out figure 7: LM, min and sum, three groups of ten users over ten items.

    Raises
    ------
    InputError
        If there are too few users or items, or not two methods to compare.
    """
    pair = asked.chosen(PAIR)
    if len(pair) != 2:
        raise InputError("fig7 compares two methods: --methods ONE,OTHER")
    source = _of_places(asked)
    seeds = asked.seeds(20 if asked.full else 3)
    points = [
        {
            "kind": kind,
            "semantics": "lm",
            "agg": agg,
            "users": SIZE,
            "items": source.shape[1],
            "groups": GROUPS,
            "k": K,
            "one": pair[0],
            "other": pair[1],
            "run": run,
            "seed": seed,
        }
        for run, seed in enumerate(seeds)
        for kind in KINDS
        for agg in ("min", "sum")
    ]
    return Study(
        "fig7",
        "Figure 7: what members get",
        APART + MEASURED,
        points,
        lambda point: measured(source, point),
        draw,
        claims,
        table,
        notes=(
            "No people were asked. Satisfaction is the mean of a member's own ratings of the list "
            "that the member's group is given; a member counts as preferring the method whose list "
            "has the higher mean. Standard errors are over samples.",
        ),
        also=lambda frame, folder: _questionnaires(source, points, folder),
    )


def _of_places(asked: Asked) -> Ratings:
    """Ratings of ten items: those most rated, or synthetic ones."""
    source = asked.ratings
    if source is None:
        source = generate(4 * WORKERS, PLACES, seed=asked.seed)
    n, m = source.shape
    if n < SIZE or m < K:
        raise InputError(
            f"{source.source}: fig7 draws samples of {SIZE} users and lists of {K} items, and "
            f"there are {n} users and {m} items"
        )
    order = np.arange(m) if asked.popular is None else asked.popular
    return take(source, np.arange(n), np.sort(order[:PLACES]))


def drawn(source: Ratings, point: Row) -> tuple[Ratings, float]:
    """Draw a point's sample: 50 users, and of these ten of its kind.

    Parameters
    ----------
    source : Ratings
    point : dict

    Returns
    -------
    sample : Ratings
    similarity : float
        Mean over the pairs of the sample.
    """
    n, m = source.shape
    rng = np.random.default_rng([point["seed"], KINDS.index(point["kind"])])
    workers = np.sort(rng.choice(n, min(n, WORKERS), replace=False))
    few = take(source, workers, np.arange(m))
    own = Problem.of(few, "lm", "min", 1, point["k"]).own.items
    alike = list_similarity(own, m)
    chosen = sample(alike, point["kind"], point["users"], rng)
    within = alike[np.ix_(chosen, chosen)][np.triu_indices(len(chosen), 1)]
    return take(few, chosen, np.arange(m)), float(within.mean())


def formed(ratings: Ratings, point: Row) -> tuple[Formation, Formation]:
    """Form the sample's groups by both methods.

    Returns
    -------
    one, other : Formation
    """
    one, other = (
        form(
            ratings,
            point["semantics"],
            point["agg"],
            point["groups"],
            point["k"],
            point[which],
            seed=point["seed"],
        )
        for which in ("one", "other")
    )
    return one, other


def members_get(ratings: Ratings, formation: Formation) -> NDArray[np.float64]:
    """Mean of each member's own ratings of the list of the member's group.

    Parameters
    ----------
    ratings : Ratings
    formation : Formation

    Returns
    -------
    satisfaction : float64 array, shape (n,)
    """
    k = len(formation.groups[0].items)
    problem = Problem.of(ratings, "lm", "min", len(formation.groups), k)
    lists = np.stack([group.items for group in formation.groups])
    get: NDArray[np.float64] = ratings_on_lists(problem, formation.labels, lists).mean(axis=1)
    return get


def measured(source: Ratings, point: Row) -> Row:
    """Measure a sample: what its members get from the groups of either method."""
    ratings, similarity = drawn(source, point)
    one, other = formed(ratings, point)
    first, second = members_get(ratings, one), members_get(ratings, other)
    return {
        "similarity": similarity,
        "objective_one": one.objective,
        "objective_other": other.objective,
        "mean_one": float(first.mean()),
        "mean_other": float(second.mean()),
        "worst_one": float(first.min()),
        "worst_other": float(second.min()),
        "prefer_one": float((first > second + 1e-9).mean()),
        "prefer_other": float((second > first + 1e-9).mean()),
    }


def draw(frame: pd.DataFrame, figure: Figure) -> None:
    """Draw bars: mean and worst satisfaction, and preferences, by kind of sample."""
    aggs = list(frame["agg"].unique())
    figure.set_size_inches(10.5, 3.0 * len(aggs))
    places = figure.subplots(len(aggs), 3, squeeze=False)
    for line, agg in zip(places, aggs, strict=True):
        part = frame[frame["agg"] == agg]
        for place, (what, label) in zip(
            line,
            (
                ("mean", "members' mean rating, 1 to 5"),
                ("worst", "the worst-off member's, 1 to 5"),
                ("prefer", "share of members who prefer it"),
            ),
            strict=True,
        ):
            place.set(title=f"LM-{agg}", ylabel=label)
            _bars(part, what, place)
    legend_below(figure)


def _bars(part: pd.DataFrame, what: str, place: object) -> None:
    kinds = list(part["kind"].unique())
    for side, (which, colour) in enumerate((("one", "C0"), ("other", "C3"))):
        grouped = part.groupby("kind", sort=False)[f"{what}_{which}"]
        place.bar(  # type: ignore[attr-defined]
            np.arange(len(kinds)) + 0.4 * side - 0.2,
            grouped.mean(),
            0.4,
            yerr=grouped.sem().fillna(0),
            color=colour,
            capsize=3,
            label=STYLES.get(str(part[which].iloc[0]), (str(part[which].iloc[0]),))[0],
        )
    place.set_xticks(np.arange(len(kinds)), kinds)  # type: ignore[attr-defined]


def table(frame: pd.DataFrame) -> pd.DataFrame:
    """Average over the samples of a kind.

    Returns
    -------
    table : pandas.DataFrame
    """
    grouped = frame.groupby(["agg", "kind"], sort=False)
    means = grouped[list(MEASURED)].mean()
    means.insert(0, "samples", grouped.size())
    spread = (frame["mean_one"] - frame["mean_other"]).groupby([frame["agg"], frame["kind"]])
    means["standard error"] = spread.sem()
    return means.reset_index()


def claims(frame: pd.DataFrame) -> list[Claim]:
    """Hold section 7.3 against the samples, as far as ratings can."""
    gain = (frame["mean_one"] - frame["mean_other"]).groupby(frame["kind"]).mean()
    by_square = frame.groupby(["agg", "kind"])[["mean_one", "mean_other"]].mean()
    ahead = by_square["mean_one"] > by_square["mean_other"]
    prefer = frame[["prefer_one", "prefer_other"]].mean()
    one, other = frame["one"].iloc[0], frame["other"].iloc[0]
    higher = int((frame["objective_one"] >= frame["objective_other"]).sum())
    return [
        Claim(
            f"(check) {one}'s objective is at least {other}'s",
            higher == len(frame),
            f"in {higher} of {len(frame)} samples",
        ),
        Claim(
            f"{one} gives members more than {other} in all kinds of samples",
            bool(ahead.all()),
            "mean rating more by "
            + ", ".join(f"{gain[kind]:.3g} ({kind})" for kind in KINDS)
            + f"; ahead in {int(ahead.sum())} of {len(ahead)} averages",
        ),
        Claim(
            "the difference is greatest for dissimilar users and smallest for similar ones",
            bool(gain["dissimilar"] > gain["random"] > gain["similar"]),
            ", ".join(f"{kind} {gain[kind]:.3g}" for kind in KINDS),
        ),
        Claim(
            f"most members do better with {one}",
            bool(prefer["prefer_one"] > prefer["prefer_other"]),
            f"{100 * prefer['prefer_one']:.3g} % of members against "
            f"{100 * prefer['prefer_other']:.3g} %",
        ),
    ]


def _questionnaires(source: Ratings, points: list[Row], folder: Path) -> list[str]:
    """Write pages for the samples of the first run."""
    first = [point for point in points if point["run"] == 0]
    pages = []
    for point in first:
        ratings, _ = drawn(source, point)
        pages.append((f"{point['kind']}-{point['agg']}", point, ratings, formed(ratings, point)))
    return write_questionnaires(pages, folder)
