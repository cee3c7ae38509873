"""`GroupFormer`: group formation as a scikit-learn estimator."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from grouping.aggregation import NAMES
from grouping.errors import InputError
from grouping.formation import Formation
from grouping.forming import form
from grouping.ids import Ids
from grouping.joining import best_groups
from grouping.methods import METHODS
from grouping.missing import complete
from grouping.ratings import Ratings


class GroupFormer(BaseEstimator):  # type: ignore[misc]
    """Form groups whose top-k lists satisfy their members.

    Not a clusterer: the groups are those that are happiest together with one list, which need
    not be those of similar users.

    Parameters
    ----------
    n_groups : int
        At most so many groups.
    k : int
        Items on each group's list; at most n_features.
    semantics : {"lm", "av"}
    agg : {"min", "max", "sum", "wsum", "ndcg"}
    method : {"auto", "greedy", "refine", "exact", "ip", "baseline", "kmeans", "fasterpam"}
        By default the paper's greedy algorithm, which is quick at any size.
    missing : {"error", "min", "mean"}, number or callable
        What unrated cells (NaN, not stored) count as, in `fit` and in `predict`.
    position_weights : {"inverse", "log"} or k numbers, optional
    split_buckets : bool
    time_limit : float, optional
    iterations : int, optional
    random_state : int
        Seed.
    n_jobs : int, optional
        Threads; None or -1: all.

    Attributes
    ----------
    labels_ : int64 array, shape (n_samples,)
        Group of each user.
    formation_ : Formation
        The groups with their lists and scores.
    objective_ : float
    n_features_in_ : int
    feature_names_in_ : array of str
        Where `X` has column names that are all strings.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1, 4, 3], [2, 3, 5], [2, 5, 1], [2, 5, 1], [3, 1, 1], [1, 2, 5]])
    >>> GroupFormer(n_groups=3, k=1).fit(X).objective_
    11.0
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_groups": [Interval(Integral, 1, None, closed="left")],
        "k": [Interval(Integral, 1, None, closed="left")],
        "semantics": [StrOptions({"lm", "av"})],
        "agg": [StrOptions(set(NAMES))],
        "method": [StrOptions(set(METHODS))],
        "missing": [StrOptions({"error", "min", "mean"}), Real, callable],
        "position_weights": [StrOptions({"inverse", "log"}), "array-like", None],
        "split_buckets": ["boolean"],
        "time_limit": [Interval(Real, 0, None, closed="neither"), None],
        "iterations": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": [Interval(Integral, 0, None, closed="left")],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_groups: int = 10,
        k: int = 5,
        *,
        semantics: str = "lm",
        agg: str = "min",
        method: str = "greedy",
        missing: Any = "error",
        position_weights: Any = None,
        split_buckets: bool = False,
        time_limit: float | None = None,
        iterations: int | None = None,
        random_state: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.n_groups = n_groups
        self.k = k
        self.semantics = semantics
        self.agg = agg
        self.method = method
        self.missing = missing
        self.position_weights = position_weights
        self.split_buckets = split_buckets
        self.time_limit = time_limit
        self.iterations = iterations
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> GroupFormer:
        """Form groups.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            A row a user, a column an item. Cells that a sparse matrix does not store are
            unrated, not 0, and need a policy in `missing`.
        y : ignored

        Returns
        -------
        self : GroupFormer
        """
        self._validate_params()
        self.formation_: Formation = form(
            self._ratings(X, reset=True),
            self.semantics,
            self.agg,
            self.n_groups,
            self.k,
            self.method,
            missing=self.missing,
            position_weights=self.position_weights,
            split_buckets=self.split_buckets,
            time_limit=self.time_limit,
            iterations=self.iterations,
            seed=int(self.random_state),
            threads=None if self.n_jobs in (None, -1) else self.n_jobs,
        )
        self.labels_ = self.formation_.labels
        self.objective_ = self.formation_.objective
        return self

    def fit_predict(self, X: Any, y: Any = None) -> NDArray[np.int64]:
        """Form groups and return the group of each user.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        labels : int64 array, shape (n_samples,)
        """
        return self.fit(X).labels_

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Find the group whose list would serve each user best.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Users with ratings of the same items.

        Returns
        -------
        groups : int64 array, shape (n_samples,)
            The group with whose list the user alone would be most satisfied; of equally good
            ones the first. Where `missing` is "min" or "mean", these are taken of the users given
            here: a number counts the same whoever is given.
        """
        check_is_fitted(self)
        ratings = complete(self._ratings(X, reset=False), self.missing)
        lists = np.stack([group.items for group in self.formation_.groups])
        return best_groups(ratings, lists, self.agg, self.position_weights)

    def _ratings(self, X: Any, *, reset: bool) -> Ratings:
        """Check `X` as scikit-learn does; what it cannot see, the pass over the ratings does."""
        if isinstance(X, Ratings):
            if reset:
                self.n_features_in_ = X.shape[1]
                self._items: Ids | None = X.items
            elif X.shape[1] != self.n_features_in_:
                raise InputError(
                    f"X has {X.shape[1]} features, but GroupFormer is expecting "
                    f"{self.n_features_in_} features as input"
                )
            elif self._items is not None and X.items[:] != self._items[:]:
                raise InputError(
                    f"{X.source}: has other items than the ratings that groups were formed of, or "
                    "has them in another order"
                )
            return X
        if reset:
            self._items = None  # columns go by their order, or scikit-learn has their names
        checked = validate_data(
            self, X, reset=reset, accept_sparse="csr", dtype="numeric", ensure_all_finite=False
        )
        ratings = Ratings.of(checked, source="X")
        if ratings.sparse and self.missing == "error" and ratings.density() < 1:
            raise InputError(
                "X: sparse input is not supported with missing='error', since cells that are not "
                "stored are unrated: choose missing='min', 'mean' or a number"
            )
        if reset and self.k > ratings.shape[1]:
            raise InputError(
                f"lists of k = {self.k} items need at least {self.k} items: n_features = "
                f"{ratings.shape[1]}"
            )
        return ratings

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # scikit-learn's sparse zeros are our unrated cells, which need a policy as NaN does
        filled = self.missing != "error"
        tags.input_tags.sparse = filled
        tags.input_tags.allow_nan = filled
        return tags
