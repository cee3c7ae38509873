import itertools
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from grouping.errors import InputError
from grouping.ratings import Ratings
from learners import prior
from learners.als import BiasedALS
from learners.bias import BiasModel
from learners.feature_prior import levelled
from tests.learners import naive
from tests.learners.cases import incomplete, matrices


def csr_of(X):
    rows, columns = np.nonzero(~np.isnan(X))
    return sp.csr_array((X[rows, columns], (rows, columns)), shape=X.shape)


def all_cells(model, shape):
    users, items = np.indices(shape)
    return model.predict(users.ravel(), items.ravel(), clip=False).reshape(shape)


@pytest.mark.parametrize("implicit", [None, 5.0])
@pytest.mark.parametrize("factors", [0, 1, 4])
def test_the_kernels_compute_what_plain_numpy_does(factors, implicit):
    """Normal equations, Cholesky, prior and objective against their formulas."""
    X = incomplete()
    model = BiasedALS(
        factors, 0.7, 0.4, implicit_regularization=implicit, iterations=5, seed=3
    ).fit(Ratings.of(X))
    scores, history = naive.als(X, factors, 0.7, 0.4, implicit, 5, 3, prior._STEPS)
    np.testing.assert_allclose(all_cells(model, X.shape), scores, rtol=0, atol=1e-9)
    np.testing.assert_allclose(model.objective_, history, rtol=1e-10)


def features(shape, seed=7):
    """Flags and a number for each user, flags alone for each item; the first item has none."""
    rng = np.random.default_rng(seed)
    n, m = shape
    of_users = np.column_stack([rng.random((n, 2)) < 0.5, rng.normal(size=n)])
    of_items = (rng.random((m, 4)) < 0.4).astype(np.float32)
    of_items[0] = 0
    return of_users, of_items


@pytest.mark.parametrize("implicit", [None, 5.0])
@pytest.mark.parametrize("sides", [(0, 1), (0,), (1,)], ids=["both", "users", "items"])
def test_features_draw_rows_as_plain_numpy_says(sides, implicit):
    """The map from features to rows against its formula, beside profiles and without them."""
    X = incomplete()
    known = [part if side in sides else None for side, part in enumerate(features(X.shape))]
    model = BiasedALS(
        2, 0.7, 0.4, implicit, user_feature_regularization=3.0, item_feature_regularization=2.0,
        iterations=5, seed=3,
    ).fit(Ratings.of(X), *known)  # fmt: skip
    scores, history = naive.als(
        X, 2, 0.7, 0.4, implicit, 5, 3, prior._STEPS, tuple(known), (3.0, 2.0)
    )
    np.testing.assert_allclose(all_cells(model, X.shape), scores, rtol=0, atol=1e-9)
    np.testing.assert_allclose(model.objective_, history, rtol=1e-10)


def test_features_of_nothing_change_nothing():
    """Where all features are zero, results are those without, to the bit."""
    X = incomplete()
    none = BiasedALS(iterations=3).fit(Ratings.of(X))
    zeros = BiasedALS(iterations=3).fit(
        Ratings.of(X), np.zeros((30, 2)), sp.csr_array(np.zeros((20, 3)))
    )
    np.testing.assert_array_equal(all_cells(none, X.shape), all_cells(zeros, X.shape))


def test_features_tell_of_items_that_nobody_rated():
    """Items of a liked kind are predicted above those of another, without any rating."""
    rng = np.random.default_rng(0)
    kind = np.arange(20) % 2
    X = 3 + kind + 0.1 * rng.normal(size=(30, 20))
    X[:, 18:] = np.nan
    model = BiasedALS(iterations=8, item_feature_regularization=1.0).fit(
        Ratings.of(X), item_features=kind[:, None]
    )
    scores = all_cells(model, X.shape)
    assert (scores[:, 19] > scores[:, 18] + 0.2).all()


