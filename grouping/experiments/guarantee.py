"""The error of GRD against proven optima, beside the bound of theorems 4.6 and 4.8."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from grouping.experiments.study import Asked, Claim, Row, Study
from grouping.forming import form

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

LOW, HIGH = 1, 5
APART = ("distinct", "agg", "users", "items", "groups", "k", "instance", "seed")
MEASURED = ("plain", "split", "optimum", "status", "error_plain", "error_split", "bound")
DISTINCT = (2, 4, 9)
"""Different users that the users of an instance are drawn from: few share buckets, many do not."""

USERS = 9


def study(asked: Asked) -> Study:
    """Lay out the study: random instances under LM, with few and with many distinct users."""
    number = asked.runs or (200 if asked.full else 10)
    points = []
    for distinct in DISTINCT:
        for agg in ("min", "max", "sum"):
            for instance in range(number):
                seed = asked.seed + instance
                rng = np.random.default_rng([seed, distinct])
                items = int(rng.integers(1, 6))
                k = int(rng.integers(1, items + 1))
                groups = int(rng.integers(2, 6))
                values = (distinct, agg, USERS, items, groups, k, instance, seed)
                points.append(dict(zip(APART, values, strict=True)))
    return Study(
        "guarantee",
        "GRD's error and the theorems' bound",
        APART + MEASURED,
        points,
        measured,
        draw,
        claims,
        table,
        notes=(
            "Users rate 1 to 5 at random; the bound is r_max - r_min = 4, and k times that for "
            "sum. Every optimum is proven by scoring every set of users.",
        ),
    )


def instance(point: Row) -> NDArray[np.int64]:
    """Draw a point's ratings.

    Parameters
    ----------
    point : dict

    Returns
    -------
    ratings : int64 array, shape (users, items)
    """
    rng = np.random.default_rng([point["seed"], point["distinct"], 1])
    pool = rng.integers(LOW, HIGH + 1, (point["distinct"], point["items"]))
    # every row of the pool once, then any of them
    more = rng.integers(0, point["distinct"], point["users"] - point["distinct"])
    of_user = np.concatenate([np.arange(point["distinct"]), more])
    rows: NDArray[np.int64] = pool[of_user]
    return rows


def measured(point: Row) -> Row:
    """Measure an instance: GRD plain and with split buckets, and the optimum."""
    X = instance(point)
    asked = ("lm", point["agg"], point["groups"], point["k"])
    plain = form(X, *asked).objective
    split = form(X, *asked, split_buckets=True).objective
    best = form(X, *asked, "exact")
    return {
        "plain": plain,
        "split": split,
        "optimum": best.objective,
        "status": best.status,
        "error_plain": best.objective - plain,
        "error_split": best.objective - split,
        "bound": float((HIGH - LOW) * (point["k"] if point["agg"] == "sum" else 1)),
    }


def draw(frame: pd.DataFrame, figure: Figure) -> None:
    """Draw how the error is distributed, in units of the bound."""
    counts = list(frame["distinct"].unique())
    figure.set_size_inches(3.6 * len(counts), 3.2)
    places = figure.subplots(1, len(counts), sharey=True, squeeze=False)[0]
    for place, distinct in zip(places, counts, strict=True):
        part = frame[frame["distinct"] == distinct]
        for column, label, colour in (
            ("error_plain", "GRD", "C0"),
            ("error_split", "GRD, split buckets", "C2"),
        ):
            errors = np.sort((part[column] / part["bound"]).to_numpy())
            share = np.arange(1, len(errors) + 1) / len(errors)
            place.step(errors, share, where="post", color=colour, label=label)
        place.axvline(1, color="k", linestyle=":", label="the theorems' bound")
        place.set(title=f"{distinct} different users of {USERS}", xlabel="error / bound")
    places[0].set(ylabel="share of instances up to it")
    places[-1].legend(loc="lower right", fontsize=8)


def table(frame: pd.DataFrame) -> pd.DataFrame:
    """Errors by aggregation and number of distinct users.

    Returns
    -------
    table : pandas.DataFrame
    """
    units = frame.assign(
        plain_units=frame["error_plain"] / frame["bound"],
        split_units=frame["error_split"] / frame["bound"],
    )
    grouped = units.groupby(["agg", "distinct"], sort=False)
    found = grouped.agg(
        instances=("seed", "count"),
        mean_plain=("plain_units", "mean"),
        worst_plain=("plain_units", "max"),
        mean_split=("split_units", "mean"),
        worst_split=("split_units", "max"),
    )
    broken = units.assign(broken=units["plain_units"] > 1).groupby(["agg", "distinct"], sort=False)
    found["plain_beyond_bound"] = broken["broken"].sum()
    return found.reset_index()


def claims(frame: pd.DataFrame) -> list[Claim]:
    """Hold theorems 4.6 and 4.8 against the instances."""
    found = []
    for column, text in (
        ("error_plain", "GRD as written is within the bound of theorems 4.6 and 4.8"),
        ("error_split", "(ours) GRD with split buckets is within it"),
    ):
        units = frame[column] / frame["bound"]
        beyond = int((units > 1).sum())
        found.append(
            Claim(
                text,
                beyond == 0,
                f"beyond it on {beyond} of {len(frame)} instances; worst {units.max():.3g} of the "
                f"bound, mean {units.mean():.3g}",
            )
        )
    proven = bool((frame["status"] == "optimal").all())
    found.append(Claim("(check) all optima are proven", proven, ""))
    return found
