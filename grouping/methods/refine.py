"""Local search over partitions: better than greedy at any size, within constraints, at any time.

The best of several starts (GRD with and without split buckets; under least misery, formations
around users who are hard to satisfy together, and with a time limit what a linear program over
groups comes to; under aggregate voting, lists that are improved item by item) is improved by
moves and exchanges of users, again and again, each time longer: by scores that soften the lowest
ratings under least misery, by shaken lists within sizes under aggregate voting, by annealing where
neither is all. But for aggregate voting without constraints the search over lists goes on instead.
Nothing is ever lost: the result is the best formation met.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from grouping.constraints.allowing import allowed
from grouping.constraints.meeting import meet
from grouping.errors import InputError
from grouping.exact import ENUMERATED_USERS
from grouping.exact.bounding import upper_bound
from grouping.exact.covers import solve as covers
from grouping.exact.search import Search
from grouping.local import alternation, coverage, hard_users, lists, merging
from grouping.local.annealing import Annealing
from grouping.local.softening import STAGES, soften
from grouping.methods import Budget, Outcome, greedy
from grouping.problem import NO_CONSTRAINTS, Problem
from grouping.stopping import Standing, tries

ROUNDS = 3
"""Annealings, where neither time nor iterations are given."""

SHAKES = 30
"""Times that lists are shaken in a round; and before users are moved within constraints."""

STEPS, FEWER_STEPS, LONGER = 60, 6, 2
"""Steps of the first annealing for each user and group, on its own and after soft scores; each
next one is so much longer."""

FREE = 0.1
"""Share of the time left that is spent on formations without constraints, to start from."""

COVERING = 0.6
"""Share of the time left in which groups are priced and chosen, under least misery."""

MOST_COVERED = 1 << 26
"""Ratings up to which they are."""

BOUNDING = 0.8
"""Share of the time that is left to the search when the bound is computed."""

MOST_READ = 1 << 36
"""Scores that an annealing may read, where no time is given."""

ALLOWING = 0.5
"""Share of the time left in which an integer program may look for groups that have lists, where no
formation yet has any."""

SOFTEST = 8.0, 4.0
"""First softness of the rounds, in turns: so often it goes into the range of the ratings. Where
groups count by their members the second comes first."""

SOFT_STEPS = 2
"""Steps under each softness for each user and group, in the first round; then times the round."""

MERGES = 2
"""Times in a round that groups are merged and split; and where the softness then begins."""
SOFT_AFTER = 16.0

CLUSTERINGS = 4
"""Clusterings within sizes, to start from."""

SIZES = ("min_size", "max_size", "sizes")
"""Kinds of rules that are about sizes alone."""

HOT, COLD = 0.01, 0.001
"""Temperatures, in units of what the ratings' range makes of a list."""


def run(problem: Problem, budget: Budget, *, start: NDArray[np.int64] | None = None) -> Outcome:
    """Search until time, iterations or the gap asked for are reached.

    Parameters
    ----------
    problem : Problem
    budget : Budget
        `iterations` is the number of annealings, or of thirty shakes of the lists, and
        `patience` that of those in a row that may gain nothing; without these and a time limit
        there are three. An interrupt (Ctrl-C) ends the search with the best formation so far.
    start : int64 array, shape (n,), optional
        Groups to start from besides GRD's; changed as little as the constraints ask.

    Returns
    -------
    outcome : Outcome
        Never below GRD's formation or the start's, or below what the constraints make of them.

    Raises
    ------
    InputError
        With ndcg.
    InfeasibleError, UndecidedError
        If constraints cannot be met, or that is not known in time.
    """
    if problem.aggregation.per_member:
        raise InputError(
            "refine does not take ndcg, which depends on the order of lists: use greedy"
        )
    seeds = [] if start is None else [start]
    seeds.append(greedy.run(problem, budget).labels)
    if greedy.can_split(problem):
        seeds.append(greedy.run(problem, budget, split_buckets=True).labels)
    began = time.perf_counter()
    first = meet(problem.constraints, seeds[0], problem.groups, budget.time_limit)
    search = Search(problem, budget.after(time.perf_counter() - began), first)

    def course() -> None:
        for labels in seeds[1:]:
            search.offer_met(labels)
        timed = budget.time_limit is not None
        if not (timed and lists.bounds_too(problem)):
            until = BOUNDING * search.remaining if timed else 0.0
            search.prove(upper_bound(problem, stop=lambda: search.remaining <= until).certificate)
        if _priceable(search):
            _from_covers(search)
        if timed:
            search.offer_allowed(ALLOWING)
        if not search.over:
            improve(search, start)
        if search.objective == -np.inf:  # every formation so far has an excluded list
            search.offer(allowed(problem, search.labels, max(1.0, search.remaining)))
            if not search.over:
                improve(search, None)

    return search.outcome(course)


