"""`grouping form`: every input format, every way out, and what the options do."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grouping.files import replacing
from tests.cli.running import GRD, ITEMS, LABELS, RATINGS, THREE, USERS, Run, long_table

MATRIX = np.array(RATINGS, dtype=np.float32)
LONG = long_table()
NUMBERED = [
    (user, item, int(MATRIX[user, item])) for user in range(len(USERS)) for item in range(4)
]


def wide(separator: str) -> str:
    rows = [
        ("who", *ITEMS),
        *((user, *map(str, r)) for user, r in zip(USERS, RATINGS, strict=True)),
    ]
    return "".join(separator.join(row) + "\n" for row in rows)


def movielens(separator: str) -> str:
    return "".join(
        separator.join(map(str, (user + 1, item + 1, rating, 881250949))) + "\n"
        for user, item, rating in NUMBERED
    )


def parquet(frame: pd.DataFrame) -> bytes:
    return frame.to_parquet(index=False)


def saved(save: object, matrix: object) -> bytes:
    file = io.BytesIO()
    save(file, matrix)  # type: ignore[operator]
    return file.getvalue()


FILES: dict[str, tuple[str, str | bytes]] = {
    "commas": ("r.csv", LONG),
    "tabs": ("r.tsv", long_table("\t")),
    "double colons, no header": ("r.dat", long_table("::", header=False)),
    "semicolons": ("r.csv", long_table(";")),
    "spaces": ("r.txt", long_table(" ")),
    "byte order mark and CRLF": ("r.csv", b"\xef\xbb\xbf" + LONG.replace("\n", "\r\n").encode()),
    "shuffled rows": ("r.csv", "".join([LONG[:17], *reversed(LONG[17:].splitlines(True))])),
    "wide": ("r.csv", wide(",")),
    "u.data": ("u.data", movielens("\t")),
    "ratings.dat": ("ratings.dat", movielens("::")),
    "ratings.csv": ("ratings.csv", "userId,movieId,rating,timestamp\n" + movielens(",")),
    "parquet, long": (
        "r.parquet",
        parquet(pd.DataFrame(NUMBERED, columns=["user", "item", "rating"])),
    ),
    "parquet, wide": (
        "r.parquet",
        parquet(
            pd.DataFrame(MATRIX, columns=list(ITEMS)).assign(user=list(USERS))[["user", *ITEMS]]
        ),
    ),
    "npy": ("r.npy", saved(np.save, MATRIX)),
    "npz": ("r.npz", saved(sp.save_npz, sp.csr_array(MATRIX))),
    "gzip": ("r.csv.gz", gzip.compress(LONG.encode(), mtime=0)),
}


@pytest.mark.parametrize("kind", FILES)
def test_every_format_gives_the_same_groups(run: Run, tmp_path: Path, kind: str) -> None:
    """The table is recognised without a word from the user, whatever it is written in."""
    name, content = FILES[kind]
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    made = run("form", name, *THREE, "--json")
    document = made.document
    assert document["objective"] == 10
    assert document["layout"] == {
        "labels": LABELS,
        "item_positions": [[0, 1], [2, 3], [1, 3]],
    }
    assert made.err == ""


def test_standard_input_and_a_said_format(run: Run) -> None:
    document = run("form", "-", "--format", "wide", *THREE, "--json", stdin=wide(",")).document
    assert document["objective"] == 10
    assert [group["members"] for group in document["groups"]] == [
        ["a", "b"],
        ["c", "d"],
        ["e", "f"],
    ]


def test_columns_are_read_as_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(
        "a,b,c\n" + "".join(f"{r},{i},{u}\n" for u, i, r in NUMBERED), encoding="utf-8"
    )
    document = run(
        "form", "r.csv", "--columns", "user=c,item=b,rating=1", *THREE, "--json"
    ).document
    assert document["layout"]["labels"] == LABELS


def test_the_embedded_sample_is_named_on_stderr_and_can_be_hushed(run: Run) -> None:
    loud, quiet = run("form"), run("form", "--quiet")
    assert "embedded sample, 200 travellers x 30 points of interest" in loud.err
    assert quiet.err == ""
    assert loud.out == quiet.out
    assert loud.out.splitlines()[0].endswith(" (optimal)"), "the line is whole, however long"
    assert loud.out.startswith(
        "10 groups of 200 users over 30 items, lm-min, k = 5, by exact (auto): "
    )


def test_the_table_shows_groups_lists_scores_and_members(run: Run, table: str) -> None:
    shown = run("form", table, *THREE, *GRD)
    assert shown.err == ""
    lines = [" ".join(line.split()) for line in shown.out.splitlines()]
    assert lines[0] == (
        "3 groups of 6 users over 4 items, lm-min, k = 2, by greedy: objective 10 (feasible)"
    )
    assert lines[4:7] == [
        "0 2 4 p (5), q (4) a, b",
        "1 2 4 r (5), s (4) c, d",
        "2 2 2 q (2), s (2) e, f",
    ]
    assert "\x1b" not in shown.out, "colour is for terminals"


def test_titles_stand_in_the_table_and_beside_the_ids(run: Run, table: str, tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("item,title\np,Pier\nq,[red]Quay\n")
    (tmp_path / "users.csv").write_text("user,name\na,Ada\n")
    named = ("--item-names", "items.csv", "--user-names", "users.csv")
    assert "p Pier (5), q [red]Quay (4)   a Ada, b" in run("form", table, *THREE, *named).out
    first = run("form", table, *THREE, *named, "--json").document["groups"][0]
    assert first["items"] == [
        {"item": "p", "score": 5, "title": "Pier"},
        {"item": "q", "score": 4, "title": "[red]Quay"},
    ]
    assert first["member_names"] == ["Ada", None]


def test_a_json_file_holds_what_json_prints(run: Run, table: str, tmp_path: Path) -> None:
    made = run("form", table, *THREE, "--bound", "--json", "-o", "f.json")
    assert json.loads((tmp_path / "f.json").read_text()) == made.document
    assert made.document["bound"] == 10
    assert made.document["gap"] == 0
    assert "f.json: 3 groups" in made.err


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_table_files_have_a_row_a_user(run: Run, table: str, tmp_path: Path, suffix: str) -> None:
    made = run("form", table, *THREE, "-q", "-o", f"f.{suffix}")
    assert (made.code, made.out, made.err) == (0, "", "")
    file = tmp_path / f"f.{suffix}"
    frame = pd.read_csv(file) if suffix == "csv" else pd.read_parquet(file)
    assert frame.columns.tolist() == ["user", "group"]
    assert dict(zip(frame.user, frame.group, strict=True)) == dict(zip(USERS, LABELS, strict=True))


@pytest.mark.parametrize(
    ("options", "objective", "advised"),
    [
        ((), 4 + 4 + 3 + 2, True),
        (("--split-buckets",), 4 + 4 + 4 + 2, False),
        (("--round", "2"), 4 + 4 + 4 + 2, False),
        (("--agg", "wsum", "--position-weights", "2,1"), 14 + 14 + 13 + 6, True),
        (("--semantics", "av", "--agg", "max"), 10 + 10 + 5 + 2, False),
    ],
)
def test_options_change_what_they_say(
    run: Run, table: str, options: tuple[str, ...], objective: float, advised: bool
) -> None:
    """Four groups, done by hand; GRD under lm says where --split-buckets could give more."""
    made = run("form", table, "-l", "4", "-k", "2", *GRD, "--json", *options)
    assert made.document["objective"] == objective
    assert ("--split-buckets" in made.err) == advised


@pytest.mark.parametrize(
    ("options", "second"),
    [
        (("--missing", "min"), 1),
        (("--missing", "min", "--scale", "0:5"), 0),
        (("--missing", "mean"), 2.6),
        (("--missing", "4.5"), 4.5),
    ],
)
def test_missing_ratings_count_as_said(
    run: Run, holes: str, options: tuple[str, ...], second: float
) -> None:
    """F has rated p only, with 2: the second score on f's list is what the policy makes of it."""
    made = run("form", holes, "-l", "6", "-k", "2", *GRD, "--json", *options)
    assert made.document["objective"] == pytest.approx(4 + 4 + 3 + second)
    assert "predicted" not in made.err


