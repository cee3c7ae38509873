"""Long tables in text: what is recognised, how ids and numbers are read, what comes out."""

from __future__ import annotations

import gzip
import io
import random

import numpy as np
import pytest
import scipy.sparse as sp

from grouping import InputError, Ratings, read_ratings
from grouping.reading import read

EXPECTED = {("1", "10"): 5.0, ("1", "20"): 3.0, ("2", "10"): 4.5}


def cells(ratings: Ratings) -> dict[tuple[str, str], float]:
    """Every rated cell by user and item."""
    found = {}
    for u, user in enumerate(ratings.users):
        for i, value in enumerate(ratings.row(u)):
            if not np.isnan(value):
                found[user, ratings.items[i]] = float(value)
    return found


@pytest.mark.parametrize(
    "text",
    [
        "user,item,rating\n1,10,5\n1,20,3\n2,10,4.5\n",
        "User ID,Movie-Id,Rating,timestamp\n1,10,5,9\n1,20,3,9\n2,10,4.5,9\n",
        "rating,iid,uid\n5,10,1\n3,20,1\n4.5,10,2\n",
        "customer;product;stars\n1;10;5\n1;20;3\n2;10;4.5\n",
        "userId\tpoi\tscore\n1\t10\t5\n1\t20\t3\n2\t10\t4.5\n",
        "user::item::value\n1::10::5\n1::20::3\n2::10::4.5\n",
        "user item rating\n1 10 5\n1  20   3\n 2 10 4.5 \n",
        "id,user,comment,item,rating\n7,1,a b,10,5\n8,1,,20,3\n9,2,x,10,4.5\n",
        "1,10,5\n1,20,3\n2,10,4.5\n",
        "1\t10\t5\t881250949\n1\t20\t3\t881250949\n2\t10\t4.5\t881250949\n",
        "1::10::5::978300760\n1::20::3::978300760\n2::10::4.5::978300760\n",
        "1 10 5\n1 20 3\n2 10 4.5\n",
        '"user","item","rating"\n"1","10","5"\n"1","20",3\n2,"10",4.5\n',
        'user, item, rating\n"1", "10", "5"\n1 , 20 , 3\n 2,10 ,4.5\n',
        "\ufeffuser,item,rating\r\n1,10,5\r\n1,20,3\r\n2,10,4.5\r\n",
        "user,item,rating\r1,10,5\r1,20,3\r2,10,4.5",
        "\n\nuser,item,rating\n\n1,10,5\n   \n1,20,3\n2,10,+4.5e0\n\n",
    ],
)
def test_every_way_to_write_a_long_table_gives_the_same_ratings(written, text):
    assert cells(read_ratings(written(text))) == EXPECTED


def test_gzip_is_recognised_by_content_whatever_the_name(written):
    packed = gzip.compress(b"1,10,5\n1,20,3\n2,10,4.5\n", mtime=0)
    for name in ("ratings.csv.gz", "ratings"):
        assert cells(read_ratings(written(packed, name))) == EXPECTED


@pytest.mark.parametrize("columns", [
    "user=who,item=what,rating=how",
    "user=2,item=3,rating=1",
    {"user": "who", "item": "what", "rating": 1},
    {"user": 2, "item": 3, "rating": "HOW"},
])  # fmt: skip
def test_columns_are_named_or_numbered_from_one(written, columns):
    path = written("how,who,what\n5,1,10\n3,1,20\n4.5,2,10\n")
    assert cells(read_ratings(path, columns=columns)) == EXPECTED


def test_numbered_columns_read_a_table_without_a_header(written):
    path = written("5,x,1,10,z\n3,x,1,20,z\n4.5,x,2,10,z\n")
    assert cells(read_ratings(path, columns="user=3,item=4,rating=1")) == EXPECTED


def test_columns_need_only_say_what_the_header_does_not(written):
    path = written("user,item,grade_final\n1,10,5\n1,20,3\n2,10,4.5\n")
    assert cells(read_ratings(path, columns="rating=grade_final")) == EXPECTED


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("user", "write it as"),
        ("user=1,user=2", "twice"),
        ("owner=1", "owner"),
        ("user=1,item=1,rating=3", "two roles"),
        ("user=1,item=2,rating=9", "1 to 3"),
        ("user=nobody,item=2,rating=3", "nobody"),
    ],
)
def test_a_wrong_columns_option_says_what_is_wrong(written, columns, message):
    with pytest.raises(InputError, match=message):
        read_ratings(written("a,b,c\n1,2,3\n"), columns=columns)


@pytest.mark.parametrize("header", ["a,b,c", "x,y,z,w", "id,id2,n"])
def test_meaningless_names_over_numbers_ask_for_format_or_columns(written, header):
    row = ",".join("123"[: header.count(",") + 1].ljust(header.count(",") + 1, "4"))
    with pytest.raises(InputError, match=r"--format long.*--columns user="):
        read_ratings(written(f"{header}\n{row}\n"))


def test_format_long_takes_meaningless_names_by_position(written):
    path = written("a,b,c\n1,10,5\n1,20,3\n2,10,4.5\n")
    assert cells(read_ratings(path, format="long")) == EXPECTED


