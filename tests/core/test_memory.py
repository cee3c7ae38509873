"""Memory is asked for before it is taken: by every way to a result, with a way out."""

from __future__ import annotations

import numpy as np
import pytest

from grouping import GroupingError, Ratings, evaluate, form
from grouping.memory import LIMIT_VARIABLE
from grouping.problem import Problem
from tests.strategies import csr_of

X = np.random.default_rng(0).integers(1, 6, (20, 2000)).astype(float)
PARTITION = np.arange(20) % 3

WAYS = {
    "form": lambda X, semantics: form(X, semantics, "min", 3, 2, missing=1),
    "evaluate": lambda X, semantics: evaluate(X, PARTITION, semantics, "min", 2, missing=1),
    "evaluate a mapping": lambda X, semantics: evaluate(
        X, dict(enumerate(PARTITION.tolist())), semantics, "min", 2, missing=1
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("semantics", ["lm", "av"])
@pytest.mark.parametrize("sparse", [False, True])
def test_what_scores_groups_asks_for_its_memory_and_gets_it_where_it_is(
    monkeypatch, way, semantics, sparse
):
    given = csr_of(X, X > 1) if sparse else X
    monkeypatch.setenv(LIMIT_VARIABLE, "10e3")
    with pytest.raises(GroupingError) as refused:
        WAYS[way](given, semantics)
    message = str(refused.value)
    assert message.startswith("finding the best 2 of 2000 items for 20 users and their groups")
    assert "KB of memory and 10 KB are available: take a smaller k" in message
    assert refused.value.exit_code == 1
    monkeypatch.setenv(LIMIT_VARIABLE, "1e6")
    assert WAYS[way](given, semantics).objective > 0


def test_what_is_not_asked_for_again_is_covered_by_the_problem(monkeypatch):
    """A bound, or a method to come, starts from a problem."""
    ratings = Ratings.of(X)
    monkeypatch.setenv(LIMIT_VARIABLE, "10e3")
    with pytest.raises(GroupingError, match="finding the best 5 of 2000 items"):
        Problem.of(ratings, groups=3)
    monkeypatch.setenv(LIMIT_VARIABLE, "1e6")
    assert Problem.of(ratings, groups=3).k == 5


def test_the_numbering_of_groups_asks_first(monkeypatch):
    """Long before the ratings are looked at: a partition is a Python object for each user."""
    monkeypatch.setenv(LIMIT_VARIABLE, "2000")
    with pytest.raises(GroupingError, match=r"groups of 20 users needs about 2\.8 KB"):
        evaluate(X, PARTITION, k=2)


@pytest.mark.parametrize(
    ("asked", "copy"),
    [
        ({"exclude": ["0"]}, "a copy of .* without what is excluded needs about 320 KB"),
        ({"exclude": {"0": ["0"]}}, "a copy of .* without what is excluded needs about 320 KB"),
        ({"user_weights": {"0": 2}}, "a copy of .* times the users' weights needs about 320 KB"),
    ],
)
def test_copies_of_the_ratings_are_asked_for(monkeypatch, asked, copy):
    """What is excluded, and what users weigh, stands in a copy."""
    monkeypatch.setenv(LIMIT_VARIABLE, "200e3")
    with pytest.raises(GroupingError, match=copy):
        form(X, "av", "min", 3, 2, "refine", iterations=1, **asked)
