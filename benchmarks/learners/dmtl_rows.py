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
from learners.dmtl.model import DMTL
from learners.dmtl.settings import AS_WRITTEN, Settings
from learners.dmtl.told import Told

OURS = ("DMTL as written", "DMTL for groups", "ALS", "ensemble", "larger ensemble")
FACTORISATIONS = {
    "ALS": (20, 0),
    "ALS, 64 factors": (64, 0),
    "ALS, 10 factors": (10, 5),
    "ALS, 20 factors, seed 1": (20, 1),
    "ALS, 40 factors": (40, 2),
    "ALS, 64 factors, seed 3": (64, 3),
    "ALS, 64 factors, seed 4": (64, 4),
}
"""Factors and seed."""
PARTS = {
    "ensemble": ("ALS", "ALS, 64 factors", "DMTL for groups", "DMTL for groups, seed 1"),
    "larger ensemble": (*FACTORISATIONS, "DMTL, epochs found once"),
}
"""Of the ensembles; their weights are found on held-out train ratings."""
THREADS = 1

Fit = Callable[[Ratings], DMTL | BiasedALS]


def dmtl(data: Data, settings: Settings) -> Callable[[Ratings], DMTL]:
    """Fit to ratings with the tables of users and items that the data set has."""

    def fit(ratings: Ratings) -> DMTL:
        told = Told(ratings, profiles=data.profiles, attributes=data.attributes)
        return DMTL(settings).fit(told, device="cpu", threads=THREADS)

    return fit


def found_once(data: Data) -> Fit:
    """DMTL of which the first fit finds the epochs, on a part held out; later ones take as many.

    In an ensemble the first fit is the one that the weights are found on.
    """
    found: list[int] = []

    def fit(ratings: Ratings) -> DMTL:
        if found:
            return dmtl(data, replace(Settings(), validation=0.0, epochs=found[0]))(ratings)
        model = dmtl(data, replace(Settings(), refit=False))(ratings)
        found.append(model.epochs)
        return model

    return fit


def factorisation(factors: int, seed: int) -> Fit:
    return lambda ratings: BiasedALS(factors=factors, seed=seed, threads=THREADS).fit(ratings)


def maker(row: str, data: Data) -> Fit:
    """What fits a row's model to ratings."""
    makers: dict[str, Fit] = {
        "DMTL as written": dmtl(data, AS_WRITTEN),
        "DMTL for groups": dmtl(data, Settings()),
        "DMTL for groups, seed 1": dmtl(data, replace(Settings(), seed=1)),
        "DMTL, epochs found once": found_once(data),
        **{name: factorisation(*asked) for name, asked in FACTORISATIONS.items()},
    }
    return makers[row]


@lru_cache(maxsize=16)
def fitted(split: Parts, row: str) -> DMTL | BiasedALS:
    """A row's model of all train ratings, which the ensemble has as a part as well."""
    return maker(row, split.data)(split.ratings)


def ensemble(split: Parts, row: str) -> Ensemble:
    whole = split.ratings

    def part(name: str) -> Fit:
        fit = maker(name, split.data)
        once = name == "DMTL, epochs found once"
        return lambda ratings: (
            fitted(split, name) if ratings is whole and not once else fit(ratings)
        )

    return Ensemble({name: part(name) for name in PARTS[row]}).fit(whole)


def our_estimates(split: Parts, row: str, out: Path) -> np.ndarray:
    """Unclipped estimates in the order of the test rows; kept in `out`."""
    place = out / f"{split.data.name}-{split.seed}"
    place.mkdir(parents=True, exist_ok=True)
    kept = place / f"our-{row.replace(' ', '-').lower()}.npy"
    if kept.is_file():
        return np.load(kept)
    if row in PARTS:
        model = ensemble(split, row)
        weights = ", ".join(f"{name}: {w:.3f}" for name, w in model.weights_.items())
        kept.with_suffix(".txt").write_text(weights + "\n")
        estimates = model.predict(split.test.who, split.test.item)
    else:
        estimates = fitted(split, row).predict(split.test.who, split.test.item, clip=False)
    np.save(kept, estimates)
    return estimates
