"""Moves and exchanges: what is kept up to date step by step is what follows from the labels."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from grouping.kernels import moves as kernels
from tests import oracle

ROWS = np.random.default_rng(3).integers(-3, 6, (9, 5)).astype(np.float32)
WEIGHTS = {"min": [0.0, 0.0, 1.0], "max": [1.0], "sum": [1.0, 1.0, 1.0], "wsum": [1.0, 0.5, 0.25]}
LABELS = np.array([0, 1, 2, 0, 1, 2, 0, 1, 1])
CASES = list(itertools.product(("lm", "av"), WEIGHTS, (False, True)))


def instance_of(semantics, agg, by_members=False, **limits):
    free = kernels.unconstrained(ROWS, np.array(WEIGHTS[agg]), semantics == "lm", 4)
    return free._replace(by_members=by_members, **limits)


def started(instance, labels=LABELS):
    state = kernels.empty_state(instance, labels)
    return state, kernels.rebuild(instance, state)


def defined(labels, semantics, agg, by_members=False):
    """The objective by its definition, groups counted once or once for each member."""
    total = 0.0
    weights = [*WEIGHTS[agg], 0.0, 0.0][:3]
    for group in set(labels):
        members = [unit for unit, label in enumerate(labels) if label == group]
        value = oracle.satisfaction(ROWS.tolist(), members, 3, semantics, agg, weights)
        total += value * (len(members) if by_members else 1)
    return total


def drawn(steps, seed, heat=3.0):
    rng = np.random.default_rng(seed)
    partners = rng.integers(0, 4 + 9, steps)
    return rng.integers(0, 9, steps), partners, heat * np.log(rng.random(steps))


@pytest.mark.parametrize(("semantics", "agg", "by_members"), CASES)
def test_the_state_after_many_steps_is_what_its_labels_make(semantics, agg, by_members):
    """Incremental scores equal recomputation, and the total the definition."""
    instance = instance_of(semantics, agg, by_members)
    state, total = started(instance)
    assert total == pytest.approx(defined(LABELS.tolist(), semantics, agg, by_members))
    best_labels = state.labels.copy()
    total, best, made = kernels.anneal(instance, state, *drawn(400, 1), total, total, best_labels)
    assert made > 10
    anew, again = started(instance, state.labels)
    assert (
        total
        == pytest.approx(again)
        == pytest.approx(defined(state.labels.tolist(), semantics, agg, by_members))
    )
    for name in ("first", "counts", "users", "values"):
        np.testing.assert_allclose(getattr(state, name), getattr(anew, name), err_msg=name)
    if semantics == "lm":
        for name in ("second", "at_first", "at_second"):
            np.testing.assert_array_equal(getattr(state, name), getattr(anew, name), err_msg=name)
    assert best == pytest.approx(defined(best_labels.tolist(), semantics, agg, by_members))
    assert best >= total - 1e-9


@pytest.mark.parametrize(("semantics", "agg"), list(itertools.product(("lm", "av"), WEIGHTS)))
def test_cold_steps_never_lose(semantics, agg):
    instance = instance_of(semantics, agg)
    state, total = started(instance)
    units, partners, _ = drawn(300, 2)
    for unit, partner in zip(units, partners, strict=True):
        step = np.array([unit]), np.array([partner]), np.zeros(1)
        after, _, _ = kernels.anneal(instance, state, *step, total, total, state.labels.copy())
        assert after >= total
        total = after


def test_no_step_leaves_the_limits():
    """Sizes, groups that stay, who must be apart, who may not move."""
    starts = np.zeros(10, np.int64)
    starts[1:] = 1
    starts[5:] = 2
    instance = instance_of(
        "av",
        "sum",
        sizes=np.array([1, 2, 1, 1, 1, 1, 1, 1, 1]),
        low=np.array([1, 1, 1, 0]),
        fewest=2,
        high=np.array([5, 5, 6, 4]),
        movable=np.array([True] * 8 + [False]),
        apart_starts=starts,  # units 0 and 4 are apart
        apart=np.array([4, 0]),
    )
    state, total = started(instance, np.array([0, 1, 2, 0, 1, 2, 0, 2, 1]))
    seen = set()
    for seed in range(40):
        total, _, _ = kernels.anneal(
            instance, state, *drawn(30, seed), total, total, state.labels.copy()
        )
        users = np.bincount(state.labels, weights=instance.sizes, minlength=4)
        assert np.all(users <= instance.high)
        assert np.all((users >= 2) | ((users == 0) & (instance.low == 0)))
        assert state.labels[0] != state.labels[4]
        assert state.labels[8] == 1
        seen.add(tuple(state.labels))
    assert len(seen) > 10


def test_no_step_leaves_the_shares():
    """Nine units of ten users and two traits: counts by group stay as near as they must."""
    amounts = np.zeros((9, 3), np.int32)
    amounts[:5, 0], amounts[5:, 1], amounts[[1, 2, 6, 7], 2] = 1, 1, 1
    amounts[3] = [1, 1, 0]  # two users
    sizes = np.array([1, 1, 1, 2, 1, 1, 1, 1, 1])
    instance = instance_of(
        "av",
        "sum",
        sizes=sizes,
        amounts=amounts,
        shares=np.array([0.5, 0.5, 0.4]),
        tolerances=np.array([0.2, 0.2, 1.0]),
        not_alone=np.array([False, False, True]),
        slack=1e-9,
    )
    state, total = started(instance, np.array([0, 1, 1, 0, 2, 0, 1, 1, 2]))
    seen = set()
    for seed in range(40):
        total, _, _ = kernels.anneal(
            instance, state, *drawn(60, seed), total, total, state.labels.copy()
        )
        users = np.bincount(state.labels, weights=sizes, minlength=4)
        for trait in range(3):
            counts = np.bincount(state.labels, weights=amounts[:, trait], minlength=4)
            assert counts.tolist() == state.held[:, trait].tolist()
            if trait == 2:
                assert not np.any(counts == 1)
            else:
                assert np.all(np.abs(counts - 0.5 * users) <= np.maximum(1, 0.2 * users) + 1e-9)
        seen.add(tuple(state.labels))
    assert len(seen) > 10


@pytest.mark.parametrize(("semantics", "agg"), list(itertools.product(("lm", "av"), WEIGHTS)))
def test_who_has_no_group_joins_the_one_that_loses_least(semantics, agg):
    instance = instance_of(semantics, agg)
    labels = LABELS.copy()
    labels[[3, 7]] = kernels.NOBODY
    state, total = started(instance, labels)
    gains = kernels.join_best(instance, state, np.array([3, 7]))
    assert total + gains.sum() == pytest.approx(defined(state.labels.tolist(), semantics, agg))
    others = labels.tolist()
    del others[7]
    for unit, label in ((3, state.labels[3]),):
        options = {}
        for group in range(4):
            tried = [group if at == unit else own for at, own in enumerate(labels) if at != 7]
            rows = [row for at, row in enumerate(ROWS.tolist()) if at != 7]
            weights = [*WEIGHTS[agg], 0.0, 0.0][:3]
            options[group] = sum(
                oracle.satisfaction(
                    rows,
                    [at for at, own in enumerate(tried) if own == some],
                    3,
                    semantics,
                    agg,
                    weights,
                )
                for some in set(tried)
            )
        assert options[label] == pytest.approx(max(options.values()))


@pytest.mark.parametrize("agg", ["min", "max", "sum"])
def test_an_excluded_item_counts_wherever_it_stands_on_a_list(agg):
    """A group with too few items left is worth less by the whole penalty, under max as well."""
    rows = np.array([[5.0, 4.0, -1024.0, -1024.0], [3.0, -1024.0, 2.0, 4.0]])
    free = kernels.unconstrained(rows, np.ones(3), True, 2)
    instance = free._replace(weights=np.array([*WEIGHTS[agg], 0.0, 0.0][:3]), floor=-512.0)
    top = np.empty(3)
    state, _ = started(instance, np.array([0, 1]))
    # item 0 is the only one that both allow
    together = kernels.worth(instance, state, 0, kernels.NOBODY, 1, top)
    assert together == -2048.0 + (0.0 if agg == "min" else 3.0)
    alone = kernels.worth(instance, state, 1, kernels.NOBODY, kernels.NOBODY, top)
    assert alone == {"min": 2.0, "max": 4.0, "sum": 9.0}[agg]


def test_soft_scores_tend_to_the_lowest_ratings():
    """A sum of exponentials stands for -s log(sum exp(-rating / s)), harder as s falls."""
    rows = np.array([[5.0, 4.0, 1.0], [3.0, 2.0, 4.0]])
    lowest = rows.min(axis=0)
    for softness in (1.0, 0.05):
        soft = kernels.unconstrained(-np.exp(-rows / softness), np.ones(2), False, 1)
        instance = soft._replace(softness=softness, origin=0.0)
        _, total = started(instance, np.array([0, 0]))
        scores = np.sort(-softness * np.log(np.exp(-rows / softness).sum(axis=0)))[::-1]
        assert total == pytest.approx(scores[:2].sum())
        assert total <= np.sort(lowest)[::-1][:2].sum() + 1e-12
    assert total == pytest.approx(3.0 + 2.0, abs=1e-6)