def test_missing_ratings_are_predicted_by_default_and_stderr_says_how(run: Run, holes: str) -> None:
    made = run("form", holes, "-l", "6", "-k", "2", "--json", "-v")
    told = made.err.splitlines()
    assert told[0] == "grouping: holes.csv: read as long, 6 users x 4 items"
    assert told[1].startswith(
        "grouping: 6 users x 4 items, 87.5 % rated; the rest predicted by biased matrix "
        "factorisation (ALS) in "
    )
    assert told[-1].startswith("grouping: read ")
    assert made.document["seconds"]["predict"] > 0
    assert 1 <= made.document["groups"][-1]["satisfaction"] <= 5


def test_missing_ratings_are_refused_if_so_said(run: Run, holes: str) -> None:
    run("form", holes, "-k", "2", "--missing", "error").refused(
        "holes.csv: 3 of 24 ratings are missing", "--missing min"
    )


def test_one_group_with_over_half_of_the_users_names_the_ways_out(run: Run, table: str) -> None:
    made = run("form", table, "-l", "2", "-k", "2", *GRD)
    assert made.code == 0
    assert "warning: group 1 holds 4 of 6 users" in made.err
    assert "--method refine" in made.err
    assert "--max-size" in made.err


def test_the_warning_does_not_name_a_method_that_was_used(run: Run, table: str) -> None:
    """By auto the groups are the best there are: what balances them is --max-size."""
    made = run("form", table, "-l", "2", "-k", "2")
    assert "warning: group 1 holds 4 of 6 users" in made.err
    assert "--max-size does (with --method auto or refine)" in made.err
    assert run("form", table, "-l", "2", "-k", "2", "--max-size", "3").err == ""


