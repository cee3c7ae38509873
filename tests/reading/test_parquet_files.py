"""Parquet, long and wide, as pyarrow, pandas and polars write it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.sparse as sp

from grouping import InputError, read_ratings
from grouping.reading import read


@pytest.fixture
def stored(tmp_path):
    def store(columns):
        path = tmp_path / "r.parquet"
        pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), path)
        return path

    return store


LONG = {"user": ["b", "a", "a"], "item": [10, 9, 10], "rating": [1.0, 2.0, 0.0]}


@pytest.mark.parametrize("users", [
    pa.array(["b", "a", " a "]), pa.array(["b", "a", "a"], pa.large_string()),
    pa.array(["b", "a", "a"]).dictionary_encode(),
])  # fmt: skip
@pytest.mark.parametrize("items", [
    pa.array([10, 9, 10]), pa.array([10.0, 9.0, 10.0]), pa.array(["10", "9", "10"]),
])  # fmt: skip
@pytest.mark.parametrize("kind", [pa.float32(), pa.float64(), pa.int8(), pa.decimal128(21, 1)])
def test_ids_and_ratings_of_every_type_give_the_same_ratings(stored, users, items, kind):
    """A float 10.0 is the id 10; ids are ordered as in a text table."""
    ratings, report = read(
        stored({"user": users, "item": items, "rating": pa.array([1, 2, 0]).cast(kind)})
    )
    assert (report.format, report.rows) == ("parquet", 3)
    assert (ratings.users[:], ratings.items[:]) == (["a", "b"], ["9", "10"])
    assert isinstance(ratings.matrix, sp.csr_array)
    np.testing.assert_array_equal(ratings.row(0), [2, 0])
    np.testing.assert_array_equal(ratings.row(1), [np.nan, 1])


def test_columns_are_named(stored):
    path = stored({"who": ["b", "a"], "n": [1, 2], "what": ["x", "y"]})
    ratings = read_ratings(path, columns="user=who,item=what,rating=n")
    assert ratings.users[:] == ["a", "b"]


def test_meaningless_names_over_numbers_ask(stored):
    with pytest.raises(InputError, match="--format wide"):
        read_ratings(stored({"a": [1], "b": [2], "c": [3]}))
    assert read_ratings(stored({"a": [1], "b": [2], "c": [3]}), format="long").shape == (1, 1)
    assert read_ratings(stored({"a": [1], "b": [2], "c": [3]}), format="wide").shape == (1, 2)


@pytest.mark.parametrize(
    ("column", "value", "message", "reason"),
    [
        ("user", None, "the user id is missing", "with an empty user id"),
        ("user", "  ", "the user id is missing", "with an empty user id"),
        ("item", None, "the item id is missing", "with an empty item id"),
        ("rating", None, "the rating is missing", "without a rating"),
        ("rating", float("nan"), "the rating is missing", "without a rating"),
    ],
)
def test_a_row_with_a_hole_is_named_by_number_or_counted(stored, column, value, message, reason):
    columns = {name: list(values) for name, values in LONG.items()}
    columns[column][1] = value
    path = stored(columns)
    with pytest.raises(InputError, match=f"row 2: {message}"):
        read_ratings(path)
    ratings, report = read(path, on_bad_row="skip")
    assert report.skipped == {reason: 1}
    assert ratings.count() == 2
    assert ratings.items[:] == ["10"]


def test_infinity_is_an_error_even_when_skipping(stored):
    path = stored(LONG | {"rating": [1.0, np.inf, 2.0]})
    with pytest.raises(InputError, match="row 2: the rating is infinite"):
        read_ratings(path, on_bad_row="skip")
    path = stored({"user": ["x"], "a": [1.0], "b": [-np.inf]})
    with pytest.raises(InputError, match="row 1: the rating for item 'b' is infinite"):
        read_ratings(path, on_bad_row="skip")


def test_a_rating_outside_the_declared_scale_names_user_and_item(stored):
    with pytest.raises(InputError, match="the rating 0 of user 'a' for item '10'"):
        read_ratings(stored(LONG), scale=(1, 5), on_bad_row="skip")


def test_duplicates_name_both_rows_or_are_merged(stored):
    path = stored(LONG | {"item": [9, 10, 10]})
    with pytest.raises(InputError, match=r"row 3: user 'a' rates item '10' again .*row 2"):
        read_ratings(path)
    assert read_ratings(path, duplicates="mean").row(0)[1] == 1


@pytest.mark.parametrize("column", ["user", "rating"])
def test_types_that_are_no_ids_or_ratings_are_refused(stored, column):
    with pytest.raises(InputError, match=f"column '{column}' holds list"):
        read_ratings(stored(LONG | {column: [[1], [2], [3]]}))


def test_a_wide_table_keeps_its_order_and_its_holes(stored):
    table = {"user": ["z", "a"], "Beach": [1, None], "st. 1": [2.5, float("nan")]}
    ratings, report = read(stored(table))
    assert report.rows == 2
    assert (ratings.users[:], ratings.items[:]) == (["z", "a"], ["Beach", "st. 1"])
    np.testing.assert_array_equal(ratings.matrix, [[1, 2.5], [np.nan, np.nan]])
    assert ratings.dtype == np.float32


@pytest.mark.parametrize("name", ["user", None])
def test_the_index_of_a_pandas_frame_holds_the_users(tmp_path, name):
    frame = pd.DataFrame({"x": [1.0, 2.0], "y": [3.0, 4.0]}, index=pd.Index(["p", "q"], name=name))
    frame.to_parquet(tmp_path / "r.parquet")
    ratings = read_ratings(tmp_path / "r.parquet")
    assert (ratings.users[:], ratings.items[:]) == (["p", "q"], ["x", "y"])


def test_a_table_without_rows_is_an_error(stored):
    with pytest.raises(InputError, match="no rows"):
        read_ratings(stored({"user": pa.array([], pa.string()), "a": pa.array([], pa.int8())}))


def test_rows_without_user_are_bad_in_a_wide_table(stored):
    path = stored({"user": ["x", None, "x"], "a": [1, 2, 3]})
    with pytest.raises(InputError, match="row 2: the user id is missing"):
        read_ratings(path)
    with pytest.raises(InputError, match=r"row 3: user 'x' has a row again \(first at row 1\)"):
        read_ratings(path, on_bad_row="skip")
