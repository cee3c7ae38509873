"""Memory is asked for before reading takes it: where the size is known at once, else on the way."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp
from pyarrow import parquet

from grouping import GroupingError, Ratings, read_ratings
from grouping.memory import LIMIT_VARIABLE
from grouping.reading import source

ROWS = b"".join(b"u%d,i%d,1\n" % (j % 20, j // 20) for j in range(100))
LONG = b"user,item,rating\n" + ROWS
WIDE = b"name," + b",".join(b"i%d" % j for j in range(50)) + b"\n" + b"".join(
    b"u%d" % u + b",5" * 50 + b"\n" for u in range(20)
)  # fmt: skip


@pytest.fixture
def limited(monkeypatch):
    """Read under a limit; return what is read, or the message of the refusal."""

    def read(given, limit, **options):
        monkeypatch.setenv(LIMIT_VARIABLE, str(limit))
        try:
            return read_ratings(given() if callable(given) else given, **options)
        except GroupingError as error:
            refused = error
        assert "of memory and" in str(refused)
        assert refused.exit_code == 1
        return str(refused)

    return read


def table(columns) -> bytes:
    file = io.BytesIO()
    parquet.write_table(pa.table(columns), file)
    return file.getvalue()


def npz(matrix) -> bytes:
    file = io.BytesIO()
    sp.save_npz(file, matrix)
    return file.getvalue()


DENSE = np.arange(1000.0).reshape(20, 50) % 5
INPUTS = {
    "long text": LONG,
    "wide text": WIDE,
    "long Parquet": table(
        {"user": np.arange(100) % 20, "item": np.arange(100) // 20, "rating": np.ones(100)}
    ),
    "wide Parquet": table(
        {"name": [f"u{u}" for u in range(20)], **{f"i{j}": np.ones(20) for j in range(50)}}
    ),
    "CSR": npz(sp.csr_array(DENSE)),
}


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("way", ["a file", "a stream", "gzip", "a gzip stream"])
def test_what_would_not_fit_is_refused_and_what_fits_is_read(limited, tmp_path, kind, way):
    """Whatever the format and where it comes from; the message names input and way out."""
    data = INPUTS[kind]
    if "gzip" in way:
        data = gzip.compress(data, mtime=0)
    path = tmp_path / "ratings"
    path.write_bytes(data)
    given = (lambda: io.BytesIO(data)) if "stream" in way else path
    message = limited(given, 1200)
    named = "input" if "stream" in way else str(path)
    assert message.startswith(f"reading {named} needs about ")
    assert "and 1.2 KB are available: " in message
    assert message.endswith("or take a part of it")
    assert limited(given, 3e6).shape == ((20, 5) if "long" in kind else (20, 50))


def test_a_file_of_text_is_refused_before_it_is_read(limited, tmp_path):
    """A byte of limit short of the text and the rows it seems to have."""
    path = tmp_path / "r.csv"
    path.write_bytes(LONG)
    needed = len(LONG) + 46 * 101
    assert f"needs about {needed / 1000:.3g} KB" in limited(path, needed - 1)


def test_gzip_is_refused_by_its_last_bytes_before_it_is_unpacked(limited, tmp_path, monkeypatch):
    """They tell how much there is."""
    path = tmp_path / "r.csv.gz"
    path.write_bytes(gzip.compress(LONG * 1000, mtime=0))
    unpacked = len(LONG) * 1000
    monkeypatch.setattr(source, "_all_of", None)  # would be called to unpack the rest
    message = limited(path, unpacked)
    assert f"reading {path} needs about" in message
    assert "MB of memory and" in message


@pytest.mark.parametrize("zeros", [0, 3])
def test_gzip_whose_last_bytes_tell_less_is_refused_on_the_way(
    limited, tmp_path, monkeypatch, zeros
):
    """Of several parts the last bytes count the last one alone, and padding tells nothing."""
    monkeypatch.setattr(source, "_HEAD", 1000)
    monkeypatch.setattr(source, "_PIECE", 10_000)
    path = tmp_path / "r.csv.gz"
    packed = gzip.compress(ROWS * 100, mtime=0) + gzip.compress(ROWS, mtime=0) + b"\0" * zeros
    path.write_bytes(packed)
    unpacked = []
    monkeypatch.setattr(
        source,
        "require_to_read",
        lambda needed, name, ask=source.require_to_read: unpacked.append(ask(needed, name)),
    )
    message = limited(path, 200_000, duplicates="last")
    assert f"reading {path} needs about 2" in message  # as soon as that is too much
    assert 2 < len(unpacked) < 6
    assert limited(path, 3e6, duplicates="last").shape == (20, 5)


def test_last_bytes_of_gzip_that_cannot_be_are_damage_and_no_want_of_memory(tmp_path):
    """No gzip data holds more than 1032 times its size."""
    path = tmp_path / "r.csv.gz"
    path.write_bytes(gzip.compress(LONG, mtime=0)[:-4] + b"\xff\xff\xff\xff")
    with pytest.raises(GroupingError, match="gzip data is damaged"):
        read_ratings(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_while_it_is_read(limited, tmp_path):
    pipe, text = tmp_path / "pipe", tmp_path / "text"
    os.mkfifo(pipe)
    text.write_bytes(LONG)
    for limit in (1200, 3e6):
        writer = subprocess.Popen(["sh", "-c", f"cat '{text}' > '{pipe}'"], stderr=-3)
        found = limited(pipe, limit)
        writer.wait(timeout=10)
        if limit == 1200:
            assert f"reading {pipe} needs about" in found
    assert found.shape == (20, 5)


def test_standard_input_is_refused_while_it_is_read(limited, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LONG)))
    assert limited("-", 1200).startswith("reading standard input needs about")


def test_many_ids_are_asked_for_as_they_show(limited, tmp_path):
    """Each is a string: more than its row."""
    rows = b"".join(b"%d,%d,1\n" % (j, j) for j in range(1000))
    path = tmp_path / "r.csv"
    path.write_bytes(b"user,item,rating\n" + rows)
    enough_for_rows = len(rows) + 17 + 46 * 1001
    assert "reading" in limited(path, enough_for_rows)
    assert limited(path, enough_for_rows + 105 * 2000).shape == (1000, 1000)
    for user, name in ((np.arange(1000), "few"), (np.zeros(1000, int), "fewer")):
        path = tmp_path / f"{name}.parquet"
        path.write_bytes(table({"user": user, "item": np.arange(1000), "rating": np.ones(1000)}))
        limit = 30 * 1000 + 105 * 1500
        assert isinstance(limited(path, limit), str) == (name == "few")


@pytest.mark.parametrize("kind", ["text", "Parquet"])
def test_a_wide_table_of_real_numbers_asks_for_twice_the_matrix(limited, tmp_path, kind):
    """When the first rating turns up that float32 cannot hold."""
    path = tmp_path / "wide"
    X = np.full((3000, 3), 0.1)
    if kind == "text":
        path.write_bytes(b"name,x,y,z\n" + b"u,.1,.1,.1\n" * 3000)
    else:
        path.write_bytes(table({"name": ["u"] * 3000, **dict(zip("xyz", X.T, strict=True))}))
    asked = []

    def ask(needed, name):
        asked.append(needed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("grouping.reading.wide_table.require_to_read", ask)
        ratings = read_ratings(path, duplicates="last")
    assert ratings.dtype == np.float64
    assert asked[0] > 3000 * (4 * 3 + 190)
    assert asked[1:] == [8 * 9000 + 8 * 3 * (kind == "text"), 16 * 9000]


def test_rows_to_be_merged_are_asked_for(limited, tmp_path):
    path = tmp_path / "r.csv"
    rows = 20_000
    path.write_bytes(b"user,item,rating\n" + b"u,i,1\n" * rows)
    merging = rows * 60
    assert "reading" in limited(path, merging - 1, duplicates="last")
    assert limited(path, merging, duplicates="last").shape == (1, 1)


CONVERSIONS = {
    "copying ratings row by row": (np.asfortranarray(DENSE), 8000),
    "converting ratings to float32": (DENSE.astype(np.float16), 4000),
    "converting ratings to int64": (DENSE.astype(np.uint64), 8000),
    "converting ratings to CSR": (sp.coo_array(DENSE), 65 * 800),
    "sorting the columns of ratings": (
        sp.csr_array((np.ones(2), np.array([1, 0]), np.array([0, 2])), shape=(1, 2)),
        16 + 2 * 8 + 2 * 8,
    ),
}


@pytest.mark.parametrize("step", CONVERSIONS)
def test_a_matrix_in_another_form_is_converted_where_memory_suffices(monkeypatch, step):
    """What is given in the form that the kernels read is never copied, and asks for nothing."""
    given, needed = CONVERSIONS[step]
    monkeypatch.setenv(LIMIT_VARIABLE, str(needed - 1))
    with pytest.raises(GroupingError, match=rf"^{step} needs about .*: give or save them"):
        Ratings.of(given)
    monkeypatch.setenv(LIMIT_VARIABLE, str(needed))
    assert Ratings.of(given).shape == given.shape
    monkeypatch.setenv(LIMIT_VARIABLE, "1")
    assert Ratings.of(DENSE).shape == Ratings.of(sp.csr_array(DENSE)).shape


def test_a_mapped_matrix_takes_nothing(limited, tmp_path: Path):
    np.save(tmp_path / "r.npy", DENSE)
    assert limited(tmp_path / "r.npy", 1).shape == (20, 50)
