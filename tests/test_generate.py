"""Synthetic ratings: deterministic, on their grid, with the tastes that were planted."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from grouping import InputError
from grouping import generate as module
from grouping.generate import generate


def test_the_arguments_decide_everything():
    for density in (1.0, 0.2):
        one, two = (
            generate(50, 20, density=density, seed=4),
            generate(50, 20, density=density, seed=4),
        )
        three = generate(50, 20, density=density, seed=5)
        rows = [np.array([r.row(u) for u in range(50)]) for r in (one, two, three)]
        np.testing.assert_array_equal(rows[0], rows[1])
        assert not np.array_equal(rows[0], rows[2], equal_nan=True)


@pytest.mark.parametrize("density", [1.0, 0.3])
@pytest.mark.parametrize("step", [1.0, None])
def test_the_size_of_a_slab_changes_nothing(monkeypatch, density, step):
    whole = generate(80, 30, density=density, step=step, seed=1).matrix
    monkeypatch.setattr(module, "_SLAB", 100)
    parts = generate(80, 30, density=density, step=step, seed=1).matrix
    if density == 1:
        np.testing.assert_array_equal(whole, parts)
    else:
        assert parts.shape == whole.shape


@pytest.mark.parametrize(
    ("scale", "step", "dtype"),
    [((1, 5), 1.0, "f4"), ((0.5, 5), 0.5, "f4"), ((-10, 10), 2.5, "f4"), ((1, 5), 0.1, "f8")],
)
def test_ratings_stand_on_their_grid(scale, step, dtype):
    ratings = generate(300, 50, scale=scale, step=step, seed=2)
    low, high = ratings.observed_range()
    assert (low, high) == tuple(map(float, scale))
    assert ratings.dtype == np.dtype(dtype)
    values = np.unique(ratings.matrix)
    grid = [float(f"{scale[0] + step * j:.6f}") for j in range(round((high - low) / step) + 1)]
    assert values.tolist() == grid
    assert ratings.scale == (scale[0], scale[1])


def test_real_ratings_fill_the_scale():
    ratings = generate(300, 50, step=None, scale=(0, 1), seed=2)
    low, high = ratings.observed_range()
    assert 0 <= low < 0.05
    assert 0.95 < high <= 1
    assert len(np.unique(ratings.matrix)) > 5000
    assert ratings.dtype == np.float32


def test_without_noise_users_of_one_taste_agree():
    matrix = generate(200, 40, clusters=7, noise=0, seed=3).matrix
    assert len(np.unique(matrix, axis=0)) == 7


def test_tastes_have_a_low_rank():
    matrix = generate(400, 200, clusters=30, noise=0, step=None, scale=(-50, 50), seed=3).matrix
    values = np.linalg.svd(matrix - matrix.mean(axis=0), compute_uv=False)
    assert values[12] < 0.25 * values[0]


@pytest.mark.parametrize("density", [0.001, 0.1, 0.7])
def test_a_sparse_result_is_canonical_and_leaves_nobody_out(density):
    ratings = generate(400, 250, density=density, seed=6)
    matrix = ratings.matrix
    assert isinstance(matrix, sp.csr_array)
    assert matrix.has_canonical_format
    assert matrix.indices.dtype == np.int32
    assert np.diff(matrix.indptr).min() >= 1
    assert np.bincount(matrix.indices, minlength=250).min() >= 1
    if density > 0.05:
        assert abs(ratings.density() - density) < 0.01
    assert set(np.unique(matrix.data)) <= {1.0, 2.0, 3.0, 4.0, 5.0}


def test_a_sparse_result_takes_memory_by_its_ratings():
    """A dense matrix of this shape would have 10**11 cells."""
    assert generate(10**6, 10**5, density=1e-7, seed=0).shape == (10**6, 10**5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"users": 0}, "users 0"),
        ({"items": -1}, "items -1"),
        ({"density": 0}, "density 0"),
        ({"density": 1.5}, "density 1.5"),
        ({"scale": (5, 1)}, "scale 5:1"),
        ({"step": 0}, "step 0"),
        ({"step": 9}, "step 9"),
        ({"clusters": 0}, "clusters 0"),
        ({"noise": -1}, "noise -1"),
        ({"seed": -1}, "seed -1"),
        ({"density": float("nan")}, "density nan"),
    ],
)
def test_an_argument_out_of_range_is_named(options, message):
    with pytest.raises(InputError, match=message):
        generate(**({"users": 3, "items": 3} | options))


def test_compact_ratings_are_the_same_in_a_byte():
    """Where they are whole and fit; others stay as they are."""
    plain, compact = (generate(30, 9, seed=2, compact=compact).matrix for compact in (False, True))
    assert compact.dtype == np.uint8
    np.testing.assert_array_equal(plain, compact)
    assert generate(3, 9, step=0.5, compact=True).matrix.dtype == np.float32
    assert generate(3, 9, step=None, compact=True).matrix.dtype == np.float32
