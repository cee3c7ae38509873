import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grouping.errors import InputError
from grouping.ratings import Ratings
from learners.bias import BiasModel
from learners.entries import Entries
from learners.metrics import average_precisions, mae, rmse
from learners.observed import observed_csr
from learners.selection import choose
from learners.splits import split, three_parts
from tests.learners.cases import incomplete, matrices


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


def test_three_parts_hold_every_rating_once():
    """To learn from, to choose on, to test on; the tested part does not depend on the second."""
    X = incomplete()
    ratings = Ratings.of(X)
    parts = three_parts(ratings, validation=0.2, test=0.1, seed=7)
    joined = np.full(X.shape, np.nan)
    for part in (parts.train, parts.validation, parts.test):
        assert np.isnan(joined[part.rows, part.columns]).all()
        joined[part.rows, part.columns] = part.values
    np.testing.assert_array_equal(joined, X)
    without = three_parts(ratings, validation=0, test=0.1, seed=7)
    np.testing.assert_array_equal(without.test.rows, parts.test.rows)
    np.testing.assert_array_equal(without.test.columns, parts.test.columns)
    assert len(without.validation) == 0
    assert len(three_parts(ratings, validation=0, test=0).train) == ratings.count()


@settings(deadline=None)
@given(X=matrices(), seed=st.integers(0, 9))
def test_entries_and_matrices_are_two_views_of_the_same_cells(X, seed):
    """Nothing is lost between a sparse matrix, its entries, their transpose and their parts."""
    ratings = Ratings.of(X)
    entries = Entries.stored(observed_csr(ratings))
    np.testing.assert_array_equal(
        entries.csr(X.shape).toarray(), np.nan_to_num(X).astype(np.float32)
    )
    assert entries.csr(X.shape).nnz == ratings.count()
    twice = entries.transposed().transposed()
    np.testing.assert_array_equal(twice.rows, entries.rows)
    np.testing.assert_array_equal(twice.values, entries.values)
    rng = np.random.default_rng(seed)
    rows = rng.permutation(X.shape[0])[: rng.integers(1, X.shape[0] + 1)]
    columns = rng.permutation(X.shape[1])[: rng.integers(1, X.shape[1] + 1)]
    part = entries.within(rows, columns)
    rebuilt = np.full((len(rows), len(columns)), np.nan, dtype=np.float32)
    rebuilt[part.rows, part.columns] = part.values
    np.testing.assert_array_equal(rebuilt, X[np.ix_(rows, columns)].astype(np.float32))


def test_average_precision_is_that_of_its_definition():
    """Three rows by hand: ranked well, ranked badly, without a positive."""
    rows = [0, 0, 0, 1, 1, 2]
    truth = [1, 0, 1, 0, 1, 0]
    scores = [3.0, 2.0, 1.0, 5.0, 4.0, 1.0]
    expected = [(1 + 2 / 3) / 2, 1 / 2, 0]
    np.testing.assert_allclose(average_precisions(rows, truth, scores), expected)
    np.testing.assert_allclose(average_precisions(rows, truth, scores, k=2), [1, 1 / 2, 0])
    with pytest.raises(ValueError, match="rank"):
        average_precisions([], [], [])
    with pytest.raises(ValueError, match="not a number"):
        average_precisions([0, 0], [1, 0], [np.nan, 1])
    ties = average_precisions([0, 0, 0], [0, 1, 1], [1, 1, 1])  # in the order given
    np.testing.assert_allclose(ties, [(1 / 2 + 2 / 3) / 2])
