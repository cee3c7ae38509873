import numpy as np
import pytest

from grouping.errors import InputError
from learners.als import BiasedALS
from learners.bias import BiasModel
from learners.dmtl.ensemble import Ensemble, blend, mixture, standardised
from tests.learners.dmtl.making import ratings


def test_weights_are_those_of_the_least_squared_error():
    """Two halves of the truth are found, a useless model gets nothing, none is negative."""
    rng = np.random.default_rng(0)
    one, other, noise = rng.normal(size=(3, 500))
    weights, offset = blend([one, noise, other], 0.25 * one + 0.5 * other + 3)
    np.testing.assert_allclose(weights, [0.25, 0, 0.5], atol=1e-9)
    assert offset == pytest.approx(3)
    assert blend([one, other], -one)[0].tolist() == [0, 0]


def test_an_ensemble_is_its_weighted_parts():
    """Weights are found on held-out ratings; then every part learns from all."""
    parts = {
        "bias": lambda given: BiasModel(threads=1).fit(given),
        "factors": lambda given: BiasedALS(factors=2, threads=1).fit(given),
    }
    ensemble = Ensemble(parts, share=0.3).fit(ratings(0.8))
    assert min(ensemble.weights_.values()) >= 0
    users, items = np.array([0, 5]), np.array([3, 1])
    expected = ensemble.offset_ + sum(
        ensemble.weights_[name] * make(ratings(0.8)).predict(users, items, clip=False)
        for name, make in parts.items()
    )
    np.testing.assert_allclose(ensemble.predict(users, items), expected)


def test_no_part_is_no_ensemble():
    """There is nothing to weigh."""
    with pytest.raises(InputError, match="needs a part"):
        Ensemble({}).fit(ratings())


def test_the_share_mixed_in_is_the_best_on_the_grid():
    """The lowest of equally good ones, and rows made alike first."""
    first, second = np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]])
    assert mixture(first, second, lambda s: -abs(s[0, 0] - 0.25)) == 0.25
    assert mixture(first, second, lambda s: 0.0) == 0.0
    made = standardised(np.array([[1.0, 3.0], [2.0, 2.0], [10.0, 30.0]]))
    np.testing.assert_allclose(made, [[-1, 1], [0, 0], [-1, 1]])
