"""Soft lowest ratings: what they tend to, and that a search by them keeps the constraints."""

from __future__ import annotations

import numpy as np
import pytest

from grouping.constraints import Constraints
from grouping.constraints.meeting import meet
from grouping.generate import generate
from grouping.kernels import moves
from grouping.local import softening
from grouping.local.annealing import Annealing
from grouping.missing import complete
from grouping.problem import Problem


def problem_of(agg="sum", groups=4, **constraints):
    ratings = complete(generate(40, 12, step=None, seed=2), "error")
    rules = Constraints.of(ratings.users, groups, **constraints)
    return Problem.of(ratings, "lm", agg, groups, 3, constraints=rules)


def annealing_of(problem, seed=0):
    return Annealing(problem, np.random.default_rng(seed), lambda: False)


@pytest.mark.parametrize("agg", ["min", "max", "sum"])
def test_a_harder_softness_tends_to_the_lowest_ratings_from_below(agg):
    """Off by the softness times the logarithm of the members at most, less the harder it is."""
    problem = problem_of(agg)
    annealing = annealing_of(problem)
    labels = np.arange(40) % 4
    hard = moves.rebuild(annealing.instance, moves.empty_state(annealing.instance, labels))
    weight = float(problem.aggregation.weights.sum())
    for softness in (1.0, 0.1):
        soft = softening._softened(annealing.instance, problem.low, softness)
        found = moves.rebuild(soft, moves.empty_state(soft, labels))
        assert hard - 4 * weight * softness * np.log(10) <= found + 1e-4
        assert found <= hard + 1e-4


def test_moves_under_soft_scores_count_as_recomputed():
    problem = problem_of("sum")
    soft = softening._softened(annealing_of(problem).instance, problem.low, 0.5)
    state = moves.empty_state(soft, np.arange(40) % 4)
    total = moves.rebuild(soft, state)
    rng = np.random.default_rng(1)
    drawn = rng.integers(40, size=300), rng.integers(44, size=300)
    reached, _, made = moves.anneal(
        soft, state, *drawn, np.zeros(300), total, np.inf, state.labels.copy()
    )
    assert made > 0
    assert reached > total
    assert reached == pytest.approx(moves.rebuild(soft, state), rel=1e-6)


def test_every_stage_satisfies_the_constraints():
    problem = problem_of(
        max_size=11, min_size=3, together=[("1", "2", "3")], apart=[("1", "5"), ("6", "7", "8")]
    )
    start = meet(problem.constraints, np.zeros(40, np.int64), 4)
    stages = list(softening.soften(annealing_of(problem), start, 2.0, 2000))
    assert len(stages) == softening.STAGES
    for labels in stages:
        assert not problem.constraints.violated(labels, 4)
    assert any(not np.array_equal(labels, start) for labels in stages)


def test_equal_seeds_give_equal_stages():
    problem = problem_of(max_size=11)
    start = meet(problem.constraints, np.zeros(40, np.int64), 4)
    once, again = (
        [labels.tolist() for labels in softening.soften(annealing_of(problem, 5), start, 2.0, 500)]
        for _ in range(2)
    )
    assert once == again
