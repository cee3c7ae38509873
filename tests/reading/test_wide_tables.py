"""Wide tables in text: a row a user, a column an item."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest

from grouping import InputError, read_ratings
from grouping.reading import read


@pytest.mark.parametrize(
    "text",
    [
        "user,Beach,Old Town,7\nann,5,,3\nbob,4.5,0,\n",
        "name,Beach,Old Town,7\nann,5,,3\nbob,4.5,0,\n",
        "\ufeffuser;Beach;Old Town;7\r\nann;5;;3\r\nbob;4.5;0;\r\n",
        'user\t"Beach"\t"Old Town"\t7\nann\t5\t\t"3"\n"bob"\t 4.5\t0\tnan\n\n',
        '"user", Beach, "Old Town", 7\nann, 5,  , 3\nbob, 4.5 ,0,NaN\n',
    ],
)
def test_every_way_to_write_a_wide_table_gives_the_same_ratings(written, text):
    """Empty and NaN mean unrated, 0 is a rating, the order is the one given."""
    ratings, report = read(written(text))
    assert report.format == "wide"
    assert ratings.users[:] == ["ann", "bob"]
    assert ratings.items[:] == ["Beach", "Old Town", "7"]
    np.testing.assert_array_equal(ratings.matrix, [[5, np.nan, 3], [4.5, 0, np.nan]])
    assert ratings.dtype == np.float32


def test_format_wide_settles_names_that_say_nothing(written):
    ratings = read_ratings(written("a,b,c\n1,2,3\n2,4,5\n"), format="wide")
    assert (ratings.users[:], ratings.items[:]) == (["1", "2"], ["b", "c"])


def test_format_wide_settles_items_that_are_named_like_ratings(written):
    path = written("user,score,value\nx,2,3\n")
    with pytest.raises(InputError, match="--format wide"):
        read_ratings(path)
    assert read_ratings(path, format="wide").items[:] == ["score", "value"]


def test_columns_are_no_option_of_a_wide_table(written):
    with pytest.raises(InputError, match="--columns is for long tables"):
        read_ratings(written("user,b\nx,2\n"), format="wide", columns="user=1")


def test_users_and_items_without_any_rating_are_kept(written):
    ratings = read_ratings(written("user,a,b\nx,1,\ny,,\n"))
    assert ratings.shape == (2, 2)
    assert ratings.count() == 1


def test_one_value_that_float32_does_not_hold_makes_all_float64():
    rows = [f"u{i},{i % 5},3" for i in range(1000)]
    rows[700] = "u700,3.3,3"
    ratings = read_ratings(io.BytesIO("\n".join(["user,a,b", *rows]).encode()))
    assert ratings.dtype == np.float64
    assert ratings.row(700).tolist() == [3.3, 3.0]
    assert ratings.row(699).tolist() == [4.0, 3.0]


@pytest.mark.parametrize(
    ("line", "message", "reason"),
    [
        ("y,1", "2 fields where 3 are expected", "with a wrong number of fields"),
        ("y,1,2,3", "4 fields where 3 are expected", "with a wrong number of fields"),
        ("y,1,NA", r"column 'b' is not a number \('NA'\)", "with a rating that is not a number"),
        (",1,2", "the user id is empty", "with an empty user id"),
        ('"y,1,2', "bad quoting", "with bad quoting"),
        ("y,1,9", "the rating 9 is outside the scale 1:5", "outside the scale"),
    ],
)
def test_a_bad_row_is_named_or_counted(written, line, message, reason):
    path = written(f"user,a,b\nx,1,2\n\n{line}\nz,3,\n")
    with pytest.raises(InputError, match=f":4: .*{message}"):
        read_ratings(path, scale=(1, 5))
    ratings, report = read(path, scale=(1, 5), on_bad_row="skip")
    assert report.skipped == {reason: 1}
    np.testing.assert_array_equal(ratings.matrix, [[1, 2], [3, np.nan]])


def test_a_second_row_of_a_user_names_both_lines(written):
    path = written("user,a,b\nx,1,2\ny,3,3\n\nx,5,\n")
    with pytest.raises(InputError, match=r":5: user 'x' has a row again \(first at 2\)"):
        read_ratings(path)


@pytest.mark.parametrize(("duplicates", "row"), [("last", [4, 2]), ("mean", [3, 2])])
def test_rows_of_one_user_are_merged_cell_by_cell(written, duplicates, row):
    path = written("user,a,b,c\nx,1,2,\ny,3,3,3\nx,4,,\nx,4,,\n")
    ratings, report = read(path, duplicates=duplicates)
    assert ratings.users[:] == ["x", "y"]
    np.testing.assert_array_equal(ratings.matrix, [[*row, np.nan], [3, 3, 3]])
    assert report.merged == 2


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("user,a,a,b", r"item 'a' is named twice in the header \(columns 2 and 3\)"),
        ("user,a,,b", "column 3 of the header has no name"),
    ],
)
def test_items_of_the_header_have_distinct_names(written, header, message):
    with pytest.raises(InputError, match=message):
        read_ratings(written(f"{header}\nx,1,2,3\n"))


def test_a_header_in_another_encoding_is_an_error(written):
    with pytest.raises(InputError, match="column 2 of the header is not in UTF-8"):
        read_ratings(written(b"user,caf\xe9,b\nx,1,2\n"))


def test_a_table_of_very_many_columns_is_read_as_any_other():
    """Its lines are longer than a parser's usual buffer and than the piece used for detection."""
    width = 30_000
    header = ",".join(["user", *(f"item-{j}" for j in range(width))])
    rows = [",".join([f"u{i}", *(str((i + j) % 5) for j in range(width))]) for i in range(5)]
    ratings = read_ratings(io.BytesIO("\n".join([header, *rows]).encode()))
    assert ratings.shape == (5, width)
    assert ratings.row(3)[:4].tolist() == [3, 4, 0, 1]
    assert math.isclose(ratings.density(), 1.0)
