"""The profiling task: how well classes are told, and what a class or a group is like."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grouping.errors import InputError
from learners.dmtl.groups import Groups
from learners.dmtl.inputs import Known, shares
from learners.dmtl.model import DMTL

_LEAST = 0.01  # by which an attribute's mean must differ: of a share, or of a standard deviation
_PRIOR = 5.0  # ratings at the item's own mean that every class is given, so that few do not decide

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """How well classes were told; each is the plain mean over classes that occur.

    Attributes
    ----------
    precision, recall, f1 : float
    accuracy : float
        Share told rightly, which is also the recall averaged by the classes' sizes.
    """

    precision: float
    recall: float
    f1: float
    accuracy: float


@dataclass(frozen=True)
class Liking:
    """An item, and how a class or a group likes it.

    Attributes
    ----------
    item : str
    score : float
        A mean rating, or how far it lies above everybody's.
    """

    item: str
    score: float


@dataclass(frozen=True)
class Trait:
    """An attribute, and how common it is.

    Attributes
    ----------
    name : str
    here, everywhere : float
        Mean over the members, and over all users: of a number as the table has it, of all else
        the share.
    """

    name: str
    here: float
    everywhere: float


@dataclass(frozen=True)
class Description:
    """What users of a class, or members of a group, have in common.

    Attributes
    ----------
    users : float
        How many; users of several classes count in parts.
    liked : list of Liking
        Items with the highest mean rating.
    distinctive : list of Liking
        Items rated furthest above everybody's mean.
    traits : list of Trait
        Attributes of users, and shares of items' attributes among what they rated, that stand out.
    """

    users: float
    liked: list[Liking]
    distinctive: list[Liking]
    traits: list[Trait]

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)


def profiling_scores(true: ArrayLike, told: ArrayLike) -> Scores:
    """Precision, recall and F1 of classes that were told.

    The paper's Table II does not say how it averages over classes; here each class that occurs
    in `true` or `told` weighs alike, and a quotient with nothing below the line is 0.

    Parameters
    ----------
    true, told : array-like of int, of equal length

    Returns
    -------
    scores : Scores

    Raises
    ------
    InputError
        If nothing is given.
    """
    from sklearn.metrics import precision_recall_fscore_support

    truth, guess = np.asarray(true), np.asarray(told)
    if not truth.size or truth.shape != guess.shape:
        raise InputError(f"cannot compare {truth.size} classes with {guess.size}")
    precision, recall, f1, _ = precision_recall_fscore_support(
        truth, guess, average="macro", zero_division=0
    )
    return Scores(float(precision), float(recall), float(f1), float(np.mean(truth == guess)))


def describe_classes(model: DMTL, *, top: int = 5) -> list[Description]:
    """Say what the users of each class have in common.

    Parameters
    ----------
    model : DMTL
    top : int
        Items and traits at most.

    Returns
    -------
    descriptions : list of Description
        By class.

    Raises
    ------
    InputError
        If the model was trained without the profiling task.
    """
    if model.labels is None:
        raise InputError("the model was trained without the profiling task: it knows no classes")
    return describe(model, model.labels.shares.T, top=top)


def describe_groups(model: DMTL, groups: Groups, *, top: int = 5) -> list[Description]:
    """Say what the members of each group have in common; see `describe_classes`."""
    weights = np.zeros((len(groups), model.known.users), dtype=np.float32)
    weights[np.repeat(np.arange(len(groups)), groups.sizes), groups.members] = 1.0
    return describe(model, weights, top=top)


def describe(model: DMTL, weights: NDArray[np.float32], *, top: int = 5) -> list[Description]:
    """Say what sets of users have in common, from their ratings and attributes.

    A mean rating is taken with 5 more ratings at the item's own mean, so that one enthusiast does
    not decide.

    Parameters
    ----------
    model : DMTL
    weights : float array, shape (sets, users)
        How much each user belongs to each set.
    top : int

    Returns
    -------
    descriptions : list of Description
    """
    known = model.known
    mean, above, counted = _item_scores(known, weights)
    attributes = _Attributes.of(known)
    size = weights.sum(axis=1).astype(np.float64)
    everywhere, spread = attributes.mean_and_spread()
    of_whom = weights @ attributes.told
    # of a group of which nothing is told there is nothing to tell
    here = np.where(
        of_whom > 0,
        weights @ (attributes.told * attributes.of_users) / np.maximum(of_whom, 1e-9),
        everywhere,
    )
    level, unit = attributes.level, attributes.unit
    found = []
    for number in range(len(weights)):
        stands_out = (here[number] - everywhere) / spread
        noted = here[number] - everywhere >= _LEAST
        traits = [t for t in np.argsort(-stands_out, kind="stable") if noted[t]][:top]
        rated = np.flatnonzero(counted[number] > 0)
        found.append(
            Description(
                float(size[number]),
                _best(model, mean[number], rated, top),
                [one for one in _best(model, above[number], rated, top) if one.score > 0],
                [
                    Trait(
                        attributes.names[t],
                        float(level[t] + unit[t] * here[number, t]),
                        float(level[t] + unit[t] * everywhere[t]),
                    )
                    for t in traits
                ],
            )
        )
    return found


def _item_scores(known: Known, weights: NDArray[np.float32]) -> tuple[Floats, Floats, Floats]:
    """Of each set and item: mean rating, how far that lies above everybody's, ratings counted."""
    ratings, shape = known.of_users(), (known.users, known.items)
    rated = ratings.with_values(np.ones(len(ratings))).csr(shape)
    count = np.bincount(ratings.columns, minlength=known.items)
    total = np.bincount(ratings.columns, weights=ratings.values, minlength=known.items)
    of_item = np.where(count > 0, total / np.maximum(count, 1), known.scale.mean)
    off = ratings.with_values(ratings.values - of_item[ratings.columns]).csr(shape)
    counted = np.asarray(weights @ rated, dtype=np.float64)
    above = np.asarray(weights @ off, dtype=np.float64) / (counted + _PRIOR)
    return of_item + above, above, counted


