"""Estimates of the test ratings by this project's models, kept like those of Surprise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from benchmarks.learners.dmtl_data import Data, Parts
from grouping.ratings import Ratings
from learners.als import BiasedALS
from learners.dmtl.ensemble import Ensemble
from learners.dmtl.model import DMTL, Told
from learners.dmtl.settings import AS_WRITTEN, Settings

OURS = ("DMTL as written", "DMTL for groups", "ALS", "ensemble")
PARTS = ("ALS", "ALS, 64 factors", "DMTL for groups", "DMTL for groups, seed 1")
"""Of the ensemble; their weights are found on held-out train ratings."""
THREADS = 1

Fit = Callable[[Ratings], DMTL | BiasedALS]


def dmtl(data: Data, settings: Settings) -> Callable[[Ratings], DMTL]:
    """Fit to ratings with the tables of users and items that the data set has."""

    def fit(ratings: Ratings) -> DMTL:
        told = Told(ratings, profiles=data.profiles, attributes=data.attributes)
        return DMTL(settings).fit(told, device="cpu", threads=THREADS)

    return fit


def factorisation(factors: int) -> Fit:
    return lambda ratings: BiasedALS(factors=factors, threads=THREADS).fit(ratings)


def maker(row: str, data: Data) -> Fit:
    """What fits a row's model to ratings."""
    makers: dict[str, Fit] = {
        "DMTL as written": dmtl(data, AS_WRITTEN),
        "DMTL for groups": dmtl(data, Settings()),
        "DMTL for groups, seed 1": dmtl(data, replace(Settings(), seed=1)),
        "ALS": factorisation(20),
        "ALS, 64 factors": factorisation(64),
    }
    return makers[row]


@lru_cache(maxsize=len(PARTS))
def fitted(split: Parts, row: str) -> DMTL | BiasedALS:
    """A row's model of all train ratings, which the ensemble has as a part as well."""
    return maker(row, split.data)(split.ratings)


def ensemble(split: Parts) -> Ensemble:
    whole = split.ratings

    def part(row: str) -> Fit:
        fit = maker(row, split.data)
        return lambda ratings: fitted(split, row) if ratings is whole else fit(ratings)

    return Ensemble({row: part(row) for row in PARTS}).fit(whole)


def our_estimates(split: Parts, row: str, out: Path) -> np.ndarray:
    """Unclipped estimates in the order of the test rows; kept in `out`."""
    place = out / f"{split.data.name}-{split.seed}"
    place.mkdir(parents=True, exist_ok=True)
    kept = place / f"our-{row.replace(' ', '-').lower()}.npy"
    if kept.is_file():
        return np.load(kept)
    if row == "ensemble":
        model = ensemble(split)
        weights = ", ".join(f"{name}: {w:.3f}" for name, w in model.weights_.items())
        kept.with_suffix(".txt").write_text(weights + "\n")
        estimates = model.predict(split.test.who, split.test.item)
    else:
        estimates = fitted(split, row).predict(split.test.who, split.test.item, clip=False)
    np.save(kept, estimates)
    return estimates
