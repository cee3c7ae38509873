"""What is refused, with which exit code, and in which words: the place, and the way out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.running import THREE, Run, long_table

HEAD = "user,item,rating\n"

USAGE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "unknown option": (("form", "--frobnicate"), ("--frobnicate",)),
    "unknown command": (("frobnicate",), ("frobnicate",)),
    "unknown method": (("form", "--method", "magic"), ("--method", "magic", "greedy")),
    "unknown semantics": (("form", "--semantics", "x"), ("--semantics", "lm", "av")),
    "no groups": (("form", "-l", "0"), ("--groups", "-l", "1")),
    "no list": (("form", "-k", "0"), ("--list-length", "-k", "1")),
    "a word for a number": (("form", "-l", "ten"), ("--groups",)),
    "no threads": (("form", "--threads", "0"), ("--threads", "1")),
    "a share for a number": (("form", "--gap", "5%"), ("--gap: give a number", "form --help")),
    "negative seed": (("form", "--seed", "-1"), ("--seed", "0")),
    "no iterations": (("form", "--iterations", "0"), ("--iterations", "1")),
    "no patience": (("form", "--method", "refine", "--patience", "0"), ("--patience", "1")),
    "patience of a method that makes no tries": (
        ("form", "--method", "greedy", "--patience", "3"),
        ("--patience", "--method greedy does not take it"),
    ),
    "negative gap": (("form", "--gap", "-0.1"), ("--gap", "0")),
    "no time": (("form", "--time-limit", "0"), ("--time-limit 0", "above 0")),
    "no step": (("form", "--round", "0"), ("--round 0", "above 0")),
    "half a scale": (("form", "--scale", "5"), ("--scale 5", "--scale 1:5")),
    "scale of words": (("form", "--scale", "a:b"), ("--scale a:b", "--scale 1:5")),
    "scale upside down": (("form", "--scale", "5:1"), ("--scale 5:1", "lower one first")),
    "endless scale": (("form", "--scale", "0:inf"), ("--scale 0:inf",)),
    "unknown policy": (("form", "--missing", "maybe"), ("--missing maybe", "predict")),
    "infinite policy": (("form", "--missing", "inf"), ("--missing inf", "number")),
    "weights of words": (
        ("form", "--agg", "wsum", "--position-weights", "x"),
        ("--position-weights x", "inverse, log"),
    ),
    "too few weights": (
        ("form", "--agg", "wsum", "-k", "3", "--position-weights", "2,1"),
        ("--position-weights 2,1", "give 3"),
    ),
    "increasing weights": (
        ("form", "--agg", "wsum", "-k", "2", "--position-weights", "1,2"),
        ("--position-weights 1,2", "not increasing"),
    ),
    "weights without wsum": (
        ("form", "-k", "2", "--position-weights", "2,1"),
        ("--position-weights 2,1", "wsum"),
    ),
    "split buckets under av": (
        ("form", "--semantics", "av", "--split-buckets"),
        ("--split-buckets", "--semantics av", "leave it out"),
    ),
    "split buckets of another method": (
        ("form", "--method", "ip", "--split-buckets"),
        ("--split-buckets", "--method ip", "leave it out"),
    ),
    "model of another method": (
        ("form", "--write-model", "x.lp"),
        ("--write-model", "--method auto", "leave it out"),
    ),
    "model in another format": (
        ("form", "--method", "ip", "--write-model", "x.txt"),
        ("--write-model x.txt", ".lp, .mps"),
    ),
    "unknown ending": (("form", "-o", "f.txt"), ("-o f.txt", ".json, .csv, .parquet")),
    "an ending alone": (("form", "-o", ".json"), ("-o .json", ".json, .csv, .parquet")),
    "no such folder": (("form", "-o", "none/f.json"), ("-o none/f.json", "no folder none")),
    "sparse predictions": (("predict", "x.csv", "-o", "f.npz"), ("-o f.npz", ".npy")),
    "evaluate without groups": (("evaluate", "x.csv"), ("--groups",)),
    "predict without output": (("predict", "x.csv"), ("--output",)),
    "no users": (("generate", "-n", "0", "-m", "2", "-o", "g.csv"), ("--users",)),
    "no density": (
        ("generate", "-n", "2", "-m", "2", "--density", "0", "-o", "g.csv"),
        ("--density 0", "above 0"),
    ),
    "no such file": (("form", "none.csv"), ("none.csv: there is no such file",)),
    "folder as file": (("form", "."), ("is a folder",)),
    "no such titles": (("form", "--item-names", "none.csv"), ("none.csv",)),
}


@pytest.mark.parametrize("case", USAGE)
def test_usage_is_refused_before_any_work(run: Run, tmp_path: Path, case: str) -> None:
    """Exit 2, nothing on stdout, no file written, nothing read: not even the sample is named."""
    arguments, words = USAGE[case]
    refused = run(*arguments)
    refused.refused(*words)
    assert "embedded sample" not in refused.err
    assert list(tmp_path.iterdir()) == []


TABLES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "empty": ("", (), ("r.csv: is empty",)),
    "header alone": (HEAD, (), ("r.csv: has a header but no rows",)),
    "short row": (f"{HEAD}a,x,5\na,y\n", (), ("r.csv:3: ", "--on-bad-row skip")),
    "word for a rating": (f"{HEAD}a,x,5\na,y,good\n", (), ("r.csv:3: ", "'good'")),
    "no rating": (f"{HEAD}a,x,\n", (), ("r.csv:2: ", "empty")),
    "nan": (f"{HEAD}a,x,5\na,y,nan\n", (), ("r.csv:3: ", "nan")),
    "infinity": (f"{HEAD}a,x,5\na,y,inf\n", (), ("r.csv:3: ", "infinite")),
    "duplicate": (f"{HEAD}a,x,5\na,x,4\n", (), ("r.csv:3: ", "--duplicates last or mean")),
    "out of scale": (f"{HEAD}a,x,5\na,y,9\n", ("--scale", "1:5"), ("r.csv:3: ", "1:5")),
    "columns that say nothing": (
        "a,b,c\n1,2,3\n4,5,6\n",
        (),
        ("r.csv: ", "a,b,c", "--format long", "--columns user=NAME,item=NAME,rating=NAME"),
    ),
    "columns not there": (f"{HEAD}a,x,5\n", ("--columns", "user=who"), ("r.csv: ", "'who'")),
    "columns of another kind": (f"{HEAD}a,x,5\n", ("--columns", "who=1"), ("--columns", "'who'")),
    "another format": (f"{HEAD}a,x,5\n", ("--format", "npy"), ("r.csv: ", "--format")),
    "fewer items than k": (f"{HEAD}a,x,5\na,y,4\n", ("-k", "3"), ("k = 3", "at most 2")),
    "negative gains": (f"{HEAD}a,x,-1\n", ("-k", "1", "--agg", "ndcg"), ("r.csv: ", "ndcg")),
    "policy out of scale": (
        f"{HEAD}a,x,5\nb,y,4\n",
        ("-k", "1", "--scale", "1:5", "--missing", "9"),
        ("9", "1:5"),
    ),
}


@pytest.mark.parametrize("case", TABLES)
def test_bad_tables_are_refused_by_name_and_line(run: Run, tmp_path: Path, case: str) -> None:
    content, options, words = TABLES[case]
    (tmp_path / "r.csv").write_text(content)
    run("form", "r.csv", *options).refused(*words)


def test_an_infinite_rating_in_a_matrix_is_refused_by_its_place(run: Run, tmp_path: Path) -> None:
    matrix = np.array([[1, 2], [3, np.inf]], np.float32)
    np.save(tmp_path / "r.npy", matrix)
    run("form", "r.npy", "-k", "1").refused("r.npy: ", "user 1", "item 1", "infinite")


def test_a_time_limit_that_passes_with_nothing_found_is_code_4(run: Run, table: str) -> None:
    limited = run("form", table, *THREE, "--method", "ip", "--time-limit", "1e-9")
    limited.refused("too short to build the integer program", "more time", code=4)


def test_messages_speak_of_options_not_of_python_arguments(run: Run, holes: str) -> None:
    sentence = run("form", holes, "-k", "2", "--missing", "error").refused("--missing min")
    assert "missing =" not in sentence
    assert "n_features" not in run("form", holes, "-k", "9").refused("at most 4")
    members = ("--weigh", "members", "--semantics", "av")
    run("form", holes, *THREE, *members).refused("--weigh members goes with --semantics lm")


def test_a_failing_run_leaves_the_old_output_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(long_table() + "a,p,bad\n")
    (tmp_path / "f.json").write_text("old")
    run("form", "r.csv", *THREE, "-o", "f.json").refused("r.csv:26: ")
    assert (tmp_path / "f.json").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.json", "r.csv"]


@pytest.mark.parametrize(
    "words", [("form", "-l", "2", "-k", "1"), ("compare", "-l", "2", "-k", "1"), ("predict",)]
)
def test_no_output_takes_the_place_of_a_table_that_is_read(
    run: Run, table: str, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """However the file is called: the ratings would be lost."""
    before = Path(tmp_path / table).read_text()
    ended = run(words[0], table, *words[1:], "-o", f"../{tmp_path.name}/{table}")
    assert "would take the place of a table that is read" in ended.refused("-o")
    assert Path(tmp_path / table).read_text() == before