@dataclass(frozen=True, eq=False)
class _Attributes:
    """Attributes of users, of their table and as shares of their items'.

    Where a user stands in no row of the table, or has no ratings, the attribute is not told of
    the user, and counts neither way. An item's attribute that is a number keeps its level and
    unit: a mean over items is told in the table's own terms too.

    Attributes
    ----------
    names : list of str
    of_users : float64 array, shape (users, attributes)
    told : float64 array, shape (users, attributes)
        1 where the attribute is told of the user, else 0.
    level, unit : float64 arrays, shape (attributes,)
    """

    names: list[str]
    of_users: Floats
    told: Floats
    level: Floats
    unit: Floats

    @classmethod
    def of(cls, known: Known) -> _Attributes:
        names: list[str] = []
        scales: list[tuple[float, float]] = []
        blocks, told = [np.empty((known.users, 0))], [np.empty((known.users, 0))]
        for prefix, features, values, is_told in (
            ("", known.profiles, _of_profiles, _with_profile),
            ("rated ", known.attributes, shares, _with_ratings),
        ):
            if features is not None:
                names += [prefix + name for name in features.names]
                scales += features.scales
                blocks.append(values(known)[: known.users].astype(np.float64))
                told.append(np.repeat(is_told(known)[:, None], len(features.names), axis=1))
        level, unit = np.array(scales, dtype=np.float64).reshape(-1, 2).T
        return cls(names, np.hstack(blocks), np.hstack(told).astype(np.float64), level, unit)

    def mean_and_spread(self) -> tuple[Floats, Floats]:
        """Of each attribute, over the users of whom it is told."""
        count = np.maximum(self.told.sum(axis=0), 1e-9)
        mean = (self.told * self.of_users).sum(axis=0) / count
        variance = (self.told * (self.of_users - mean) ** 2).sum(axis=0) / count
        return mean, np.maximum(np.sqrt(variance), 1e-9)


def _of_profiles(known: Known) -> NDArray[np.float32]:
    assert known.profiles is not None
    return known.profiles.matrix


def _with_profile(known: Known) -> NDArray[np.bool_]:
    assert known.profiles is not None
    listed = known.profiles.listed
    return np.ones(known.users, bool) if listed is None else listed[: known.users]


def _with_ratings(known: Known) -> NDArray[np.bool_]:
    return np.bincount(known.of_users().rows, minlength=known.users) > 0


def _best(model: DMTL, scores: Floats, allowed: NDArray[np.int64], top: int) -> list[Liking]:
    order = allowed[np.lexsort((allowed, -scores[allowed]))][:top]
    return [Liking(model.items[int(i)], float(scores[i])) for i in order]
