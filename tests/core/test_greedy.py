"""GRD: `form` equals the naive algorithm, group by group and bit by bit."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grouping import InputError, Ratings, form
from grouping import objective as objective_module
from grouping import problem as problem_module
from grouping.methods import greedy as greedy_module
from tests import oracle
from tests.strategies import Instance, csr_of, instances


def greedy(instance, split=False):
    """The oracle's groups, with their lists, scores and satisfactions."""
    rows, k = instance.rows, instance.k
    if split:
        groups = oracle.grd_split(rows, instance.groups, k, instance.agg, instance.weights)
    else:
        groups = oracle.grd(rows, instance.groups, *instance.objective)
    described = []
    for members in groups:
        items, scores = oracle.group_list(rows, sorted(members), k, instance.semantics)
        satisfaction = oracle.satisfaction(rows, sorted(members), *instance.objective)
        described.append((sorted(members), items, scores, satisfaction))
    return described


def assert_equal(formation, instance, split=False, relative=0.0):
    """`relative`: 0 demands equal bits."""
    expected = greedy(instance, split)
    assert [g.number for g in formation.groups] == list(range(len(expected)))
    for group, (members, items, scores, satisfaction) in zip(
        formation.groups, expected, strict=True
    ):
        assert group.members.tolist() == members
        assert group.items.tolist() == items
        assert group.item_scores.tolist() == pytest.approx(scores, rel=relative, abs=relative)
        if instance.agg == "ndcg":  # logarithms differ in the last bit between libraries
            relative = max(relative, 1e-12)
        assert group.satisfaction == pytest.approx(satisfaction, rel=relative, abs=relative)
        assert (formation.labels[members] == group.number).all()
        assert not np.any(np.signbit(group.item_scores) & (group.item_scores == 0))
    total = math.fsum(satisfaction for *_, satisfaction in expected)
    assert formation.objective == pytest.approx(total, rel=relative, abs=relative)


@settings(max_examples=300)
@given(instances())
@example(Instance([[2.0], [3.0], [5.0], [5.0], [5.0]], 4, 1, "lm", "min"))
@example(Instance([[1.0]], 3, 1, "av", "ndcg"))
@example(Instance([[0.0, -0.0], [-0.0, 0.0], [0.0, 0.0]], 2, 2, "lm", "sum"))
def test_form_is_the_naive_grd_for_integers_and_halves(instance):
    """Labels, lists, scores, satisfactions and objective: the same bits."""
    assert_equal(form(instance.X, **instance.asked), instance)


@settings(max_examples=300)
@given(instances(semantics=("lm",)))
@example(Instance([[2.0], [3.0], [5.0], [5.0], [5.0]], 4, 1, "lm", "sum"))
@example(Instance([[5.0], [5.0], [5.0]], 2, 1, "lm", "min"))
@example(Instance([[5.0], [5.0], [5.0]], 3, 1, "lm", "min"))
@example(Instance([[5.0], [5.0]], 1, 1, "lm", "max"))
def test_form_is_the_naive_grd_with_split_buckets(instance):
    formation = form(instance.X, **instance.asked, split_buckets=True)
    assert_equal(formation, instance, split=True)


@settings(max_examples=200)
@given(instances(kinds=("tenths", "reals")))
def test_form_is_the_naive_grd_for_real_numbers(instance):
    """Sums of tenths are equal or not by their last bit, which depends on the order of adding."""
    assert_equal(form(instance.X, **instance.asked), instance, relative=1e-9)