@pytest.mark.parametrize("header", ["user,thing,rating", "who,item,rating", "user,item,thing"])
def test_a_header_that_names_some_roles_only_asks_for_the_rest(written, header):
    with pytest.raises(InputError, match="does not say which column holds the"):
        read_ratings(written(f"{header}\n1,2,3\n"))


def test_ids_are_text_as_written(written):
    ratings = read_ratings(written("user,item,rating\n01,1.0,5\n1,1,4\n 1 ,a b,3\n"))
    assert ratings.users[:] == ["01", "1"]
    assert ratings.items[:] == ["1", "1.0", "a b"]


def test_integer_ids_are_ordered_as_numbers_and_others_by_code_point(written):
    ratings = read_ratings(written("user,item,rating\n10,b,1\n9,B,2\n-3,ä,3\n"))
    assert ratings.users[:] == ["-3", "9", "10"]
    assert ratings.items[:] == ["B", "b", "ä"]


@pytest.mark.parametrize("duplicates", ["error", "mean"])
def test_shuffling_the_rows_changes_nothing(duplicates):
    rng = random.Random(5)
    rows = [f"{u},{i},{rng.random() * 5!r}" for u in range(40) for i in range(30) if (u + i) % 3]
    if duplicates == "mean":
        rows += [f"{u},{u + 1},{rng.random()!r}" for u in range(20) for _ in range(3)]
    readings = []
    for _ in range(3):
        rng.shuffle(rows)
        data = "user,item,rating\n" + "\n".join(rows)
        readings.append(read_ratings(io.BytesIO(data.encode()), duplicates=duplicates))
    for other in readings[1:]:
        assert other.users == readings[0].users
        assert other.items == readings[0].items
        for part in ("data", "indices", "indptr"):
            one, two = getattr(readings[0].matrix, part), getattr(other.matrix, part)
            assert one.tobytes() == two.tobytes()


def test_an_incomplete_table_is_canonical_csr_of_32_bits(written):
    matrix = read_ratings(written("2,10,4.5\n1,20,3\n1,10,5\n")).matrix
    assert isinstance(matrix, sp.csr_array)
    assert matrix.has_canonical_format
    assert (matrix.dtype, matrix.indices.dtype, matrix.indptr.dtype) == ("f4", "i4", "i4")


def test_a_complete_table_is_dense(written):
    matrix = read_ratings(written("1,10,1\n1,20,2\n2,10,3\n2,20,4\n")).matrix
    assert isinstance(matrix, np.ndarray)
    assert matrix.dtype == np.float32
    assert matrix.tolist() == [[1, 2], [3, 4]]


def test_one_value_that_float32_does_not_hold_makes_all_float64(written):
    ratings = read_ratings(written("1,10,3.7\n1,20,3\n2,10,1e300\n"))
    assert ratings.dtype == np.float64
    assert ratings.row(0).tolist() == [3.7, 3.0]


def test_a_zero_is_a_rating(written):
    ratings = read_ratings(written("1,10,0\n1,20,3\n2,10,-0.0\n"))
    assert ratings.count() == 3
    assert cells(ratings)["1", "10"] == 0.0


def test_quotes_may_hold_the_separator_and_quotes(written):
    text = 'user,item,rating\n"a,b","say ""hi""",1\n"c",",",2\n'
    assert cells(read_ratings(written(text))) == {("a,b", 'say "hi"'): 1, ("c", ","): 2}
    text = 'user::item::rating\n"a::b"::x::1\nc::"y"::2\n'
    assert cells(read_ratings(written(text))) == {("a::b", "x"): 1, ("c", "y"): 2}


def test_a_quote_inside_a_field_is_a_character(written):
    assert cells(read_ratings(written('u,5" pipe,3\nv,a"b"c,4\n'))) == {
        ("u", '5" pipe'): 3,
        ("v", 'a"b"c'): 4,
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("u.data", "196\t242\t3\t881250949\n186\t302\t3\t891717742\n"),
        ("ratings.dat", "1::1193::5::978300760\n1::661::3::978302109\n"),
        ("ratings.csv", "userId,movieId,rating,timestamp\n1,2,3.5,1112486027\n"),
    ],
)
def test_movielens_files_are_called_so(written, name, text):
    """Rows invented in the shape of the three MovieLens releases."""
    ratings, report = read(written(text, name))
    assert report.format == "movielens"
    assert ratings.count() == report.rows == text.count("\n") - text.startswith("userId")


def test_a_separator_within_titles_does_not_mislead(written):
    text = "user\titem\trating\nu1\tParis, France\t4\nu2\tRome, Italy\t5\n"
    assert read_ratings(written(text)).items[:] == ["Paris, France", "Rome, Italy"]


def test_a_large_table_with_one_odd_row_is_read_as_if_it_were_not_there():
    rows = [f"{i % 5000},{i % 701},{i % 5 + 1}" for i in range(200_000)]
    clean = "\n".join(rows)
    odd = "\n".join([*rows[:150_000], "u,i,oops", *rows[150_000:]])
    one = read_ratings(io.BytesIO(clean.encode()), duplicates="last")
    two, report = read(io.BytesIO(odd.encode()), duplicates="last", on_bad_row="skip")
    assert report.skipped == {"with a rating that is not a number": 1}
    assert report.rows == 200_000
    assert two.users == one.users
    assert (two.matrix != one.matrix).nnz == 0
