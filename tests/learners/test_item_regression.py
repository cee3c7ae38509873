import numpy as np
import pytest
import scipy.sparse as sp

from grouping.errors import InputError
from learners.item_regression import ItemRegression

TAKEN = sp.csr_array((np.random.default_rng(0).random((30, 6)) < 0.4).astype(np.float32))


def test_the_weights_are_the_minimiser_under_a_zero_diagonal():
    """Column by column the same as ridge regression on the other items."""
    model = ItemRegression(3.0).fit(TAKEN)
    X = TAKEN.toarray().astype(np.float64)
    for item in range(6):
        others = np.delete(np.arange(6), item)
        A = X[:, others]
        expected = np.linalg.solve(A.T @ A + 3.0 * np.eye(5), A.T @ X[:, item])
        np.testing.assert_allclose(model.weights_[others, item], expected, atol=1e-5)
        assert model.weights_[item, item] == 0


def test_values_do_not_count_and_new_rows_are_scored():
    """What is stored counts as taken; a row that was never learned from has scores."""
    model = ItemRegression(3.0).fit(TAKEN)
    scaled = TAKEN.copy()
    scaled.data *= 7
    np.testing.assert_array_equal(model.score(TAKEN), model.score(scaled))
    assert model.score(sp.csr_array(np.eye(6)[:1])).shape == (1, 6)


def test_a_regularization_that_is_not_positive_is_refused():
    """The system would not be solvable."""
    with pytest.raises(InputError, match="must be positive"):
        ItemRegression(0.0).fit(TAKEN)
