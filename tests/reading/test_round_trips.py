"""What is written is read back as it was, whatever the ids, the numbers and the format."""

from __future__ import annotations

import io
from unittest import mock

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from grouping import GroupingError, InputError, Ratings, read_ratings
from grouping.generate import generate
from grouping.ids import canonical_order
from grouping.reading import read
from grouping.writing import write_ratings

LONG = [".csv", ".csv.gz", ".parquet"]
MATRIX = [".npy", ".npz"]

IDS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8
).map(str.strip).filter(bool) | st.integers(-20, 20).map(str)  # fmt: skip
VALUES = (
    st.integers(-5, 5).map(float)
    | st.floats(-1e6, 1e6, width=32)
    | st.floats(allow_nan=False, allow_infinity=False)
)


def dense(ratings: Ratings) -> np.ndarray:
    return np.array([ratings.row(user) for user in range(ratings.shape[0])])


@st.composite
def long_ratings(draw: st.DrawFn) -> Ratings:
    """Ratings with a rating in every row and column, in the order of a long table."""
    users = draw(st.lists(IDS, min_size=1, max_size=6, unique=True))
    items = draw(st.lists(IDS, min_size=1, max_size=6, unique=True))
    users = [users[i] for i in canonical_order(users)]
    items = [items[i] for i in canonical_order(items)]
    shape = (len(users), len(items))
    values = draw(st.lists(VALUES, min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]))
    matrix = np.array(values).reshape(shape)
    for user, item in draw(
        st.lists(st.tuples(st.integers(0, shape[0] - 1), st.integers(0, shape[1] - 1)))
    ):
        rated = ~np.isnan(matrix)
        if rated[user].sum() > 1 and rated[:, item].sum() > 1:
            matrix[user, item] = np.nan
    return Ratings.of(matrix, users=users, items=items)


@pytest.mark.parametrize("ending", LONG)
@settings(max_examples=60, deadline=None)
@given(ratings=long_ratings())
def test_long_tables_come_back(tmp_path_factory, ending, ratings):
    path = tmp_path_factory.mktemp("trip") / f"r{ending}"
    write_ratings(ratings, path)
    back = read_ratings(path)
    assert (back.users, back.items) == (ratings.users, ratings.items)
    assert dense(back).tobytes() == dense(ratings).tobytes()
    assert back.sparse == (ratings.density() < 1)


@pytest.mark.parametrize("ending", MATRIX)
@settings(max_examples=30, deadline=None)
@given(ratings=long_ratings(), dtype=st.sampled_from(["f4", "f8"]))
def test_matrices_come_back(tmp_path_factory, ending, ratings, dtype):
    path = tmp_path_factory.mktemp("trip") / f"r{ending}"
    with np.errstate(over="ignore"):
        narrow = np.nan_to_num(ratings.matrix.astype(dtype), nan=np.nan, posinf=1, neginf=-1)
    write_ratings(Ratings.of(narrow), path)
    back = read_ratings(path)
    assert back.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(dense(back), narrow)


@pytest.mark.parametrize("ending", [*LONG, *MATRIX])
@pytest.mark.parametrize("density", [0.05, 0.6, 1.0])
@pytest.mark.parametrize("step", [1.0, 0.5, 0.1, None])
def test_generated_ratings_come_back_in_type_and_value(tmp_path, ending, density, step):
    ratings = generate(60, 40, density=density, step=step, seed=3)
    write_ratings(ratings, tmp_path / f"r{ending}")
    back = read_ratings(tmp_path / f"r{ending}")
    assert back.shape == ratings.shape
    assert back.users == ratings.users
    assert back.dtype == ratings.dtype
    np.testing.assert_array_equal(dense(back), dense(ratings))


def test_a_stored_zero_survives_every_format(tmp_path):
    ratings = Ratings.of(sp.csr_array(([0.0, 1.0], [1, 0], [0, 1, 2]), shape=(2, 2)))
    for ending in [*LONG, *MATRIX]:
        write_ratings(ratings, tmp_path / f"r{ending}")
        back = read_ratings(tmp_path / f"r{ending}")
        assert back.row(0)[1] == 0
        assert back.count() == 2


