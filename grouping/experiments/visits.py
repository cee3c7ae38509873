"""Preferences from visits: who went where how often, as ratings of the most visited places."""

from __future__ import annotations

import os

import numpy as np

from grouping.errors import InputError
from grouping.ratings import Ratings

PLACES = 10
"""The paper's study is about 10 points of interest."""

FEWEST_PLACES = 3
"""Of these a user has visited at least so many: fewer make no ranking."""

LOWEST, HIGHEST = 1, 5


def preferences(path: str | os.PathLike[str]) -> Ratings:
    """Turn visits into ratings of 1..5.

    Places are the `PLACES` that most users have visited. A user's rating of one is 1 if never
    visited, else 2 to 5 by the number of the user's sequences (outings) that include it, as a
    share of the user's most visited place: up to a quarter 2, a half 3, three quarters 4, above 5.

    Parameters
    ----------
    path : path-like
        CSV with columns user, poi, sequence (others are ignored), a row a visit.

    Returns
    -------
    ratings : Ratings
        uint8, of users who have visited at least `FEWEST_PLACES` of the places.

    Raises
    ------
    InputError
        If the file cannot be read, has other columns, or leaves no user.
    """
    import pandas as pd

    name = os.fspath(path)
    try:
        visits = pd.read_csv(name, usecols=["user", "poi", "sequence"], dtype=str)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{name}: is not a CSV of visits with columns user, poi, sequence ({error})"
        ) from error
    outings = visits.drop_duplicates(["user", "poi", "sequence"])
    users_of = outings.groupby("poi")["user"].nunique().sort_index()
    places = users_of.sort_values(ascending=False, kind="stable").index[:PLACES]
    counts = pd.crosstab(outings["user"], outings["poi"]).reindex(columns=places, fill_value=0)
    counts = counts[(counts > 0).sum(axis=1) >= FEWEST_PLACES]
    if len(counts) == 0:
        raise InputError(f"{name}: no user has visited {FEWEST_PLACES} of the places")
    often = counts.to_numpy(np.float64)
    share = often / often.max(axis=1, keepdims=True)
    rating = LOWEST + np.ceil(share * (HIGHEST - LOWEST))
    return Ratings.of(
        rating.astype(np.uint8),
        users=list(counts.index),
        items=list(places),
        source=os.path.basename(name),
    )
