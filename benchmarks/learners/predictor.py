"""Error and speed of the built-in predictor: python -m benchmarks.learners.predictor."""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import sys
import time
from pathlib import Path

import numba
import numpy as np

from benchmarks.learners import movielens
from grouping.ratings import Ratings
from learners.als import BiasedALS
from learners.bias import BiasModel
from learners.metrics import mae, rmse
from learners.selection import choose
from learners.splits import Split, split

BIAS_GRID = [{"regularization": r} for r in (1.0, 2.0, 3.0, 4.0, 6.0)]
ALS_GRID = [
    {"regularization": r, "implicit_regularization": c}
    for r, c in itertools.product((1.4, 1.8, 2.4), (14.0, 20.0, 30.0))
]
PLAIN_GRID = [
    {"regularization": r, "implicit_regularization": None} for r in (1.0, 1.2, 1.4, 1.6, 1.8)
]


NEIGHBOURS: list[dict[str, float]] = [
    {},
    *({"regularization": r} for r in (1.6, 2.0)),
    *({"implicit_regularization": c} for c in (16.0, 28.0)),
    *({"bias_regularization": b} for b in (0.6, 2.4)),
    *({"factors": f} for f in (10, 32)),
    *({"iterations": i} for i in (10, 40)),
]
"""Of the defaults, one parameter at a time."""
INNER = range(1000, 1003)
"""Seeds of the splits on whose training parts the defaults were chosen."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="u.data, ratings.dat or their archive")
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--neighbourhood", action="store_true", help="of the defaults, alone")
    options = parser.parse_args()
    if options.splits < 1:
        parser.error("--splits: give 1 or more")
    path = options.data or movielens.find()
    if path is None:
        print("no data: give --data FILE or set GROUPING_DATA", file=sys.stderr)
        return 2
    ratings = movielens.read(path)
    if options.neighbourhood:
        neighbourhood(ratings)
        return 0
    protocol(ratings, options.splits)
    errors(ratings, options.splits, options.threads)
    speed(ratings, options.threads)
    return 0


def neighbourhood(ratings: Ratings) -> None:
    """Print the mean RMSE on inner 90/10 splits of training parts, near the defaults."""
    found = [
        choose(BiasedALS, NEIGHBOURS, split(ratings, seed=seed).train, seed=seed + 1).errors
        for seed in INNER
    ]
    print("| changed | RMSE |\n| --- | --- |")
    for changed, errors in zip(NEIGHBOURS, zip(*found, strict=True), strict=True):
        said = ", ".join(f"{name} {value:g}" for name, value in changed.items())
        print(f"| {said or 'nothing'} | {np.mean(errors):.4f} |")


def protocol(ratings: Ratings, splits: int) -> None:
    n, m = ratings.shape
    print(f"{ratings.source}: {n} users, {m} items, {ratings.count()} ratings.\n")
    print(
        f"Protocol: {splits} random splits of the ratings, seeds 0..{splits - 1}, 10 % to test on. "
        "On each, the hyper-parameters are those with the lowest RMSE on a 90/10 split (seed + "
        "1000) of its training part; the model is then fitted to the whole training part (model "
        "seed 0) and the test part is looked at once. `defaults` is what is used where nothing is "
        "tuned. Predictions are clipped to 1..5.\n"
    )


def errors(ratings: Ratings, splits: int, threads: int | None) -> None:
    names = ["global mean", "bias only", "plain ALS", "ALS", "defaults"]
    print("| split | chosen: bias; plain; ALS (regularization, implicit) |", end=" ")
    print(" | ".join(f" RMSE {name}".strip() for name in names), "| MAE defaults |")
    print("| --- " * (len(names) + 3) + "|")
    table = []
    for seed in range(splits):
        part = split(ratings, seed=seed)
        bias = choose(BiasModel, BIAS_GRID, part.train, seed=seed + 1000).parameters
        plain = choose(BiasedALS, PLAIN_GRID, part.train, seed=seed + 1000).parameters
        als = choose(BiasedALS, ALS_GRID, part.train, seed=seed + 1000).parameters
        mean = np.full(len(part.values), part.train.matrix.data.mean(dtype=np.float64))
        models = [BiasModel(**bias), BiasedALS(**plain), BiasedALS(**als), BiasedALS()]
        guesses = [mean, *(predicted(model, part, threads) for model in models)]
        row = [rmse(part.values, g) for g in guesses] + [mae(part.values, guesses[-1])]
        table.append(row)
        chosen = "; ".join(
            ", ".join(f"{value:g}" for value in p.values() if value is not None)
            for p in (bias, plain, als)
        )
        print(f"| {seed} | {chosen} | " + " | ".join(f"{v:.4f}" for v in row) + " |", flush=True)
    summary(np.array(table))


def summary(table: np.ndarray) -> None:
    """Mean and, of more splits than one, spread of the rows."""
    said = [("mean", table.mean(axis=0))]
    if len(table) > 1:
        said.append(("standard deviation (of the sample)", table.std(axis=0, ddof=1)))
    for name, values in said:
        print(f"| {name} | | " + " | ".join(f"{v:.4f}" for v in values) + " |")


def predicted(model: BiasModel | BiasedALS, part: Split, threads: int | None) -> np.ndarray:
    model.threads = threads
    return model.fit(part.train).predict(part.users, part.items)


def speed(ratings: Ratings, threads: int | None) -> None:
    print(f"\nSeconds on all ratings, {os.cpu_count()} cores, ", end="")
    print(f"{threads or numba.config.NUMBA_NUM_THREADS} threads, {platform.machine()}, ", end="")
    print(f"numba {numba.__version__}; compiled before, median of 3:\n")
    print("| fit | complete | together |\n| --- | --- | --- |")
    runs = []
    for _ in range(4):
        start = time.perf_counter()
        model = BiasedALS(threads=threads).fit(ratings)
        fitted = time.perf_counter()
        model.complete(ratings)
        done = time.perf_counter()
        runs.append((fitted - start, done - fitted, done - start))
    print("| " + " | ".join(f"{v:.3f}" for v in np.median(runs[1:], axis=0)) + " |")


if __name__ == "__main__":
    sys.exit(main())