def test_integers_and_implied_values_are_written_as_they_count(tmp_path):
    write_ratings(Ratings.of(np.array([[1, 2], [3, 2**40]])), tmp_path / "r.csv")
    assert (tmp_path / "r.csv").read_text().endswith(f"1,1,{2**40}\n")
    sparse = Ratings.of(sp.csr_array(([5.0], [1], [0, 1, 1]), shape=(2, 2)))
    write_ratings(sparse.with_matrix(sparse.matrix, fill=1.0), tmp_path / "r.npy")
    assert np.load(tmp_path / "r.npy").tolist() == [[1, 5], [1, 1]]


def test_equal_ratings_give_equal_bytes(tmp_path):
    ratings = generate(20, 10, seed=1)
    for ending in [*LONG, *MATRIX]:
        contents = []
        for name in ("one", "two"):
            write_ratings(ratings, tmp_path / f"{name}{ending}")
            contents.append((tmp_path / f"{name}{ending}").read_bytes())
        if ending != ".npz":  # a zip archive holds the time
            assert contents[0] == contents[1]


@pytest.mark.parametrize(
    ("ratings", "name", "message"),
    [
        (Ratings.of([[1.0]]), "r.txt", "written to .csv"),
        (Ratings.of([[1.0, np.nan]]), "r.csv", "item '1' has no rating"),
        (Ratings.of([[1.0], [np.nan]]), "r.parquet", "user '1' has no rating"),
        (Ratings.of([[1.0]], items=["a\nb"]), "r.csv", "line break"),
        (Ratings.of([[1.0]]), "none/r.csv", "cannot be written"),
    ],
)
def test_what_would_not_come_back_is_not_written(tmp_path, ratings, name, message):
    with pytest.raises(GroupingError, match=message):
        write_ratings(ratings, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "r.csv"
    path.write_text("old")

    def fail(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("grouping.writing._table", fail)
    with pytest.raises(GroupingError, match="No space left"):
        write_ratings(Ratings.of([[1.0]]), path)
    assert [p.name for p in tmp_path.iterdir()] == ["r.csv"]
    assert path.read_text() == "old"


FIELD = st.text(st.sampled_from('a1.,; "\t:\r\n\u00e9-'), max_size=6)
RATING = st.sampled_from(["1", "2.5", " 3", '"4"', "x", "", "nan", "+1e1", "1."])


def outcome(text: str, on_bad_row: str) -> object:
    """All that reading gives, or the message of the error."""
    try:
        ratings, report = read(
            io.BytesIO(text.encode()), on_bad_row=on_bad_row, duplicates="last", scale=(0, 9)
        )
    except InputError as error:
        return str(error)
    return ratings.users[:], ratings.items[:], dense(ratings).tobytes(), dict(report.skipped)


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(st.lists(FIELD, min_size=1, max_size=4), max_size=6),
    separator=st.sampled_from([",", "::", "\t", ";", " "]),
    header=st.sampled_from(["", "user,item,rating\n", "user,a,b\n"]),
    on_bad_row=st.sampled_from(["error", "skip"]),
)
def test_no_text_breaks_the_reader(rows, separator, header, on_bad_row):
    """Whatever the text, it is read or refused with a message on one line."""
    text = header.replace(",", separator) + "\n".join(separator.join(row) for row in rows)
    found = outcome(text, on_bad_row)
    assert "\n" not in found if isinstance(found, str) else len(found[0]) > 0


@pytest.mark.parametrize(("kind", "header"), [("long", "user,item,rating"), ("wide", "user,b,c")])
@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(st.tuples(FIELD, FIELD, RATING) | st.tuples(FIELD, RATING, RATING), min_size=1),
    on_bad_row=st.sampled_from(["error", "skip"]),
)
def test_the_fast_and_the_careful_way_to_parse_agree(kind, header, rows, on_bad_row):
    text = "\n".join([header, *(",".join(row) for row in rows)])
    fast = outcome(text, on_bad_row)
    with mock.patch(f"grouping.reading.{kind}_text._at_once", return_value=None):
        careful = outcome(text, on_bad_row)
    assert fast == careful
