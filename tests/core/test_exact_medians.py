"""AV-max: certificates convince a checker that reads only the ratings, mutated ones do not."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grouping.exact.medians.solve import bound_certificate, middle_multipliers, solve
from grouping.exact.medians.tree import PROVING, SLOWER, Descent
from grouping.exact.search import Search
from grouping.generate import generate
from grouping.kernels import medians as kernels
from grouping.methods import Budget
from grouping.problem import Problem
from grouping.ratings import Ratings
from tests import oracle
from tests.core.checkers_medians import checked_bound
from tests.strategies import instances

KINDS = ("stars", "integers", "halves", "signed zeros", "tenths", "reals")


def solved(problem, **budget):
    search = Search(problem, Budget(**budget))
    solve(search)
    return search


def checked(problem, certificate):
    return checked_bound(
        np.asarray(problem.ratings.matrix),
        problem.groups,
        problem.aggregation.weights[0],
        certificate.tokens,
        certificate.multipliers,
    )


def accepted(problem, certificate):
    """Whether the ratings prove the bound, up to rounding errors."""
    try:
        found = checked(problem, certificate)
    except ValueError:
        return False
    return found <= certificate.bound + 1e-12 * max(1.0, abs(found))


def tough(seed=0, step=1.0):
    """Few groups for many tastes: the multipliers of the root prove nothing, the tree has to."""
    rng = np.random.default_rng(seed)
    X = rng.random((40, 30)) if step is None else rng.integers(1, 6, (40, 30)).astype(float)
    return Problem.of(Ratings.of(X), "av", "max", 5, 3)


@settings(max_examples=60)
@given(instances(kinds=KINDS, semantics=("av",), aggs=("max",), users=7, items=6))
def test_certificates_convince_the_checker(instance):
    """Of the whole search and of the bound alone; no bound is below what there is to be had."""
    problem = Problem.of(Ratings.of(instance.X), **instance.asked)
    best, _ = oracle.optimum(instance.rows, instance.groups, *instance.objective)
    search = Search(problem, Budget())
    search.certificate = replace(bound_certificate(problem, 5), bound=np.inf)
    solve(search)
    for certificate in (search.certificate, bound_certificate(problem, 5)):
        if certificate.bound < np.inf:
            assert accepted(problem, certificate)
            assert checked(problem, certificate) >= float(best) - 1e-9


@pytest.mark.parametrize("step", [1.0, 0.5, None])
@pytest.mark.parametrize("seed", range(2))
def test_optima_of_generated_ratings_are_certified(seed, step):
    problem = Problem.of(generate(40, 30, step=step, seed=seed), "av", "max", 5, 3)
    search = solved(problem)
    assert search.proven
    assert accepted(problem, search.certificate)


@pytest.mark.parametrize("step", [1.0, None])
def test_trees_are_certified(step):
    """Uniformly random ratings leave a gap that only a tree closes."""
    problem = tough(step=step)
    search = solved(problem)
    assert search.proven
    assert len(search.certificate.tokens) > 20
    assert accepted(problem, search.certificate)


def test_weights_of_the_first_position_alone_are_certified():
    asked = {"position_weights": [0.3, 0.0]}
    problem = Problem.of(tough().ratings, "av", "wsum", 5, 2, **asked)
    search = solved(problem)
    assert search.proven
    assert accepted(problem, search.certificate)


def test_open_trees_are_certified():
    """Nodes that time did not suffice for are leaves by their own multipliers."""

    class Impatient(Search):
        enough = False

        def report(self, **figures):
            self.enough = figures.get("nodes", 0) >= 3

        @property
        def over(self):
            return self.proven or self.enough

    problem = tough(step=None)
    search = Impatient(problem, Budget())
    solve(search)
    assert not search.proven
    assert len(search.certificate.tokens) > 20
    assert accepted(problem, search.certificate)


@pytest.fixture(scope="module")
def certified():
    problem = tough(step=None)
    return problem, solved(problem).certificate


def test_a_lower_bound_is_refused(certified):
    problem, certificate = certified
    found = checked(problem, certificate)
    assert not accepted(problem, replace(certificate, bound=found * (1 - 1e-9)))


def test_other_multipliers_are_refused(certified):
    """Weak duality holds for any, but they do not give the bound that is claimed."""
    problem, certificate = certified
    used = {-token - 2 for token in certificate.tokens.tolist() if token < -1}
    for row in sorted(used)[:5]:
        changed = certificate.multipliers.copy()
        changed[row] *= 1.5
        assert not accepted(problem, replace(certificate, multipliers=changed))
    assert not accepted(problem, replace(certificate, multipliers=certificate.multipliers[:-1]))


def test_trees_that_lack_a_part_are_refused(certified):
    """A leaf left out, one too many, a subtree closed too early, an item decided twice."""
    problem, certificate = certified
    tokens = certificate.tokens
    assert not accepted(problem, replace(certificate, tokens=tokens[:-1]))
    assert not accepted(problem, replace(certificate, tokens=np.append(tokens, -2)))
    leaves = np.flatnonzero(tokens < 0)
    for at in leaves[:5]:
        assert not accepted(problem, replace(certificate, tokens=np.delete(tokens, at)))
    assert not accepted(problem, replace(certificate, tokens=tokens[leaves[:1]]))
    twice = tokens.copy()
    twice[1] = twice[0]
    assert not accepted(problem, replace(certificate, tokens=twice))


def test_a_search_that_is_lied_to_does_not_convince_the_checker():
    """A wrong bound ends the search as proven: what its certificate holds does not bear it out."""
    problem = tough()
    honest = solved(problem)
    search = Search(problem, Budget())
    search.prove(replace(honest.certificate, bound=search.objective))
    solve(search)
    assert search.proven
    assert search.objective < honest.objective
    assert not accepted(problem, search.certificate)


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 4))
def test_descents_bound_and_decide_like_enumeration(seed, limit):
    """No multipliers bound below the best choice; columns decided agree with every better one."""
    rng = np.random.default_rng(seed)
    values = rng.integers(-3, 8, (6, 8)).astype(float)
    worth = {
        chosen: values[list(chosen)].max(axis=0).sum()
        for size in range(1, limit + 1)
        for chosen in itertools.combinations(range(6), size)
    }
    best = max(worth.values())
    descent = Descent(values, limit, middle_multipliers(values, np.arange(limit)))
    descent.run(25, best - 1, lambda: False)
    assert descent.bound >= best - 1e-9
    target = best - rng.integers(0, 4)
    excluded, chosen = descent.decided(target)
    if descent.bound > target:
        for choice, value in worth.items():
            if value > target + 1e-9:
                assert not set(choice) & set(excluded.tolist())
                assert set(chosen.tolist()) <= set(choice) or len(choice) < limit


def test_a_tree_is_left_in_time_to_prove_what_it_says(monkeypatch):
    """Time that the proof of a larger tree would take is not spent on it, but on better items."""
    problem = Problem.of(Ratings.of(np.random.default_rng(0).random((60, 30))), "av", "max", 6, 1)
    assert solved(problem).proven
    monkeypatch.setattr("grouping.exact.medians.tree.PROVING", 1e9)
    search = solved(problem, time_limit=0.3)
    assert not search.proven
    assert search.remaining <= 0
    assert checked(problem, search.certificate) <= search.bound * (1 + 1e-12)


def test_compiling_in_the_first_steps_is_not_taken_for_their_pace():
    """A tree on a fresh machine would be left at once, for the sake of its proof."""
    values, clock = np.random.default_rng(0).random((7, 5)), [1000.0]

    def step_over():
        clock[0] -= 300.0 if clock[0] == 1000.0 else 1.0
        return False

    descent = Descent(values, 2, middle_multipliers(values, np.arange(2)))
    pace = descent.run_timed(6, 0.0, step_over, lambda: clock[0])
    assert pace == pytest.approx(SLOWER / values.size)
    assert descent.looked_at == 6 * values.size
    assert descent.run_timed(1, 0.0, step_over, lambda: clock[0]) == SLOWER * PROVING
    assert descent.run_timed(3, 0.0, step_over, lambda: np.inf) == 0.0


@settings(max_examples=30)
@given(st.integers(0, 10**6))
def test_swaps_gain_what_they_say(seed):
    """Bringing one column in for another: the best gain, against trying them all."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 9, (7, 5)).astype(float)
    slots = np.array([0, 1, 2])
    chosen = values[slots]
    order = np.sort(chosen, axis=0)
    gains, positions = np.empty(7), np.empty(7, np.int64)
    kernels.swap_gains(values, chosen.argmax(axis=0), order[-1], order[-2], 3, gains, positions)
    for column in range(7):
        swapped = [
            np.vstack([np.delete(chosen, t, axis=0), values[column]]).max(axis=0).sum()
            for t in range(3)
        ]
        assert gains[column] == max(swapped) - order[-1].sum()
        assert swapped[positions[column]] == max(swapped)


def test_worths_are_those_of_the_columns_as_soon_as_these_change():
    """Before any step: a price that is read from them must not depend on what memory holds."""
    values = np.random.default_rng(4).random((7, 9))
    descent = Descent(values[:3], 2, np.full(9, 0.5))
    for columns in (values[:3], values):
        descent.change(columns)
        expected = np.maximum(columns - descent.multipliers, 0.0).sum(axis=1)
        np.testing.assert_allclose(descent.worths, expected)
