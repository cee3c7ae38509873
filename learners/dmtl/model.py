"""A DMTL model: fit it, ask it what users and groups will like and what they are like, save it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grouping.errors import InputError
from grouping.ids import Ids
from grouping.ratings import Ratings
from learners.dmtl.groups import Groups
from learners.dmtl.inputs import Known, Scale
from learners.dmtl.labels import Labels, cluster_labels
from learners.dmtl.settings import Settings
from learners.entries import Entries
from learners.features import Features
from learners.observed import mean_and_spread, observed_csr
from learners.training import saving
from learners.training.devices import choose_device, torch_threads

if TYPE_CHECKING:
    from learners.dmtl.prediction import Predictor

KIND = "dmtl"


@dataclass(frozen=True, eq=False)
class Told:
    """All that a model is given to learn from.

    Attributes
    ----------
    ratings : Ratings
        Of users; sparse, or dense with NaN.
    groups : Groups or None
        Those that rated together.
    group_ratings : Ratings or None
        A row a group of `groups`, in their order; columns as in `ratings`.
    profiles : Features or None
        Of the users.
    attributes : Features or None
        Of the items.
    labels : Labels or None
        None: KMeans makes them.
    """

    ratings: Ratings
    groups: Groups | None = None
    group_ratings: Ratings | None = None
    profiles: Features | None = None
    attributes: Features | None = None
    labels: Labels | None = None


class DMTL:
    """Profiles and ratings of users and groups, learned together.

    Parameters
    ----------
    settings : Settings, optional

    Attributes
    ----------
    users, items : Ids
    rated_groups : Groups
        Those whose ratings were learned from.
    known : Known
        What was learned from.
    labels : Labels or None
    epochs : int
        Rounds that the parameters were trained for.
    curve : list of dict
        By round, the losses; see `Trained`.
    """

    users: Ids
    items: Ids
    rated_groups: Groups
    known: Known
    labels: Labels | None
    epochs: int
    curve: list[dict[str, Any]]

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self._arrays: dict[str, NDArray[Any]] | None = None
        self._predictor: Predictor | None = None

    def fit(
        self,
        told: Told | Ratings,
        *,
        device: str = "auto",
        threads: int | None = None,
        progress: Callable[[dict[str, Any]], None] | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        resume: bool = False,
    ) -> DMTL:
        """Learn.

        Parameters
        ----------
        told : Told or Ratings
        device : {"auto", "cpu", "cuda"}
        threads : int, optional
            Of torch; as it is by default.
        progress : callable, optional
            Told a dict after every round.
        checkpoint : path-like, optional
            Folder that is written after every round.
        resume : bool
            Whether to go on from the checkpoint, if there is one.

        Returns
        -------
        self : DMTL

        Raises
        ------
        InputError
            If the parts do not fit together, or attention is asked for and no group rated.
        GroupingError
            If torch is missing, or training went astray.
        """
        told = told if isinstance(told, Told) else Told(told)
        where = choose_device(device)
        from learners.dmtl.training import train

        settings = self.settings
        self.users, self.items = told.ratings.users, told.ratings.items
        self.rated_groups = _rated(told)
        self.known = known_of(told)
        self.labels = told.labels
        attends = settings.network == "group" and settings.aggregation == "attention"
        if attends and not len(self.rated_groups):
            raise InputError(
                "attention over members is learned from ratings of groups, and there are none: "
                "give group ratings, or aggregate by mean or min"
            )
        if not settings.profile_weight:
            self.labels = None
        elif self.labels is None:
            self.labels = cluster_labels(
                self.known,
                classes=settings.classes,
                source=settings.labels_from,
                seed=settings.seed,
            )
        if self.labels is not None and len(self.labels.shares) != self.known.users:
            raise InputError(
                f"labels of {len(self.labels.shares)} users for ratings of {self.known.users}"
            )
        with torch_threads(threads):
            trained = train(
                self.known,
                self.rated_groups,
                self.labels,
                settings,
                device=where,
                progress=progress,
                checkpoint=checkpoint,
                resume=resume,
                fingerprint=self._fingerprint() if checkpoint is not None else "",
            )
        self._arrays, self.epochs, self.curve = trained.arrays, trained.epochs, trained.curve
        self._predictor = None
        return self

    @property
    def predictor(self) -> Predictor:
        """What computes predictions, made when it is first asked for.

        Raises
        ------
        InputError
            If the model is not fitted, or its parameters do not fit its data.
        """
        if self._arrays is None:
            raise InputError("DMTL is not fitted yet: call fit first")
        if self._predictor is None:
            choose_device("cpu")
            from learners.dmtl.prediction import Predictor

            classes = 0 if self.labels is None else len(self.labels.names)
            self._predictor = Predictor.of(
                self.known, self.rated_groups, self.settings, classes, self._arrays
            )
        return self._predictor

    def predict(
        self, user_positions: ArrayLike, item_positions: ArrayLike, *, clip: bool = True
    ) -> NDArray[np.float64]:
        """Predicted ratings of pairs of a user and an item.

        Parameters
        ----------
        user_positions, item_positions : array-like of int, of equal length
        clip : bool
            Whether to clip to the scale of the ratings.

        Returns
        -------
        predictions : float64 array

        Raises
        ------
        InputError
            If a position is not there, or the lengths differ.
        """
        predictor = self.predictor
        users = _positions(user_positions, self.known.users, "user")
        items = _positions(item_positions, self.known.items, "item")
        if len(users) != len(items):
            raise InputError(f"{len(users)} user positions for {len(items)} item positions")
        return self._natural(predictor.pairs(users, items), clip)

    def predict_groups(
        self, groups: Groups, *, clip: bool = True, own: bool = True, mixed: bool = True
    ) -> NDArray[np.float64]:
        """Predicted ratings of groups, also of groups never seen before, for all items.

        Parameters
        ----------
        groups : Groups
        clip : bool
        own : bool
            Whether a group whose ratings were learned from (of the same name, with the same
            members) is predicted from its own past too.
        mixed : bool
            Whether members' own ratings count where they have rated, beside predicted ones.

        Returns
        -------
        predictions : float64 array, shape (groups, items)
        """
        predictor = self.predictor
        groups.require_users(self.known.users)
        rows = self.rows_of(groups) if own else np.full(len(groups), -1)
        return self._natural(predictor.groups(groups, rows, mixed), clip)

    def predict_group_pairs(
        self, groups: Groups, chosen: ArrayLike, items: ArrayLike
    ) -> NDArray[np.float64]:
        """Unclipped ratings of pairs of a group and an item.

        Parameters
        ----------
        groups : Groups
        chosen : array-like of int, shape (pairs,)
            Places in `groups`.
        items : array-like of int, shape (pairs,)

        Returns
        -------
        predictions : float64 array, shape (pairs,)
        """
        places = _positions(chosen, len(groups), "group")
        columns = _positions(items, self.known.items, "item")
        distinct, row = np.unique(places, return_inverse=True)
        found = self.predict_groups(groups.take(distinct), clip=False)
        made: NDArray[np.float64] = found[row, columns]
        return made

    def rows_of(self, groups: Groups) -> NDArray[np.int64]:
        """Place of each group among those learned from, -1 where it is none of them."""
        rows = np.full(len(groups), -1, dtype=np.int64)
        for g, name in enumerate(groups.names):
            if name in self.rated_groups.names:
                row = self.rated_groups.names.position(name)
                if np.array_equal(self.rated_groups.of_group(row), groups.of_group(g)):
                    rows[g] = row
        return rows

    def class_probabilities(self, groups: Groups) -> NDArray[np.float64]:
        """Which class each group is of.

        Parameters
        ----------
        groups : Groups

        Returns
        -------
        probabilities : float64 array, shape (groups, classes)
            Rows sum to 1.

        Raises
        ------
        InputError
            If the model was trained without the profiling task.
        """
        if self.labels is None:
            raise InputError(
                "the model was trained without the profiling task: it knows no classes"
            )
        groups.require_users(self.known.users)
        return self.predictor.classes(groups, self.rows_of(groups))

    def class_probabilities_of_users(self) -> NDArray[np.float64]:
        """Which class each user is of; see `class_probabilities`."""
        return self.class_probabilities(Groups.of_labels(np.arange(self.known.users)))

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the model with all that it learned from, which its predictions need.

        Parameters
        ----------
        folder : path-like

        Raises
        ------
        InputError
            If it is not fitted, or the folder cannot be used.
        """
        if self._arrays is None:
            raise InputError("DMTL is not fitted yet: call fit first")
        known, groups = self.known, self.rated_groups
        document: dict[str, Any] = {
            "settings": self.settings.to_dict(),
            "users": self.users[:],
            "items": self.items[:],
            "groups": groups.names[:],
            "scale": [known.scale.mean, known.scale.spread, known.scale.low, known.scale.high],
            "classes": None if self.labels is None else list(self.labels.names),
            "profiles": None if known.profiles is None else list(known.profiles.names),
            "attributes": None if known.attributes is None else list(known.attributes.names),
            "scales": {
                name: [] if part is None else [list(scale) for scale in part.scales]
                for name, part in (("profiles", known.profiles), ("attributes", known.attributes))
            },
            "epochs": self.epochs,
            "curve": self.curve,
        }
        arrays = {f"network/{name}": array for name, array in self._arrays.items()}
        arrays |= {
            "ratings/rows": known.ratings.rows,
            "ratings/columns": known.ratings.columns,
            "ratings/values": known.ratings.values,
            "groups/starts": groups.starts,
            "groups/members": groups.members,
        }
        for name, part in (("profiles", known.profiles), ("attributes", known.attributes)):
            if part is not None:
                arrays[name] = part.matrix
        if self.labels is not None:
            arrays["labels"] = self.labels.shares
        saving.save(folder, KIND, document, arrays)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> DMTL:
        """Read a saved model.

        Parameters
        ----------
        folder : path-like

        Returns
        -------
        model : DMTL

        Raises
        ------
        InputError
            If there is none, or it is damaged.
        """
        saved = saving.load(folder, KIND)
        try:
            model = cls._restored(saved)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{saved.source}: is not a whole model ({error!r})") from error
        model.predictor  # noqa: B018 (parameters that do not fit the data are refused here)
        return model

    @classmethod
    def _restored(cls, saved: saving.Saved) -> DMTL:
        found, arrays = saved.document, saved.arrays
        model = cls(Settings.from_dict(found["settings"]))
        model.users, model.items = Ids(found["users"], "user"), Ids(found["items"], "item")
        names = Ids(found["groups"], "group")
        groups = Groups(names, arrays["groups/starts"], arrays["groups/members"])
        groups.require_users(len(model.users))
        features = {
            name: None
            if found[name] is None
            else Features(
                tuple(found[name]),
                arrays[name],
                tuple((float(level), float(unit)) for level, unit in found["scales"][name]),
            )
            for name in ("profiles", "attributes")
        }
        model.rated_groups = groups
        model.known = Known(
            len(model.users),
            len(groups),
            len(model.items),
            Entries(*(arrays[f"ratings/{part}"] for part in ("rows", "columns", "values"))),
            Scale(*found["scale"]),
            **features,
        )
        model.labels = None
        if found["classes"] is not None:
            model.labels = Labels(tuple(found["classes"]), arrays["labels"])
        model.epochs, model.curve = int(found["epochs"]), list(found["curve"])
        start = "network/"
        model._arrays = {n[len(start) :]: a for n, a in arrays.items() if n.startswith(start)}
        return model

    def _natural(self, standard: NDArray[np.float32], clip: bool) -> NDArray[np.float64]:
        scale = self.known.scale
        found = standard.astype(np.float64) * scale.spread + scale.mean
        return np.clip(found, scale.low, scale.high) if clip else found

    def _fingerprint(self) -> str:
        digest = hashlib.sha256(json.dumps(self.settings.to_dict(), sort_keys=True).encode())
        known = self.known
        held: list[NDArray[Any] | None] = [
            known.ratings.rows, known.ratings.columns, known.ratings.values,
            self.rated_groups.starts, self.rated_groups.members,
            None if known.profiles is None else known.profiles.matrix,
            None if known.attributes is None else known.attributes.matrix,
            None if self.labels is None else self.labels.shares,
        ]  # fmt: skip
        for array in held:
            digest.update(b"none" if array is None else np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def _rated(told: Told) -> Groups:
    """Groups whose ratings are learned from."""
    return told.groups if told.groups and told.group_ratings is not None else Groups.none()


def known_of(told: Told) -> Known:
    """Check that the parts fit together, and put users' and groups' ratings one below the other.

    Parameters
    ----------
    told : Told

    Returns
    -------
    known : Known

    Raises
    ------
    InputError
        If they do not fit together, or there is no rating.
    """
    groups = _rated(told)
    ratings = told.ratings
    n, m = ratings.shape
    groups.require_users(n)
    entries = Entries.stored(observed_csr(ratings))
    if not len(entries):
        raise InputError(f"{ratings.source}: holds no rating to learn from")
    values = entries.values
    low, high = ratings.scale or ratings.observed_range()
    if told.group_ratings is not None:
        joint = told.group_ratings
        if joint.items != ratings.items:
            raise InputError(f"{joint.source}: its items are not those of {ratings.source}")
        if joint.shape[0] != len(groups):
            raise InputError(f"{joint.source}: {joint.shape[0]} rows for {len(groups)} groups")
        of_groups = Entries.stored(observed_csr(joint))
        entries = Entries.of(
            np.concatenate([entries.rows, of_groups.rows + n]),
            np.concatenate([entries.columns, of_groups.columns]),
            np.concatenate([entries.values, of_groups.values]),
        )
        if ratings.scale is None and len(of_groups):
            low = min(low, float(of_groups.values.min()))
            high = max(high, float(of_groups.values.max()))
    for features, count, what in ((told.profiles, n, "users"), (told.attributes, m, "items")):
        if features is not None and len(features.matrix) != count:
            raise InputError(f"{len(features.matrix)} rows of features for {count} {what}")
    mean, spread = mean_and_spread(values)
    return Known(
        n,
        len(groups),
        m,
        entries,
        Scale(mean, spread, float(low), float(high)),
        told.profiles,
        told.attributes,
    )


def _positions(given: ArrayLike, size: int, what: str) -> NDArray[np.int64]:
    array = np.asarray(given)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise InputError(f"{what} positions must be a one-dimensional array of whole numbers")
    if array.size and not (array.min() >= 0 and array.max() < size):
        raise InputError(f"{what} positions must lie between 0 and {size - 1}")
    return array.astype(np.int64)
