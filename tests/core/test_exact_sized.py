"""Bounds that know sizes: against all formations within them, and by the independent checker."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grouping import form
from grouping.constraints import Constraints
from grouping.constraints.meeting import meet
from grouping.errors import InfeasibleError
from grouping.exact.bounding import upper_bound
from grouping.exact.search import Search
from grouping.exact.sized import relaxation, solve
from grouping.exact.sized.rooms import roomy
from grouping.generate import generate
from grouping.kernels import sized as kernels
from grouping.kernels.jit import threads
from grouping.methods import METHODS, Budget
from grouping.objective import score
from grouping.problem import Problem
from grouping.ratings import Ratings
from tests import oracle
from tests.core.checkers_sized import checked_bound
from tests.strategies import instances

KINDS = ("stars", "integers", "halves", "tenths", "reals")
AGGS = ("min", "max", "sum", "wsum")


@st.composite
def sized_problems(draw, users=6, items=4):
    """An instance with sizes that some formation keeps."""
    drawn = draw(instances(KINDS, ("lm", "av"), AGGS, users=users, items=items))
    ratings = Ratings.of(drawn.X)
    n, groups = len(drawn.rows), drawn.groups
    low = draw(st.integers(1, max(1, n // 2)))
    asked = {"min_size": low} if draw(st.booleans()) else {}
    if draw(st.booleans()):
        asked["max_size"] = draw(st.integers(-(-n // groups), n))
    elif groups <= min(n, 3) and draw(st.booleans()):
        asked["sizes"] = draw(st.lists(st.integers(1, n), min_size=groups, max_size=groups))
    constraints = Constraints.of(ratings.users, groups, **asked)
    problem = Problem.of(ratings, **(dict(drawn.asked) | {"constraints": constraints}))
    return problem, best_within(problem)


def labellings(problem):
    """Labels of every formation: groups are told apart only where they have numbers."""
    n, groups = problem.ratings.shape[0], problem.groups
    if problem.constraints.slotted:
        yield from (np.array(labels) for labels in itertools.product(range(groups), repeat=n))
        return
    for parts in oracle.partitions(n, groups):
        labels = np.empty(n, np.int64)
        for group, members in enumerate(parts):
            labels[members] = group
        yield labels


def best_within(problem):
    """Best objective of all formations within the constraints; None where there is none."""
    return max(
        (
            score(problem, labels).objective
            for labels in labellings(problem)
            if problem.constraints.satisfied(labels, problem.groups)
        ),
        default=None,
    )


def checked(problem, certificate):
    """The bound that the checker finds from a certificate."""
    X = np.asarray(problem.ratings.matrix, float)
    n = len(X)
    caps = [min(int(cap), n) for cap in problem.constraints.high(problem.groups, n)]
    low = problem.constraints.low()
    parts = [
        (p.part.factor, p.part.kind, p.part.k, p.multipliers, p.lists.tolist(), p.weights)
        for p in certificate.parts
    ]
    slots = [cap for cap in caps if cap >= low]
    aggregation = problem.aggregation
    return checked_bound(
        X, problem.semantics, aggregation.name, aggregation.weights, low, slots, parts
    )


def close(value):
    return 1e-9 * max(1.0, abs(value))


@settings(max_examples=25, deadline=None)
@given(sized_problems())
def test_the_bound_is_never_below_the_best_within_sizes_and_the_checker_finds_it(case):
    """Ties, negative ratings, min sizes, different sizes, l >= n: what is claimed follows."""
    problem, best = case
    if best is None:
        return
    certificate = solve.bound_certificate(problem)
    assert certificate.bound >= best - close(best) / 1000
    found = checked(problem, certificate)
    assert found <= certificate.bound + close(found)
    assert found >= best - close(best)


@settings(max_examples=40, deadline=None)
@given(sized_problems())
def test_sizes_are_known_to_leave_no_room_where_no_formation_keeps_them(case):
    """Then there is nothing to bound, whatever number would come of it."""
    problem, best = case
    assert roomy(problem) == (best is not None)
    if best is None:
        with pytest.raises(InfeasibleError, match="size"):
            upper_bound(problem)


@settings(max_examples=15, deadline=None)
@given(sized_problems(), st.integers(0, 2**32 - 1))
def test_any_multipliers_whatever_leave_a_bound(case, seed):
    """The checker's own claim: weak duality, for multipliers drawn at random and no list named."""
    problem, best = case
    if best is None:
        return
    rng = np.random.default_rng(seed)
    certificate = solve.bound_certificate(problem, steps=1)
    n = problem.ratings.shape[0]
    parts = tuple(
        replace(part, multipliers=rng.normal(size=n) * 3, lists=part.lists[:0], weights=None)
        for part in certificate.parts
    )
    assert checked(problem, replace(certificate, parts=parts)) >= best - close(best)


