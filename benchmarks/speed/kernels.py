"""Parts of `form` on their own, each against a pass over the memory that it reads."""

from __future__ import annotations

import numpy as np

from benchmarks.speed import common
from benchmarks.speed.yardsticks import csr_pass, memory_pass, plain_top
from grouping import Ratings
from grouping.kernels.own_lists import COLUMN_MINIMA, dense_own_lists, sparse_own_lists
from grouping.methods.greedy import form_buckets
from grouping.objective import score
from grouping.problem import Problem, chunks
from grouping.ratings import ordered_keys

TITLE = "Kernels: each against a pass over what it reads"
CELLS = {"toy": 40_000, "default": 100_000_000, "full": 500_000_000}
USERS = {"toy": 1_000, "default": 1_000_000, "full": 1_000_000}
SPARSE = {"toy": (300, 200), "default": (40_000, 136_736), "full": (200_000, 136_736)}


def cases(size):
    for m in (25, 200, 1_000, 10_000):
        for k in (5, 50):
            if k <= m:
                n = CELLS[size] // m
                yield f"dense_own_lists, {n:,} x {m:,} real, k = {k}", (dense_lists, n, m, k)
    n, m = SPARSE[size]
    for k in (5, 50):
        yield f"sparse_own_lists, {n:,} x {m:,} real, k = {k}", (sparse_lists, n, m, k)
    n = USERS[size]
    for distinct in (n, 100):
        label = f"form_buckets, n = {n:,} of {distinct:,} kinds, k = 5"
        yield label, (buckets, n, distinct)
    for semantics, agg in common.SETTINGS:
        label = f"score, n = {n:,}, l = 10, k = 5, {common.named(semantics, agg)}"
        yield label, (scoring, n, semantics, agg)


def bench(case, race):
    measured, *arguments = case
    measured(race, *arguments)


def dense_lists(race, n, m, k):
    ratings = common.dense(n, m, "real")
    values = ratings.matrix
    keys, limit = ordered_keys(values)
    bounds = chunks(ratings)

    def check(found):
        few = slice(0, 1_000)
        assert np.array_equal(found[0][few], plain_top(values[few], k))

    race(
        lambda: dense_own_lists(keys, values, limit, k, COLUMN_MINIMA, bounds),
        {"row sums": memory_pass(values)},
        check=check,
    )


def sparse_lists(race, n, m, k):
    ratings = common.sparse(n, m, "uniform", "real")
    csr = ratings.matrix
    keys, limit = ordered_keys(csr.data)
    bounds = chunks(ratings)

    def check(found):
        few = csr[:50].toarray()
        few[few == 0] = 1
        assert np.array_equal(found[0][:50], plain_top(few, k))

    race(
        lambda: sparse_own_lists(
            csr.indptr, csr.indices, keys, csr.data, limit, 1.0, m, k, False, bounds
        ),
        {"CSR sums": csr_pass(csr)},
        check=check,
    )


def buckets(race, n, distinct):
    kinds = common.dense(distinct, 25, "real").matrix
    of_user = np.random.default_rng(1).integers(0, distinct, n)
    of_user[:distinct] = np.arange(distinct)
    problem = Problem.of(Ratings.of(kinds[of_user]), "lm", "min", 10, 5)
    number = len(
        {
            (*items, last)
            for items, last in zip(
                problem.own.items.tolist(), problem.own.scores[:, -1].tolist(), strict=True
            )
        }
    )

    def check(found):
        assert len(found.sizes) == number
        assert found.sizes.sum() == n

    race(
        lambda: form_buckets(problem),
        {"sums of items and scores": _over_lists(problem)},
        check=check,
    )


def scoring(race, n, semantics, agg):
    ratings = common.dense(n, 25, "real")
    problem = Problem.of(ratings, semantics, agg, 10, 5)
    labels = np.arange(n) % 10
    lists = np.tile(np.arange(5), (10, 1))

    def check(found):
        rows = ratings.matrix[labels == 3, :5].astype(np.float64)
        expected = rows.min(axis=0) if semantics == "lm" else rows.sum(axis=0)
        assert np.allclose(found.item_scores[3], np.sort(expected)[::-1], rtol=1e-9)

    race(
        lambda: score(problem, labels, lists),
        {"sums of items and scores": _over_lists(problem)},
        check=check,
    )


def _over_lists(problem):
    items, scores = memory_pass(problem.own.items), memory_pass(problem.own.scores)
    return lambda: (items(), scores())
