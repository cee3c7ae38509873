"""Estimates of the test ratings by this project's models, kept like those of Surprise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.learners.dmtl_data import Data, Parts
from grouping.ratings import Ratings
from learners.als import BiasedALS
from learners.dmtl.ensemble import Ensemble
from learners.dmtl.model import DMTL, Told
from learners.dmtl.settings import AS_WRITTEN, Settings

OURS = ("DMTL as written", "DMTL for groups", "ALS", "ensemble")
THREADS = 1


def dmtl(data: Data, settings: Settings) -> Callable[[Ratings], DMTL]:
    """Fit to ratings with the tables of users and items that the data set has."""

    def fit(ratings: Ratings) -> DMTL:
        told = Told(ratings, profiles=data.profiles, attributes=data.attributes)
        return DMTL(settings).fit(told, device="cpu", threads=THREADS)

    return fit


def make(row: str, data: Data) -> Callable[[Ratings], object]:
    """What fits a row's model to ratings."""
    makers: dict[str, Callable[[Ratings], object]] = {
        "DMTL as written": dmtl(data, AS_WRITTEN),
        "DMTL for groups": dmtl(data, Settings()),
        "ALS": lambda ratings: BiasedALS(threads=THREADS).fit(ratings),
        "ensemble": lambda ratings: Ensemble(parts(data)).fit(ratings),
    }
    return makers[row]


def parts(data: Data) -> dict[str, Callable[[Ratings], object]]:
    """Parts of the ensemble; their weights are found on held-out train ratings."""
    return {
        "ALS, 20 factors": lambda ratings: BiasedALS(factors=20, threads=THREADS).fit(ratings),
        "ALS, 64 factors": lambda ratings: BiasedALS(factors=64, threads=THREADS).fit(ratings),
        **{f"DMTL, seed {seed}": dmtl(data, replace(Settings(), seed=seed)) for seed in (0, 1)},
    }


def our_estimates(split: Parts, row: str, out: Path) -> np.ndarray:
    """Unclipped estimates in the order of the test rows; kept in `out`."""
    place = out / f"{split.data.name}-{split.seed}"
    place.mkdir(parents=True, exist_ok=True)
    kept = place / f"our-{row.replace(' ', '-').lower()}.npy"
    if kept.is_file():
        return np.load(kept)
    model = make(row, split.data)(split.ratings)
    if isinstance(model, Ensemble):
        weights = ", ".join(f"{name}: {w:.3f}" for name, w in model.weights_.items())
        kept.with_suffix(".txt").write_text(weights + "\n")
        estimates = model.predict(split.test.who, split.test.item)
    else:
        estimates = model.predict(split.test.who, split.test.item, clip=False)
    np.save(kept, estimates)
    return estimates
