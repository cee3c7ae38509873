"""Least misery: certificates convince a checker, mutated ones do not; prices are enumerated.

The checker reads nothing but the ratings.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grouping.exact.covers.certificate import SORTED, TOGETHER, CoverCertificate, best_others
from grouping.exact.covers.master import Master
from grouping.exact.covers.pricing import Pricer, Prices, exactly_summed
from grouping.exact.covers.solve import solve
from grouping.exact.search import Search
from grouping.generate import generate
from grouping.kernels.pricing import USER
from grouping.methods import Budget
from grouping.problem import Problem
from grouping.ratings import Ratings
from tests import oracle
from tests.core.checkers_covers import checked_bound
from tests.strategies import instances

KINDS = ("stars", "integers", "halves", "signed zeros", "tenths", "reals")
AGGS = ("min", "max", "sum", "wsum")


@pytest.fixture(scope="module", autouse=True)
def users_are_branched_on():
    """Trees over listed columns have tests of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("grouping.exact.covers.solve.MOST_LISTED", 0)
        yield


def problem_of(ratings, agg="min", groups=5, k=3, weights=None):
    if agg == "wsum" and weights is None:
        weights = "inverse"
    return Problem.of(ratings, "lm", agg, groups, k, position_weights=weights)


def solved(problem, **budget):
    search = Search(problem, Budget(**budget))
    # so that there is a certificate of covers even where the bound by own lists suffices
    search.certificate = replace_bound(search.certificate)
    solve(search)
    return search


def replace_bound(certificate):
    certificate.bound = np.inf
    return certificate


def plain(certificate):
    """What a certificate says, as the checker takes it."""
    leaves = [
        (
            leaf.users,
            leaf.multipliers,
            leaf.levels,
            leaf.discounts,
            leaf.cuts,
            [p and (p.price, p.windows, p.starts, p.steps, p.values) for p in leaf.proofs],
        )
        for leaf in certificate.leaves
    ]
    return certificate.branchings, certificate.branching_values, leaves


def checked(problem, certificate):
    X = np.asarray(problem.ratings.matrix, float)
    weights = problem.aggregation.weights
    return checked_bound(X, problem.groups, weights, *plain(certificate))


def accepted(problem, certificate):
    """Whether the ratings prove the bound, up to rounding errors."""
    try:
        found = checked(problem, certificate)
    except ValueError:
        return False
    return found <= certificate.bound + 1e-11 * max(1.0, abs(found))


def test_worths_that_cancel_are_summed_in_one_order_by_both():
    """What is 0 in one order of adding and 5e-17 in another is not a user more above 0."""
    rows = [[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.1], [0.1, -0.2, -0.3, 0.4]]
    problem = Problem.of(Ratings.of(np.array(rows)), "lm", "sum", 3, 4)
    assert accepted(problem, solved(problem).certificate)


@settings(max_examples=100)
@given(instances(kinds=KINDS, semantics=("lm",), aggs=AGGS, users=7, items=5))
def test_certificates_convince_the_checker(instance):
    """Whatever is known when the search ends; no bound is below what there is to be had."""
    problem = Problem.of(Ratings.of(instance.X), **instance.asked)
    best, _ = oracle.optimum(instance.rows, instance.groups, *instance.objective)
    search = solved(problem)
    if search.bound < np.inf:
        assert accepted(problem, search.certificate)
        assert checked(problem, search.certificate) >= float(best) - 1e-9


@pytest.mark.parametrize("agg", AGGS)
@pytest.mark.parametrize("step", [1.0, 0.5, None])
def test_optima_of_generated_ratings_are_certified(agg, step):
    problem = problem_of(generate(40, 30, step=step, seed=1), agg)
    search = solved(problem)
    assert search.proven
    assert accepted(problem, search.certificate)


@pytest.mark.parametrize("weights", ["inverse", "log", [3, 2, 2, 1, 1], [1, 1, 0.5, 0.25, 0]])
@pytest.mark.parametrize("step", [1.0, None])
def test_weighted_sums_are_certified(weights, step):
    problem = problem_of(generate(30, 12, step=step, seed=4), "wsum", 4, 5, weights)
    search = solved(problem)
    assert search.proven
    assert accepted(problem, search.certificate)