@pytest.mark.parametrize(
    ("of_users", "of_items", "said"),
    [
        (np.zeros((29, 2)), None, "users have 29 rows of features, and there are 30"),
        (None, np.full((20, 1), np.nan), "items hold a number that is not finite"),
        (np.zeros(30), None, "users are not a table of numbers"),
        (np.full((30, 1), "old"), None, "users are not a table of numbers"),
    ],
)
def test_features_that_do_not_fit_are_refused(of_users, of_items, said):
    """Before any work, by whose they are."""
    with pytest.raises(InputError, match=said):
        BiasedALS().fit(Ratings.of(incomplete()), of_users, of_items)


def test_features_are_read_as_they_are_meant_and_left_as_they_are():
    """Cells given in parts are sums; an array of the caller's is not changed."""
    parts = sp.csr_array((np.ones(3), np.array([0, 0, 1]), np.array([0, 2, 3])), shape=(2, 2))
    np.testing.assert_array_equal(levelled(parts, 2, "users").toarray(), [[2.0, 0.0], [0.0, 1.0]])
    assert parts.nnz == 3
    whole = levelled(np.array([[1, 1], [0, 3]]), 2, "users").toarray()
    np.testing.assert_allclose(whole, [[0.5**0.5, 0.5**0.5], [0.0, 3.0]])


@settings(deadline=None, max_examples=60)
@given(
    X=matrices(),
    factors=st.integers(0, 3),
    regularization=st.sampled_from([0.01, 1.0, 30.0]),
    implicit=st.sampled_from([None, 0.1, 20.0]),
    strength=st.sampled_from([None, 0.1, 300.0]),
)
def test_no_sweep_raises_the_objective(X, factors, regularization, implicit, strength):
    """Each update is a descent step of one stated objective, and all comes out finite."""
    model = BiasedALS(
        factors, regularization, implicit_regularization=implicit, iterations=6,
        user_feature_regularization=strength or 1.0, item_feature_regularization=strength or 1.0,
    )  # fmt: skip
    model.fit(Ratings.of(X), *(features(X.shape) if strength else ()))
    assert (np.diff(model.objective_) <= 1e-10 * (1 + model.objective_[0])).all()
    assert np.isfinite(model.complete(Ratings.of(X)).matrix).all()


def test_one_and_two_threads_agree_to_the_bit():
    """Results must not depend on how many threads share the rows."""
    ratings = Ratings.of(incomplete(300, 150))
    one, two = (
        BiasedALS(seed=1, threads=t, iterations=4).fit(ratings, *features((300, 150)))
        for t in (1, 2)
    )
    np.testing.assert_array_equal(one.objective_, two.objective_)
    np.testing.assert_array_equal(one.user_factors_, two.user_factors_)
    np.testing.assert_array_equal(one.complete(ratings).matrix, two.complete(ratings).matrix)


def test_the_seed_decides_the_start():
    """A seed gives the same result again; another seed another one."""
    ratings = Ratings.of(incomplete())
    first, again, other = (BiasedALS(seed=s, iterations=2).fit(ratings) for s in (0, 0, 1))
    np.testing.assert_array_equal(first.item_factors_, again.item_factors_)
    assert not np.array_equal(first.item_factors_, other.item_factors_)


def test_the_form_and_type_in_which_ratings_are_held_do_not_matter():
    """Dense with NaN and CSR, in single and in double precision and as whole numbers."""
    X = np.rint(incomplete())
    held = [form(X.astype(dtype)) for dtype in ("f4", "f8") for form in (np.asarray, csr_of)]
    held.append(csr_of(X).astype(np.int8))
    found = [
        BiasedALS(iterations=3).fit(ratings).complete(ratings).matrix
        for ratings in map(Ratings.of, held)
    ]
    for other in found[1:]:
        np.testing.assert_array_equal(found[0], other)


def test_moving_and_stretching_the_scale_moves_the_predictions():
    """Defaults mean the same for ratings of 1..5 and of 0..100."""
    X = incomplete()
    plain = all_cells(BiasedALS().fit(Ratings.of(X)), X.shape)
    stretched = all_cells(BiasedALS().fit(Ratings.of(20 * X - 7)), X.shape)
    np.testing.assert_allclose(stretched, 20 * plain - 7, rtol=1e-9)
    for factor in (1e-15, 1e300):  # however small or large they are
        scaled = all_cells(BiasedALS().fit(Ratings.of(factor * X)), X.shape)
        np.testing.assert_allclose(scaled, factor * plain, rtol=1e-9)


