"""What is excluded is on no list: for everybody, or of groups with a member who excludes it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grouping import evaluate, form
from grouping.cli.rules import exclusions as from_options
from grouping.constraints.allowing import _most_exclusive
from grouping.counting import Counting
from grouping.errors import InfeasibleError, InputError
from grouping.exact.bounding import upper_bound
from grouping.exclusions import Exclusions
from grouping.problem import Problem
from grouping.ratings import Ratings
from tests import oracle
from tests.strategies import csr_of

MEANT = list(itertools.product(("lm", "av"), ("min", "max", "sum")))
TABLE = st.lists(st.lists(st.integers(1, 5), min_size=4, max_size=4), min_size=2, max_size=6)
PAIRS = st.sets(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=6)


def allowed_worth(rows, members, k, semantics, agg, excluded):
    """Satisfaction with the best list of items that no member excludes; None without one."""
    left = [
        item
        for item in range(len(rows[0]))
        if not any((user, item) in excluded for user in members)
    ]
    if len(left) < k:
        return None
    rows = [[row[item] for item in left] for row in rows]
    weights = [1 / position for position in range(1, k + 1)] if agg == "wsum" else None
    return oracle.satisfaction(rows, members, k, semantics, agg, weights)


def best_allowed(rows, groups, k, semantics, agg, excluded):
    """The optimum, from the definition; None where no formation is allowed."""
    worths = []
    for partition in oracle.partitions(len(rows), groups):
        each = [allowed_worth(rows, m, k, semantics, agg, excluded) for m in partition]
        if None not in each:
            worths.append(sum(each))
    return max(worths, default=None)


@settings(max_examples=60, deadline=None)
@given(TABLE, PAIRS, st.integers(1, 3), st.integers(1, 2), st.sampled_from(MEANT), st.booleans())
def test_exact_and_refine_keep_to_what_members_exclude(rows, excluded, groups, k, meant, sparse):
    """Equal to brute force over allowed lists; refine between feasible and best; bounds hold."""
    excluded = {(user, item) for user, item in excluded if user < len(rows)}
    semantics, agg = meant
    best = best_allowed(rows, groups, k, semantics, agg, excluded)
    given_by_user = {}
    for user, item in sorted(excluded):
        given_by_user.setdefault(str(user), []).append(str(item))
    X = np.array(rows, dtype=np.float64)
    X = csr_of(X, X > 1) if sparse and (X > 1).any() else X
    asked = {"exclude": given_by_user, "missing": 1.0, "iterations": 2}
    if best is None:
        with pytest.raises(InfeasibleError):
            form(X, semantics, agg, groups, k, "exact", **asked)
        with pytest.raises(InfeasibleError):
            form(X, semantics, agg, groups, k, "refine", **asked)
        return
    exact = form(X, semantics, agg, groups, k, "exact", **asked)
    assert exact.objective == best
    found = form(X, semantics, agg, groups, k, "refine", **asked)
    assert found.objective <= best <= found.bound
    for formation in (exact, found):
        for group in formation.groups:
            members, items = group.members.tolist(), group.items.tolist()
            assert not any((user, item) in excluded for user in members for item in items)
            assert group.satisfaction == allowed_worth(rows, members, k, semantics, agg, excluded)
    problem = Problem.of(
        Ratings.of(np.array(rows) * 1.0),
        semantics,
        agg,
        groups,
        k,
        exclusions=Exclusions((), np.array(sorted(excluded)).reshape(-1, 2)) if excluded else None,
    )
    assert upper_bound(problem).value >= best


@settings(max_examples=30, deadline=None)
@given(TABLE, st.sampled_from(["greedy", "refine", "exact", "kmeans"]), st.sampled_from(MEANT))
def test_items_excluded_for_everybody_might_as_well_not_be_there(rows, method, meant):
    """The result is that of the ratings without their columns, ids kept."""
    X = np.array(rows, dtype=np.float64)
    items = ["a", "b", "c", "d"]
    semantics, agg = meant
    asked = {"groups": 2, "k": 2, "iterations": 1, "semantics": semantics, "agg": agg}
    found = form(Ratings.of(X, items=items), method=method, exclude=["b"], **asked)
    without = form(Ratings.of(X[:, [0, 2, 3]], items=["a", "c", "d"]), method=method, **asked)
    assert found.objective == without.objective
    assert [group.item_ids for group in found.groups] == [
        group.item_ids for group in without.groups
    ]
    assert found.problem["constraints"]["exclude"] == {"items": ["b"], "pairs": 0}


@pytest.mark.parametrize(
    ("exclude", "error", "words"),
    [
        (["x"], InputError, "exclude: unknown item id 'x'"),
        ({"ann": ["0"]}, InputError, "unknown user id 'ann'"),
        ({"0": ["9"]}, InputError, "user 0: unknown item id '9'"),
        ("0", InputError, "give a list of items"),
        (["0", "1"], InputError, "1 of 3 items are left"),
        ({"1": ["0", "2"]}, InfeasibleError, "user 1 has 1 of 3 items left"),
    ],
)
def test_what_cannot_be_excluded_is_named(exclude, error, words):
    """Unknown names, and exclusions that leave no list."""
    with pytest.raises(error, match=words):
        form(np.ones((2, 3)), groups=1, k=2, method="refine", exclude=exclude, iterations=1)


@pytest.mark.parametrize("method", ["greedy", "baseline", "kmeans"])
def test_methods_that_cannot_keep_to_single_users_exclusions_refuse(method):
    """A clear refusal, which names the constraint."""
    with pytest.raises(InputError, match="cannot keep to exclude"):
        form(np.ones((3, 3)), groups=2, k=1, method=method, exclude={"0": ["1"]})


@settings(max_examples=30, deadline=None)
@given(
    TABLE,
    PAIRS,
    st.integers(1, 3),
    st.integers(1, 2),
    st.sampled_from([*MEANT, ("lm", "wsum"), ("av", "wsum")]),
)
def test_the_integer_program_keeps_to_what_members_exclude(rows, excluded, groups, k, meant):
    """Its optimum is that of brute force over allowed lists, and infeasible is said."""
    excluded = {(user, item) for user, item in excluded if user < len(rows)}
    semantics, agg = meant
    best = best_allowed(rows, groups, k, semantics, agg, excluded)
    exclude = {}
    for user, item in sorted(excluded):
        exclude.setdefault(str(user), []).append(str(item))
    asked = (np.array(rows) * 1.0, semantics, agg, groups, k, "ip")
    if best is None:
        with pytest.raises(InfeasibleError):
            form(*asked, exclude=exclude)
        return
    found = form(*asked, exclude=exclude)
    assert found.status == "optimal"
    assert found.objective == pytest.approx(float(best))
    assert found.bound == pytest.approx(float(best))
    for group in found.groups:
        members, items = group.members.tolist(), group.items.tolist()
        assert not any((user, item) in excluded for user in members for item in items)


def test_that_too_few_groups_cannot_do_is_proven():
    """Everybody excludes another item and lists need all but one: a program says so."""
    X = np.ones((12, 3))
    exclude = {str(user): [str(user % 3)] for user in range(12)}
    with pytest.raises(InfeasibleError, match="cannot be parted into at most 2 groups"):
        form(X, groups=2, k=2, method="refine", exclude=exclude, iterations=1)
    assert form(X, groups=3, k=2, method="refine", exclude=exclude, iterations=3).objective == 3


def test_a_table_of_ratings_names_what_users_have_seen(tmp_path):
    """Further columns are not looked at; unknown names are told with their line."""
    path = tmp_path / "seen.data"
    path.write_text("a\tx\t5\t881250949\nb\ty\t3\t881250949\n")
    ratings = Ratings.of(np.ones((2, 3)), users=["a", "b"], items=["x", "y", "z"])
    found = from_options(ratings, ["z"], str(path))
    assert found.items == (2,)
    assert found.pairs.tolist() == [[0, 0], [1, 1]]
    path.write_text("user,item\na,x\na,w\n")
    with pytest.raises(InputError, match=":3: unknown item id 'w'"):
        from_options(ratings, None, str(path))


def test_a_given_partition_gets_lists_of_what_is_left():
    """Evaluate leaves excluded items out, and names a group for which too few are left."""
    X = np.array([[5.0, 1.0, 2.0], [4.0, 3.0, 1.0]])
    found = evaluate(X, ["a", "b"], k=1, exclude={"0": ["0"]})
    assert [group.item_ids for group in found.groups] == [["2"], ["0"]]
    assert evaluate(X, [0, 1], k=1, exclude=["0"]).objective == 2 + 3
    with pytest.raises(InputError, match="group c has fewer than 2 items"):
        evaluate(X, ["c", "c"], k=2, exclude={"0": ["0"], "1": ["1"]})


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_ratings_made_of_others_are_of_the_kind_that_kernels_are_compiled_for(sparse):
    """Rows one after the other, not to be written to: another kind would compile all anew."""
    X = np.arange(24.0).reshape(4, 6)
    ratings = Ratings.of(csr_of(X, X >= 0) if sparse else X)
    without, some = Exclusions.of(ratings.users, ratings.items, {"0": ["1"]}), ["2", "5"]
    fewer, _ = Exclusions.of(ratings.users, ratings.items, some).left(ratings, 1)
    weighted = Counting("members", np.array([1.0, 2, 3, 4])).rated(ratings, "av")
    for made in (fewer, without.rated(ratings, -1.0), weighted):
        arrays = [made.matrix.data, made.matrix.indices] if sparse else [made.matrix]
        for array in arrays:
            assert array.flags.c_contiguous
            assert not array.flags.writeable


PARITY = {str(user): ["0", "1"] if user % 2 else ["1", "2", "3", "5"] for user in range(12)}


@pytest.mark.parametrize(
    ("method", "limits"),
    [("refine", {"iterations": 1}), ("auto", {"iterations": 1}), ("refine", {"time_limit": 1.0})],
)
def test_groups_that_have_lists_are_found_where_no_step_leads_to_them(method, limits):
    """Under least misery a list is as bad with one member who excludes it as with six. With a time
    limit too the search goes on from what the program finds.
    """
    X = np.random.default_rng(0).integers(1, 6, (12, 6))
    found = form(X, "lm", "max", 3, 2, method, exclude=PARITY, **limits)
    assert found.objective == 11
    for group in found.groups:
        for user in group.members.tolist():
            assert not set(PARITY[str(user)]) & {str(item) for item in group.items.tolist()}


@pytest.mark.parametrize("agg", ["min", "sum"])
def test_users_who_like_all_alike_exclude_too(agg):
    """Equal ratings leave nothing to search for but lists that nobody excludes."""
    exclude = {str(u): ["0", "1"] if u < 4 else ["2"] if u < 8 else ["0"] for u in range(13)}
    X = np.full((13, 4), 3.0)
    found = form(X, "av", agg, 2, 2, "refine", exclude=exclude, iterations=1)
    assert found.objective == 13 * 3 * (2 if agg == "sum" else 1)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"together": [["0", "1"]]}, "satisfies together 0,1; exclude"),
        ({"max_size": 4}, "satisfies max_size 4; exclude"),
        ({}, "8 users cannot be parted into at most 2 groups that each have 2 items left"),
        ({"min_size": 1}, "satisfies exclude: every group needs 2 items that none of its members"),
    ],
)
def test_exclusions_that_conflict_with_other_constraints_are_named(asked, words):
    """Five users exclude what the three others want; or three parties want a group each."""
    parties = [["0", "1", "2", "3"], ["2", "3", "4", "5"], ["0", "1", "4", "5"]]
    two = "max_size" in asked or "together" in asked
    of = [0, 1, 0, 0, 0, 0, 1, 1] if two else [0, 1, 2, 0, 1, 2, 0, 1]
    exclude = {str(user): parties[party] for user, party in enumerate(of)}
    X = np.random.default_rng(0).integers(1, 6, (8, 6))
    with pytest.raises(InfeasibleError, match=words):
        form(X, "lm", "max", 2, 2, "refine", exclude=exclude, iterations=1, **asked)


def test_who_excludes_less_follows_who_excludes_more():
    """Of many users with few sets of excluded items only the largest sets are placed."""
    pairs = np.array([(0, 1), (0, 2), (1, 1), (3, 0), (3, 3), (4, 1), (4, 2), (5, 3)])
    some, follows = _most_exclusive(pairs, 6, 4)
    assert some.tolist() == [0, 3]
    assert follows.tolist() == [0, 0, follows[2], 1, 0, 1]
