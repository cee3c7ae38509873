"""Estimates of the test ratings by this project's models, kept like those of Surprise."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from benchmarks.learners.corrected import Corrected, constants
from benchmarks.learners.dmtl_data import Data, Parts
from grouping.ratings import Ratings
from learners.als import BiasedALS
from learners.dmtl.ensemble import Ensemble, blend
from learners.dmtl.model import DMTL
from learners.dmtl.settings import AS_WRITTEN, Settings
from learners.dmtl.told import Told
from learners.splits import split as divided

OURS = (
    "DMTL as written", "DMTL for groups", "ALS", "ensemble", "larger ensemble",
    "corrected ensemble",
)  # fmt: skip
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
CORRECTED, SHORT = "ALS, corrected by trees", "DMTL, epochs found elsewhere"
EQUAL = "DMTL and trees, equal parts"
ELSEWHERE = (100, 101, 102)
"""Seeds of the splits on whose train parts the weights of the corrected ensemble are found."""
PARTS = {
    "ensemble": ("ALS", "ALS, 64 factors", "DMTL for groups", "DMTL for groups, seed 1"),
    "larger ensemble": (*FACTORISATIONS, "DMTL, epochs found once"),
}
"""Of the ensembles; their weights are found on held-out train ratings."""
THREADS = 1
ONCE = Settings(refit=False, finish=False)
"""DMTL that finds its epochs; a finished profiling head would not change recommendations."""

SETTINGS: dict[str, object] = {
    "network": (Settings(), AS_WRITTEN, ONCE),
    "factorisation": FACTORISATIONS,
    "ensemble": PARTS,
    "correction": constants(),
    "split of the corrected ensemble's weights": ELSEWHERE,
}
"""All that estimates depend on, but for data, split and code."""

Model = DMTL | BiasedALS | Corrected
Fit = Callable[[Ratings], Model]


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
            return dmtl(data, replace(ONCE, validation=0.0, epochs=found[0]))(ratings)
        model = dmtl(data, ONCE)(ratings)
        found.append(model.epochs)
        return model

    return fit


def factorisation(factors: int, seed: int) -> Fit:
    return lambda ratings: BiasedALS(factors=factors, seed=seed, threads=THREADS).fit(ratings)


def corrected(data: Data) -> Fit:
    known = data.attributes
    of_items = np.empty((len(data.items), 0)) if known is None else known.matrix
    return lambda ratings: Corrected(data.profiles.matrix, of_items).fit(ratings)


@lru_cache(maxsize=2)
def elsewhere(data: Data, out: Path) -> dict[str, float]:
    """What the corrected ensemble is fixed to on other splits; kept in `out`.

    The weights with the least squared error on a tenth of the train ratings of each split of
    `ELSEWHERE`, put together, and the median of the epochs that DMTL takes there. The test
    parts of those splits are not looked at; their train parts share ratings with other tests.
    """
    path = out / f"{data.name}-corrected-ensemble.json"
    if not path.is_file():
        each = [held_out(data, seed, out) for seed in ELSEWHERE]
        columns, truth = np.hstack([one[0] for one in each]), [one[1] for one in each]
        weights, offset = blend(list(columns), np.concatenate(truth))
        found = dict(zip((CORRECTED, SHORT), weights.tolist(), strict=True))
        epochs = float(np.median([one[2] for one in each]))
        path.write_text(json.dumps({**found, "offset": offset, "epochs": epochs}) + "\n")
    kept: dict[str, float] = json.loads(path.read_text())
    return kept


def held_out(data: Data, seed: int, out: Path) -> tuple[np.ndarray, np.ndarray, int]:
    """Predictions of held-out train ratings by each part, these ratings, and DMTL's epochs."""
    path = out / f"{data.name}-{seed}-held-out.npz"
    if not path.is_file():
        inner = divided(data.split(seed).ratings)
        trees, network = corrected(data)(inner.train), dmtl(data, ONCE)(inner.train)
        columns = [m.predict(inner.users, inner.items, clip=False) for m in (trees, network)]
        np.savez(path, columns=columns, truth=inner.values, epochs=network.epochs)
    kept = np.load(path)
    return kept["columns"], kept["truth"], int(kept["epochs"])


def maker(row: str, data: Data) -> Fit:
    """What fits a row's model to ratings."""
    makers: dict[str, Fit] = {
        "DMTL as written": dmtl(data, AS_WRITTEN),
        "DMTL for groups": dmtl(data, Settings()),
        "DMTL for groups, seed 1": dmtl(data, replace(Settings(), seed=1)),
        "DMTL, epochs found once": found_once(data),
        CORRECTED: corrected(data),
        **{name: factorisation(*asked) for name, asked in FACTORISATIONS.items()},
    }
    return makers[row]


@lru_cache(maxsize=16)
def fitted(split: Parts, row: str) -> Model:
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
    if row == "corrected ensemble":
        found = elsewhere(split.data, out)
        estimates = np.full(len(split.test), found["offset"])
        for part in (CORRECTED, SHORT):
            estimates += found[part] * our_estimates(split, part, out)
    elif row == EQUAL:
        estimates = np.mean([our_estimates(split, part, out) for part in (CORRECTED, SHORT)], 0)
    elif row == SHORT:
        settings = replace(ONCE, validation=0.0, epochs=int(elsewhere(split.data, out)["epochs"]))
        model = dmtl(split.data, settings)(split.ratings)
        estimates = model.predict(split.test.who, split.test.item, clip=False)
    elif row in PARTS:
        mixed = ensemble(split, row)
        weights = ", ".join(f"{name}: {w:.3f}" for name, w in mixed.weights_.items())
        kept.with_suffix(".txt").write_text(weights + "\n")
        estimates = mixed.predict(split.test.who, split.test.item)
    else:
        estimates = fitted(split, row).predict(split.test.who, split.test.item, clip=False)
    np.save(kept, estimates)
    return estimates