def test_who_rated_what_matters():
    """Users who rate either the liked or the disliked half tell so by their choice alone."""
    rng = np.random.default_rng(5)
    kind = np.arange(80) % 2
    liked = (np.arange(40) % 2) == kind[:, None]
    X = np.where(liked, 4.0, 2.0) + rng.normal(scale=0.5, size=(80, 40))
    shown = (rng.random((80, 40)) < 0.3) & (liked | (rng.random((80, 40)) < 0.2))
    ratings = Ratings.of(np.where(shown, X, np.nan))
    errors = [
        np.sqrt(np.mean((all_cells(model.fit(ratings), X.shape) - X)[~shown] ** 2))
        for model in (BiasedALS(), BiasedALS(implicit_regularization=None))
    ]
    assert errors[0] < errors[1]


@pytest.mark.parametrize(
    "X",
    [
        [[4.0]],
        [[4.0, np.nan], [np.nan, np.nan]],
        [[1.0, np.nan, 5.0]],
        [[1.0], [np.nan], [5.0]],
        [[3.0, np.nan], [3.0, 3.0]],
        [[1.0, 2.0], [5.0, 4.0]],
    ],
    ids=["one cell", "one rating", "one user", "one item", "constant", "fully rated"],
)
def test_degenerate_ratings_are_completed(X):
    """Too little to learn from is no reason to fail."""
    ratings = Ratings.of(np.array(X))
    complete = BiasedALS().fit(ratings).complete(ratings).matrix
    low, high = ratings.observed_range()
    assert (low <= complete).all()
    assert (complete <= high).all()
    np.testing.assert_array_equal(complete[~np.isnan(X)], np.array(X)[~np.isnan(X)])


def test_without_ratings_the_biases_that_there_are_decide():
    """A user without ratings gets mean and item bias; with an item without ratings, the mean."""
    X = incomplete()
    X[4, :] = np.nan
    X[:, 7] = np.nan
    model = BiasedALS().fit(Ratings.of(X))
    assert model.predict([4], [7])[0] == model.global_mean_
    assert model.predict([4], [2], clip=False)[0] == model.global_mean_ + model.item_bias_[2]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("factors", -1),
        ("iterations", 0),
        ("regularization", 0.0),
        ("bias_regularization", -1.0),
        ("implicit_regularization", np.nan),
        ("user_feature_regularization", 0.0),
        ("item_feature_regularization", -2.0),
    ],
)
def test_parameters_out_of_range_are_named(name, value):
    """A wrong parameter is refused before any work, by name."""
    with pytest.raises(InputError, match=name):
        BiasedALS(**{name: value}).fit(Ratings.of(incomplete()))


def test_no_rating_at_all_is_refused():
    """There is no mean to predict then."""
    for model, scale in itertools.product((BiasedALS(), BiasModel()), (None, (1, 5))):
        with pytest.raises(InputError, match="holds no rating"):
            model.fit(Ratings.of(np.full((2, 2), np.nan), scale=scale))


def test_factors_that_overflow_are_refused():
    """Next to no regularization lets a pivot vanish: no predictions are better than NaN."""
    with pytest.raises(InputError, match="take a larger regularization"):
        BiasedALS(regularization=1e-15, bias_regularization=1e-15).fit(Ratings.of(incomplete()))


def test_the_kernels_run_uncompiled():
    """The plain Python behind the kernels gives the compiled result, so it can be debugged."""
    program = (
        "import numpy as np\n"
        "from grouping.ratings import Ratings\n"
        "from learners.als import BiasedALS\n"
        "X = np.array([[1, 2, np.nan, 5], [np.nan, 2, 3, 4], [5, np.nan, 1, 1.5]])\n"
        "r = Ratings.of(X)\n"
        "print(BiasedALS(factors=2, iterations=3, threads=1).fit(r).complete(r).matrix.tolist())\n"
    )
    printed = [
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"NUMBA_DISABLE_JIT": off},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for off in ("0", "1")
    ]
    np.testing.assert_allclose(*(np.array(json.loads(text)) for text in printed), rtol=1e-6)
