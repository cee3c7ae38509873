"""`grouping assign`: newcomers in the table, in the document, in files; and what is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from grouping import Ratings, form
from tests.cli.running import ITEMS, RATINGS, THREE, USERS, Run, long_table
from tests.cli.test_schema import SCHEMA

NEW = "user,item,rating\nx,p,5\nx,q,5\nx,r,1\nx,s,1\ny,p,1\ny,q,1\ny,r,4\ny,s,5\n"
"""x is like a and b of group 0, y like c and d of group 1."""


@pytest.fixture
def formed(tmp_path: Path) -> str:
    """Three groups as a file, and the newcomers' ratings as new.csv."""
    ratings = Ratings.of(np.array(RATINGS, np.float64), users=USERS, items=ITEMS)
    form(ratings, groups=3, k=2).save(tmp_path / "groups.json")
    (tmp_path / "new.csv").write_text(NEW)
    return "groups.json"


def test_the_table_names_where_each_newcomer_went(run: Run, formed: str) -> None:
    shown = run("assign", formed, "new.csv")
    assert (shown.code, shown.err) == (0, "")
    assert "2 newcomers joined 2 of 3 groups: 8 users, lm-min, k = 2" in shown.out
    lines = [line.split() for line in shown.out.splitlines()]
    assert ["x", "0", "5"] in lines
    assert ["y", "1", "4"] in lines


def test_the_document_and_the_files_hold_the_new_formation(
    run: Run, formed: str, tmp_path: Path
) -> None:
    """Valid under the schema of form; and the next newcomers join what the first joined."""
    document = run("assign", formed, "new.csv", "--json", "-o", "more.csv").document
    Draft202012Validator(SCHEMA).validate(document)
    assert document["method"] == "assign"
    members = [group["members"] for group in document["groups"]]
    assert members == [["a", "b", "x"], ["c", "d", "y"], ["e", "f"]]
    with (tmp_path / "more.csv").open() as file:
        rows = [(row["user"], row["group"]) for row in csv.DictReader(file)]
    assert rows[-2:] == [("x", "0"), ("y", "1")]
    assert run("assign", formed, "new.csv", "-q", "-o", "more.json").code == 0
    next_day = NEW.replace("x", "v").replace("y", "w")
    again = run("assign", "more.json", "-", "--json", stdin=next_day).document
    assert again["groups"][0]["members"] == ["a", "b", "x", "v"]


def test_full_groups_end_with_a_sentence_and_their_own_exit_code(run: Run, formed: str) -> None:
    """As many as there are places go where there are some."""
    full = ("2 newcomers and 0 free places in 3 groups under --max-size 2", "form them anew")
    run("assign", formed, "new.csv", "--max-size", "2").refused(*full, code=3)
    document = run("assign", formed, "new.csv", "--sizes", "2,4,2", "--json").document
    assert document["groups"][1]["members"] == ["c", "d", "x", "y"]
    run("assign", formed, "new.csv", "--sizes", "2,4").refused("2 sizes for 3 groups")


def test_nobody_new_changes_nothing(run: Run, formed: str, table: str, tmp_path: Path) -> None:
    """Which is said, and no failure: the same formation is written."""
    done = run("assign", formed, table, "-o", "same.json")
    assert done.code == 0
    assert "nobody is new: 6 users of RATINGS, all members already" in done.err
    assert (tmp_path / "same.json").read_bytes() == (tmp_path / formed).read_bytes()


def test_newcomers_weigh_and_exclude_what_files_say(
    run: Run, formed: str, table: str, tmp_path: Path
) -> None:
    """Here x has seen p, which group 0 is offered; under voting weights are on record."""
    (tmp_path / "seen.csv").write_text("user,item\nx,p\n")
    (tmp_path / "weights.csv").write_text("user,weight\ny,2.5\n")
    members = run("assign", formed, "new.csv", "--exclude-file", "seen.csv", "--json").document
    assert "x" not in members["groups"][0]["members"]
    excluded = {"items": [], "pairs": 1, "of_single_users": ["p"]}
    assert members["problem"]["constraints"]["exclude"] == excluded
    weighed = ("--user-weights", "weights.csv")
    run("assign", formed, "new.csv", *weighed).refused("do not matter where groups count once")
    voting = (*THREE, "--semantics", "av", "--agg", "sum", "-q", "-o", "voting.json")
    assert run("form", table, *voting).code == 0
    document = run("assign", "voting.json", "new.csv", *weighed, "--json").document
    assert document["problem"]["user_weights"] == [1.0] * 7 + [2.5]


def test_profiles_may_come_through_a_pipe(run: Run, formed: str) -> None:
    """Two look at them: what is asked, and what the groups were formed under."""
    who = "user,sex\n" + "".join(
        f"{user},{sex}\n" for user, sex in zip("abcdefxy", 4 * "FM", strict=True)
    )
    balanced = ("--balance", "sex:0.5", "--profiles", "-")
    document = run("assign", formed, "new.csv", *balanced, "--json", stdin=who).document
    assert [rule["attribute"] for rule in document["problem"]["constraints"]["balance"]] == ["sex"]


def test_lists_stay_unless_they_are_made_anew(run: Run, formed: str) -> None:
    """For which the members' ratings are needed too."""
    run("assign", formed, "new.csv", "--relist").refused("user a and 5 more has none")
    both = NEW + long_table(header=False)
    document = run("assign", formed, "-", "--relist", "--json", stdin=both).document
    assert document["groups"][1]["members"] == ["c", "d", "y"]
    assert [entry["item"] for entry in document["groups"][1]["items"]] == ["r", "s"]


def test_what_is_missing_is_filled_as_when_the_groups_were_formed(
    run: Run, table: str, formed: str, tmp_path: Path
) -> None:
    """Or predicted, where nothing was missing then; either is said."""
    some = "user,item,rating\nx,p,5\nx,q,4\ny,r,5\ny,p,1\n"
    (tmp_path / "some.csv").write_text(some)
    done = run("assign", formed, "some.csv", "--json")
    assert "the rest predicted by" in done.err
    assert "from the newcomers' ratings alone" in done.err
    assert done.document["problem"]["missing"] == "predict"
    filled = run("assign", formed, "some.csv", "--missing", "2", "--json")
    assert "unrated items count as 2" in filled.err
    assert run("form", table, *THREE, "--missing", "min", "-q", "-o", "low.json").code == 0
    low = run("assign", "low.json", "some.csv", "--json")
    assert "unrated items count as min of RATINGS, by the policy that the groups were" in low.err
    assert low.document["problem"]["missing"] == "min"
    run("assign", formed, "some.csv", "--missing", "error").refused("ratings are missing")


def test_what_is_no_formation_or_is_of_other_items_is_refused(
    run: Run, formed: str, tmp_path: Path
) -> None:
    run("assign", "new.csv", "new.csv").refused("new.csv: is not JSON", "give the .json file")
    run("assign", "none.json", "new.csv").refused("none.json: cannot be read")
    (tmp_path / "other.csv").write_text("user,item,rating\nx,zoo,5\nx,spa,3\n")
    run("assign", formed, "new.csv", "--drop", "nope").refused(
        "--drop nope: choose one of min-size, ", ", fix, balance, no-isolated"
    )
    run("assign", formed, "other.csv").refused("rates none of the items on the formation's lists")
    document = json.loads((tmp_path / formed).read_text())
    document["groups"][0]["members"][0] = "c"
    (tmp_path / "twice.json").write_text(json.dumps(document))
    run("assign", "twice.json", "new.csv").refused("twice.json", "'c' occurs twice")
