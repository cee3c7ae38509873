"""Ratings to form groups from: generated, uniformly random, and MovieLens completed."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from benchmarks.learners import movielens
from grouping import Ratings
from grouping.generate import generate
from grouping.missing import complete
from learners.predictor import default_predictor

KINDS = ("integer", "half-star", "real")
STEPS = {"integer": 1.0, "half-star": 0.5, "real": None}


def generated(users: int, items: int, kind: str, seed: int) -> Ratings:
    """Ratings of people who share ten tastes, as `grouping generate` makes them."""
    return generate(users, items, step=STEPS[kind], seed=seed)


def uniform(users: int, items: int, kind: str, seed: int) -> Ratings:
    """Independent uniform ratings in 1..5: harder, since nobody agrees with anybody."""
    rng = np.random.default_rng(seed)
    if kind == "integer":
        return Ratings.of(rng.integers(1, 6, (users, items)).astype(np.uint8))
    if kind == "half-star":
        return Ratings.of((rng.integers(2, 11, (users, items)) / 2).astype(np.float32))
    return Ratings.of(rng.uniform(1, 5, (users, items)))


def completed(name: str, kind: str) -> Ratings | None:
    """MovieLens with all ratings, the missing ones predicted; None where the data is absent."""
    predicted = _predicted(name)
    if predicted is None:
        return None
    return complete(predicted, "error", STEPS[kind])


@lru_cache(maxsize=1)
def _predicted(name: str) -> Ratings | None:
    path = movielens.find(name)
    return None if path is None else complete(movielens.read(path), default_predictor(seed=0))
