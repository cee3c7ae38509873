"""How a claim of the paper is held against measured points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from grouping.experiments.study import Claim

if TYPE_CHECKING:
    import pandas as pd

CLEAR = 0.8
"""Rank correlation from which on a trend counts as one."""

NEAR = 0.9
"""Share of the optimum from which on a result counts as comparable to it."""

SAME = (
    "panel",
    "data",
    "semantics",
    "agg",
    "users",
    "items",
    "groups",
    "k",
    "step",
    "density",
    "noise",
    "run",
)


def above(
    frame: pd.DataFrame, better: str, worse: str, column: str, text: str, *, lower: bool = False
) -> Claim:
    """One method is better than another at every point.

    A setting that stands in several panels is a point of each.

    Parameters
    ----------
    frame : pandas.DataFrame
    better, worse : str
        Methods.
    column : str
        What is compared.
    text : str
        The claim.
    lower : bool
        Whether less is better.

    Returns
    -------
    claim : Claim
    """
    both = _side_by_side(frame, better, worse, column)
    if len(both) == 0:
        return Claim(text, None, "")
    ahead = both[better] < both[worse] if lower else both[better] > both[worse]
    ratio = both[worse] / both[better] if lower else both[better] / both[worse]
    return Claim(
        text,
        bool(ahead.all()),
        f"at {int(ahead.sum())} of {len(both)} points; ratio {ratio.min():.3g} to "
        f"{ratio.max():.3g}, median {ratio.median():.3g}",
    )


def near_optimum(frame: pd.DataFrame, method: str, text: str) -> Claim:
    """Hold a method's objective against the optimum: near is at least `NEAR` of it.

    Where the optimum is not proven, its upper bound stands for it: what is near the bound is near
    the optimum too; what is not leaves the claim undecided.

    Returns
    -------
    claim : Claim
    """
    import pandas as pd

    exact = frame["method"] == "exact"
    proven = _side_by_side(
        frame[~exact | (frame["status"] == "optimal")], method, "exact", "objective"
    )
    bounds = frame[exact].assign(objective=frame["bound"])
    bounded = _side_by_side(pd.concat([frame[~exact], bounds]), method, "exact", "objective")
    if len(bounded) == 0:
        return Claim(text, None, "")
    to_bound = bounded[method] / bounded["exact"]
    found = [
        f"at least {100 * to_bound.min():.3g} % of the upper bound at all {len(bounded)} points"
    ]
    holds = True if to_bound.min() >= NEAR else None
    if len(proven):
        ratio = proven[method] / proven["exact"]
        found.insert(
            0,
            f"{100 * ratio.min():.3g} to {100 * ratio.max():.3g} % of the optimum (median "
            f"{100 * ratio.median():.3g} %) where it is proven, {len(proven)} of {len(bounded)} "
            "points",
        )
        if ratio.min() < NEAR:
            holds = False
        elif len(proven) == len(bounded):
            holds = True
    if len(proven) == len(bounded):
        found.pop()
    return Claim(text, holds, "; ".join(found))


def trend(
    frame: pd.DataFrame, panel: str, vary: str, method: str, column: str, rises: bool, text: str
) -> Claim:
    """Averages rise or fall along a panel: a rank correlation of at least `CLEAR`.

    Returns
    -------
    claim : Claim
    """
    mean = _means(frame, panel, vary, method, column)
    if len(mean) < 2:
        return Claim(text, None, "")
    found = f"{mean.iloc[0]:.4g} at {mean.index[0]:g}, "
    found += f"{mean.iloc[-1]:.4g} at {mean.index[-1]:g}"
    if mean.nunique() == 1:
        return Claim(text, False, f"{found}: the same throughout")
    correlation = float(mean.rank().corr(mean.index.to_series().rank()))
    holds = correlation >= CLEAR if rises else correlation <= -CLEAR
    return Claim(text, holds, f"{found}; rank correlation {correlation:.2f}")


def exponent(
    frame: pd.DataFrame,
    panel: str,
    vary: str,
    method: str,
    column: str,
    low: float,
    high: float,
    text: str,
) -> Claim:
    """Check that what is measured grows as a power of what varies, with an exponent within bounds.

    Returns
    -------
    claim : Claim
    """
    mean = _means(frame, panel, vary, method, column)
    if len(mean) < 2 or (mean <= 0).any():
        return Claim(text, None, "")
    power = float(np.polyfit(np.log(mean.index.to_numpy(float)), np.log(mean.to_numpy()), 1)[0])
    return Claim(
        text,
        low <= power <= high,
        f"{1000 * mean.iloc[0]:.3g} ms at {mean.index[0]:g}, {1000 * mean.iloc[-1]:.3g} ms at "
        f"{mean.index[-1]:g}; exponent {power:.2f}",
    )


def _means(
    frame: pd.DataFrame, panel: str, vary: str, method: str, column: str
) -> pd.Series[float]:
    part = frame[(frame["panel"] == panel) & (frame["method"] == method)]
    return part.dropna(subset=[column]).groupby(vary)[column].mean()


def _side_by_side(frame: pd.DataFrame, one: str, other: str, column: str) -> pd.DataFrame:
    """Values of two methods at the points that have both."""
    part = frame[frame["method"].isin([one, other])].dropna(subset=[column])
    # missing values would not meet
    part = part.assign(step=part["step"].fillna(-1), density=part["density"].fillna(-1))
    wide = part.set_index([*SAME, "method"])[column].unstack("method")
    if not {one, other} <= set(wide.columns):
        return wide.iloc[:0]
    return wide.dropna(subset=[one, other])
