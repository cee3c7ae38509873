"""AV-min: the bounds follow from their certificates, and meet the optimum on small instances."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from grouping.exact.search import Search
from grouping.exact.weakest.list_prices import price_lists
from grouping.exact.weakest.placements import PlacementCertificate
from grouping.exact.weakest.solve import bound_certificate, solve
from grouping.generate import generate
from grouping.kernels import balance, itemsets
from grouping.local.weakest import ListSearch, options
from grouping.methods import Budget, greedy
from grouping.missing import complete
from grouping.problem import Problem
from grouping.ratings import Ratings
from tests import oracle
from tests.core.checkers_weakest import checked_bound
from tests.strategies import csr_of, instances, values

KINDS = ("stars", "integers", "halves", "signed zeros", "tenths", "reals")


def problem_of(X, groups, k):
    return Problem.of(Ratings.of(np.asarray(X)), "av", "min", groups, k)


def solved(problem, **budget):
    search = Search(problem, Budget(**budget))
    solve(search)
    return search


def plain(certificate):
    """What a certificate says, as the checker takes it."""
    leaves = [
        (
            leaf.multipliers,
            [(p.price, p.order, p.parents, p.items, p.weights) for p in leaf.prices],
        )
        for leaf in certificate.leaves
    ]
    return certificate.branches.tolist(), leaves


def checked(problem, certificate):
    X = np.asarray(problem.ratings.matrix, float)
    return checked_bound(X, problem.groups, problem.k, *plain(certificate))


@settings(max_examples=60)
@given(instances(kinds=KINDS, semantics=("av",), aggs=("min",), users=7, items=5))
def test_small_instances_are_proven_optimal(instance):
    """With negative ratings, ties, twins, k = items, more groups than users, real numbers."""
    best, _ = oracle.optimum(instance.rows, instance.groups, *instance.objective)
    problem = problem_of(instance.X, instance.groups, instance.k)
    search = solved(problem)
    assert search.objective == pytest.approx(best, rel=1e-12, abs=1e-12)
    assert search.bound >= best - 1e-12
    assert search.proven
    if isinstance(search.certificate, PlacementCertificate):
        assert checked(problem, search.certificate) <= search.bound


@settings(max_examples=60)
@given(
    instances(kinds=KINDS, semantics=("av",), aggs=("min",), users=7, items=6),
    st.integers(0, 40),
)
def test_any_multipliers_bound_the_optimum(instance, steps):
    """However few steps were taken; and the bound follows from what the certificate says."""
    best, _ = oracle.optimum(instance.rows, instance.groups, *instance.objective)
    problem = problem_of(instance.X, instance.groups, instance.k)
    certificate = bound_certificate(problem, steps=steps)
    assert certificate.bound >= best - 1e-12
    assert checked(problem, certificate) <= certificate.bound


# --- certificates that are not true ------------------------------------------------------------


@pytest.fixture(scope="module")
def placed():
    """An instance whose proof needs placements: real ratings, a gap at the root."""
    X = np.random.default_rng(3).random((9, 6)) * 4 + 1
    problem = problem_of(X, 3, 3)
    search = solved(problem)
    assert len(search.certificate.leaves) > 3
    return problem, search.certificate


@pytest.fixture(scope="module")
def relaxed():
    """A bound without placements, on ratings without a grain."""
    X = np.random.default_rng(5).random((30, 12)) * 4 + 1
    problem = problem_of(X, 4, 3)
    return problem, bound_certificate(problem, steps=300)


def test_the_claimed_bound_is_what_follows(placed, relaxed):
    for problem, certificate in (placed, relaxed):
        assert checked(problem, certificate) == pytest.approx(certificate.bound, rel=1e-9)


def test_a_lowered_bound_is_caught(placed, relaxed):
    for problem, certificate in (placed, relaxed):
        lowered = replace(certificate, bound=certificate.bound * (1 - 1e-6))
        assert checked(problem, lowered) > lowered.bound


@pytest.mark.parametrize("change", [1.0, -1.0])
def test_a_changed_multiplier_is_caught(relaxed, change):
    """Raised, it costs; lowered, lists are worth more: near the best multipliers most tell."""
    problem, certificate = relaxed
    caught = 0
    for user in range(len(certificate.leaves[0].multipliers)):
        multipliers = certificate.leaves[0].multipliers.copy()
        multipliers[user] += change
        leaf = replace(certificate.leaves[0], multipliers=multipliers)
        caught += checked(problem, replace(certificate, leaves=(leaf,))) > certificate.bound
    assert caught > 0.7 * len(multipliers)


def test_a_lowered_price_is_caught(relaxed):
    """Lists that the proof had left out are worth more than the lower price."""
    problem, certificate = relaxed
    leaf = certificate.leaves[0]
    prices = leaf.prices[0]
    lowered = replace(prices, price=prices.price - 0.2)
    changed = replace(leaf, prices=(lowered,))
    claimed = certificate.bound - 0.2
    assert checked(problem, replace(certificate, leaves=(changed,))) > claimed


def test_weights_that_are_left_out_are_missed(relaxed):
    problem, certificate = relaxed
    leaf = certificate.leaves[0]
    prices = leaf.prices[0]
    fewer = replace(
        prices,
        parents=prices.parents[:0],
        items=prices.items[:0],
        weights=prices.weights[:0],
    )
    changed = replace(certificate, leaves=(replace(leaf, prices=(fewer,)),))
    assert checked(problem, changed) > certificate.bound


def test_negative_weights_are_no_proof(relaxed):
    """They would price sets below what they are worth."""
    problem, certificate = relaxed
    leaf = certificate.leaves[0]
    prices = leaf.prices[0]
    weights = prices.weights.copy()
    weights[:, 0] -= 5.0
    weights[:, 1] += 5.0
    changed = replace(leaf, prices=(replace(prices, weights=weights),))
    with pytest.raises(ValueError, match="weights"):
        checked(problem, replace(certificate, leaves=(changed,)))


def test_a_subtree_cut_away_is_caught(placed):
    """A branching with a branch too few, a leaf in its place, or a leaf too many is no tree."""
    problem, certificate = placed
    X = np.asarray(problem.ratings.matrix)
    branches, leaves = plain(certificate)
    at = len(branches) - 1  # the last leaf
    with pytest.raises(ValueError, match="tree"):
        checked_bound(X, 3, 3, branches[:at], leaves[:-1])
    with pytest.raises(ValueError, match="tree"):
        checked_bound(X, 3, 3, branches, [*leaves, leaves[-1]])
    root = checked_bound(X, 3, 3, [-1], [leaves[0]])
    assert root > certificate.bound


@settings(max_examples=60)
@given(
    instances(kinds=KINDS, semantics=("av",), aggs=("min",), users=6, items=5),
    st.integers(0, 10**6),
)
def test_no_nonsense_proves_less_than_the_optimum(instance, seed):
    """Any multipliers, price, order, sets, weights and first placement: a bound all the same."""
    rng = np.random.default_rng(seed)
    n, m, k = len(instance.X), len(instance.X[0]), instance.k
    parents = np.array([rng.integers(-1, row) for row in range(8)])
    size = [1]
    for parent in parents[1:]:
        size.append(1 if parent < 0 else size[parent] + 1)
    weights = rng.random((8, max(k, 8)))

    def proofs():
        price = rng.normal() * 5
        return (price, rng.integers(0, m, 3), parents, rng.integers(0, m, 8), weights)

    slots = min(instance.groups, n)
    leaves = [(rng.normal(size=n) * 4, [proofs() for _ in range(slots + 1)]) for _ in range(2)]
    best, _ = oracle.optimum(instance.rows, instance.groups, *instance.objective)
    X = np.asarray(instance.X, float)
    assert checked_bound(X, instance.groups, k, [-1], leaves[:1]) >= best
    assert checked_bound(X, instance.groups, k, [int(rng.integers(n)), -1], leaves[:1]) >= best


# --- larger instances --------------------------------------------------------------------------


@pytest.fixture
def few_placements(monkeypatch):
    """Leave the tree of placements soon: it would go on for half a minute."""
    monkeypatch.setattr("grouping.exact.weakest.solve.NODES", 60)


@pytest.mark.parametrize("step", [1.0, 0.5, None])
def test_a_gap_of_percents_closes_to_a_fraction(step, few_placements):
    """60 users, 30 items: near the optimum on both sides, and the certificate holds."""
    ratings = generate(60, 30, step=step, clusters=4, seed=1)
    problem = Problem.of(ratings, "av", "min", 4, 4)
    search = Search(problem, Budget(iterations=20))
    search.offer(greedy.run(problem, Budget()).labels)
    before = search.bound - search.objective
    solve(search)
    assert search.bound - search.objective < 0.1 * before
    assert search.bound - search.objective <= 0.01 * search.bound
    assert checked(problem, search.certificate) <= search.bound


@pytest.mark.parametrize("sparse", [True, False])
def test_a_sample_tells_most_of_what_all_users_do(sparse, monkeypatch):
    """A bound from a third of the users' lists holds for all, and is nearly as low."""
    X = np.asarray(generate(240, 30, clusters=4, seed=1).matrix)
    ratings = complete(Ratings.of(csr_of(X, X != 2)), 2.0) if sparse else Ratings.of(X)
    problem = Problem.of(ratings, "av", "min", 4, 3)
    of_all = bound_certificate(problem, steps=100).bound
    monkeypatch.setattr("grouping.exact.weakest.solve.SAMPLE", 80)
    certificate = bound_certificate(problem, steps=100)
    assert checked_bound(X.astype(float), 4, 3, *plain(certificate)) <= certificate.bound
    assert certificate.bound >= greedy_objective(problem)
    assert certificate.bound <= 1.01 * of_all


