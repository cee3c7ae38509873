"""Voting by sums: the bounds follow from their certificates, and meet the optimum."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grouping.exact.catalogues import solve as solving
from grouping.exact.catalogues.prices import LANES, ListPricing
from grouping.exact.catalogues.solve import (
    CataloguesCertificate,
    Instance,
    bound_certificate,
    solve,
)
from grouping.exact.medians.tree import Descent, MedianTree, tree_bound
from grouping.exact.search import Search
from grouping.generate import generate
from grouping.kernels import list_prices, list_swaps
from grouping.local.catalogues import CatalogueSearch, improve
from grouping.methods import Budget, greedy
from grouping.missing import complete
from grouping.problem import Problem
from grouping.ratings import Ratings
from grouping.stopping import tries
from tests import oracle
from tests.core.checkers_catalogues import checked_bound
from tests.strategies import csr_of, instances

KINDS = ("stars", "integers", "halves", "signed zeros", "tenths", "reals")
SUMS = ("sum", "wsum")


def problem_of(X, groups, k, agg="sum", weights=None):
    return Problem.of(Ratings.of(np.asarray(X)), "av", agg, groups, k, position_weights=weights)


def solved(problem, **budget):
    search = Search(problem, Budget(**budget))
    solve(search)
    return search


def checked(problem, certificate):
    return checked_bound(
        np.asarray(problem.ratings.matrix),
        problem.groups,
        problem.aggregation.weights.tolist(),
        certificate.multipliers,
        certificate.price,
        certificate.lists,
        certificate.tokens,
        certificate.rows,
    )


@settings(max_examples=80)
@given(instances(kinds=KINDS, semantics=("av",), aggs=SUMS, users=7, items=5))
def test_small_instances_are_proven_optimal(instance):
    """With negative ratings, ties, twins, k = items, more groups than users, real numbers."""
    best, _ = oracle.optimum(instance.rows, instance.groups, *instance.objective)
    problem = problem_of(instance.X, instance.groups, instance.k, instance.agg, instance.weights)
    search = solved(problem)
    assert search.objective == pytest.approx(float(best), rel=1e-12, abs=1e-12)
    assert search.bound >= float(best) - 1e-12
    assert search.proven
    if isinstance(search.certificate, CataloguesCertificate):
        assert checked(problem, search.certificate) <= search.bound


@settings(max_examples=60)
@given(
    instances(kinds=KINDS, semantics=("av",), aggs=SUMS, users=7, items=6),
    st.integers(0, 40),
)
def test_any_multipliers_bound_the_optimum(instance, steps):
    """However few steps were taken; and the bound follows from what the certificate says."""
    best, _ = oracle.optimum(instance.rows, instance.groups, *instance.objective)
    problem = problem_of(instance.X, instance.groups, instance.k, instance.agg, instance.weights)
    certificate = bound_certificate(problem, steps=steps)
    assert certificate.bound >= float(best) - 1e-12
    assert checked(problem, certificate) <= certificate.bound


# --- certificates that are not true ------------------------------------------------------------


@pytest.fixture(scope="module", params=["sum", "wsum"])
def branched(request):
    """An instance whose proof needs branching: real ratings, a gap at the root."""
    X = np.random.default_rng(1).random((30, 9)) * 4 + 1
    problem = problem_of(X, 4, 3, request.param)
    search = solved(problem)
    assert search.proven
    assert (search.certificate.tokens >= 0).sum() > 3
    return problem, search.certificate


@pytest.fixture(scope="module")
def relaxed():
    """A bound without branching, on ratings without a grain."""
    X = np.random.default_rng(5).random((30, 12)) * 4 + 1
    problem = problem_of(X, 4, 3)
    return problem, bound_certificate(problem, steps=300)


def test_the_claimed_bound_is_what_follows(branched, relaxed):
    for problem, certificate in (branched, relaxed):
        assert checked(problem, certificate) == pytest.approx(certificate.bound, rel=1e-9)


def test_a_lowered_bound_is_caught(branched, relaxed):
    for problem, certificate in (branched, relaxed):
        lowered = replace(certificate, bound=certificate.bound * (1 - 1e-6))
        assert checked(problem, lowered) > lowered.bound


@pytest.mark.parametrize("change", [1.0, -1.0])
def test_a_changed_multiplier_is_caught(relaxed, change):
    """Raised, it costs; lowered, lists are worth more: near the best multipliers most tell."""
    problem, certificate = relaxed
    caught = 0
    for user in range(len(certificate.multipliers)):
        multipliers, rows = certificate.multipliers.copy(), certificate.rows.copy()
        multipliers[user] += change
        rows[:, user] += change
        changed = replace(certificate, multipliers=multipliers, rows=rows)
        caught += checked(problem, changed) > certificate.bound
    assert caught > 0.7 * len(certificate.multipliers)


def test_a_changed_row_of_the_tree_is_caught(branched):
    problem, certificate = branched
    rows = certificate.rows + np.float32(0.5)
    assert checked(problem, replace(certificate, rows=rows)) > certificate.bound


def test_a_lowered_price_is_caught(relaxed):
    """Lists that the certificate does not name are worth more than the lower price."""
    problem, certificate = relaxed
    lowered = replace(certificate, price=certificate.price - 1.0)
    least = certificate.bound - 1e-9
    assert checked(problem, lowered) >= least


def test_a_list_that_is_left_out_is_missed(branched, relaxed):
    """Any list worth more than the price: without it, the rest is no proof."""
    for problem, certificate in (branched, relaxed):
        X, weights = np.asarray(problem.ratings.matrix), problem.aggregation.weights
        values = X[:, certificate.lists].transpose(1, 0, 2) @ weights
        worths = np.maximum(values - certificate.multipliers, 0).sum(axis=1)
        fewer = replace(
            certificate,
            lists=np.delete(certificate.lists, worths.argmax(), axis=0),
            tokens=np.array([-2]),
        )
        assert checked(problem, fewer) > certificate.bound


def test_a_subtree_cut_away_is_caught(branched):
    """A node with a branch too few, a leaf in its place, or a leaf too many is no tree."""
    problem, certificate = branched
    tokens = certificate.tokens
    with pytest.raises(ValueError, match="less than a tree"):
        checked(problem, replace(certificate, tokens=tokens[:-1]))
    with pytest.raises(ValueError, match="more than a tree"):
        checked(problem, replace(certificate, tokens=np.append(tokens, -2)))
    root = replace(certificate, tokens=np.array([-2]))
    assert checked(problem, root) > certificate.bound


# --- larger instances --------------------------------------------------------------------------


@pytest.mark.parametrize("agg", SUMS)
@pytest.mark.parametrize("step", [1.0, 0.5, None])
def test_instances_of_sixty_users_are_proven(agg, step):
    """And the certificate holds."""
    problem = Problem.of(generate(60, 20, step=step, clusters=4, seed=1), "av", agg, 4, 3)
    search = Search(problem, Budget(iterations=20))
    search.offer(greedy.run(problem, Budget()).labels)
    solve(search)
    assert search.proven
    assert checked(problem, search.certificate) <= search.bound


def test_weights_that_are_partly_equal_are_proven():
    """Two positions weigh the same, then less: neither one order nor all."""
    problem = problem_of(generate(40, 12, seed=2).matrix, 4, 4, "wsum", [2.0, 2.0, 1.0, 0.0])
    search = solved(problem)
    assert search.proven
    assert search.certificate.lists.shape[1] == 3
    assert checked(problem, search.certificate) <= search.bound


def test_a_seed_gives_one_result():
    """However often, where no clock is asked."""
    problem = Problem.of(generate(50, 25, step=None, seed=2), "av", "sum", 4, 3)
    first, second = (solved(problem, iterations=5, seed=7) for _ in range(2))
    np.testing.assert_array_equal(first.labels, second.labels)
    assert first.bound == second.bound


def test_csr_with_a_fill_is_the_same_as_dense():
    X = np.random.default_rng(0).integers(1, 6, (20, 12)).astype(float)
    sparse = complete(Ratings.of(csr_of(X, X != 3)), 3.0)
    found = [
        solved(Problem.of(ratings, "av", "sum", 3, 3), iterations=3)
        for ratings in (Ratings.of(X), sparse)
    ]
    assert found[0].objective == found[1].objective
    assert found[0].bound == found[1].bound


def test_no_time_leaves_what_there_was():
    problem = Problem.of(generate(60, 30, seed=1), "av", "sum", 4, 4)
    search = Search(problem, Budget(time_limit=1e-9))
    before = search.objective
    solve(search)
    assert search.objective >= before


def test_a_bound_that_is_stopped_is_none():
    problem = Problem.of(generate(60, 30, seed=1), "av", "sum", 4, 4)
    assert bound_certificate(problem, steps=5, stop=lambda: True) is None


def test_progress_is_told():
    told = []
    problem = Problem.of(generate(40, 20, seed=1), "av", "sum", 4, 3)
    solved(problem, iterations=10, progress=told.append)
    assert {"objective", "bound", "seconds"} <= set(told[0])
    assert any("columns" in figures for figures in told)


# --- parts -------------------------------------------------------------------------------------


def all_lists(items, weights):
    """Every ordered list, one of those that differ where weights are equal."""
    for chosen in itertools.permutations(range(items), len(weights)):
        pairs = itertools.pairwise(range(len(weights)))
        if all(weights[a] != weights[b] or chosen[a] < chosen[b] for a, b in pairs):
            yield chosen


@settings(max_examples=60)
@given(
    st.integers(0, 10**6),
    st.sampled_from([[1.0], [1.0, 1.0], [1.0, 0.5], [1.0] * 3, [2.0, 1.0, 1.0], [3.0, 3.0, 1.0]]),
    st.floats(-1.0, 6.0),
    st.integers(5, 500),
)
def test_every_list_worth_more_than_the_price_is_found(seed, weights, price, room):
    """Compared with all lists; where there is no room for them, the price goes up."""
    rng = np.random.default_rng(seed)
    X, w = rng.random((8, 6)) * 4, np.array(weights)
    if seed % 2:
        X = np.rint(X).astype(np.float32)
    multipliers = rng.random(8) * 3 * w.sum() + 1
    best = -np.sort(-X, axis=1)[:, : len(w)].astype(float)
    pricing = ListPricing(X, w, best, 1.0 if seed % 2 else None)
    priced = pricing.above(multipliers, price, room, lambda: False)
    positions = np.arange(len(w))

    def alike(items):
        return tuple(sorted(zip(-w, np.asarray(items)[positions].tolist(), strict=True)))

    found = {alike(items) for items in priced.lists}
    assert len(found) == len(priced.lists) <= max(room, LANES)
    assert priced.price >= price
    assert pricing.highest(multipliers) >= 0.0
    for items in all_lists(6, weights):
        worth = np.maximum(X[:, items].astype(float) @ w - multipliers, 0).sum()
        assert worth <= pricing.highest(multipliers) * (1 + 1e-9)
        if alike(items) not in found:
            assert worth <= max(priced.price, 0.0)
            assert priced.price >= 0.0 or len(priced.lists) == room


def test_a_search_over_lists_resumes_where_it_paused(monkeypatch):
    """In slices of a few ratings, and in an arena that grows, the same lists are found."""
    rng = np.random.default_rng(1)
    X, w = rng.random((30, 15)), np.ones(4)
    best = -np.sort(-X, axis=1)[:, :4]
    pricing = ListPricing(X, w, best, None)
    multipliers = best.sum(axis=1) - 0.5
    whole = pricing.above(multipliers, 0.8, 1000, lambda: False)
    monkeypatch.setattr("grouping.exact.catalogues.prices.SLICE", 500.0)
    sliced = pricing.above(multipliers, 0.8, 1000, lambda: False)
    np.testing.assert_array_equal(whole.lists, sliced.lists)
    assert len(whole.lists) > 3
    assert pricing.above(multipliers, 0.8, 1000, lambda: True) is None
    assert pricing.above(multipliers, 0.8, 1000, lambda: False, work=1000.0) is None


@given(
    st.lists(st.integers(-8, 8), min_size=1, max_size=4),
    st.lists(st.integers(1, 3), min_size=4, max_size=4),
    st.integers(-60, 60),
)
def test_ratings_capped_at_the_level_make_up_the_need(best, weights, need):
    """Up to the level, and no more: so that what exceeds it is all that counts."""
    best = np.array(sorted(best, reverse=True), float)
    weights = np.array(sorted(weights, reverse=True), float)[: len(best)]
    level = list_prices.level_of(best, weights, float(need))
    if weights @ best <= need:
        assert level == np.inf
    else:
        assert weights @ np.minimum(best, level) == pytest.approx(need, abs=1e-9)


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 3))
def test_a_climb_never_leads_down(seed, groups, k):
    """And the values are those of the lists, which hold different items."""
    rng = np.random.default_rng(seed)
    X = np.rint(rng.random((12, 5)) * 8 - 3)
    weights = np.sort(rng.integers(0, 3, k))[::-1].astype(float)
    weights[0] = max(weights[0], 1.0)
    search = CatalogueSearch(X, weights, rng, lambda: False)
    start = search.greedy(groups)
    told = [start.total]
    found = improve(search, start, tries(5), better=lambda lists: told.append(lists.total))
    assert told == sorted(told)
    assert found.total == told[-1]
    np.testing.assert_allclose(found.values, (X[:, found.items] @ weights).T)
    assert all(len(set(row)) == k for row in found.items.tolist())


def test_the_best_exchange_is_made():
    """Compared with all exchanges of one item."""
    rng = np.random.default_rng(2)
    X, weights = rng.random((20, 7)), np.array([1.0, 0.5, 0.25])
    search = CatalogueSearch(X, weights, rng, lambda: False)
    others = X[:, [0, 1, 2]] @ weights
    items = np.array([3, 4, 5])
    values = X[:, items] @ weights
    most = 0.0
    for j, item in itertools.product(range(3), range(7)):
        like = items.copy()
        like[j] = item
        if len(set(like.tolist())) == 3:
            most = max(most, np.maximum(X[:, like] @ weights, others).sum())
    before = np.maximum(values, others).sum()
    gain = list_swaps.exchange_items(X, search.most, weights, others, items, values, np.empty(7), 1)
    assert before + gain == pytest.approx(most)


def test_lists_are_improved_from_any_start():
    """Given lists are where the search begins, whoever made them."""
    X = np.asarray(generate(40, 15, seed=3).matrix, float)
    search = CatalogueSearch(X, np.ones(3), np.random.default_rng(0), lambda: False)
    start = search.of_items(np.array([[0, 1, 2], [3, 4, 5]]))
    found = improve(search, start, tries(patience=5))
    assert found.total > start.total
    assert found.labels.shape == (40,)


def test_a_tree_over_thousands_of_columns_misses_none():
    """Steps look at the best columns only; the bound, in the end, at all."""
    values = np.random.default_rng(4).random((2500, 16)) + 1
    descent = Descent(values, 2, values.mean(axis=0))
    descent.run(5, 0.0, lambda: False)
    best = [0.0]
    tree = MedianTree(values, 2, descent, float(values.min()))

    def better(value, columns):
        best[0] = max(best[0], float(values[columns].max(axis=0).sum()))

    assert tree.grow(lambda: best[0] + 1e-9, better, lambda: False)
    most = max(np.maximum(row, values).sum(axis=1).max() for row in values)
    assert best[0] == pytest.approx(most)
    bound = tree_bound(values, 2, tree.proof(), float(values.min()))
    assert most <= bound <= most + 1e-6


def test_shaken_lists_are_made_of_items_that_stand_out(monkeypatch):
    """Of those and of the items on lists already; the result's values are those of its lists."""
    monkeypatch.setattr("grouping.local.catalogues.PROMISING", 4)
    X = np.asarray(generate(60, 40, step=None, seed=1).matrix, float)
    search = CatalogueSearch(X, np.ones(2), np.random.default_rng(0), lambda: False)
    lists = search.of_items(np.array([[38, 39], [0, 1], [38, 1]]))
    narrow, items = search.narrowed(lists)
    assert narrow.ratings.shape == (60, len(items))
    assert {0, 1, 38, 39} <= set(items.tolist())
    span = X.max() - X.min()
    exceeding = np.maximum(X - X.max(axis=1, keepdims=True) + 0.1 * span, 0.0).sum(axis=0)
    assert set(np.argsort(-exceeding, kind="stable")[:10].tolist()) <= set(items.tolist())
    found = improve(search, lists, tries(20))
    np.testing.assert_allclose(found.values, X[:, found.items].sum(axis=2).T)
    assert found.total > lists.total


