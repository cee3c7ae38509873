"""Results kept line by line."""

from __future__ import annotations

import pytest

from benchmarks.learners.lines import Lines, same_settings


def lines(folder):
    return Lines(folder / "lines.csv", ["row"], ["score"])


def test_lines_of_before_are_said_to_be_of_before(tmp_path, capsys):
    """Who runs a command to see a figure anew learns that it was not measured now."""
    lines(tmp_path).add(["a"], [0.5])
    assert capsys.readouterr().err == ""
    assert lines(tmp_path).rows["a",] == {"row": "a", "score": "0.500000"}
    assert "1 lines of before, which are not measured again" in capsys.readouterr().err


def test_other_figures_of_a_row_take_the_place_of_those_of_before(tmp_path):
    kept = lines(tmp_path)
    for score in (0.5, 0.5, 0.25):
        kept.put(["a"], [score])
    assert (tmp_path / "lines.csv").read_text().split() == ["row,score", "a,0.500000", "a,0.250000"]
    assert lines(tmp_path).rows["a",]["score"] == "0.250000"


def test_a_folder_of_other_settings_is_refused_by_name(tmp_path):
    same_settings(tmp_path, "rows", {"factors": 20, "seed": 0}, "*.npy")
    same_settings(tmp_path, "rows", {"factors": 20, "seed": 0}, "*.npy")
    same_settings(tmp_path, "others", {"factors": 30}, "*.npy")
    with pytest.raises(SystemExit, match="made with another factors; name another folder"):
        same_settings(tmp_path, "rows", {"factors": 30, "seed": 0}, "*.npy")


def test_a_folder_of_settings_that_nobody_knows_is_refused(tmp_path):
    """What it holds may be of others, and would be taken for made with these."""
    (tmp_path / "kept.npy").touch()
    with pytest.raises(SystemExit, match="settings unknown"):
        same_settings(tmp_path, "rows", {"factors": 30}, "*.npy")