def test_a_price_that_takes_too_much_work_is_raised(monkeypatch):
    """Until it can be proven; in the end by the best items alone."""
    problem = Problem.of(generate(120, 40, clusters=4, seed=1), "av", "min", 5, 3)
    bounds = []
    for work in (4e9, 1e5, 1.0):
        monkeypatch.setattr("grouping.exact.weakest.solve.QUICK_WORK", work)
        monkeypatch.setattr("grouping.exact.weakest.solve.WORK_EACH", 0.0)
        monkeypatch.setattr("grouping.exact.weakest.list_prices.SLICE", 1e3)
        certificate = bound_certificate(problem, steps=50)
        assert checked(problem, certificate) <= certificate.bound
        bounds.append(certificate.bound)
    assert bounds == sorted(bounds)
    assert bounds[0] < bounds[2]
    monkeypatch.setattr("grouping.exact.weakest.relaxation.ROWS", 8 * 120 * 6)
    assert checked(problem, bound_certificate(problem, steps=50)) < np.inf


def greedy_objective(problem):
    search = Search(problem, Budget())
    search.offer(greedy.run(problem, Budget()).labels)
    return search.objective


def test_a_seed_gives_one_result(few_placements):
    """However often, where no clock is asked."""
    problem = Problem.of(generate(50, 25, step=None, seed=2), "av", "min", 4, 3)
    first, second = (solved(problem, iterations=5, seed=7) for _ in range(2))
    np.testing.assert_array_equal(first.labels, second.labels)
    assert first.bound == second.bound