def test_many_values_to_branch_over_are_rounded_up(monkeypatch):
    """To float32: never below what a list gives, so that bounds over them hold; and proven."""
    problem = problem_of(generate(40, 12, step=None, seed=2).matrix, 3, 2)
    instance = Instance(problem)
    lists = np.array(list(itertools.combinations(range(12), 2)))
    exact = instance.values_of(lists)
    np.testing.assert_array_equal(instance.values_to_branch_over(lists), exact)
    monkeypatch.setattr("grouping.exact.catalogues.solve.NARROWED", 0)
    near = instance.values_to_branch_over(lists)
    assert near.dtype == np.float32
    assert (near >= exact).all()
    np.testing.assert_allclose(near, exact, rtol=1e-6)
    search = solved(problem)
    assert checked(problem, search.certificate) <= search.bound
    assert search.bound - search.objective <= 1e-6 * search.objective


def test_a_price_that_takes_too_much_work_is_raised(monkeypatch):
    """Step by step, to one whose lists are found in time: still a bound."""
    problem = problem_of(generate(60, 30, step=0.5, seed=3).matrix, 4, 3)
    monkeypatch.setattr("grouping.exact.catalogues.prices.SLICE", 500.0)
    monkeypatch.setattr("grouping.exact.catalogues.solve.WORK", 5e4)
    certificate = bound_certificate(problem, steps=30)
    search = solved(problem)
    assert search.proven
    assert checked(problem, certificate) <= certificate.bound
    assert certificate.bound >= search.objective


