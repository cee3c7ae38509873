import numpy as np
import pytest

from grouping.errors import InputError
from grouping.ratings import Ratings
from learners.bias import BiasModel
from learners.metrics import mae, rmse
from learners.selection import choose
from learners.splits import split
from tests.learners.cases import incomplete


def test_a_split_parts_the_ratings():
    """Every rating is either learned from or held out, never both, and at its place."""
    X = incomplete()
    ratings = Ratings.of(X)
    part = split(ratings, fraction=0.25, seed=1)
    joined = np.full(X.shape, np.nan)
    train = part.train.matrix.tocoo()
    joined[train.coords] = train.data
    assert np.isnan(joined[part.users, part.items]).all()
    joined[part.users, part.items] = part.values
    np.testing.assert_array_equal(joined, X)
    assert len(part.values) == round(0.25 * ratings.count())


def test_the_seed_decides_the_split():
    """Splits can be made again, and others can be drawn."""
    ratings = Ratings.of(incomplete())
    first, again, other = (split(ratings, seed=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(first.users, again.users)
    np.testing.assert_array_equal(first.items, again.items)
    assert not np.array_equal(first.items, other.items)


def test_splits_that_cannot_be_are_refused():
    """Something must be left on either side."""
    assert split(Ratings.of(np.array([[1.0, 2.0]])), fraction=0.001).values.size == 1
    with pytest.raises(InputError, match="too few to split"):
        split(Ratings.of(np.array([[1.0, np.nan]])))
    with pytest.raises(InputError, match="between 0 and 1"):
        split(Ratings.of(incomplete()), fraction=1.0)


def test_errors_are_those_of_their_definition():
    """RMSE and MAE on numbers that can be checked by hand."""
    assert rmse([1, 2], [4, 6]) == pytest.approx(np.sqrt(12.5))
    assert mae([1, 2], [4, 6]) == 3.5
    with pytest.raises(ValueError, match="shapes"):
        rmse([1, 2], [[1, 2]])


def test_the_candidate_with_the_lowest_inner_error_is_chosen():
    """Choice looks at the training ratings alone; the first of equals wins."""
    rng = np.random.default_rng(2)
    X = incomplete(80, 40) + rng.normal(size=(80, 1)) + rng.normal(size=40)
    ratings = Ratings.of(X)
    candidates = [{"regularization": 1e6}, {"regularization": 3.0}, {"regularization": 3.0}]
    choice = choose(BiasModel, candidates, ratings, seed=4)
    assert choice.parameters == {"regularization": 3.0}
    assert choice.errors[1] == choice.errors[2] < choice.errors[0]
    inner = split(ratings, seed=4)
    model = BiasModel(regularization=3.0).fit(inner.train)
    assert choice.errors[1] == rmse(inner.values, model.predict(inner.users, inner.items))
    with pytest.raises(InputError, match="no candidate"):
        choose(BiasModel, [], ratings)