def test_csr_with_a_fill_is_the_same_as_dense():
    X = np.random.default_rng(0).integers(1, 6, (20, 12)).astype(float)
    sparse = complete(Ratings.of(csr_of(X, X != 3)), 3.0)
    found = [
        solved(Problem.of(ratings, "av", "min", 3, 3), iterations=3)
        for ratings in (Ratings.of(X), sparse)
    ]
    assert found[0].objective == found[1].objective
    assert found[0].bound == found[1].bound


def test_no_time_leaves_what_there_was():
    problem = Problem.of(generate(60, 30, seed=1), "av", "min", 4, 4)
    search = Search(problem, Budget(time_limit=1e-9))
    before = search.objective
    solve(search)
    assert search.objective >= before


def test_progress_is_told():
    told = []
    problem = Problem.of(generate(40, 20, seed=1), "av", "min", 4, 3)
    solved(problem, iterations=10, progress=told.append)
    assert {"objective", "bound", "seconds"} <= set(told[0])
    assert any("columns" in figures for figures in told)


def test_the_bound_over_all_lists_meets_that_over_the_pool():
    """Where multipliers have settled, no list is worth more than those of the pool."""
    problem = Problem.of(generate(120, 40, clusters=4, seed=1), "av", "min", 5, 3)
    told = []
    search = solved(problem, iterations=0, progress=told.append)
    pool = [figures["pool_bound"] for figures in told if "pool_bound" in figures]
    assert search.bound <= pool[-1] * (1 + 1e-4)