@settings(max_examples=100)
@given(instances(kinds=("tenths", "reals"), semantics=("lm",)))
def test_form_is_the_naive_grd_with_split_buckets_for_real_numbers(instance):
    formation = form(instance.X, **instance.asked, split_buckets=True)
    assert_equal(formation, instance, split=True, relative=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int16", "int64"])
@settings(max_examples=25)
@given(instances(kinds=("stars", "integers"), aggs=("min", "sum")))
def test_form_is_the_naive_grd_in_every_type_of_number(dtype, instance):
    rows = np.abs(instance.X) if dtype == "uint8" else instance.X
    instance = instance.with_rows(rows)
    assert_equal(form(rows.astype(dtype), **instance.asked), instance)


@settings(max_examples=40)
@given(instances())
def test_fortran_order_read_only_and_lists_are_taken_as_they_are(instance):
    frozen = np.asfortranarray(instance.X)
    frozen.flags.writeable = False
    assert_equal(form(frozen, **instance.asked), instance)
    assert_equal(form(instance.rows, **instance.asked), instance)


@settings(max_examples=150)
@given(instances(), st.data())
def test_csr_filled_with_the_lower_end_is_the_naive_grd_of_the_filled_rows(instance, data):
    """Unrated cells tie with stored ones by column, stored zeros are ratings."""
    stored = data.draw(stored_cells(instance.X.shape), label="stored")
    ratings = csr_of(instance.X, stored)
    filled = np.where(stored, instance.X, ratings.data.min())
    assert_equal(form(ratings, **instance.asked, missing="min"), instance.with_rows(filled))


@settings(max_examples=150)
@given(instances(kinds=("stars", "integers", "signed zeros")), st.data())
def test_csr_filled_in_the_middle_of_the_range_is_the_naive_grd(instance, data):
    """Ratings below the fill come after the cells that are not stored."""
    stored = data.draw(stored_cells(instance.X.shape), label="stored")
    fills = [0.0, 0.5, 2.0] if instance.agg == "ndcg" else [0.0, -0.0, 0.5, -1.0, 2.0]
    fill = data.draw(st.sampled_from(fills), label="fill")
    filled = np.where(stored, instance.X, fill)
    formation = form(csr_of(instance.X, stored), **instance.asked, missing=fill)
    assert_equal(formation, instance.with_rows(filled))


@pytest.mark.parametrize("fill", [-1.0, -0.0, 0.0, 1.0])
@pytest.mark.parametrize("agg", ["min", "max", "sum"])
def test_a_stored_negative_zero_is_zero_in_the_key(fill, agg):
    """Users rating 0.0 and -0.0 share a bucket, wherever the fill lies."""
    ratings = csr_of([[0.0, 9.0], [-0.0, 9.0], [0.0, 9.0]], [[1, 0]] * 3)
    instance = Instance([[0.0, fill]] * 3, 4, 2, "lm", agg)
    assert_equal(form(ratings, **instance.asked, missing=fill), instance)


@settings(max_examples=60)
@given(instances(kinds=("tenths", "reals")), st.data())
def test_csr_of_real_numbers_is_the_naive_grd(instance, data):
    stored = data.draw(stored_cells(instance.X.shape), label="stored")
    fill = 0.3
    filled = np.where(stored, instance.X, fill)
    formation = form(csr_of(instance.X, stored), **instance.asked, missing=fill)
    assert_equal(formation, instance.with_rows(filled), relative=1e-9)


@settings(max_examples=40)
@given(instances())
def test_complete_csr_needs_no_fill(instance):
    assert_equal(form(sp.csr_matrix(csr_of(instance.X, instance.X == instance.X)),
                      **instance.asked), instance)  # fmt: skip


def stored_cells(shape):
    """Which cells a CSR matrix stores: at least one."""
    size = shape[0] * shape[1]
    masks = st.lists(st.booleans(), min_size=size, max_size=size).filter(any)
    return masks.map(lambda mask: np.array(mask).reshape(shape))


# --- larger instances: blocks, chunks, stretches, partitions ---------------------------------


def own_lists_by_argsort(X, k):
    items = np.argsort(-X, axis=1, kind="stable")[:, :k]
    return items, np.take_along_axis(X, items, axis=1)


def rows_of(kind, n, m, rng):
    if kind == "stars":
        return rng.integers(1, 6, (n, m)).astype(float)
    if kind == "reals":
        return rng.random((n, m)) * 4 + 1
    if kind == "signed":
        return np.round(rng.normal(size=(n, m)), 1)
    if kind == "ascending":  # every entry is better than all before it
        return np.tile(np.arange(m, dtype=float), (n, 1)) + rng.integers(0, 3, (n, 1))
    if kind == "constant":
        return np.full((n, m), 2.5)
    raise AssertionError(kind)


@pytest.mark.parametrize("m", [1, 15, 16, 17, 127, 128, 129, 256, 300, 1025])
@pytest.mark.parametrize("kind", ["stars", "reals", "signed", "ascending", "constant"])
def test_own_lists_are_those_of_a_stable_sort_at_every_edge_of_a_block(kind, m):
    """Few and many blocks, a tail of any length, k below and above where rows are sorted."""
    rng = np.random.default_rng(m)
    X = rows_of(kind, 7, m, rng)
    for k in sorted({1, min(2, m), min(9, m), min(m, 4 * math.isqrt(m) + 1), m}):
        problem = problem_module.Problem.of(Ratings.of(X), "lm", "min", 3, k)
        items, scores = own_lists_by_argsort(X, k)
        np.testing.assert_array_equal(problem.own.items, items)
        np.testing.assert_array_equal(problem.own.scores, scores)
        np.testing.assert_array_equal(problem.column_scores, X.min(axis=0))
        assert (problem.low, problem.high) == (X.min(), X.max())


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int8", "int64"])
@pytest.mark.parametrize("m", [129, 300])
def test_own_lists_are_those_of_a_stable_sort_in_every_type(dtype, m):
    """The ends of an integer type's range are ratings like any other."""
    rng = np.random.default_rng(m)
    if dtype == "float32":
        X = rng.normal(size=(21, m)).astype(dtype)
        X[:9] = np.abs(X[:9])
    else:
        ends = np.iinfo(np.uint8 if dtype == "uint8" else np.int8)
        X = rng.integers(ends.min, ends.max, (21, m), endpoint=True).astype(dtype)
    for k in (1, 5, 80, m):
        problem = problem_module.Problem.of(Ratings.of(X), "av", "min", 3, k)
        items, scores = own_lists_by_argsort(X.astype(float), k)
        np.testing.assert_array_equal(problem.own.items, items)
        np.testing.assert_array_equal(problem.own.scores, scores)
        np.testing.assert_allclose(problem.column_scores, X.sum(axis=0, dtype=float), rtol=1e-12)


@pytest.fixture
def tiny_pieces(monkeypatch):
    """Chunks, stretches and hash partitions so small that a few hundred users fill many."""
    monkeypatch.setattr(problem_module, "CHUNK_CELLS", 1)  # as many chunks as there can be
    monkeypatch.setattr(objective_module, "STRETCH", 7)
    monkeypatch.setattr(greedy_module, "PARTITION_USERS", 16)


@pytest.mark.parametrize("semantics", ["lm", "av"])
@pytest.mark.parametrize("agg", ["min", "max", "sum", "ndcg"])
@pytest.mark.parametrize("sparse", [False, True])
def test_pieces_of_any_size_give_the_naive_grd(tiny_pieces, semantics, agg, sparse):
    """Several chunks, stretches of members, partitions of hashes."""
    rng = np.random.default_rng(3)
    tastes = rng.integers(1, 6, (60, 20)).astype(float)
    X = tastes[rng.integers(0, 60, 331)]
    instance = Instance(X.tolist(), 12, 3, semantics, agg)
    given_ratings = csr_of(X, X > 1) if sparse else X
    asked = instance.asked | {"missing": 1 if sparse else "error", "threads": 2}
    assert_equal(form(given_ratings, **asked), instance)
    if semantics == "lm":
        formation = form(given_ratings, **asked, split_buckets=True)
        assert_equal(formation, instance, split=True)


@pytest.mark.parametrize("semantics", ["lm", "av"])
@pytest.mark.parametrize("sparse", [False, True])
def test_last_group_of_few_and_of_many(semantics, sparse):
    """Its columns' scores come from all users' or from its own members, whichever are fewer."""
    rng = np.random.default_rng(5)
    crowd = rng.integers(1, 6, (3, 12)).astype(float)
    loners = rng.integers(1, 6, (40, 12)).astype(float)
    for repeated in (0, 10, 60):
        X = np.concatenate([loners, np.repeat(crowd, repeated, axis=0)])
        for limit in (1, 2, 5, 38, 50):
            instance = Instance(X.tolist(), limit, 4, semantics, "sum")
            ratings = csr_of(X, X != 3) if sparse else X
            missing = 3 if sparse else "error"
            assert_equal(form(ratings, **instance.asked, missing=missing), instance)


def test_splitting_buckets_under_aggregate_voting_is_refused():
    with pytest.raises(InputError, match="aggregate voting"):
        form([[1, 2]], "av", "min", 1, 1, split_buckets=True)


@settings(max_examples=100)
@given(instances(semantics=("lm",), aggs=("min", "max", "sum", "wsum")))
def test_split_buckets_are_advised_only_where_buckets_could_give_more(instance):
    """And where splitting does better, plain GRD says so."""
    plain = form(instance.X, **instance.asked)
    split = form(instance.X, **instance.asked, split_buckets=True)
    crowded = any(
        len(members) > 1 for _, members in oracle.buckets(instance.rows, *instance.objective)
    )
    assert not plain.advice or crowded
    if split.objective > plain.objective:
        assert plain.advice