@pytest.mark.parametrize("agg", ["min", "sum", "wsum"])
@pytest.mark.parametrize("step", [1.0, None])
def test_long_lists_are_certified(agg, step):
    """Their prices are proven by deciding users."""
    problem = problem_of(generate(30, 14, step=step, seed=0), agg, 4, 9)
    search = solved(problem)
    assert search.proven
    proofs = [proof for leaf in search.certificate.leaves for proof in leaf.proofs]
    tied = agg == "min" and step is not None
    assert tied or any((proof.steps == USER).any() for proof in proofs)
    assert accepted(problem, search.certificate)


def spread(seed=9):
    """Uniformly random reals: takes branchings, discounts, and lists that are split."""
    return problem_of(Ratings.of(np.random.default_rng(seed).random((16, 8))), "sum", 4, 2)


def test_trees_with_levels_are_certified():
    problem = spread()
    search = solved(problem)
    assert search.proven
    certificate = search.certificate
    assert SORTED in certificate.branchings[:, 0]
    assert max(len(leaf.levels) for leaf in certificate.leaves) > 0
    assert accepted(problem, certificate)


@pytest.mark.parametrize("seed", range(3))
def test_pairs_together_and_apart_are_certified(seed, monkeypatch):
    """Where no value tells groups apart, users are put in one group or in two."""

    def in_pairs(course, node):
        used = np.flatnonzero(node.solution.activity[: len(node.master.values)] > 1e-6)
        pair = course._pair(node, used, node.solution.activity[used])
        return [] if pair is None else [pair]

    monkeypatch.setattr("grouping.exact.covers.solve._Course._branchings", in_pairs)
    problem = problem_of(Ratings.of(np.random.default_rng(seed).random((16, 8))), "max", 4, 1)
    search = solved(problem, time_limit=5)
    assert TOGETHER in search.certificate.branchings[:, 0]
    assert accepted(problem, search.certificate)


@pytest.fixture(scope="module")
def certified():
    problem = spread()
    return problem, solved(problem).certificate


def with_leaf(certificate, number, **changes):
    leaves = list(certificate.leaves)
    leaves[number] = replace(leaves[number], **changes)
    return replace(certificate, leaves=tuple(leaves))


def with_proof(certificate, number, **changes):
    proofs = list(certificate.leaves[number].proofs)
    proofs[-1] = replace(proofs[-1], **changes)
    return with_leaf(certificate, number, proofs=tuple(proofs))


def test_a_lower_bound_is_refused(certified):
    problem, certificate = certified
    found = checked(problem, certificate)
    assert not accepted(problem, replace(certificate, bound=found * (1 - 1e-9)))


def test_other_multipliers_are_refused(certified):
    """Larger ones make sets dearer than the price, smaller ones leave less to be subtracted."""
    problem, certificate = certified
    for number, leaf in enumerate(certificate.leaves):
        at = leaf.multipliers.argmax()
        for factor in (0.5, 2.0, -1.0):
            changed = leaf.multipliers.copy()
            changed[at] *= factor
            assert not accepted(problem, with_leaf(certificate, number, multipliers=changed))


def test_other_discounts_are_refused(certified):
    problem, certificate = certified
    number = next(i for i, leaf in enumerate(certificate.leaves) if len(leaf.levels))
    discounts = certificate.leaves[number].discounts
    for factor in (0.0, 3.0, -1.0):
        changed = discounts * factor
        assert not accepted(problem, with_leaf(certificate, number, discounts=changed))


def test_lower_prices_are_refused(certified):
    problem, certificate = certified
    for number, leaf in enumerate(certificate.leaves):
        price = leaf.proofs[-1].price - 0.1
        assert not accepted(problem, with_proof(certificate, number, price=price))