def test_the_integer_program_proves_its_groups_and_can_be_written(
    run: Run, table: str, tmp_path: Path
) -> None:
    made = run("form", table, *THREE, "--method", "ip", "--json", "--write-model", "m.lp")
    document = made.document
    assert (document["method"], document["status"]) == ("ip", "optimal")
    assert (document["objective"], document["gap"]) == (10, 0)
    assert "max" in (tmp_path / "m.lp").read_text()


def test_more_groups_than_users_is_fine(run: Run, table: str) -> None:
    """Every bucket is a group, and no last group is made."""
    document = run("form", table, "-l", "1000", "-k", "2", *GRD, "--json").document
    assert [group["size"] for group in document["groups"]] == [2, 2, 1, 1]


def test_skipped_rows_and_merged_duplicates_are_counted_on_stderr(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(LONG + "a,p,x\na,p,5\n")
    made = run("form", "r.csv", *THREE, "--json", "--on-bad-row", "skip", "--duplicates", "last")
    assert made.document["objective"] == 10
    assert made.err.count("\n") == 1
    assert "r.csv: 1 bad rows skipped" in made.err
    assert "1 duplicate ratings merged" in made.err


def test_threads_and_seed_do_not_change_the_result(run: Run, table: str) -> None:
    documents = [
        run("form", table, *THREE, "--json", *options).document
        for options in ((), ("--threads", "1", "--seed", "7"))
    ]
    assert documents[0]["groups"] == documents[1]["groups"]
    assert documents[1]["seed"] == 7


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    """A run that fails while it writes leaves the old file, and no other."""
    target = tmp_path / "f.csv"
    target.write_text("old")

    def fail() -> None:
        with replacing(target) as file:
            file.write(b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_what_each_member_gets_is_part_of_the_document(run: Run, table: str) -> None:
    """Valid by the schema (which `document` checks); refused where no document is written."""
    entries = run("form", table, *THREE, "--per-user", "--json").document["members_report"]
    assert [entry["user"] for entry in entries] == list("abcdef")
    assert all(0 <= entry["share_of_best"] <= 1 for entry in entries)
    run("form", table, *THREE, "--per-user").refused("--per-user", "--json")
