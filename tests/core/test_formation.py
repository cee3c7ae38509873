"""Formations: saved and loaded equal, finite, whole or refused."""

from __future__ import annotations

import copy
import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from grouping import Formation, InputError, evaluate, form
from tests.strategies import csr_of, instances

WIDE = pd.DataFrame(
    [[1.0, 5.0, 2.5], [1.0, 5.0, 2.5], [4.0, 1.0, 0.1], [3.0, 3.0, 3.0]],
    index=["anna", "01", "héloïse", "1"],
    columns=["50", "a, b", 'say "x"'],
)


def formations():
    X = np.random.default_rng(0).random((30, 6))
    return {
        "dense": form(X, "av", "wsum", 4, 3, bound=True),
        "one user": form([[2]], "lm", "max", 3, 1),
        "wide frame": form(WIDE, "lm", "sum", 2, 2),
        "csr": form(csr_of(X, X > 0.5), "lm", "ndcg", 4, 3, missing="min"),
        "given": evaluate(WIDE, ["x", "y", "x", "y"], "lm", "min", 2, bound=True),
    }


@pytest.fixture(scope="module", params=["dense", "one user", "wide frame", "csr", "given"])
def formation(request):
    return formations()[request.param]


def test_a_formation_loads_as_it_was_saved(formation, tmp_path):
    formation.save(tmp_path / "f.json")
    loaded = Formation.load(tmp_path / "f.json")
    assert loaded == formation
    assert loaded.to_dict() == formation.to_dict()
    np.testing.assert_array_equal(loaded.labels, formation.labels)
    assert list(loaded.users) == list(formation.users)
    for one, other in zip(loaded.groups, formation.groups, strict=True):
        assert (one.member_ids, one.item_ids) == (other.member_ids, other.item_ids)
        assert one.item_scores.tobytes() == other.item_scores.tobytes()
    assert loaded.summary() == formation.summary()


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_the_table_has_a_row_a_user_with_ids_as_text(formation, tmp_path, suffix):
    """And groups by their numbers, or by the names that they were given."""
    path = tmp_path / f"f{suffix}"
    formation.save(path)
    table = pd.read_csv(path, dtype={"user": str}) if suffix == ".csv" else pd.read_parquet(path)
    assert list(table.columns) == ["user", "group"]
    assert table["user"].tolist() == list(formation.users)
    names = [g.number if g.name is None else g.name for g in formation.groups]
    assert table["group"].tolist() == [names[number] for number in formation.labels]
    pd.testing.assert_frame_equal(table, formation.to_frame(), check_dtype=False)


def test_a_file_of_another_kind_is_refused_and_nothing_is_written(formation, tmp_path):
    with pytest.raises(InputError, match=r"f\.txt"):
        formation.save(tmp_path / "f.txt")
    assert list(tmp_path.iterdir()) == []


