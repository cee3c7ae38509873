"""Sweeps: each row is what forming groups gives; files are gone on with; curves are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from grouping import InputError, form, sweep
from grouping.constraints import Constraints
from grouping.generate import generate
from grouping.ids import Ids
from grouping.missing import complete
from grouping.pictures import blank
from grouping.sweeping import COLUMNS, MOST_LINES, draw

RATINGS = complete(generate(30, 6, seed=1), "error")
FIGURES = [name for name in COLUMNS if name != "seconds"]


@pytest.mark.parametrize(("semantics", "agg"), [("lm", "min"), ("av", "wsum")])
def test_each_row_is_what_form_gives(semantics, agg):
    """With the same options, in the order asked for, each point once."""
    weights = [3.0, 2.0, 1.0] if agg == "wsum" else None
    table = sweep(RATINGS, [4, 2, 4], range(2, 4), semantics, agg, position_weights=weights)
    assert list(zip(table["l"], table["k"], strict=True)) == [(4, 2), (2, 2), (4, 3), (2, 3)]
    for row in table.to_dict("records"):
        first = None if weights is None else weights[: row["k"]]
        formed = form(
            RATINGS, semantics, agg, row["l"], row["k"], bound=True, position_weights=first
        )
        assert (row["objective"], row["bound"], row["gap"], row["status"], row["groups"]) == (
            formed.objective,
            formed.bound,
            formed.gap,
            formed.status,
            len(formed.groups),
        )
        sizes = sorted(formed.sizes.tolist())
        assert [row["smallest"], row["median"], row["largest"]] == [
            sizes[0],
            np.median(sizes),
            sizes[-1],
        ]
    free = sweep(RATINGS, 3, 2, semantics, agg, bound=False, position_weights=weights)
    assert free["bound"].isna().all()


def test_what_cannot_be_formed_has_a_row_that_says_so():
    """Groups too few for their size; the other points are measured all the same."""
    table = sweep(RATINGS, [2, 3], 1, method="refine", max_size=10, iterations=1)
    assert table["status"].tolist()[0] == "infeasible"
    assert np.isnan(table["objective"].tolist()[0])
    assert table["largest"].tolist()[1] <= 10


def test_each_point_is_formed_within_the_constraints_that_any_number_of_groups_can_keep():
    """With the same result as form; those about numbers of groups are refused before anything."""
    asked = {
        "max_size": 18,
        "apart": [["0", "1"]],
        "together": [["2", "3"]],
        "balance": {"sex": 0.2},
        "profiles": {"sex": [0, 1, 1] * 10},
        "exclude": {"4": ["0"]},
        "iterations": 1,
    }
    table = sweep(RATINGS, [2, 3], 2, method="refine", bound=False, **asked)
    for row in table.to_dict("records"):
        formed = form(RATINGS, groups=row["l"], k=2, method="refine", **asked)
        assert row["objective"] == formed.objective
        assert formed.problem["constraints"].keys() == {
            "max_size",
            "apart",
            "together",
            "balance",
            "exclude",
        }
    for wrong, words in (
        ({"sizes": [15, 15]}, "sizes: is about groups of given numbers"),
        ({"fixed": {"0": 1}}, "fixed: is about groups of given numbers"),
        ({"constraints": Constraints.of(RATINGS.users, 2, fixed={"0": 1})}, "fixed 0=1: is about"),
        ({"start": [0] * 30}, "start: is one formation"),
        ({"together": [["0", "x"]]}, "together 0,x: unknown user"),
        ({"exclude": ["x"]}, "exclude: unknown item"),
        ({"exclude": {"0": ["1"]}, "method": "kmeans"}, "kmeans cannot keep to exclude"),
    ):
        with pytest.raises(InputError, match=words):
            sweep(RATINGS, [2, 3], 2, **({"method": "refine"} | wrong))


def test_other_constraints_make_another_record(tmp_path):
    """Also where only who has which value, or who excludes what, is different."""
    path = tmp_path / "sweep.csv"
    sex = {"sex": [0, 1, 1] * 10}
    asked = {"method": "refine", "iterations": 1, "balance": {"sex": 0.5}, "file": path}
    sweep(RATINGS, 2, 1, profiles=sex, exclude={"4": ["0"]}, **asked)
    sweep(RATINGS, 2, 1, profiles=sex, exclude={"4": ["0"]}, **asked)
    for other in (
        {"profiles": {"sex": [1, 0, 1] * 10}, "exclude": {"4": ["0"]}},
        {"profiles": sex, "exclude": {"4": ["1"]}},
    ):
        with pytest.raises(InputError, match="holds points of another run"):
            sweep(RATINGS, 2, 1, **other, **asked)


def test_a_record_is_no_record_of_less_or_of_other_weights(tmp_path):
    """What was asked for and is no more, and one weight in the middle of thousands."""
    path = tmp_path / "sweep.csv"
    asked = {"method": "refine", "iterations": 1, "file": path}
    sweep(RATINGS, 2, 1, max_size=20, **asked)
    with pytest.raises(InputError, match=r"another run \(constraints was"):
        sweep(RATINGS, 2, 1, **asked)
    many = complete(generate(2000, 3, seed=1), "error")
    weights = np.ones(2000)
    asked |= {"file": tmp_path / "weighed.csv", "weigh": "members", "user_weights": weights}
    sweep(many, 2, 1, **asked)
    weights[1000] = 2
    with pytest.raises(InputError, match=r"another run \(user_weights was"):
        sweep(many, 2, 1, **asked)


def test_a_sweep_into_a_file_goes_on_where_it_ended(tmp_path):
    """Whatever ended it: an interrupt, or a death in the middle of a row."""
    path = tmp_path / "sweep.csv"
    asked = {"groups": range(2, 6), "k": [1, 2], "file": path, "max_size": None}
    whole = sweep(RATINGS, asked["groups"], asked["k"])

    def interrupt(row):
        if row["l"] == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(RATINGS, **asked, measured=interrupt)
    assert len(path.read_text().splitlines()) == 3
    with path.open("a") as file:
        file.write("4,1,feas")
    told, rows = [], []
    again = sweep(
        RATINGS, **asked, tell=lambda done, of, point: told.append(done), measured=rows.append
    )
    assert told == list(range(2, 9))
    assert len(rows) == 6
    assert again[FIGURES].equals(whole[FIGURES])
    assert sweep(RATINGS, **asked, measured=interrupt).equals(again)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"agg": "sum"}, "agg was 'min', now 'sum'"),
        ({"groups": range(2, 5)}, r"l was \[2, 3\], now \[2, 3, 4\]"),
        ({"max_size": 30, "method": "refine", "iterations": 1}, "method was 'greedy'"),
        ({"seed": 3}, "seed was None, now 3"),
        ({"X": complete(generate(30, 6, seed=2), "error")}, "ratings was"),
    ],
)
def test_points_of_another_sweep_are_not_gone_on_with(tmp_path, change, words):
    asked = {"X": RATINGS, "groups": [2, 3], "k": 1, "file": tmp_path / "s.csv"}
    sweep(**asked)
    with pytest.raises(InputError, match=words):
        sweep(**asked | change)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"groups": []}, "the number of groups: there is none"),
        ({"groups": [2, 0]}, "the number of groups must be at least 1"),
        ({"k": [2, 7]}, "lists of k = 7 items"),
        ({"method": "best"}, "unknown method 'best'"),
        ({"agg": "most"}, "unknown aggregation"),
        ({"semantics": "av", "weigh": "members"}, "weigh members goes with"),
        ({"X": np.array([[1, np.nan]])}, "missing"),
        ({"start": np.array([0, 0, 1, 1])}, "start: is one formation"),
        ({"sizes": np.array([2, 2])}, "sizes: is about groups of given numbers"),
        (
            {"constraints": Constraints.of(Ids(30), 2, max_size=20, fixed={0: 1})},
            "fixed 0=1: is about .*: use together and apart",
        ),
    ],
)
def test_what_is_asked_is_checked_before_a_file_is_made(tmp_path, asked, words):
    with pytest.raises(InputError, match=words):
        sweep(**{"X": RATINGS, "groups": 2, "k": 1, "file": tmp_path / "s.csv"} | asked)
    assert not list(tmp_path.iterdir())


def test_what_failed_before_its_first_point_leaves_room_for_the_next(tmp_path):
    """A method that cannot keep the constraints, and then one that can."""
    path = tmp_path / "s.csv"
    with pytest.raises(InputError, match="cannot keep"):
        sweep(RATINGS, 3, 1, max_size=10, file=path)
    table = sweep(RATINGS, 3, 1, method="refine", max_size=10, iterations=1, file=path)
    assert table["largest"].tolist() == [10]


def test_curves_run_over_what_varies():
    """A line a list length over l, not too many of them; over k where there is one l."""
    pytest.importorskip("matplotlib")
    wide = complete(generate(20, 14, seed=1), "error")
    for groups, lengths, label, lines in (
        ([2, 3, 4], range(1, 14), "l", MOST_LINES),
        (3, [1, 2], "k", 1),
    ):
        table = sweep(wide, groups, lengths)
        figure = blank(4, 4)
        draw(table, figure)
        worth, gaps, sizes = figure.axes
        assert worth.get_xlabel() == label
        assert len(gaps.lines) == lines
        assert len(worth.lines) == len(sizes.lines) == 2 * lines
        first = table[table["l" if label == "k" else "k"] == table["l" if label == "k" else "k"][0]]
        assert worth.lines[0].get_ydata().tolist() == first["objective"].tolist()
