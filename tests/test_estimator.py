"""GroupFormer keeps scikit-learn's contract and says the same as `form`."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.utils.estimator_checks import parametrize_with_checks

from grouping import GroupFormer, InputError, Ratings, form


@parametrize_with_checks(
    [
        GroupFormer(k=1),
        GroupFormer(k=1, semantics="av", agg="sum", n_groups=3),
        GroupFormer(k=1, split_buckets=True, missing="min"),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.fixture
def X():  # noqa: N802
    return np.random.default_rng(0).integers(1, 6, (40, 9)).astype(np.float64)


@pytest.mark.parametrize("semantics", ["lm", "av"])
def test_fit_is_form(X, semantics):
    former = GroupFormer(n_groups=4, k=3, semantics=semantics, agg="sum").fit(X)
    formation = form(X, semantics, "sum", 4, 3)
    assert former.objective_ == formation.objective
    np.testing.assert_array_equal(former.labels_, formation.labels)
    np.testing.assert_array_equal(former.fit_predict(X), formation.labels)


def test_sparse_input_means_unrated(X):
    sparse = sp.csr_array(np.where(X >= 3, X, 0))
    dense = np.where(X >= 3, X, np.nan)
    kwargs = {"n_groups": 4, "k": 3, "missing": "min"}
    np.testing.assert_array_equal(
        GroupFormer(**kwargs).fit(sparse).labels_, GroupFormer(**kwargs).fit(dense).labels_
    )


@pytest.mark.parametrize("agg", ["min", "max", "sum", "wsum", "ndcg"])
def test_predict_chooses_the_list_that_serves_best(X, agg):
    """A user alone would not be happier with any other group's list."""
    former = GroupFormer(n_groups=4, k=3, agg=agg).fit(X)
    newcomers = np.random.default_rng(1).integers(1, 6, (15, 9)).astype(np.float64)
    weights = {"min": [0, 0, 1], "max": [1, 0, 0], "sum": [1, 1, 1], "wsum": [1, 1 / 2, 1 / 3]}
    discount = 1 / np.log2(np.arange(3) + 2)
    for row, chosen in zip(newcomers, former.predict(newcomers), strict=True):
        worth = []
        for group in former.formation_.groups:
            on_list = row[group.items]
            if agg == "ndcg":
                worth.append(on_list @ discount / (np.sort(row)[::-1][:3] @ discount))
            else:
                worth.append(np.sort(on_list)[::-1] @ weights[agg])
        assert chosen == int(np.argmax(np.round(worth, 12)))


def test_too_long_lists_name_n_features(X):
    with pytest.raises(InputError, match="n_features = 9"):
        GroupFormer(k=10).fit(X)


def test_ratings_with_other_items_are_refused(X):
    """Lists name columns: ratings of fewer items must not be read past their end."""
    former = GroupFormer(n_groups=4, k=1).fit(Ratings.of(X))
    for other in (X[:, :1], Ratings.of(X[:, :1])):
        with pytest.raises(ValueError, match="expecting 9 features"):
            former.predict(other)
    named, turned = (Ratings.of(X, items=names) for names in ("abcdefghi", "bacdefghi"))
    former = GroupFormer(n_groups=4, k=1).fit(named)
    assert len(former.predict(named)) == len(X)
    with pytest.raises(ValueError, match="has other items"):
        former.predict(turned)
    GroupFormer(n_groups=4, k=1).fit(X).predict(turned)  # by the order of columns, as arrays are
