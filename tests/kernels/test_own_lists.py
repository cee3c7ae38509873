"""Own lists, columns, range and the check for finite ratings, by every way through a row.

Which way a row takes depends on its length and k: sorting, lanes (narrow or wide), block maxima.
Each is compared with a stable sort in numpy. Few values make many ties.
"""

from __future__ import annotations

import numpy as np
import pytest

from grouping import InputError, Ratings
from grouping import problem as problem_module
from grouping.errors import IncompleteError
from grouping.kernels import own_lists as kernels
from grouping.kernels.own_lists import BLOCK, MOST_NARROW, NARROW, SHORT, STRETCH, WIDE
from grouping.missing import complete
from grouping.problem import Problem
from tests.strategies import csr_of

ROWS = 2 * kernels.ROWS + 1  # twice four together, then one

WAYS = {
    "sorting": (20, 18),
    "narrow lanes": (NARROW + 7, 3),
    "narrow lanes, longest": (SHORT, NARROW),
    "more items than narrow lanes": (40, NARROW + 2),
    "wide lanes": (WIDE + 5, NARROW + 1),
    "wide lanes of a long row": (SHORT + 50, 90),
    "blocks of a short row": (NARROW - 3, 4),
    "one block, one item": (NARROW - 3, 1),
    "blocks": (4 * BLOCK + 37, 3),
    "blocks, as many as items": (5 * BLOCK, 5),
    "fewer blocks than items": (4 * BLOCK + 3, 9),
}


def best_first(X, k):
    items = np.argsort(-X.astype(float), axis=1, kind="stable")[:, :k]
    return items, np.take_along_axis(X, items, axis=1)


def assert_own_lists(problem, X):
    items, scores = best_first(X, problem.k)
    np.testing.assert_array_equal(problem.own.items, items)
    np.testing.assert_array_equal(problem.own.scores, scores)
    assert (problem.low, problem.high) == (X.min(), X.max())