def before_closing(time_limit):
    """A search that knows groups and multipliers, and has proven nothing by them yet."""
    X = np.random.default_rng(2).random((120, 12)) * 4 + 1
    search = Search(problem_of(X, 6, 3), Budget(time_limit))
    instance = Instance(search.problem)
    local = CatalogueSearch(
        instance.ratings, instance.weights, np.random.default_rng(0), lambda: search.over
    )
    best = solving.Best(search)
    best.offer(local.climb(local.greedy(6)))
    relaxation = solving.Relaxation(instance, best.lists)
    relaxation.extend(np.array(list(itertools.combinations(range(12), 3))))
    relaxation.descend(300, search.objective, local.stop)
    return search, relaxation, local, best


def prices_asked(relaxation, monkeypatch):
    """The prices that lists are searched for at, as they come."""
    asked, above = [], relaxation.instance.pricing.above

    def noted(multipliers, price, *others):
        asked.append(price)
        return above(multipliers, price, *others)

    monkeypatch.setattr(relaxation.instance.pricing, "above", noted)
    return asked


def test_limited_time_is_used_where_the_multipliers_promise_more_than_is_proven(monkeypatch):
    """Even if the lower price itself would close little of a gap that is still wide."""
    search, relaxation, local, best = before_closing(1000.0)
    before = search.bound
    drop = 0.1 * relaxation.price
    monkeypatch.setattr(solving, "DEPTHS", (0.1,))
    monkeypatch.setattr(solving, "WORTHWHILE", 1.1 * drop / (before - search.objective))
    solving._close(search, relaxation, local, best)
    assert before - search.bound > drop


def test_no_lower_price_is_tried_where_lists_have_no_room(monkeypatch):
    """The lists found would be the same ones again."""
    search, relaxation, local, best = before_closing(None)
    asked = prices_asked(relaxation, monkeypatch)
    monkeypatch.setattr(solving, "MOST_BRANCHED", 8)
    solving._close(search, relaxation, local, best)
    assert len(asked) == 1
    assert not search.proven


def test_a_tree_short_of_time_closes_less_and_its_bound_holds(monkeypatch):
    """Where time is nearly out nodes are closed at what was proven before: here at once."""
    search, relaxation, local, best = before_closing(1000.0)
    monkeypatch.setattr(solving, "LATE", 1e9)
    monkeypatch.setattr(solving, "DEPTHS", (0.1,))
    before = search.bound
    solving._close(search, relaxation, local, best)
    assert isinstance(search.certificate, CataloguesCertificate)
    assert (search.certificate.tokens < 0).all()
    assert search.objective <= checked(search.problem, search.certificate) <= search.bound < before