def test_records_that_lack_a_part_are_refused(certified):
    """A subtree cut away, a step left out or one too many, windows that leave sets out."""
    problem, certificate = certified
    for number, leaf in enumerate(certificate.leaves):
        proof = leaf.proofs[-1]
        steps, values, starts = proof.steps, proof.values, proof.starts
        at = int(np.flatnonzero(steps >= 0)[0])
        window = int(np.searchsorted(starts, at, side="right")) - 1
        # the first tree that branches becomes a leaf
        size = int(starts[window + 1] - starts[window])
        cut = np.where(np.arange(len(starts)) > window, starts - size + 1, starts)
        gone = np.arange(starts[window] + 1, starts[window + 1])
        changed = {"steps": np.delete(steps, gone), "values": np.delete(values, gone)}
        changed["steps"][starts[window]] = -1
        assert not accepted(problem, with_proof(certificate, number, **changed, starts=cut))
        longer = {"steps": np.append(steps, -1), "values": np.append(values, 0.0)}
        more = np.append(starts[:-1], starts[-1] + 1)
        assert not accepted(problem, with_proof(certificate, number, **longer, starts=more))
        shorter = {"steps": steps[:-1], "values": values[:-1]}
        fewer = np.append(starts[:-1], starts[-1] - 1)
        assert not accepted(problem, with_proof(certificate, number, **shorter, starts=fewer))
        windows = proof.windows.copy()
        windows[0] = windows[1] / 2
        assert not accepted(problem, with_proof(certificate, number, windows=windows))


def test_trees_that_lack_a_part_are_refused(certified):
    """A leaf left out, a branching that was not made, a class of values without its proof."""
    problem, certificate = certified
    branchings, values = certificate.branchings, certificate.branching_values
    short = replace(certificate, leaves=certificate.leaves[:-1])
    assert not accepted(problem, short)
    one_leaf = {"branchings": branchings[-1:], "branching_values": values[-1:]}
    for leaf in certificate.leaves:
        assert not accepted(problem, replace(certificate, **one_leaf, leaves=(leaf,)))
    moved = replace(certificate, branching_values=values + 0.3)
    assert not accepted(problem, moved)
    number = next(i for i, leaf in enumerate(certificate.leaves) if len(leaf.cuts) > 1)
    leaf = certificate.leaves[number]
    fewer = with_leaf(certificate, number, cuts=leaf.cuts[1:], proofs=leaf.proofs[1:])
    assert not accepted(problem, fewer)


def test_a_search_that_is_lied_to_does_not_convince_the_checker():
    """A wrong bound ends the search as proven: what its certificate holds does not bear it out."""
    problem = spread()
    honest = solved(problem)
    search = Search(problem, Budget())
    search.prove(replace(honest.certificate, bound=search.objective))
    solve(search)
    assert search.proven
    assert search.objective < honest.objective
    assert not accepted(problem, search.certificate)


@pytest.mark.parametrize("solved_first", [0, 1, 12])
def test_a_solver_that_fails_leaves_what_is_known(solved_first, monkeypatch):
    """At the root or in the tree: the search ends with a formation and a bound that is proven."""
    problem, count, plainly = spread(), 0, Master.solve

    def fails(master, seconds, **how):
        nonlocal count
        count += 1
        return plainly(master, seconds, **how) if count <= solved_first else None

    monkeypatch.setattr(Master, "solve", fails)
    search = Search(problem, Budget())
    solve(search)
    assert not search.proven
    assert search.bound > search.objective
    if isinstance(search.certificate, CoverCertificate):
        assert accepted(problem, search.certificate)


@pytest.mark.parametrize("late", [False, True], ids=["before rows", "after rows"])
def test_groups_added_at_once_are_those_added_one_by_one(late):
    """A child takes its parent's groups over in one call; rows may be there before or after."""
    rng = np.random.default_rng(5)
    values, covers = rng.random(90) + 1.0, rng.random((90, 6)) < 0.4
    solutions = []
    for at_once in (False, True):
        master = Master(6, 3, 0.5)
        for step in (0, 1) if late else (1, 0):
            if step == 0:
                for user in (4, 1, 2):
                    master.add_user(user)
                master.add_level(1.5, 1)
            elif at_once:
                master.add_columns(values, covers)
            else:
                for value, cover in zip(values, covers, strict=True):
                    master.add_column(value, cover)
        solutions.append(master.solve(10.0, corner=True))
        assert np.array_equal(master.covers[1:], covers)
        assert np.array_equal(master.values[1:], values)
    one, other = solutions
    assert one.objective == pytest.approx(other.objective, abs=1e-9)
    assert np.allclose(one.lacks, other.lacks, atol=1e-7)
    assert (one.discounts > 0).any()