def drawn(m, kind, seed=0):
    """Rows of many ties; in the last ones the best items are found late or at once."""
    X = np.random.default_rng(seed).integers(0, 5, (ROWS, m)).astype(float)
    X[-2] = np.arange(m) // 2
    X[-3] = -np.arange(m) // 2 + m
    X[-4] = 3
    if kind == "float32":
        return (X / 2).astype(kind)
    if kind == "negative":
        X[:, m // 2] = -1
        X[0, 0] = -0.0
    return X.astype(np.int16) if kind == "int16" else X


@pytest.mark.parametrize("kind", ["float64", "float32", "negative", "int16"])
@pytest.mark.parametrize("way", WAYS)
def test_own_lists_are_those_of_a_stable_sort(way, kind):
    m, k = WAYS[way]
    X = drawn(m, kind)
    for semantics in ("lm", "av"):
        problem = Problem.of(Ratings.of(X), semantics, "min", 2, k)
        assert_own_lists(problem, X)
        columns = X.min(axis=0) if semantics == "lm" else X.sum(axis=0, dtype=float)
        np.testing.assert_array_equal(problem.column_scores, columns)


def test_after_the_largest_whole_number_no_later_one_enters():
    """It has no successor, which the others would have to reach: each of them would."""
    X = np.ones((1, 4 * BLOCK + 37), np.int64)
    X[0, 0] = kernels.LARGEST
    with pytest.raises(InputError, match="beyond 2"):  # and not with the last item as the best
        Problem.of(Ratings.of(X), "lm", "min", 1, 1)


@pytest.mark.parametrize("semantics", ["lm", "av"])
def test_chunks_come_together(monkeypatch, semantics):
    """Several chunks of rows, of which some end in single rows."""
    monkeypatch.setattr(problem_module, "CHUNK_CELLS", 50)
    X = drawn(30, "float64")
    ratings = Ratings.of(X)
    assert len(problem_module.chunks(ratings)) - 1 == 4
    problem = Problem.of(ratings, semantics, "min", 2, 3)
    assert_own_lists(problem, X)
    columns = X.min(axis=0) if semantics == "lm" else X.sum(axis=0)
    np.testing.assert_array_equal(problem.column_scores, columns)


@pytest.mark.parametrize("way", ["sorting", "narrow lanes", "wide lanes", "blocks"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_rating_that_is_no_number_is_found(way, value):
    m, k = WAYS[way]
    for row in (0, ROWS - 1):
        X = drawn(m, "float64")
        X[row, m - 1] = value
        expected = IncompleteError if np.isnan(value) else InputError
        with pytest.raises(expected):
            Problem.of(Ratings.of(X), "lm", "min", 2, k)


def test_columns_need_not_be_asked_for():
    """The kernel can leave them out, which no caller does now."""
    X = drawn(40, "float64")
    keys, limit = X.view(np.int64), 0x7FF0000000000000
    given = (Ratings.of(keys).matrix, Ratings.of(X).matrix)
    items, _, sums, minima, *_ = kernels.dense_own_lists(
        *given, limit, 3, kernels.NO_COLUMNS, np.array([0, ROWS])
    )
    np.testing.assert_array_equal(items, best_first(X, 3)[0])
    assert len(sums) == len(minima) == 0


# --- CSR -------------------------------------------------------------------------------------


def sparse_problem(X, stored, fill, semantics, k):
    ratings = complete(Ratings.of(csr_of(X, stored)), fill)
    return Problem.of(ratings, semantics, "min", 2, k)


@pytest.mark.parametrize("semantics", ["lm", "av"])
@pytest.mark.parametrize("fill", [0.0, 2.0, 9.0])
@pytest.mark.parametrize("kind", ["float64", "float32", "negative"])
@pytest.mark.parametrize("k", [1, 3, NARROW + 1, 60])
def test_own_lists_of_csr_are_those_of_the_filled_rows(k, kind, fill, semantics):
    """Rows stored whole, by lanes, in a few cells and not at all; a fill below, among, above."""
    m = WIDE + 12
    X = drawn(m, kind)
    rng = np.random.default_rng(1)
    shares = np.array([1.0, 0.95, 0.5, 0.2, 0.05, 0.0, 1.0, 1.0, 0.9])
    stored = rng.random(X.shape) < shares[:, None]
    stored[:, m // 2] = True  # where the negative ones stand
    filled = np.where(stored, X, fill)
    problem = sparse_problem(X, stored, fill, semantics, k)
    assert_own_lists(problem, filled)
    if semantics == "av":
        np.testing.assert_allclose(
            problem.column_scores, (filled - fill).sum(axis=0), rtol=0, atol=1e-9
        )
    else:
        assert problem.column_scores is None


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("stored", [3, 40, 140])
def test_an_infinite_rating_in_csr_is_found(stored, value):
    X = np.zeros((3, 140))
    X[:, :stored] = 1
    X[1, 1] = value
    with pytest.raises(InputError, match="user 1 for item 1"):
        sparse_problem(X, X != 0, 0.0, "lm", 2)


def sums_of_csr(X, fill, bounds):
    """Column sums by the kernel itself, over chunks as given, and whether all are halves."""
    matrix = Ratings.of(csr_of(X, fill != X)).matrix
    found = kernels.sparse_own_lists(
        matrix.indptr, matrix.indices, matrix.data.view(np.int64), matrix.data,
        0x7FF0000000000000, fill, X.shape[1], 1, True, np.array(bounds),
    )  # fmt: skip
    return found[2], found[3]


@pytest.mark.parametrize("odd", [2.5, 0.3, 1000.0])
def test_sums_of_csr_over_several_chunks_and_many_columns(odd):
    """Exact while all are small halves; else to the precision that is stated."""
    m = STRETCH + 3
    rng = np.random.default_rng(0)
    X = np.zeros((12, m))
    for row in X:
        row[rng.integers(0, m, 5)] = rng.integers(1, 10, 5) / 2
    X[:, m - 1] = 1.5
    X[7, 3] = odd
    sums, in_halves = sums_of_csr(X, 0.0, [0, 4, 7, 12])
    np.testing.assert_allclose(sums, X.sum(axis=0), rtol=1e-6)
    assert in_halves == (odd == 2.5)


@pytest.mark.parametrize("start", [[0], [0, 2]])
def test_sums_of_more_rows_than_float32_adds_up_exactly(start):
    """The narrow sums are emptied into wide ones in time."""
    n = MOST_NARROW + 3
    X = np.ones((n, 3))
    X[:, 1] = 129.0
    X[-1, 2] = 1.5
    sums, in_halves = sums_of_csr(X, 1.0, [*start, n])
    assert sums.tolist() == [0.0, 128.0 * n, 0.5]
    assert in_halves
