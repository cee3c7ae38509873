"""Ratings: generous in what they are made of, strict and read-only in what they are."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp

from grouping import InputError, Ratings


@pytest.mark.parametrize("dtype", ["f4", "f8", "i1", "u1", "i4", "i8"])
def test_an_array_is_shared_and_cannot_be_written_through(dtype):
    given = np.arange(6, dtype=dtype).reshape(2, 3)
    ratings = Ratings.of(given)
    assert np.shares_memory(given, ratings.matrix)
    assert ratings.dtype == np.dtype(dtype)
    with pytest.raises(ValueError, match="read-only"):
        ratings.matrix[0, 0] = 1
    given[0, 0] = 1
    assert given.flags.writeable


@pytest.mark.parametrize("dtype", ["?", "f2", ">f8", ">i4"])
def test_types_that_kernels_do_not_read_are_converted(dtype):
    ratings = Ratings.of(np.array([[0, 1]], dtype=dtype))
    assert ratings.dtype.isnative
    assert ratings.row(0).tolist() == [0.0, 1.0]


def test_a_sparse_matrix_is_shared_where_it_is_canonical():
    given = sp.csr_array(np.array([[0.0, 2.0], [3.0, 0.0]]))
    ratings = Ratings.of(given)
    assert np.shares_memory(given.data, ratings.matrix.data)
    assert ratings.count() == 2
    np.testing.assert_array_equal(ratings.row(0), [np.nan, 2])


def test_unsorted_columns_are_sorted_and_the_given_matrix_is_left_alone():
    given = sp.csr_array(([1.0, 2.0], [1, 0], [0, 2]), shape=(1, 2))
    assert Ratings.of(given).row(0).tolist() == [2.0, 1.0]
    assert given.indices.tolist() == [1, 0]


def test_ratings_made_without_of_are_put_in_order_too():
    """Columns out of order would be taken for sorted by every kernel that reads rows."""
    given = sp.csr_array(([1.0, 2.0], [1, 0], [0, 2]), shape=(1, 2))
    plain = Ratings.of([[1.0, 2.0]])
    for ratings in (plain.with_matrix(given), Ratings(given, plain.users, plain.items)):
        assert ratings.matrix.indices.tolist() == [0, 1]
        assert ratings.row(0).tolist() == [2.0, 1.0]
    assert given.indices.tolist() == [1, 0]
    twice = sp.csr_array(([1.0, 2.0], [1, 1], [0, 2]), shape=(1, 2))
    with pytest.raises(InputError, match="stored twice"):
        plain.with_matrix(twice)


@pytest.mark.parametrize("copied", [lambda it: pickle.loads(pickle.dumps(it)), copy.deepcopy])
@pytest.mark.parametrize("make", [np.asarray, sp.csr_array])
def test_a_copy_cannot_be_written_to_either(make, copied):
    """Arrays come out of a pickle writable: kernels would be compiled for them once more."""
    ratings = copied(Ratings.of(make([[1.0, 2.0]])))
    stored = ratings.matrix if make is np.asarray else ratings.matrix.data
    assert not stored.flags.writeable
    assert ratings.row(0).tolist() == [1.0, 2.0]


@pytest.mark.parametrize("make", [sp.csr_array, sp.coo_array])
def test_a_cell_stored_twice_is_refused(make):
    twice = sp.coo_array(([1.0, 2.0], ([0, 0], [1, 1])), shape=(1, 2))
    if make is sp.csr_array:
        twice = sp.csr_array(([1.0, 2.0], [1, 1], [0, 2]), shape=(1, 2))
    with pytest.raises(InputError, match="stored twice"):
        Ratings.of(twice)


def test_frames_bring_their_ids():
    frame = pd.DataFrame({"x": [1, None], "y": [3.5, 4]}, index=[1.0, 2.0])
    ratings = Ratings.of(frame)
    assert (ratings.users[:], ratings.items[:]) == (["1", "2"], ["x", "y"])
    np.testing.assert_array_equal(ratings.matrix, [[1, 3.5], [np.nan, 4]])
    ratings = Ratings.of(pl.DataFrame({"user": ["p", "q"], "x": [1, None], "y": [3.5, 4.0]}))
    assert (ratings.users[:], ratings.items[:]) == (["p", "q"], ["x", "y"])
    np.testing.assert_array_equal(ratings.matrix, [[1, 3.5], [np.nan, 4]])


def test_masked_pandas_columns_become_nan():
    ratings = Ratings.of(pd.DataFrame({"x": pd.array([1, None], dtype="Int64")}))
    np.testing.assert_array_equal(ratings.matrix, [[1], [np.nan]])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros(3), "expected 2D array"),
        (np.zeros((0, 3)), r"0 sample\(s\)"),
        (np.zeros((3, 0)), r"0 feature\(s\)"),
        (np.array([["a"]]), "must be numeric"),
        (np.array([["a"]], dtype=object), "must be numeric"),
        (np.ones((1, 1), complex), "Complex data not supported"),
        (np.array([[2**63]], np.uint64), "2\\*\\*63"),
        (pd.DataFrame({"x": ["a"]}), "must be numeric"),
        (sp.csr_array(np.array([[np.nan]])), "NaN is stored"),
    ],
)
def test_what_is_no_matrix_of_numbers_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        Ratings.of(given)


def test_ids_fit_the_shape():
    with pytest.raises(InputError, match="1 user ids for 2 users"):
        Ratings.of([[1.0], [2.0]], users=["a"])
    with pytest.raises(InputError, match="item id 'a' occurs twice"):
        Ratings.of([[1.0, 2.0]], items=["a", "a"])


@pytest.mark.parametrize("scale", [(5, 1), (1, 1), (0, float("inf")), (float("nan"), 1)])
def test_a_scale_is_two_numbers_the_lower_first(scale):
    with pytest.raises(InputError, match="the lower one first"):
        Ratings.of([[1.0]], scale=scale)
    with pytest.raises(InputError, match="the lower one first"):
        Ratings.of(Ratings.of([[1.0]]), scale=scale)


def test_counts_and_range_leave_unrated_cells_out():
    ratings = Ratings.of([[1.0, np.nan], [4.0, 2.0]])
    assert (ratings.count(), ratings.density()) == (3, 0.75)
    assert ratings.observed_range() == (1.0, 4.0)
    sparse = Ratings.of(sp.csr_array(([0.0, 3.0], [0, 1], [0, 1, 2]), shape=(2, 2)))
    assert sparse.observed_range() == (0.0, 3.0)
    assert Ratings.of([[1, 2]]).count() == 2


@pytest.mark.parametrize(("value", "message"), [(np.nan, "no rating"), (np.inf, "infinite")])
def test_there_is_no_range_without_finite_ratings(value, message):
    with pytest.raises(InputError, match=message):
        Ratings.of([[value]]).observed_range()


def test_other_values_keep_the_ids():
    ratings = Ratings.of([[1.0, 2.0]], users=["u"], items=["a", "b"])
    other = ratings.with_matrix(sp.csr_array(np.array([[0.0, 7.0]])), fill=1.0)
    assert other.items == ratings.items
    assert other.row(0).tolist() == [1.0, 7.0]
