"""Missing ratings: what an unrated cell counts as."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.memory import require
from grouping.ratings import Ratings

Predictor: TypeAlias = Callable[[Ratings], Any]
Missing: TypeAlias = str | float | Predictor

_WAY_OUT = (
    "fill with the scale's lower end instead (missing = min keeps sparse ratings sparse), or "
    "take fewer users or items"
)


def complete(ratings: Ratings, missing: Missing = "error", step: float | None = None) -> Ratings:
    """Fill what is missing, and put ratings on a grid if asked to.

    Parameters
    ----------
    ratings : Ratings
    missing : {"error", "min", "mean"}, number or callable
        ``error``: missing ratings are refused (where the ratings are read, so that a complete
        matrix costs no pass of its own). ``min``: the lower end of the scale. ``mean``: the
        item's mean, or the mean of all ratings for an item without any. A number: that rating.
        A callable: a predictor, which takes the ratings and returns complete ones (Ratings or
        an array of the same shape); what was rated keeps its rating.
        ``min`` and a number keep sparse ratings sparse.
    step : float, optional
        Round all ratings, filled ones too, to multiples of this (halves to even).

    Returns
    -------
    ratings : Ratings
        `ratings` itself where nothing changes.

    Raises
    ------
    InputError
        If the policy is unknown or gives a value that is not finite or outside the scale.
    GroupingError
        If the completed matrix would not fit in memory.
    """
    filled = _filled(ratings, missing)
    return filled if step is None else rounded(filled, step)


def policy_name(missing: Missing) -> str | float:
    """Name a policy for the record: a predictor by its own name.

    Parameters
    ----------
    missing : str, number or callable

    Returns
    -------
    name : str or float
    """
    if callable(missing):
        return str(getattr(missing, "__name__", "predict"))
    return missing if isinstance(missing, str) else float(missing)


def rounded(ratings: Ratings, step: float) -> Ratings:
    """Ratings rounded to multiples of `step`, halves to the even multiple.

    Where a scale is declared, to multiples within it.

    Parameters
    ----------
    ratings : Ratings
    step : float
        More than 0.

    Returns
    -------
    ratings : Ratings
        float32 where the ratings were and it holds the step exactly, else float64, so that equal
        multiples are equal numbers, filled or rated.

    Raises
    ------
    InputError
        If the step is not a positive number, a rating lies outside the declared scale, or no
        multiple lies within it.
    """
    given = step
    try:
        step = float(given)
    except (TypeError, ValueError):
        step = math.nan
    if not (math.isfinite(step) and step > 0):
        raise InputError(f"ratings are rounded to multiples of a positive number, not of {given!r}")
    whole_fill = ratings.fill is None or float(ratings.fill).is_integer()
    if ratings.dtype.kind in "iu" and step == 1 and whole_fill:
        return ratings
    lowest, highest = -math.inf, math.inf
    if ratings.scale is not None:
        ratings.check_scale(*ratings.observed_range())
        # an end that is a multiple but for its rounding is one: .6 / .2 is 2.9999999999999996
        ends = np.array(ratings.scale, np.float64) / step
        near = np.rint(ends)
        whole = np.abs(ends - near) <= 1e-9 * np.maximum(np.abs(near), 1.0)
        lowest, highest = np.where(whole, near, [np.ceil(ends[0]), np.floor(ends[1])])
        if lowest > highest:
            raise InputError(
                f"no multiple of {step:g} lies within the scale {ratings.scale[0]:g}:"
                f"{ratings.scale[1]:g}: round to a smaller step"
            )

    def on_grid(values: NDArray[Any]) -> NDArray[Any]:
        found = np.clip(np.rint(values.astype(np.float64) / step), lowest, highest) * step
        return found if ratings.scale is None else np.clip(found, *ratings.scale)

    kind = _narrow(ratings.dtype) if float(np.float32(step)) == step else np.dtype(np.float64)
    fill = None if ratings.fill is None else float(on_grid(np.array(ratings.fill)))
    if isinstance(ratings.matrix, np.ndarray):
        return ratings.with_matrix(_in_slabs(on_grid, ratings.matrix, kind))
    matrix = ratings.matrix
    data = _in_slabs(on_grid, matrix.data, kind)
    return ratings.with_matrix(
        type(matrix)((data, matrix.indices, matrix.indptr), shape=matrix.shape), fill=fill
    )


def _in_slabs(
    change: Callable[[NDArray[Any]], NDArray[Any]], values: NDArray[Any], kind: np.dtype[Any]
) -> NDArray[Any]:
    """Change all values, with temporaries of bounded size."""
    require(values.size * kind.itemsize, "rounding the ratings", "round them in the input")
    changed = np.empty(values.shape, kind)
    rows = max(1, 1_000_000 // max(1, values[:1].size))
    for start in range(0, len(values), rows):
        part = slice(start, start + rows)
        changed[part] = change(values[part])
    return changed


def _filled(ratings: Ratings, missing: Missing) -> Ratings:
    if callable(missing):
        return _predicted(ratings, missing)
    if isinstance(missing, str):
        if missing == "error":
            return ratings
        if missing == "min":
            low = ratings.scale[0] if ratings.scale else ratings.observed_range()[0]
            return _constant(ratings, low)
        if missing == "mean":
            return _item_means(ratings)
        if missing in ("predict", "auto"):
            raise InputError(
                f"missing = {missing!r} needs a predictor: pass a callable, for example "
                "learners.predictor.default_predictor()"
            )
        try:
            missing = float(missing)
        except ValueError as error:
            raise InputError(
                f"unknown policy {missing!r} for missing ratings: give auto, error, min, mean, "
                "predict or a number"
            ) from error
    value = float(missing)
    if not math.isfinite(value):
        raise InputError(f"missing ratings cannot count as {value:g}: give a finite number")
    if ratings.scale and not ratings.scale[0] <= value <= ratings.scale[1]:
        raise InputError(
            f"missing ratings cannot count as {value:g}, outside the scale "
            f"{ratings.scale[0]:g}:{ratings.scale[1]:g}"
        )
    return _constant(ratings, value)


def _constant(ratings: Ratings, value: float) -> Ratings:
    if not isinstance(ratings.matrix, np.ndarray):
        return replace(ratings, fill=value)
    if ratings.dtype.kind != "f" or ratings.count() == ratings.matrix.size:
        return ratings
    # float32 ratings become float64 where float32 would change the value filled in
    with np.errstate(over="ignore"):
        exact = float(ratings.dtype.type(value)) == value
    kind = ratings.dtype if exact else np.dtype(np.float64)
    needed = ratings.matrix.size * kind.itemsize
    require(needed, "filling the missing ratings", "fill them in the input")
    matrix = ratings.matrix.astype(kind)
    for row in matrix:
        row[np.isnan(row)] = value
    return ratings.with_matrix(matrix)


def _narrow(dtype: np.dtype[Any]) -> np.dtype[np.floating]:
    """float32 where it holds all numbers of a type, else float64."""
    return np.dtype(np.float32 if np.can_cast(dtype, np.float32) else np.float64)


def _item_means(ratings: Ratings) -> Ratings:
    n, m = ratings.shape
    if ratings.count() == n * m:
        return ratings
    kind = ratings.dtype if ratings.dtype.kind == "f" else np.dtype(np.float64)
    require(n * m * kind.itemsize, "filling the missing ratings", _WAY_OUT)
    matrix = np.empty((n, m), kind)
    sums, counts = np.zeros(m), np.zeros(m, np.int64)
    for user in range(n):
        row = ratings.row(user)
        rated = ~np.isnan(row)
        if np.isinf(row).any():
            raise ratings.infinite(user)
        matrix[user] = row
        sums[rated] += row[rated]
        counts += rated
    if counts.sum() == 0:
        raise InputError(f"{ratings.source}: holds no rating, so there is no mean to fill with")
    means = np.where(counts > 0, sums / np.maximum(counts, 1), sums.sum() / counts.sum())
    for row in matrix:
        unrated = np.isnan(row)
        row[unrated] = means[unrated]
    return ratings.with_matrix(matrix)


def _predicted(ratings: Ratings, predictor: Predictor) -> Ratings:
    n, m = ratings.shape
    if ratings.count() == n * m:
        return ratings
    kind = _narrow(ratings.dtype)
    # at the least: a predictor that makes a wider matrix asks for it
    require(n * m * 4 + (n + m) * 1024, "predicting the missing ratings", _WAY_OUT)
    answer = predictor(ratings)
    predictions = answer.matrix if isinstance(answer, Ratings) else np.asarray(answer)
    if predictions.shape != (n, m):
        raise InputError(
            f"the predictor returned an array of shape {predictions.shape} for {n} users and "
            f"{m} items"
        )
    if isinstance(answer, Ratings):
        if answer.fill is None and answer.count() < n * m:
            raise InputError(
                f"{ratings.source}: the predictor left {n * m - answer.count()} of {n * m} ratings "
                "missing: are there ratings too large to be added up?"
            )
        return answer
    matrix = predictions.astype(np.promote_types(kind, predictions.dtype))
    for user, row in enumerate(matrix):
        known = ratings.row(user)
        rated = ~np.isnan(known)
        row[rated] = known[rated]
    return ratings.with_matrix(matrix)
