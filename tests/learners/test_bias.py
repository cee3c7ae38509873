import numpy as np
import pytest
from hypothesis import given, settings

from grouping.errors import InputError
from grouping.ratings import Ratings
from learners.bias import BiasModel
from tests.learners import naive
from tests.learners.cases import incomplete, matrices


@settings(deadline=None, max_examples=40)
@given(X=matrices())
def test_the_biases_are_those_of_the_formula(X):
    """The alternating updates against their closed form, on anything with a rating."""
    model = BiasModel(regularization=2.0, iterations=4).fit(Ratings.of(X))
    mean, user, item = naive.bias_only(X, 2.0, 4)
    np.testing.assert_allclose(model.global_mean_, mean, atol=1e-12)
    np.testing.assert_allclose(model.user_bias_, user, atol=1e-9)
    np.testing.assert_allclose(model.item_bias_, item, atol=1e-9)


def test_on_complete_ratings_without_shrinkage_the_biases_are_row_and_column_means():
    """The known answer of a two-way layout."""
    X = np.random.default_rng(0).normal(size=(7, 5))
    model = BiasModel(regularization=1e-9, iterations=50).fit(Ratings.of(X))
    users, items = np.indices(X.shape)
    expected = X.mean(axis=1)[users] + X.mean(axis=0)[items] - X.mean()
    predicted = model.predict(users.ravel(), items.ravel(), clip=False).reshape(X.shape)
    np.testing.assert_allclose(predicted, expected, atol=1e-7)


def test_it_completes_like_any_predictor():
    """The same interface as the factor model."""
    X = incomplete()
    ratings = Ratings.of(X)
    complete = BiasModel().fit(ratings).complete(ratings).matrix
    assert np.isfinite(complete).all()
    np.testing.assert_array_equal(complete[~np.isnan(X)], X[~np.isnan(X)])


@pytest.mark.parametrize(
    ("name", "value"), [("regularization", 0.0), ("regularization", np.inf), ("iterations", 0)]
)
def test_parameters_out_of_range_are_named(name, value):
    """A wrong parameter is refused by name."""
    with pytest.raises(InputError, match=name):
        BiasModel(**{name: value}).fit(Ratings.of(incomplete()))