def test_a_bound_that_overlooks_lists_is_refused(monkeypatch):
    """Were the search for lists to miss the best, the checker would find more than is claimed."""
    problem = problem_of(generate(8, 5, clusters=3, seed=1), "av", "sum", max_size=3)
    honest = solve.bound_certificate(problem)
    assert checked(problem, honest) <= honest.bound + close(honest.bound)
    empty = np.empty((0, problem.k), np.int64)
    monkeypatch.setattr(relaxation.Relaxation, "search", lambda *_, **__: (0.0, empty))
    wrong = solve.bound_certificate(problem)
    assert checked(problem, wrong) > wrong.bound


@pytest.mark.parametrize("part", ["multipliers", "weights"])
def test_a_changed_certificate_is_refused(part):
    """Multipliers moved, or weights that are not convex: the bound claimed no longer follows."""
    problem = problem_of(generate(8, 5, clusters=3, seed=1), "av", "min", max_size=3)
    certificate = solve.bound_certificate(problem)
    mine = certificate.parts[0]
    if part == "weights":
        assert len(mine.lists)
        changed = replace(mine, weights=mine.weights * 0.5)
        with pytest.raises(ValueError, match="convex"):
            checked(problem, replace(certificate, parts=(changed,)))
        return
    changed = replace(mine, multipliers=mine.multipliers + np.linspace(-2, 2, 8))
    assert checked(problem, replace(certificate, parts=(changed,))) > certificate.bound + 0.1


def problem_of(ratings, semantics, agg, groups=3, k=2, **asked):
    constraints = Constraints.of(ratings.users, groups, **asked)
    return Problem.of(ratings, semantics, agg, groups, k, constraints=constraints)


@settings(max_examples=15, deadline=None)
@given(sized_problems())
def test_what_is_proven_is_the_best_within_sizes(case):
    """`exact` itself would enumerate such instances; here it must not."""
    problem, best = case
    if best is None:
        return
    n = problem.ratings.shape[0]
    first = meet(problem.constraints, np.zeros(n, np.int64), problem.groups)
    search = Search(problem, Budget(), first)
    solve.solve(search)
    assert problem.constraints.satisfied(search.labels, problem.groups)
    assert search.objective <= best + close(best)
    assert search.bound >= best - close(best) / 1000
    if search.proven:
        assert search.objective == pytest.approx(best, abs=2 * close(best))


@pytest.mark.parametrize(("semantics", "agg"), [("lm", "min"), ("lm", "max"), ("av", "sum")])
def test_small_tastes_within_sizes_are_proven(semantics, agg):
    """The relaxation is tight enough for most of what three tastes of nine users make."""
    proven = 0
    for seed in range(8):
        problem = problem_of(generate(9, 6, clusters=3, seed=seed), semantics, agg, max_size=4)
        first = meet(problem.constraints, np.zeros(9, np.int64), 3)
        search = Search(problem, Budget(), first)
        solve.solve(search)
        proven += search.proven
    assert proven >= 5