@pytest.mark.parametrize("corner", [False, True])
def test_another_method_solves_what_one_fails_at(corner):
    """A linear program is given up only where neither method solves it, or the time is gone."""

    class Failing:
        def __init__(self, highs, failing):
            self.highs, self.failing, self.method, self.lost = highs, failing, None, 0.0

        def __getattr__(self, name):
            return getattr(self.highs, name)

        def setOptionValue(self, name, value):  # noqa: N802
            self.method = value if name == "solver" else self.method
            self.highs.setOptionValue(name, value)

        def getRunTime(self):  # noqa: N802
            return self.highs.getRunTime() + self.lost

        def run(self):
            if self.method not in self.failing:
                self.highs.run()
            else:
                self.lost += 4.0

    first, second = ("simplex", "ipm") if corner else ("ipm", "simplex")
    master = Master(2, 2, 1.0)
    master.add_column(3.0, np.array([True, False]))
    master.add_column(2.0, np.array([False, True]))
    for user in (0, 1):
        master.add_user(user)
    plain = master._highs
    master._highs = Failing(plain, {first, second})
    assert master.solve(10.0, corner=corner) is None
    master._highs = Failing(plain, {first})
    assert master.solve(3.0, corner=corner) is None
    assert master.solve(10.0, corner=corner).objective == pytest.approx(5.0)
    assert master._highs.method == second


@st.composite
def pricings(draw):
    """Small pricing problems, with levels, classes of values, and pairs that are apart."""
    a, m = draw(st.integers(1, 8)), draw(st.integers(1, 5))
    k = draw(st.integers(1, m))
    step = draw(st.sampled_from([1.0, 0.5, 0.37]))
    cells = st.integers(-2, 6).map(lambda x: x * step)
    rows = np.array([[draw(cells) for _ in range(m)] for _ in range(a)])
    weights = np.sort(draw(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=k, max_size=k)))
    weights = np.ones(k) if draw(st.booleans()) else weights[::-1].copy()
    if draw(st.booleans()):
        weights = np.append(np.zeros(k - 1), 1.0)
    multipliers = exactly_summed(
        np.array([draw(st.just(0.0) | st.floats(0.01, 3.0)) for _ in range(a)])
    )
    levels = np.unique(draw(st.lists(st.sampled_from([0.5, 1.5, 2.0, 4.0]), max_size=2)))
    steps = [draw(st.sampled_from([0.25, 1.0])) for _ in levels]
    limits = draw(st.sampled_from([(-np.inf, np.inf), (1.0, np.inf), (0.5, 3.0)]))
    pairs = st.tuples(st.integers(0, a - 1), st.integers(0, a - 1)).filter(lambda p: p[0] < p[1])
    apart = draw(st.lists(pairs, max_size=2, unique=True)) if a > 1 else []
    prices = Prices(np.arange(a), multipliers, levels, np.cumsum(steps))
    return rows, prices, weights, limits, np.array(apart, np.int32).reshape(-1, 2)


def enumerated(rows, prices, weights, limits, apart):
    """Worth of the best set of users, by looking at every one."""
    best = -np.inf
    for size in range(1, len(rows) + 1):
        for members in itertools.combinations(range(len(rows)), size):
            if any(u in members and w in members for u, w in apart.tolist()):
                continue
            minima = np.sort(rows[list(members)].min(axis=0))[::-1][: len(weights)]
            value = sum(w * x for w, x in zip(weights, minima, strict=True) if w)
            if value <= limits[0]:
                continue
            value = min(value, limits[1])
            counted = [value, *(level for level in prices.levels if limits[0] < level < value)]
            discounts = [0.0, *prices.discounts]
            worth = max(v - discounts[int((prices.levels < v).sum())] for v in counted)
            best = max(best, worth + prices.multipliers[list(members)].sum())
    return best


