"""Missing ratings: every policy against a naive loop; memory is asked for before it is taken."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from grouping import GroupingError, InputError, Ratings, form
from grouping.errors import IncompleteError
from grouping.missing import complete, rounded
from tests import oracle
from tests.strategies import csr_of


@st.composite
def incomplete(draw):
    """Rows of ratings, None where there is none; at least one is rated."""
    m = draw(st.integers(1, 5))
    cell = st.one_of(st.none(), st.integers(-4, 10).map(lambda v: v / 2))
    rows = st.lists(st.lists(cell, min_size=m, max_size=m), min_size=1, max_size=5)
    return draw(rows.filter(lambda rows: any(v is not None for row in rows for v in row)))


def dense(rows):
    return np.array([[np.nan if v is None else v for v in row] for row in rows], float)


def both(rows):
    """The same ratings dense, with NaN, and sparse, with cells not stored."""
    X = dense(rows)
    return Ratings.of(X), Ratings.of(csr_of(X, ~np.isnan(X)))


def cells(ratings):
    return [ratings.row(user).tolist() for user in range(ratings.shape[0])]


@settings(max_examples=100)
@given(incomplete())
def test_min_fills_the_lowest_rating_and_keeps_csr_sparse(rows):
    for ratings in both(rows):
        filled = complete(ratings, "min")
        assert cells(filled) == oracle.filled_constant(rows, oracle.lowest(rows))
        assert filled.sparse == ratings.sparse


def test_min_fills_the_lower_end_of_a_declared_scale():
    rows = [[3.0, None], [None, 5.0]]
    for ratings in both(rows):
        filled = complete(Ratings.of(ratings, scale=(1, 5)), "min")
        assert cells(filled) == [[3, 1], [1, 5]]


@settings(max_examples=100)
@given(incomplete())
def test_mean_fills_the_items_mean(rows):
    """An item that nobody rated gets the mean of all ratings."""
    for ratings in both(rows):
        np.testing.assert_allclose(
            cells(complete(ratings, "mean")), oracle.filled_means(rows), rtol=1e-12, atol=1e-12
        )


@settings(max_examples=50)
@given(incomplete(), st.sampled_from([0, 2.5, -3, "1.5"]))
def test_a_number_fills_itself_and_keeps_csr_sparse(rows, value):
    for ratings in both(rows):
        filled = complete(ratings, value)
        assert cells(filled) == oracle.filled_constant(rows, float(value))
        assert filled.sparse == ratings.sparse


@settings(max_examples=50)
@given(incomplete(), st.booleans())
def test_a_predictor_fills_what_is_missing_and_what_was_rated_stays(rows, as_ratings):
    def predictor(ratings):
        predictions = np.full(ratings.shape, 7.25)
        if not as_ratings:
            return predictions
        rated = np.array([ratings.row(u) for u in range(ratings.shape[0])])
        return ratings.with_matrix(np.where(np.isnan(rated), predictions, rated))

    for ratings in both(rows):
        assert cells(complete(ratings, predictor)) == oracle.filled_constant(rows, 7.25)


def test_complete_ratings_pass_every_policy_unchanged():
    """And no predictor is asked."""
    X = np.array([[1.0, 2.0], [3.0, 4.0]])

    def never(ratings):
        raise AssertionError("complete ratings were predicted")

    for policy in ("error", "min", "mean", 2, never):
        assert cells(complete(Ratings.of(X), policy)) == X.tolist()


@settings(max_examples=100)
@given(incomplete(), st.sampled_from([0.5, 1, 2, 0.3]))
def test_rounding_puts_ratings_and_fills_on_the_grid(rows, step):
    """Halves go to the even multiple."""
    filled = oracle.filled_constant(rows, 0.75)
    for ratings in both(rows):
        assert cells(complete(ratings, 0.75, step)) == oracle.on_grid(filled, step)


def test_rounding_integers_gives_floats_on_the_grid():
    assert cells(complete(Ratings.of([[1, 2, 3, 7]]), "error", 2)) == [[0, 2, 4, 8]]


@pytest.mark.parametrize("sparse", [False, True])
def test_missing_ratings_are_refused_where_nothing_is_said(sparse):
    ratings = both([[1.0, None, None], [2.0, 3.0, 4.0]])[sparse]
    with pytest.raises(IncompleteError, match="2 of 6 ratings are missing"):
        form(ratings, "lm", "min", 1, 1)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("fill", "unknown policy 'fill'"),
        ("nan", "finite"),
        (float("inf"), "finite"),
        (6, "outside the scale 1:5"),
        ("auto", "predictor"),
        ("predict", "predictor"),
        (lambda ratings: np.zeros((1, 1)), r"shape \(1, 1\) for 2 users and 2 items"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_by_name(policy, message):
    with pytest.raises(InputError, match=message):
        form([[1.0, np.nan], [2.0, 3.0]], "lm", "min", 1, 1, missing=policy, scale=(1, 5))


@pytest.mark.parametrize("step", [0, -1, float("nan"), float("inf")])
def test_a_step_that_is_not_positive_is_refused(step):
    with pytest.raises(InputError, match="positive"):
        form([[1.0]], "lm", "min", 1, 1, round=step)


def test_no_rating_at_all_leaves_nothing_to_fill_with():
    for policy in ("min", "mean"):
        for ratings in (np.full((2, 2), np.nan), sp.csr_array((2, 2))):
            with pytest.raises(InputError, match="no rating"):
                form(ratings, "lm", "min", 1, 1, missing=policy)


def test_what_would_not_fit_in_memory_is_refused_before_it_is_taken(monkeypatch):
    """Filling with means would make CSR dense; the message names the way out, which works."""
    X = sp.random_array((300, 400), density=0.01, format="csr", rng=np.random.default_rng(0))
    monkeypatch.setenv("GROUPING_MEMORY_LIMIT", "400e3")
    with pytest.raises(GroupingError, match=r"memory.*missing = min") as refusal:
        form(X, "lm", "min", 2, 1, missing="mean")
    assert refusal.value.exit_code == 1
    with pytest.raises(GroupingError, match=r"memory.*missing = min"):
        form(X, "lm", "min", 2, 1, missing=lambda ratings: np.zeros(ratings.shape))
    assert form(X, "lm", "min", 2, 1, missing="min").objective >= 0
    monkeypatch.setenv("GROUPING_MEMORY_LIMIT", "1000")
    with pytest.raises(GroupingError, match="smaller k"):
        form(X, "lm", "min", 2, 1, missing="min")
    with pytest.raises(GroupingError, match="filling the missing ratings"):
        form(np.full((50, 50), np.nan), "lm", "min", 2, 1, missing=1)
    with pytest.raises(GroupingError, match="rounding the ratings"):
        form(np.ones((50, 50)), "lm", "min", 2, 1, round=1)


# --- values that float32 does not hold, scales, and predictors ---------------------------------


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_rounded_fill_ties_with_rounded_ratings(kind):
    """0.9 filled in and 1 rounded to 0.9 are one number, so the lower column comes first."""
    X = np.array([[1, np.nan], [1, 5]], dtype=kind)
    ratings = Ratings.of(X), Ratings.of(csr_of(X, ~np.isnan(X)))
    lists = [form(r, groups=2, k=2, missing="min", round=0.3).groups for r in ratings]
    for groups in lists:
        assert [group.items.tolist() for group in groups] == [[0, 1], [1, 0]]
        assert groups[0].item_scores[0] == groups[0].item_scores[1]


def test_a_fill_that_float32_does_not_hold_keeps_its_value():
    X = np.array([[1, np.nan], [2, 5]], dtype=np.float32)
    for ratings in (X, csr_of(X, ~np.isnan(X))):
        formation = form(ratings, "av", "sum", groups=1, k=2, missing=2.1)
        assert formation.objective == 3 + 7.1
    assert complete(Ratings.of(X, scale=(0.7, 5)), "min").row(0).tolist() == [1, 0.7]


def test_rounding_stays_within_the_declared_scale():
    """Multiples of 2 between 1 and 5 are 2 and 4; a rating outside is still refused."""
    X = np.array([[1.0, 5.0, 3.2]])
    assert complete(Ratings.of(X, scale=(1, 5)), "error", 2).row(0).tolist() == [2, 4, 4]
    with pytest.raises(InputError, match=r"rating 7 of user 0 for item 1"):
        complete(Ratings.of([[1.0, 7.0]], scale=(1, 5)), "error", 2)
    with pytest.raises(InputError, match="no multiple of 10"):
        complete(Ratings.of(X, scale=(1, 5)), "error", 10)


def test_an_infinite_rating_is_named_under_every_policy():
    for missing in ("min", "mean", 1):
        with pytest.raises(InputError, match="user 1 for item 0 is infinite"):
            form([[np.nan, 1.0], [np.inf, 2.0]], groups=1, k=1, missing=missing)


def test_known_ratings_keep_their_value_beside_predictions():
    known = 4.1 + 2**-40  # not a float32
    X = np.array([[known, np.nan]])
    filled = complete(Ratings.of(X), lambda ratings: np.full((1, 2), 3.0, dtype=np.float32))
    assert filled.row(0).tolist() == [known, 3]


def test_a_predictor_of_another_shape_is_refused():
    X = np.array([[1.0, np.nan], [2.0, 3.0]])
    for answer in (Ratings.of([[1.0]]), np.ones((1, 1))):
        with pytest.raises(InputError, match="shape"):
            complete(Ratings.of(X), lambda ratings, answer=answer: answer)


def test_arguments_are_checked_before_anything_is_predicted():
    def never(ratings):
        raise AssertionError("predicted first")

    with pytest.raises(InputError, match="k = 9"):
        form([[1.0, np.nan]], k=9, missing=never)


def test_numpy_numbers_are_saved(tmp_path):
    formation = form(
        [[1.0, np.nan]], groups=1, k=1, missing=np.int64(1), round=np.float32(0.5), seed=np.int64(3)
    )
    formation.save(tmp_path / "f.json")


def test_ends_of_a_scale_that_are_multiples_but_for_roundings_are_multiples():
    """.6 is three times .2, and 3 * .2 in floating point is more than .6: neither is lost."""
    ratings = Ratings.of(np.array([[0.6, 0.55, 0.31], [0.0, 0.1, 0.6]]), scale=(0, 0.6))
    found = rounded(ratings, 0.2).matrix
    assert found[:, [0, 2]].tolist() == [[0.6, 0.4], [0.0, 0.6]]
    assert found[0, 1] == 0.6


def test_a_fill_is_rounded_with_whole_ratings_too():
    """Whole ratings need no rounding to whole numbers; what stands for the missing ones does."""
    cells = np.array([[5, 2, 0], [5, 0, 2], [5, 2, 0], [5, 0, 1]])
    found = [
        form(sp.csr_array(cells.astype(kind)), "lm", "min", 3, 2, missing=1.6, round=1).objective
        for kind in (np.int64, np.float64)
    ]
    assert found[0] == found[1]
