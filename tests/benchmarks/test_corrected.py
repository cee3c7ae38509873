"""What tells trees of a pair, to correct a factorisation, and in which order they answer."""

import numpy as np
import pytest

from benchmarks.learners import corrected
from learners.entries import Entries
from tests.learners.dmtl.making import ITEMS, USERS, ratings, told


class Line:
    """In place of trees: least squares."""

    def fit(self, table, errors):
        self.weights = np.linalg.lstsq(table, errors)[0]
        return self

    def predict(self, table):
        return table @ self.weights


@pytest.fixture
def sides():
    known = told()
    return known.profiles.matrix, known.attributes.matrix


def test_answers_stand_in_the_order_they_are_asked_for(sides, monkeypatch):
    """Pairs asked backwards get the same predictions, backwards."""
    monkeypatch.setattr(corrected, "FACTORS", 2)
    monkeypatch.setattr(corrected, "OF_FOLDS", 2)
    model = corrected.Corrected(*sides, learner=Line).fit(ratings())
    users, items = (cell.ravel() for cell in np.indices((USERS, ITEMS)))
    found = model.predict(users, items, clip=False)
    assert found.std() > 0.1
    backwards = model.predict(users[::-1].copy(), items[::-1].copy(), clip=False)
    np.testing.assert_allclose(backwards[::-1], found, rtol=1e-9)


def test_a_rating_is_not_part_of_its_own_description_by_others(sides):
    """What is told of a pair by likes and regressions stays when the pair's own error changes.

    For regressions on errors only the other errors count directly; what a column's weights are
    learned from is what `Corrected` keeps apart by folds.
    """
    kept = Entries.stored(ratings().matrix)
    u, i = kept.rows[:1], kept.columns[:1]
    wrong = np.zeros((USERS, ITEMS), dtype=np.float32)
    wrong[kept.rows, kept.columns] = np.random.default_rng(0).normal(size=len(kept))
    other = wrong.copy()
    other[u, i] += 5
    seen = (wrong != 0).astype(np.float32)
    np.testing.assert_allclose(
        corrected._near(other, wrong, seen)[u, i],
        corrected._near(wrong, wrong, seen)[u, i],
        rtol=1e-5,
    )


def test_errors_at_other_columns_are_regressed_as_ridge_regression_does():
    """Beside the closed form: each column's weights from its own normal equations."""
    wrong = np.random.default_rng(1).normal(size=(12, 4)).astype(np.float32)
    found = corrected._regressed(wrong)
    for column in range(4):
        rest = np.delete(wrong, column, axis=1).astype(np.float64)
        products = rest.T @ rest + corrected.OF_ERRORS * np.eye(3)
        weights = np.linalg.solve(products, rest.T @ wrong[:, column])
        np.testing.assert_allclose(found[:, column], rest @ weights, rtol=1e-4, atol=1e-6)
