import numpy as np
import pytest
import scipy.sparse as sp

from grouping.errors import InputError
from grouping.ratings import Ratings
from learners import observed, predictor
from learners.als import BiasedALS
from learners.bias import BiasModel
from learners.completion import completed_bytes, completed_dtype
from learners.predictor import default_predictor
from tests.learners.cases import incomplete


def test_rated_cells_stay_and_the_others_lie_on_the_scale():
    """Completing must never alter a rating nor leave the scale."""
    X = incomplete()
    ratings = Ratings.of(X, scale=(2.0, 4.0))
    complete = BiasedALS(regularization=0.01, implicit_regularization=None).fit(ratings)
    complete = complete.complete(ratings)
    rated = ~np.isnan(X)
    np.testing.assert_array_equal(complete.matrix[rated], X[rated])
    assert complete.matrix[~rated].min() == 2.0
    assert complete.matrix[~rated].max() == 4.0
    assert complete.matrix.dtype == np.float32
    assert (complete.users, complete.items, complete.scale) == (
        ratings.users,
        ratings.items,
        ratings.scale,
    )


def test_completing_agrees_with_predicting():
    """A cell is predicted to the same bits one by one and in the whole matrix."""
    X = np.where(np.isnan(incomplete()), np.nan, incomplete() / 3)  # thirds: float64
    model = BiasedALS().fit(Ratings.of(X))
    users, items = np.nonzero(np.isnan(X))
    complete = model.complete(Ratings.of(X)).matrix
    np.testing.assert_array_equal(model.predict(users, items), complete[users, items])


@pytest.mark.parametrize("form", [np.asarray, None], ids=["dense", "sparse"])
def test_row_blocks_leave_no_seam(monkeypatch, form):
    """The result is the same however few rows are completed at a time."""
    X = incomplete()
    rows, columns = np.nonzero(~np.isnan(X))
    sparse = sp.csr_array((X[rows, columns], (rows, columns)), shape=X.shape)
    ratings = Ratings.of(X if form else sparse)
    whole = BiasModel().fit(ratings).complete(ratings).matrix
    monkeypatch.setattr(observed, "_SLAB", 3 * X.shape[1])
    blocked = BiasModel().fit(ratings).complete(ratings).matrix
    np.testing.assert_array_equal(whole, blocked)


@pytest.mark.parametrize(
    ("values", "scale", "dtype"),
    [
        ([[1.5, np.nan]], None, np.float32),
        ([[0.1, np.nan]], None, np.float64),
        ([[1, 2**24 + 1]], None, np.float64),
        ([[1, 2]], None, np.float32),
        ([[1.0, np.nan]], (0.1, 5.0), np.float64),
        ([[1e300, np.nan]], None, np.float64),
    ],
)
def test_float32_unless_it_would_change_a_rating(values, scale, dtype):
    """Half the memory is worth having, but not at the price of another rating."""
    ratings = Ratings.of(np.array(values), scale=scale)
    assert completed_dtype(ratings) == dtype
    assert completed_bytes(ratings) == 2 * np.dtype(dtype).itemsize


def test_the_default_predictor_completes_and_leaves_complete_ratings_alone():
    """Ratings that miss nothing, or whose blanks stand for a number, are not predicted."""
    predict = default_predictor(seed=2, threads=1)
    ratings = Ratings.of(incomplete())
    expected = BiasedALS(seed=2).fit(ratings).complete(ratings).matrix
    np.testing.assert_array_equal(predict(ratings).matrix, expected)
    full = Ratings.of(np.ones((2, 3)))
    assert predict(full) is full
    stored = sp.csr_array(np.eye(3))
    filled = Ratings.of(stored)
    filled = filled.with_matrix(filled.matrix, fill=1.0)
    assert predict(filled) is filled
    with pytest.raises(InputError, match="count as 1"):
        BiasModel().fit(filled)


def test_misuse_is_explained():
    """Unfitted models, other shapes and positions outside are named, not computed with."""
    ratings = Ratings.of(incomplete())
    with pytest.raises(InputError, match="not fitted"):
        BiasModel().predict([0], [0])
    model = BiasModel().fit(ratings)
    with pytest.raises(InputError, match="fitted to 30 users and 20 items"):
        model.complete(Ratings.of(np.ones((2, 2))))
    with pytest.raises(InputError, match="item positions must lie between 0 and 19"):
        model.predict([0], [20])
    with pytest.raises(InputError, match="2 user positions for 1"):
        model.predict([0, 1], [0])
    with pytest.raises(InputError, match="whole numbers"):
        model.predict([0.5], [0])
    assert model.predict([], []).shape == (0,)


def test_ratings_near_the_end_of_their_type_are_completed():
    """Their sum is more than the type holds; the mean is not."""
    X = np.array([[1e308, 1.5e308], [1.2e308, np.nan]])
    single = np.array([[3e38, -3e38], [-3e38, np.nan]], dtype=np.float32)
    for values in (X, single):
        found = default_predictor()(Ratings.of(values)).matrix
        assert np.isfinite(found).all()
        assert np.abs(found).max() <= np.nanmax(np.abs(values))


def test_whole_ratings_that_no_float_holds_are_refused():
    ratings = Ratings.of(sp.csr_array(np.array([[2**53 + 1, 0], [3, 4]])))
    with pytest.raises(InputError, match="beyond 2"):
        BiasedALS(iterations=1).fit(ratings).complete(ratings)


def test_memory_is_asked_for_what_is_made(monkeypatch):
    """Doubles that float32 holds are completed in half of the memory; other ones are not."""
    asked = []
    monkeypatch.setattr(predictor, "require", lambda size, *words: asked.append(size))
    for values in ([[1.0, 2.0], [3.0, np.nan]], [[0.1, 2.0], [3.0, np.nan]]):
        ratings = Ratings.of(np.array(values))
        made = default_predictor()(ratings).matrix
        assert asked[-1] == made.nbytes + 24 * 3