def improve(search: Search, start: NDArray[np.int64] | None) -> None:
    """Search from the best formation that a search knows, until it is over.

    Parameters
    ----------
    search : Search
        Its formation satisfies the constraints.
    start : int64 array, shape (n,), optional
        Groups to start from besides.
    """
    problem, budget = search.problem, search.budget
    rng = np.random.default_rng(budget.seed)
    rounds, patience = budget.iterations, budget.patience
    if rounds is None and patience is None and budget.time_limit is None:
        rounds = ROUNDS
    sizes = alternation.Sizes(problem)
    alternated = None
    clustered = bool(problem.constraints) and not problem.penalty
    clustered = clustered and sizes.suit(problem.ratings.shape[0])
    if clustered:
        alternated = _from_clusters(search, sizes, rng)
    sizes_alone = clustered and _by_size(problem)
    if problem.semantics == "av" and not problem.constraints:
        shakes, calm = (None if most is None else SHAKES * most for most in (rounds, patience))
        search.budget = replace(budget, iterations=shakes, patience=calm)
        lists.improve(search, rng, tries(shakes, calm), start)
        search.budget = budget
        if search.over or not lists.leaves_moves(problem):
            return
    elif not sizes_alone:  # clusters are enough within sizes
        _from_other_starts(search, rng)
    annealing = Annealing(problem, rng, lambda: search.over)
    units, groups = len(annealing.instance.sizes), problem.groups
    soft = problem.semantics == "lm"
    longest = MOST_READ // problem.ratings.shape[1]
    steps = min((FEWER_STEPS if soft else STEPS) * units * groups, longest)
    span = (problem.high - problem.low) * float(problem.aggregation.weights.sum())
    if span <= 0:
        if not problem.penalty:
            return
        span = 1.0  # ratings are all alike, but not everybody's: some items are excluded
    merges = soft and bool(problem.constraints or problem.by_members)
    if soft:
        moves = bool(annealing.instance.by_members or problem.penalty)
    else:
        moves = alternated is None or problem.aggregation.name == "min"
    enough = tries(rounds, patience)
    done = quiet = 0
    while not (search.over or enough(Standing(iterations=done, quiet=quiet))):
        done, quiet = done + 1, quiet + 1
        if soft and _soften(search, annealing, done, longest):
            quiet = 0
        if alternated is not None and _shake(search, alternated, rng):
            quiet = 0
        if moves:
            try:
                annealing.run(search.labels, steps, HOT * span, COLD * span)
            finally:  # an interrupt too
                if search.offer(annealing.best):
                    quiet = 0
            steps = steps * LONGER
            if budget.time_limit is None:
                steps = min(steps, longest)
        if merges and _merge_and_split(search, annealing):
            quiet = 0
        search.report(rounds=done)


