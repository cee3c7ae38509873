"""Tables of the DMTL and predictor benchmarks: one split, some of the rows, rows by and by."""

import sys

import numpy as np
import pytest

pytest.importorskip("torch")

from benchmarks.learners import dmtl_better, dmtl_table3, predictor
from learners.dmtl.protocol import rank


def test_one_split_has_no_spread(capsys):
    """A mean is printed without a standard deviation that one number does not have."""
    who, value = np.repeat([0, 1, 2], 3), np.tile([5.0, 3.0, 4.0], 3)
    users = np.arange(3)
    result = rank(who, value, np.arange(9.0))
    for splits in (1, 2):
        found = {row: dict.fromkeys(range(splits), (users, result)) for row in ("a", "b")}
        dmtl_better.show(found, {row: [1.0] * splits for row in found}, "a", 3)
        table = np.full((splits, 2), 0.5)
        predictor.summary(table)
        said = capsys.readouterr().out
        assert "nan" not in said
        assert ("sd " in said) == ("standard deviation" in said) == (splits > 1)


def test_the_row_to_compare_with_must_be_made(monkeypatch, capsys):
    """Said before any row is made."""
    monkeypatch.setattr(sys, "argv", ["dmtl_better", "--out", "none", "--rows", "ALS"])
    monkeypatch.setattr(dmtl_better, "read", lambda name: pytest.fail("data was read"))
    with pytest.raises(SystemExit):
        dmtl_better.main()
    assert "--ours: 'ensemble' is not among the --rows" in capsys.readouterr().err


def test_a_table_keeps_the_rows_that_were_not_asked_for(tmp_path):
    """A second command adds to the table of the first, and puts right what it made anew."""
    path = tmp_path / "table3.csv"
    dmtl_table3.write(path, [("ml-100k", 42, "SVD", 0.5, 0.6), ("ml-100k", 42, "NMF", 0.1, 0.2)])
    dmtl_table3.write(path, [("ml-100k", 42, "NMF", 0.3, 0.4), ("itm-rec", 42, "NMF", 0.7, 0.8)])
    assert path.read_text().splitlines()[1:] == [
        "ml-100k,42,SVD,0.5,0.6",
        "ml-100k,42,NMF,0.3,0.4",
        "itm-rec,42,NMF,0.7,0.8",
    ]
