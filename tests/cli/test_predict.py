"""`grouping predict` and `grouping generate`: ratings that come out can be read again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from grouping import read_ratings
from tests.cli.running import RATINGS, Run


def rows(path: Path) -> NDArray[Any]:
    ratings = read_ratings(path)
    return np.array([ratings.row(user) for user in range(ratings.shape[0])])


@pytest.mark.parametrize("name", ["full.csv", "full.csv.gz", "full.parquet", "full.npy"])
def test_predictions_fill_every_hole_and_keep_what_was_rated(
    run: Run, holes: str, tmp_path: Path, name: str
) -> None:
    made = run("predict", holes, "-o", name, "--round", "0.5")
    assert (made.code, made.out) == (0, "")
    assert "87.5 % rated" in made.err
    assert f"{name}: 6 users x 4 items" in made.err
    matrix = rows(tmp_path / name)
    rated = np.ones((6, 4), bool)
    rated[5, 1:] = False
    assert matrix.shape == (6, 4)
    assert np.array_equal(matrix[rated], np.array(RATINGS)[rated])
    assert ((matrix >= 1) & (matrix <= 5)).all()
    assert np.array_equal(matrix, np.rint(matrix * 2) / 2), "--round 0.5 holds for predictions"


def test_complete_ratings_need_no_prediction(run: Run, table: str, tmp_path: Path) -> None:
    made = run("predict", table, "-o", "full.npy")
    assert made.code == 0
    assert "predicted" not in made.err
    assert np.array_equal(np.load(tmp_path / "full.npy"), np.array(RATINGS))


def test_an_infinite_rating_is_refused_where_nothing_is_missing_too(
    run: Run, tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", np.array([[1.0, np.inf], [2.0, 3.0]]))
    run("predict", "x.npy", "-o", "full.csv").refused("x.npy", "infinite")
    assert not (tmp_path / "full.csv").exists()


def test_generated_ratings_depend_on_the_seed_alone(run: Run, tmp_path: Path) -> None:
    """Equal calls write equal bytes, another seed others, every format the same ratings."""
    size = ("-n", "9", "-m", "7", "--density", "0.5", "--step", "0.5", "-q")
    outputs = ("a.csv", "b.csv", "other.csv", "a.csv.gz", "a.parquet", "a.npy", "a.npz")
    for name in outputs:
        made = run("generate", *size, "-o", name, *(("--seed", "1") if name == "other.csv" else ()))
        assert (made.code, made.out, made.err) == (0, "", "")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert (tmp_path / "a.csv").read_bytes() != (tmp_path / "other.csv").read_bytes()
    tables = [rows(tmp_path / name) for name in outputs if name[0] == "a"]
    for other in tables[1:]:
        assert np.array_equal(tables[0], other, equal_nan=True)


def test_generated_ratings_can_be_formed(run: Run, tmp_path: Path) -> None:
    made = run(
        "generate", "-n", "12", "-m", "6", "--clusters", "2", "--scale", "0:4", "-o", "g.csv"
    )
    assert "g.csv: 12 users x 6 items, 72 ratings" in made.err
    frame = pd.read_csv(tmp_path / "g.csv")
    assert set(frame.rating) <= {0, 1, 2, 3, 4}
    document = run("form", "g.csv", "-l", "3", "-k", "2", "--scale", "0:4", "--json").document
    assert document["problem"]["users"] == 12
