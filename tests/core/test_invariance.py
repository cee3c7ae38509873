"""The same problem in another form has the same formation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from grouping import evaluate, form
from grouping import objective as objective_module
from grouping import problem as problem_module
from grouping.methods import greedy as greedy_module
from tests import oracle
from tests.strategies import Instance, csr_of, instances

EVERYTHING = [
    (semantics, agg) for semantics in ("lm", "av") for agg in ("min", "max", "sum", "wsum", "ndcg")
]


def assert_same(one, other):
    """The same bits in all that decides a formation."""
    np.testing.assert_array_equal(one.labels, other.labels)
    for a, b in zip(one.groups, other.groups, strict=True):
        np.testing.assert_array_equal(a.items, b.items)
        assert a.item_scores.tobytes() == b.item_scores.tobytes()
        assert a.satisfaction == b.satisfaction
    assert one.objective == other.objective
    assert one.bound == other.bound


def clustered(rng, n=400, m=40, kind="reals"):
    """Users who share tastes, so that some buckets hold several."""
    tastes = rng.random((60, m)) * 4 + 1 if kind == "reals" else rng.integers(1, 6, (60, m))
    return tastes[rng.integers(0, 60, n)].astype(float)


@settings(max_examples=100)
@given(instances(kinds=("stars", "integers", "halves")), st.randoms(use_true_random=False))
def test_the_order_of_users_matters_only_to_ties(instance, random):
    """Where no two buckets tie in score and size, a permutation permutes the labels."""
    ranked = oracle.buckets(instance.rows, *instance.objective)
    assume(len({(score, len(members)) for score, members in ranked}) == len(ranked))
    order = list(range(len(instance.rows)))
    random.shuffle(order)
    straight = form(instance.X, **instance.asked)
    permuted = form(instance.X[order], **instance.asked)
    np.testing.assert_array_equal(straight.labels[order], permuted.labels)
    assert straight.objective == pytest.approx(permuted.objective, rel=1e-12, abs=1e-12)
    for one, other in zip(straight.groups, permuted.groups, strict=True):
        np.testing.assert_array_equal(one.items, other.items)
        np.testing.assert_array_equal(one.item_scores, other.item_scores)


@pytest.mark.parametrize(("semantics", "agg"), EVERYTHING)
def test_the_order_of_items_matters_only_to_ties(semantics, agg):
    """Distinct ratings in powers of two: no two items tie for any group."""
    rng = np.random.default_rng(2)
    m, k = 12, 3
    tastes = rng.permuted(np.tile(2.0 ** np.arange(m), (9, 1)), axis=1)
    X = tastes[rng.integers(0, 9, 30)] + np.arange(m) / 1024
    order = rng.permutation(m)
    straight = form(X, semantics, agg, 4, k)
    relabelled = form(X[:, order], semantics, agg, 4, k)
    np.testing.assert_array_equal(straight.labels, relabelled.labels)
    for one, other in zip(straight.groups, relabelled.groups, strict=True):
        np.testing.assert_array_equal(one.item_scores, other.item_scores)
        members = one.members
        columns = X[members].min(axis=0) if semantics == "lm" else X[members].sum(axis=0)
        if len(np.unique(columns)) == m:
            np.testing.assert_array_equal(one.items, order[other.items])


@pytest.mark.parametrize(("semantics", "agg"), EVERYTHING)
@pytest.mark.parametrize("kind", ["stars", "reals"])
def test_dense_sparse_mapped_and_frame_agree(tmp_path, semantics, agg, kind):
    """The same bits for a memory-mapped file and a frame; to 1e-9 for CSR of real numbers."""
    X = clustered(np.random.default_rng(7), kind=kind)
    low = X.min()
    dense = form(X, semantics, agg, 9, 3, bound=True)
    np.save(tmp_path / "X.npy", X)
    assert_same(dense, form(np.load(tmp_path / "X.npy", mmap_mode="r"), semantics, agg, 9, 3,
                            bound=True))  # fmt: skip
    assert_same(dense, form(pd.DataFrame(X), semantics, agg, 9, 3, bound=True))
    for stored in (low < X, np.ones(X.shape, bool)):
        sparse = form(csr_of(X, stored), semantics, agg, 9, 3, bound=True, missing=low)
        assert_same(dense, sparse)


@pytest.mark.parametrize(("semantics", "agg"), EVERYTHING)
def test_float32_and_float64_of_the_same_numbers_agree(semantics, agg):
    """Sums accumulate in float64 whatever the type of the ratings."""
    X = clustered(np.random.default_rng(8)).astype(np.float32)
    assert_same(
        form(X, semantics, agg, 9, 3, bound=True),
        form(X.astype(np.float64), semantics, agg, 9, 3, bound=True),
    )


@pytest.mark.parametrize(("semantics", "agg"), EVERYTHING)
@pytest.mark.parametrize("sparse", [False, True])
def test_the_number_of_threads_changes_no_bit(monkeypatch, semantics, agg, sparse):
    monkeypatch.setattr(problem_module, "CHUNK_CELLS", 1)
    monkeypatch.setattr(objective_module, "STRETCH", 11)
    monkeypatch.setattr(greedy_module, "PARTITION_USERS", 32)
    X = clustered(np.random.default_rng(9), n=700)
    ratings = csr_of(X, X > 2) if sparse else X
    one, two = (
        form(ratings, semantics, agg, 9, 3, missing=1.5 if sparse else "error", threads=threads)
        for threads in (1, 2)
    )
    assert_same(one, two)


@pytest.mark.parametrize("make", [np.array, np.asfortranarray, sp.csr_array, sp.csc_array,
                                  pd.DataFrame])  # fmt: skip
def test_the_input_is_not_modified(make):
    """Bytes before = bytes after, through filling and rounding too."""
    given_ratings = make(clustered(np.random.default_rng(4), n=50, m=10).round(2))

    def content():
        if sp.issparse(given_ratings):
            parts = (given_ratings.data, given_ratings.indices, given_ratings.indptr)
            return [part.tobytes() for part in parts]
        return np.asarray(given_ratings).tobytes()

    before = content()
    for semantics in ("lm", "av"):
        formation = form(given_ratings, semantics, "sum", 4, 3, missing="mean", round=0.5)
        evaluate(given_ratings, formation, semantics, "sum", 3, missing="min")
        assert content() == before


def test_a_matrix_with_unsorted_columns_is_read_right_and_left_as_it_is():
    """CSR need not be canonical: columns are put in order in a copy."""
    unsorted = sp.csr_array(
        (np.array([1.0, 5.0, 2.0]), np.array([2, 0, 1]), np.array([0, 2, 3])), shape=(2, 3)
    )
    before = unsorted.indices.tobytes()
    formation = form(unsorted, "lm", "min", 3, 1, missing="min")
    assert [g.item_scores.tolist() for g in formation.groups] == [[5.0], [2.0]]
    assert [g.items.tolist() for g in formation.groups] == [[0], [1]]
    assert unsorted.indices.tobytes() == before


SUMS_LOOK_EQUAL = [
    *([0.6, 0.8], [0.5, 0.1], [0.0, 0.8], [0.6, -0.4]),
    *([0.3, 0.3], [0.5, 1.0], [0.0, 0.1], [0.0, -0.2]),
]
"""Columns that add up to 2.5 in one order, and in another the second is one bit above."""


@settings(max_examples=300)
@given(instances(kinds=("stars", "halves", "tenths", "reals")))
@example(Instance(SUMS_LOOK_EQUAL, 1, 1, "av", "sum"))
def test_evaluating_a_formation_gives_the_same_bits(instance):
    """However the method came by its lists, the objective finds the same ones."""
    formation = form(instance.X, **instance.asked)
    for partition in (formation, formation.labels):
        again = evaluate(instance.X, partition, **instance.evaluated)
        assert_same(formation, again)


@pytest.mark.parametrize("semantics", ["lm", "av"])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("kind", ["tenths", "reals"])
def test_evaluating_a_large_formation_gives_the_same_bits(semantics, sparse, kind):
    """Most users are in the last group, whose sums come from everyone's less the others'."""
    rng = np.random.default_rng(11)
    for _ in range(8):
        X = rng.random((300, 12))
        X = (X * 10).round() / 10 if kind == "tenths" else X
        ratings = csr_of(X, X > 0.3) if sparse else X
        missing = 0.3 if sparse else "error"
        formation = form(ratings, semantics, "min", 6, 4, missing=missing)
        assert_same(formation, evaluate(ratings, formation, semantics, "min", 4, missing=missing))


def test_the_fill_does_not_decide_between_items_a_last_bit_apart():
    """Sums of differences to the fill are rounded otherwise than sums of ratings."""
    low, middle, high = 0.28705967203369936, 0.2870596720336994, 0.2870596720336995
    X = np.array([[low, low, high], [middle, low, middle]])
    formation = evaluate(csr_of(X, X > 0), [0, 0], "av", "min", 1, missing=-0.4241320427535211)
    assert X[0, 0] + X[1, 0] == X[0, 2] + X[1, 2]
    assert formation.groups[0].items.tolist() == [0]


@pytest.mark.parametrize("reversed_groups", [False, True])
def test_a_partition_by_user_id_is_that_by_position(reversed_groups):
    """A mapping of ids to named groups; groups are numbered in the order of their names."""
    frame = pd.DataFrame([[1, 5], [5, 1], [2, 4]], index=["a", "b", "c"], columns=["x", "y"])
    names = ["right", "left", "right"] if reversed_groups else ["left", "right", "left"]
    formation = evaluate(frame, dict(zip("abc", names, strict=True)), "lm", "min", 1)
    assert [g.name for g in formation.groups] == ["left", "right"]
    assert formation.labels.tolist() == ([1, 0, 1] if reversed_groups else [0, 1, 0])
    assert formation.objective == 9


@pytest.mark.parametrize("fill", [2.7, -1.0])
@pytest.mark.parametrize("semantics", ["lm", "av"])
def test_what_is_filled_in_need_not_be_of_the_type_of_the_ratings(semantics, fill):
    """Small whole numbers that are stored sparsely, filled with what their type cannot hold.

    A proof that rested on other ratings than were given would call a worse formation optimal.
    """
    rng = np.random.default_rng(5)
    kept = np.where(rng.random((14, 6)) < 0.4, rng.integers(1, 6, (14, 6)), 0).astype(np.uint8)
    dense = np.where(kept > 0, kept.astype(np.float64), fill)
    found = [
        form(X, semantics, "min", groups=3, k=2, method="exact", missing=fill)
        for X in (sp.csr_array(kept), dense)
    ]
    assert [f.status for f in found] == ["optimal"] * 2
    assert found[0].objective == found[1].objective
    assert found[0].bound == pytest.approx(found[1].bound)
    assert found[0].bound >= found[0].objective - 1e-9