def _soften(search: Search, annealing: Annealing, round_number: int, longest: int) -> bool:
    """Search under soft scores, from the best so far; tell whether something better was found."""
    first = 1 if search.problem.by_members else 0
    softest = SOFTEST[(round_number - 1 + first) % len(SOFTEST)]
    steps = SOFT_STEPS * round_number * len(annealing.instance.sizes) * search.problem.groups
    better = False
    for labels in soften(annealing, search.labels, softest, min(steps, longest // STAGES)):
        better |= search.offer(labels)
    return better


def _merge_and_split(search: Search, annealing: Annealing) -> bool:
    """Merge groups, split others, search on softly; tell whether something better was found."""
    problem, instance = search.problem, annealing.instance
    if instance.rows.size > merging.MOST_CELLS:
        return False
    steps = len(instance.sizes) * problem.groups
    better = False
    for _ in range(MERGES):
        if search.over:
            break
        units = search.labels[annealing.first_user]
        proposed = merging.merge_and_split(instance, units, annealing.rng, annealing.stop)
        if proposed is None:
            continue
        labels = proposed[annealing.units.of_user]
        if not problem.constraints.satisfied(labels, problem.groups):
            continue
        better |= search.offer(labels)
        for found in soften(annealing, labels, SOFT_AFTER, steps):
            better |= search.offer(found)
    return better


def _from_clusters(
    search: Search, sizes: alternation.Sizes, rng: np.random.Generator
) -> alternation.ListsWithinSizes | None:
    """Offer clusters of users within sizes, and what alternation makes of them.

    Returns
    -------
    alternated : ListsWithinSizes or None
        For going on, where sizes are all that is asked.
    """
    problem = search.problem

    def stop() -> bool:
        return search.over

    local = None
    if problem.semantics == "av":
        local = alternation.ListsWithinSizes(problem, sizes, stop)
    for _ in range(CLUSTERINGS):
        if stop():
            break
        labels = alternation.clusters(problem, sizes, rng, stop)
        search.offer_met(labels if local is None else local.alternate(local.lists(labels)))
    return local if _by_size(problem) else None


def _by_size(problem: Problem) -> bool:
    """Whether sizes are all that is asked."""
    return all(rule.kind in SIZES for rule in problem.constraints.rules)


def _shake(search: Search, local: alternation.ListsWithinSizes, rng: np.random.Generator) -> bool:
    """Shake lists and divide the users anew; tell whether something better was found."""
    better = False
    for _ in range(SHAKES):
        if search.over:
            break
        better |= search.offer(local.shake(search.labels, rng))
    return better


def _from_other_starts(search: Search, rng: np.random.Generator) -> None:
    """Offer what the searches without constraints find, as the constraints allow."""
    problem = search.problem
    free = search
    if problem.constraints:  # they are not looked at, and must not take all the time
        timed = search.budget.time_limit is not None
        seconds = FREE * max(0.0, search.remaining) if timed else None
        few = replace(
            search.budget, time_limit=seconds, iterations=SHAKES, patience=None, progress=None
        )
        free = Search(problem.relaxed(), few)
    problem = free.problem
    if problem.by_members:
        _from_members(free, rng)
    elif problem.semantics == "lm":
        for labels in hard_users.formations(problem, lambda: search.over):
            free.offer(labels)
    else:
        lists.improve(free, rng, tries(SHAKES))
    if free is not search:
        search.offer_met(free.labels)


def _priceable(search: Search) -> bool:
    """Whether there is time for groups as columns of a linear program, and a bound by them."""
    problem = search.problem
    n, m = problem.ratings.shape
    fits = n > ENUMERATED_USERS and n * m <= MOST_COVERED
    ruled = problem.constraints or problem.penalty or problem.by_members
    timed = search.budget.time_limit is not None
    return problem.semantics == "lm" and not ruled and fits and timed and not search.over


def _from_covers(search: Search) -> None:
    """Offer what the exact search finds in a share of the time, and keep its bound."""
    few = replace(
        search.budget,
        time_limit=COVERING * max(0.0, search.remaining),
        iterations=None,
        patience=None,
        progress=None,
    )
    inner = Search(search.problem, few, search.labels)
    inner.prove(search.certificate)
    try:
        covers.solve(inner)
    finally:  # an interrupt too
        search.offer(inner.labels)
        search.prove(inner.certificate)


def _from_members(search: Search, rng: np.random.Generator) -> None:
    """Offer what covers many members, and what makes them happy together."""
    problem = search.problem
    covering = coverage.formation(problem, lambda: search.over)
    if covering is not None:
        search.offer(covering)
    timed = search.budget.time_limit is not None
    seconds = FREE * max(0.0, search.remaining) if timed else None
    voting = replace(problem.voting(), constraints=NO_CONSTRAINTS)
    alike = Search(
        voting, replace(search.budget, time_limit=seconds, iterations=SHAKES, patience=None)
    )
    lists.improve(alike, rng, tries(SHAKES))
    search.offer(alike.labels)