def pricer_of(rows, prices, weights, limits, apart):
    order = np.ascontiguousarray(np.argsort(rows, axis=0, kind="stable").T)
    ascending = np.take_along_axis(np.ascontiguousarray(rows.T), order, axis=1)
    return Pricer(ascending, order.astype(np.uint32), prices, weights, limits, apart)


@settings(max_examples=150)
@given(pricings())
def test_prices_are_those_of_enumeration(pricing):
    """The proven price is the best set's; asked for more than it, the search finds none."""
    best = enumerated(*pricing)
    pricer = pricer_of(*pricing)
    proof, found = pricer.search(-100.0, 10**9, 10**9, lambda: False)
    assert proof.price == pytest.approx(max(best, -100.0), abs=1e-9)
    assert (len(found) > 0) == (best > -100)
    proof, found = pricer.search(best + 1e-6, 10**9, 10**9, lambda: False)
    assert proof.price == best + 1e-6 or best == -np.inf
    assert len(found) == 0


@settings(max_examples=60)
@given(pricings(), st.integers(0, 10**6))
def test_climbing_never_overstates_nor_lowers_a_set(pricing, seed):
    """What a set is said to be worth it is worth, at least as much as at the start."""
    rows, prices, weights, limits, _ = pricing
    nobody = np.zeros((0, 2), np.int32)
    sets = np.random.default_rng(seed).random((4, len(rows))) < 0.5
    sets[~sets.any(axis=1), 0] = True
    before = [worth_of(members, pricing) for members in sets]
    worth = pricer_of(rows, prices, weights, limits, nobody).climb(sets)
    for start, members, claimed in zip(before, sets, worth, strict=True):
        after = worth_of(members, pricing)
        assert after == pytest.approx(claimed, abs=1e-9) or claimed <= after
        assert after >= start - 1e-9


@settings(max_examples=100)
@given(pricings(), st.floats(-0.5, 2.0))
def test_items_that_climbs_leave_out_are_of_no_use(pricing, below):
    """No set worth more than the aim has such an item on its list: the best is there without."""
    rows, prices, weights, limits, _ = pricing
    nobody = np.zeros((0, 2), np.int32)
    best = enumerated(rows, prices, weights, limits, nobody)
    if best == -np.inf:
        return
    left = pricer_of(rows, prices, weights, limits, nobody)._useful(best - below)
    kept = np.empty((len(rows), len(left.users)))
    np.put_along_axis(kept, left.users.T.astype(np.int64), left.ascending.T, axis=0)
    found = enumerated(kept, prices, weights, limits, nobody)
    assert found <= best + 1e-9
    assert found == pytest.approx(best, abs=1e-9) or below <= 0


def worth_of(members, pricing):
    rows, prices, weights, limits, _ = pricing
    inside = np.flatnonzero(members)
    only = Prices(inside, prices.multipliers[inside], prices.levels, prices.discounts)
    total = only.multipliers.sum()
    nobody = np.zeros((0, 2), np.int32)
    merged = rows[inside].min(axis=0, keepdims=True)
    alone = Prices(np.array([0]), np.array([total]), prices.levels, prices.discounts)
    return enumerated(merged, alone, weights, limits, nobody)


@settings(max_examples=60)
@given(instances(kinds=KINDS, semantics=("lm",), aggs=AGGS, users=6, items=4))
def test_a_group_and_the_best_others_bound_every_partition(instance):
    """What rules poor groups out: one of them with the best of all users alone."""
    problem = Problem.of(Ratings.of(instance.X), **instance.asked)
    personal = problem.aggregation.of_scores(problem.own.scores)
    best, reaching = oracle.optimum(instance.rows, instance.groups, *instance.objective)
    for groups in reaching:
        poorest = min(
            oracle.satisfaction(instance.rows, group, *instance.objective) for group in groups
        )
        assert float(best) <= float(poorest) + best_others(personal, problem.groups) + 1e-9