def numbers_in(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from numbers_in(part)
    elif isinstance(value, (int, float)):
        yield value


@settings(max_examples=100)
@given(instances(kinds=("stars", "halves", "signed zeros", "reals")))
def test_the_document_is_whole(instance):
    """Numbers finite, ids text, groups numbered 0.. and never empty, at most l, every user once."""
    formation = form(instance.X, **instance.asked, bound=True)
    document = json.loads(json.dumps(formation.to_dict(), allow_nan=False))
    assert all(math.isfinite(number) for number in numbers_in(document))
    groups = document["groups"]
    assert [group["group"] for group in groups] == list(range(len(groups)))
    assert 1 <= len(groups) <= instance.groups
    assert all(group["size"] == len(group["members"]) >= 1 for group in groups)
    members = [member for group in groups for member in group["members"]]
    assert sorted(members, key=int) == [str(user) for user in range(len(instance.rows))]
    assert all(len(group["items"]) == instance.k for group in groups)
    assert document["objective"] == math.fsum(group["satisfaction"] for group in groups)
    assert document["problem"]["users"] == len(instance.rows)
    assert document["problem"]["groups"] == instance.groups
    assert document["gap"] is None or document["gap"] >= 0


def damaged():
    """Name of a damage, and what it does to a document of 4 users in 2 groups."""

    def at(*path, value):
        def change(document):
            for step in path[:-1]:
                document = document[step]
            document[path[-1]] = value

        return change

    def without(*path):
        def change(document):
            for step in path[:-1]:
                document = document[step]
            del document[path[-1]]

        return change

    return {
        "no version": without("schema_version"),
        "another version": at("schema_version", value=2),
        "no layout": without("layout"),
        "no groups": without("groups"),
        "no groups in it": at("groups", value=[]),
        "groups no list": at("groups", value=None),
        "a group lost": without("groups", 1),
        "a group that is a number": at("groups", 1, value=7),
        "a member lost": without("groups", 0, "members", 0),
        "a member twice": at("groups", 0, "members", 0, value="1"),
        "a member that is null": at("groups", 0, "members", 0, value=None),
        "an item lost": without("groups", 0, "items", 0),
        "an item without score": without("groups", 0, "items", 0, "score"),
        "a score that is text": at("groups", 0, "items", 0, "score", value="high"),
        "a score that is no number": at("groups", 0, "items", 0, "score", value=math.nan),
        "positions lost": without("layout", "item_positions"),
        "a position lost": without("layout", "item_positions", 0, 0),
        "labels lost": without("layout", "labels"),
        "a label lost": without("layout", "labels", 0),
        "a label too high": at("layout", "labels", 0, value=5),
        "a label below 0": at("layout", "labels", 0, value=-1),
        "a label that is huge": at("layout", "labels", 0, value=10**30),
        "a label that is broken": at("layout", "labels", 0, value=0.5),
        "labels no list": at("layout", "labels", value="0011"),
        "labels nested": at("layout", "labels", value=[[0, 0], [1, 1]]),
        "objective lost": without("objective"),
        "objective no number": at("objective", value=math.nan),
        "objective infinite": at("objective", value=math.inf),
        "objective huge": at("objective", value=10**400),
        "bound no number": at("bound", value="high"),
        "satisfaction lost": without("groups", 0, "satisfaction"),
        "satisfaction infinite": at("groups", 0, "satisfaction", value=math.inf),
        "seconds no mapping": at("seconds", value=3),
        "problem no mapping": at("problem", value=[1]),
        "versions lost": without("versions"),
        "status unknown": at("status", value="fine"),
        "status a list": at("status", value=[]),
        "seed no number": at("seed", value="0"),
        "a group without members": at("groups", 1, "members", value=[]),
        "method no text": at("method", value=None),
        "semantics unknown": at("problem", "semantics", value="most"),
        "aggregation unknown": at("problem", "agg", value=[]),
        "position weights lost": without("problem", "position_weights"),
        "lists of another length": at("problem", "k", value=1),
        "a size that is text": at("problem", "constraints", value={"max_size": "x"}),
        "nobody": lambda document: document.update(
            groups=[], layout={"labels": [], "item_positions": []}
        ),
    }


@pytest.mark.parametrize("name", damaged())
def test_a_damaged_document_is_refused(name):
    """With an error that says which file; never taken for another formation."""
    document = copy.deepcopy(form(WIDE, "lm", "sum", 2, 2).to_dict())
    assert Formation.from_dict(document).objective > 0
    damaged()[name](document)
    with pytest.raises(InputError, match=r"here\.json"):
        Formation.from_dict(document, "here.json")


@pytest.mark.parametrize("document", [None, [], 3, "formation", {}])
def test_what_is_no_document_at_all_is_refused(document):
    with pytest.raises(InputError, match="schema version"):
        Formation.from_dict(document)


def test_a_file_that_is_absent_cut_short_or_no_json_is_refused(formation, tmp_path):
    with pytest.raises(InputError, match="absent"):
        Formation.load(tmp_path / "absent.json")
    formation.save(tmp_path / "f.json")
    whole = (tmp_path / "f.json").read_bytes()
    for content in (b"", whole[: len(whole) // 2], b"\xff\xfe", b"user,group\n1,0\n"):
        (tmp_path / "g.json").write_bytes(content)
        with pytest.raises(InputError, match=r"g\.json"):
            Formation.load(tmp_path / "g.json")


@pytest.mark.parametrize("semantics", ["lm", "av"])
@pytest.mark.parametrize("agg", ["min", "sum"])
def test_ratings_too_large_to_add_up_are_refused(semantics, agg):
    """Finite ratings whose sums are not would print as numbers that JSON does not have."""
    X = [[1e308, 1.2e308], [1.2e308, 1e308], [-1e308, -1e308]]
    with pytest.raises(InputError, match=r"1\.2e\+308 are too large"):
        form(X, semantics, agg, 1, 2, bound=True)


def test_a_bound_next_to_0_has_no_gap_or_a_finite_one():
    """Where everybody is alone at exactly 0, and where rounding leaves next to nothing."""
    for X in ([[0.0, 0.0], [-3.3, -3.3]], [[0.0, 0.0], [0.0, 0.0]], [[1e-320, 0.0], [-3.3, -5.0]]):
        for agg in ("max", "sum", "wsum"):
            formation = form(X, "lm", agg, 1, 2, bound=True)
            assert formation.objective <= formation.bound
            assert formation.gap is None or math.isfinite(formation.gap)


def test_evaluate_takes_whole_numbers_as_user_ids():
    """A mapping may be keyed by the positions of an array's rows."""
    X = [[1, 2], [3, 4], [5, 6]]
    assert evaluate(X, {0: 0, 1: 1, 2: 0}, k=1).labels.tolist() == [0, 1, 0]