# --- parts -------------------------------------------------------------------------------------


def least_worth(rows, constants, multipliers, items):
    """Least worth of a set over all convex weights, by linear programming."""
    count, users = len(items), rows.shape[1]
    # minimise w . constants + sum of e, with e_u >= w . ratings_u - multiplier_u and e_u >= 0
    found = linprog(
        np.concatenate([constants[items], np.ones(users)]),
        A_ub=np.hstack([rows[items].T, -np.eye(users)]),
        b_ub=multipliers,
        A_eq=np.concatenate([np.ones(count), np.zeros(users)])[None],
        b_eq=[1.0],
    )
    return found.fun


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 3), st.floats(0.0, 3.0))
def test_every_list_worth_more_than_the_price_is_found(seed, k, price):
    """Compared with linear programs over all lists; with constants, as in a placement."""
    rng = np.random.default_rng(seed)
    rows, constants = rng.random((5, 8)) * 4, rng.random(5) * rng.integers(0, 2) * 2
    multipliers = rng.random(8) * 2 + 2
    prices = price_lists(rows, np.arange(5), constants, multipliers, k, price, stop=lambda: False)
    found = {tuple(sorted(items)) for items in prices.lists.tolist()}
    for items in itertools.combinations(range(5), k):
        least = least_worth(rows, constants, multipliers, list(items))
        if least > price + 1e-9:
            assert items in found
        if items in found:
            at = [sorted(row) for row in prices.lists.tolist()].index(list(items))
            assert prices.values[at] >= least - 1e-9


def test_work_is_limited_and_too_many_lists_raise_the_price(monkeypatch):
    rng = np.random.default_rng(0)
    rows, multipliers = rng.random((30, 40)) * 4 + 1, np.full(40, 3.0)
    arguments = (rows, np.arange(30), np.zeros(30), multipliers, 3, 1.0)
    monkeypatch.setattr("grouping.exact.weakest.list_prices.ROOM", 50)
    few = price_lists(*arguments, stop=lambda: False)
    assert few.price > 1.0
    assert len(few.lists) < 50
    monkeypatch.setattr("grouping.exact.weakest.list_prices.ROOM", 20_000)
    all_of_them = price_lists(*arguments, stop=lambda: False)
    assert all_of_them.price == 1.0
    named = {tuple(sorted(items)) for items in few.lists.tolist()}
    for items in all_of_them.lists[:60].tolist():
        if least_worth(*arguments[:1], *arguments[2:4], items) > few.price + 1e-9:
            assert tuple(sorted(items)) in named
    monkeypatch.setattr("grouping.exact.weakest.list_prices.SLICE", 1000)
    assert price_lists(*arguments, stop=lambda: False, work=2000) is None
    slices = price_lists(*arguments, stop=lambda: False)
    np.testing.assert_array_equal(slices.lists, all_of_them.lists)


@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_lowering_a_value_stays_above_the_least(seed):
    """And comes near it, from any weights."""
    rng = np.random.default_rng(seed)
    rows, constants = rng.random((4, 10)) * 4, rng.random(4)
    multipliers, items = rng.random(10) * 2 + 2, np.arange(4)
    weights, excess = np.full(4, 0.25), np.empty(10)
    value = itemsets.lower_value(
        rows, constants, multipliers, items, weights, 4, excess, -np.inf, 200, True
    )
    least = least_worth(rows, constants, multipliers, items)
    again = itemsets.set_value(rows, constants, multipliers, items, weights, 4, excess)
    assert value == pytest.approx(again)
    assert least - 1e-9 <= value <= least + 0.05


def test_levelled_weights_bound_every_division():
    """What lists are worth under any weights is no less than any division of the users reaches."""
    rng = np.random.default_rng(1)
    rows = rng.integers(1, 6, (6, 7)).astype(float)
    lists = np.array([[0, 1], [2, 3], [4, 5]])
    weights, choice = np.full((3, 2), 0.5), np.zeros(7, np.int64)
    value = balance.level_weights(rows, lists, weights, choice, 200, -np.inf)
    best = max(
        sum(
            rows[lists[g]][:, np.array(labels) == g].sum(axis=1).min(initial=np.inf)
            for g in range(3)
            if g in labels
        )
        for labels in itertools.product(range(3), repeat=7)
    )
    assert value >= best
    assert value <= best + 2.0
    sums = balance.weighted_sums(rows, lists, weights)
    assert sums.max(axis=0).sum() == pytest.approx(value)