@pytest.mark.parametrize(
    "asked",
    [
        {"max_size": 8},
        {"min_size": 3},
        {"sizes": [12, 10, 5, 3]},
        {"max_size": 9, "together": [["1", "2", "3"]], "apart": [["4", "5"]]},
        {"together": [["1", "2"]], "fixed": {"7": 2}},
        {"max_size": 9, "exclude": {"1": ["2", "3"]}},
    ],
)
@pytest.mark.parametrize("meant", [("lm", "wsum"), ("av", "min")])
def test_exact_keeps_all_constraints_beyond_ten_users(asked, meant):
    """Of thirty users: within the constraints, and no bound below what anybody finds."""
    ratings = generate(30, 12, seed=3)
    found = form(ratings, *meant, 4, 3, "exact", **asked)
    other = form(ratings, *meant, 4, 3, "refine", bound=True, **asked)
    rules = {name: value for name, value in asked.items() if name != "exclude"}
    constraints = Constraints.of(ratings.users, 4, **rules)
    assert constraints.satisfied(found.labels, 4)
    assert found.objective <= found.bound
    assert other.objective <= found.bound + close(found.bound)
    assert found.objective <= other.bound + close(found.bound)


def test_the_bound_knows_sizes_and_names_its_argument():
    """Tiny happy groups are what sizes forbid: the bound without them is far too high."""
    ratings = generate(40, 12, seed=5)
    free = upper_bound(problem_of(ratings, "lm", "min", 4, 3))
    sized = upper_bound(problem_of(ratings, "lm", "min", 4, 3, min_size=8))
    assert sized.argument == "sized"
    assert sized.value < 0.9 * free.value


def test_of_more_thresholds_than_are_kept_those_worth_most_stay():
    """Against all of them, one by one: what is left out is worth no more than the price says."""
    problem = problem_of(generate(40, 12, seed=5), "lm", "min", 4, 2, max_size=12)
    part = solve._Sized(problem, None, lambda: False).relaxations[0]
    lists = np.array([[0, 1], [2, 3], [4, 5]])
    whole = part.columns(lists, -np.inf, 1000, lambda: False)
    few = part.columns(lists, -np.inf, 7, lambda: False)
    worths = []
    for columns in (whole, few):
        room = np.empty(len(columns.gains))
        kernels.worths(columns.values, part.multipliers, columns.gains, part.low, part.cap, room)
        worths.append(np.sort(room)[::-1])
    assert len(whole.gains) == sum(len(set(part.rows[s].min(axis=0))) for s in lists)
    assert few.price == pytest.approx(worths[0][7])
    assert worths[1] == pytest.approx(worths[0][worths[0] > few.price + 1e-9])


@pytest.mark.parametrize("meant", [("lm", "min"), ("av", "min"), ("av", "sum")])
def test_columns_are_not_made_when_time_is_over(meant):
    """Asked before each list: a bound ends within its limit where lists have many thresholds."""
    problem = problem_of(generate(40, 12, seed=5), *meant, 4, 2, max_size=12)
    part = solve._Sized(problem, None, lambda: False).relaxations[0]
    asked = iter([False, True])
    assert part.columns(np.array([[0, 1]] * 3), -np.inf, 9, lambda: next(asked)) is None


def test_groups_by_members_are_bounded_by_voting_within_sizes():
    ratings = generate(40, 12, seed=5)
    formation = form(ratings, "lm", "sum", 4, 3, "refine", weigh="members", max_size=11, bound=True)
    free = form(ratings, "lm", "sum", 4, 3, "refine", weigh="members", bound=True)
    assert formation.objective <= formation.bound <= free.bound


def test_same_bound_on_one_thread_as_on_two():
    problem = problem_of(generate(30, 12, seed=3), "av", "sum", 4, 3, max_size=9)
    found = []
    for count in (1, 2):
        with threads(count):
            found.append(upper_bound(problem).value)
    assert found[0] == found[1]


def test_an_interrupt_keeps_the_best_within_constraints():
    """Ctrl-C while columns are looked for: the formation found so far is returned."""
    ratings = generate(30, 12, seed=3)
    problem = problem_of(ratings, "lm", "min", 4, 3, max_size=9)

    def interrupt(figures):
        if "columns" in figures:
            raise KeyboardInterrupt

    found = METHODS["exact"].run(problem, Budget(progress=interrupt))
    assert found.status == "interrupted"
    assert problem.constraints.satisfied(found.labels, 4)
    assert found.bound >= score(problem, found.labels).objective
