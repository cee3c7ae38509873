"""Where input comes from, and inputs that are no ratings at all: one clear sentence each."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from grouping import InputError, read_ratings
from grouping.ratings import Ratings
from grouping.reading import read
from grouping.writing import write_ratings

TEXT = b"user,item,rating\nu1,i1,5\nu2,i2,4\n"


def content(name: str, folder: Path) -> bytes:
    """The same small complete ratings in one of the binary formats."""
    path = folder / f"ratings.{name}"
    write_ratings(Ratings.of(np.array([[1.0, 2.0], [3.0, 4.5]], np.float32)), path)
    return path.read_bytes()


def test_nothing_named_is_the_embedded_sample():
    ratings, report = read(None)
    assert report.embedded
    assert report.source == "embedded sample"
    assert ratings.shape == (200, 30)
    assert set(np.unique(ratings.matrix)) == {1.0, 2.0, 3.0, 4.0, 5.0}
    assert (ratings.users[0], ratings.users[199]) == ("t001", "t200")
    assert "Old Lighthouse" in ratings.items


def test_the_embedded_sample_is_what_its_maker_makes():
    from grouping.data.make_sample import sample

    ratings = read_ratings(None)
    assert ratings.items == sample().items
    np.testing.assert_array_equal(ratings.matrix, sample().matrix)


@pytest.mark.parametrize("kind", ["text", "gzip", "npy", "npz", "parquet"])
def test_standard_input_and_open_files_are_recognised_by_their_bytes(kind, tmp_path, monkeypatch):
    data = {"text": lambda: b"0,0,1\n0,1,2\n1,0,3\n1,1,4.5\n",
            "gzip": lambda: gzip.compress(b"0,0,1\n0,1,2\n1,0,3\n1,1,4.5\n", mtime=0)}.get(
        kind, lambda: content(kind, tmp_path))()  # fmt: skip
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    for source in ("-", io.BytesIO(data)):
        ratings, report = read(source)
        matrix = ratings.matrix.toarray() if sp.issparse(ratings.matrix) else ratings.matrix
        np.testing.assert_array_equal(matrix, [[1, 2], [3, 4.5]])
        assert report.format == {"text": "long", "gzip": "long"}.get(kind, kind)
        assert report.sha256 == hashlib.sha256(data).hexdigest()
        sys.stdin = io.TextIOWrapper(io.BytesIO(data))


def test_a_file_opened_as_text_is_refused():
    with pytest.raises(InputError, match="binary mode"):
        read_ratings(io.StringIO("1,2,3\n"))


def test_messages_call_an_open_file_by_its_name(written):
    path = written("user,item,rating\na,b,x\n")
    with path.open("rb") as file, pytest.raises(InputError, match=r"ratings\.csv:2: "):
        read_ratings(file)


@pytest.mark.parametrize("name", ["r.csv", "r.csv.gz", "r.npy", "r.npz", "r.parquet"])
def test_the_checksum_is_of_the_bytes_of_the_file(name, tmp_path):
    path = tmp_path / name
    write_ratings(Ratings.of(np.ones((2, 2))), path)
    _, report = read(path)
    assert report.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (b"", "r.csv", "is empty"),
        (b"", "r.npy", "is empty"),
        (gzip.compress(b"", mtime=0), "r.csv.gz", "is empty"),
        (b"\n \n\r\n", "r.csv", "nothing but blank lines"),
        (b"user,item,rating\n", "r.csv", "has a header but no rows"),
        (b"user,item,rating\n\n  \n", "r.csv", "has a header but no rows"),
        (b"\xef\xbb\xbfuser,a,b", "r.csv", "has a header but no rows"),
        (b"hello\nworld\n", "r.csv", r":1: no comma, tab"),
        ("user,item,rating\n".encode("utf-16"), "r.csv", "UTF-16"),
        (b"\x00\x01\x02\x00", "r.csv", "neither a text table nor"),
        (gzip.compress(TEXT * 99, mtime=0)[:-20], "r.csv.gz", "gzip data is damaged or cut short"),
        (gzip.compress(TEXT, mtime=0)[:5], "r.csv.gz", "gzip data is damaged or cut short"),
        (gzip.compress(TEXT, mtime=0)[:-6] + b"123456", "r.csv.gz", "gzip data is damaged"),
        (TEXT, "r.npy", r"is named \.npy but does not begin like one"),
        (b"\x93NUM", "r.npy", r"is named \.npy but does not begin like one"),
        (TEXT, "r.parquet", r"is named \.parquet but does not begin like one"),
        (b"4,3,3,5,1,2\n2,3,4,5,1,1\n", "r.csv", r"item '3' is named twice .* as \.npy"),
    ],
)
def test_what_holds_no_ratings_is_said_in_one_sentence(written, data, name, message):
    path = written(data, name)
    with pytest.raises(InputError, match=message) as caught:
        read_ratings(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["npy", "npz", "parquet"])
def test_a_binary_file_that_was_cut_short_is_said_to_be(name, tmp_path):
    whole = content(name, tmp_path)
    path = tmp_path / f"cut.{name}"
    for size in (8, len(whole) // 2, len(whole) - 3):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError, match="is damaged or cut short"):
            read_ratings(path)
        with pytest.raises(InputError, match="is damaged or cut short"):
            read_ratings(io.BytesIO(whole[:size]))


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv: there is no such file"):
        read_ratings(tmp_path / "none.csv")
    with pytest.raises(InputError, match="is a folder, not a file of ratings"):
        read_ratings(tmp_path)


def test_a_file_that_may_not_be_read_is_named(written, monkeypatch):
    def refuse(*_args: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = written(TEXT)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match=r"ratings\.csv: cannot be read \(Permission denied\)"):
        read_ratings(path)


@pytest.mark.parametrize("format", ["npy", "npz", "parquet"])
def test_a_format_that_the_bytes_contradict_is_refused(written, format, tmp_path):
    with pytest.raises(InputError, match=f"is text, not {format}"):
        read_ratings(written(TEXT), format=format)
    path = written(content(format, tmp_path), "r.bin")
    with pytest.raises(InputError, match=f"is a .{format} file, not movielens"):
        read_ratings(path, format="movielens")
    assert read_ratings(path, format=format).shape == (2, 2)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_read_as_any_file(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = subprocess.Popen(["sh", "-c", f"printf 'u1,i1,5\\nu2,i2,4\\n' > '{pipe}'"])
    try:
        assert read_ratings(pipe).count() == 2
    finally:
        writer.wait(timeout=10)


def test_reading_text_imports_neither_pandas_nor_torch(written):
    path = written("u1,i1,5\nu2,i2,4\n")
    wide = written("user,a,b\nx,1,\n", "wide.csv")
    code = (
        "import sys; from grouping import read_ratings; read_ratings(sys.argv[1]); "
        "read_ratings(sys.argv[2]); sys.exit('pandas' in sys.modules or 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path), str(wide)], check=False)
    assert done.returncode == 0