def test_an_exchange_of_items_is_worth_what_is_said():
    rng = np.random.default_rng(2)
    rows, items, weights = rng.random((6, 9)), np.array([1, 4]), np.array([0.3, 0.7])
    others = rng.random(9)
    gains = np.empty((2, 6))
    balance.values_of_swaps(rows, items, weights, others, 0.4, gains)
    for position, item in itertools.product(range(2), range(6)):
        if item in items:
            assert gains[position, item] == -np.inf
            continue
        kept = 1 - position
        sums = weights[kept] * rows[items[kept]] + max(weights[position], 0.4) * rows[item]
        assert gains[position, item] == pytest.approx(np.maximum(sums, others).sum())


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(2, 4))
def test_no_exchange_of_chosen_lists_is_better(seed, groups):
    sums = np.random.default_rng(seed).integers(0, 9, (8, 12)).astype(float)
    chosen = np.arange(groups)
    value = balance.exchange_lists(sums, chosen)
    assert value == sums[chosen].max(axis=0).sum()
    assert len(set(chosen.tolist())) == groups
    for g, new in itertools.product(range(groups), range(8)):
        if new not in chosen:
            other = chosen.copy()
            other[g] = new
            assert sums[other].max(axis=0).sum() <= value


def test_division_is_worth_at_least_what_choosing_freely_is():
    """Annealing starts from each user's best list and ends no worse; options go by the loss."""
    rng = np.random.default_rng(3)
    rows = rng.integers(1, 6, (12, 60)).astype(float)
    search = ListSearch(rows, 4.0, rng, lambda: False)
    lists = search.climb(search.alternate(4, 3))
    sums = balance.weighted_sums(rows, lists.items, lists.weights)

    def worth(labels):
        return sum(
            rows[lists.items[g]][:, labels == g].sum(axis=1).min(initial=0) for g in range(4)
        )

    labels = search.divide(lists, 20_000)
    assert worth(labels) >= worth(sums.argmax(axis=0))
    assert worth(labels) <= lists.value + 1e-9
    users, groups = options(sums, 30, 1e-9)
    loss = sums.max(axis=0) - sums
    allowed = np.zeros(sums.shape, bool)
    allowed[groups, users] = True
    limit = np.sort(loss[loss > 1e-9])[29]
    for user in np.unique(users):
        np.testing.assert_array_equal(allowed[:, user], loss[:, user] <= limit)


def test_groups_as_good_as_the_best_take_no_room_from_those_that_lose():
    """Of many users who like two lists equally none would be left to level the sums with."""
    sums = np.array([[4.0, 4.0, 5.0], [4.0, 4.0, 3.5], [1.0, 4.0 - 1e-12, 3.0]])
    users, groups = options(sums, 1, 1e-9)
    found = set(zip(users.tolist(), groups.tolist(), strict=True))
    assert found == {(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1)}
    users, groups = options(sums[:2, :2], 1, 1e-9)  # nobody loses
    assert users.tolist() == [0, 0, 1, 1]


def test_a_climb_never_leads_down():
    rng = np.random.default_rng(4)
    rows = rng.random((15, 40)) * 4
    search = ListSearch(rows, 4.0, rng, lambda: False)
    start = search.alternate(3, 4)
    even = search.climb(start, even=True)
    climbed = search.climb(start)
    assert even.value >= start.value
    assert climbed.value >= start.value
    assert all(len(set(row)) == 4 for row in climbed.items.tolist())


@given(st.lists(values("tenths"), min_size=3, max_size=3), st.integers(1, 4))
def test_all_items_on_the_list_make_one_group(column, users):
    """With k = items there is one list: together the users are worth most."""
    problem = problem_of([column] * users, users, 3)
    search = solved(problem)
    assert search.proven
    assert search.objective == pytest.approx(min(column) * users)
