import numpy as np
import pytest
import scipy.sparse as sp

from grouping.errors import InputError
from learners.item_regression import ItemRegression


def taken(raters, items=6):
    return sp.csr_array((np.random.default_rng(0).random((raters, items)) < 0.4).astype(np.float32))


@pytest.mark.parametrize("raters", [30, 4], ids=["more raters than items", "fewer"])
def test_the_weights_are_the_minimiser_under_a_zero_diagonal(raters):
    """Column by column the same as ridge regression on the other items."""
    rows = taken(raters)
    weights = ItemRegression(3.0).fit(rows).score(sp.csr_array(np.eye(6)))
    X = rows.toarray().astype(np.float64)
    for item in range(6):
        others = np.delete(np.arange(6), item)
        A = X[:, others]
        expected = np.linalg.solve(A.T @ A + 3.0 * np.eye(5), A.T @ X[:, item])
        np.testing.assert_allclose(weights[others, item], expected, atol=1e-5)
        assert weights[item, item] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("raters", [30, 4], ids=["more raters than items", "fewer"])
def test_scores_are_sums_of_weights_of_what_was_taken(raters):
    """Of rows learned from and of others alike; values do not count."""
    rows, others = taken(raters), taken(50)[raters:]
    model = ItemRegression(3.0).fit(rows)
    weights = model.score(sp.csr_array(np.eye(6)))
    for asked in (rows, others):
        np.testing.assert_allclose(model.score(asked), asked.toarray() @ weights, atol=1e-5)
    scaled = rows.copy()
    scaled.data *= 7
    np.testing.assert_array_equal(model.score(rows), model.score(scaled))


def test_a_regularization_that_is_not_positive_is_refused():
    """The system would not be solvable."""
    with pytest.raises(InputError, match="must be positive"):
        ItemRegression(0.0).fit(taken(30))
