"""A DMTL model: fit it, ask it what users and groups will like and what they are like, save it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grouping.errors import InputError
from grouping.ids import Ids
from grouping.ratings import Ratings
from learners.dmtl import storing
from learners.dmtl.groups import Groups
from learners.dmtl.inputs import Known
from learners.dmtl.labels import Labels, cluster_labels
from learners.dmtl.settings import Settings
from learners.dmtl.told import Told, known_of, rated_groups
from learners.training.devices import choose_device, torch_threads
from learners.training.optimizers import Arrays

if TYPE_CHECKING:
    from learners.dmtl.prediction import Predictor


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
        self._arrays: Arrays | None = None
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
        self.rated_groups = rated_groups(told)
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
            if self.labels is not None and settings.finish:
                self._arrays |= self.predictor.finish_head(self.rated_groups, self.labels)
        return self

    @property
    def predictor(self) -> Predictor:
        """What computes predictions, made when it is first asked for.

        Raises
        ------
        InputError
            If the model is not fitted, or its parameters do not fit its data.
        """
        arrays = self._parameters()
        if self._predictor is None:
            choose_device("cpu")
            from learners.dmtl.prediction import Predictor

            classes = 0 if self.labels is None else len(self.labels.names)
            self._predictor = Predictor.of(self.known, self.settings, classes, arrays)
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
        self._need_classes()
        groups.require_users(self.known.users)
        return self.predictor.classes(groups, self.rows_of(groups))

    def class_probabilities_of_users(self) -> NDArray[np.float64]:
        """Which class each user is of; see `class_probabilities`."""
        self._need_classes()
        alone = Groups.of_labels(np.arange(self.known.users))
        # none has a group's past, even where a group of one is named like a user's place
        return self.predictor.classes(alone, np.full(len(alone), -1))

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
        storing.write(
            folder,
            storing.Stored(
                self.settings,
                self.users,
                self.items,
                self.rated_groups,
                self.known,
                self.labels,
                self.epochs,
                self.curve,
                self._parameters(),
            ),
        )

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
        stored = storing.read(folder)
        model = cls(stored.settings)
        model.users, model.items = stored.users, stored.items
        model.rated_groups, model.known = stored.rated_groups, stored.known
        model.labels = stored.labels
        model.epochs, model.curve = stored.epochs, stored.curve
        model._arrays = stored.arrays
        with storing.refusing_parts(os.fspath(folder)):
            model.predictor  # noqa: B018 (parameters that do not fit the data are refused here)
        return model

    def _need_classes(self) -> None:
        if self.labels is None:
            raise InputError(
                "the model was trained without the profiling task: it knows no classes"
            )

    def _parameters(self) -> Arrays:
        if self._arrays is None:
            raise InputError("DMTL is not fitted yet: call fit first")
        return self._arrays

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


def _positions(given: ArrayLike, size: int, what: str) -> NDArray[np.int64]:
    array = np.asarray(given)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise InputError(f"{what} positions must be a one-dimensional array of whole numbers")
    if array.size and not (array.min() >= 0 and array.max() < size):
        raise InputError(f"{what} positions must lie between 0 and {size - 1}")
    return array.astype(np.int64)
