"""How well a model predicts: errors, rankings of own items, and classes of hidden users."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grouping.errors import InputError
from learners.dmtl.asking import SCHEMA_VERSION, Read, ToTest
from learners.dmtl.groups import Groups
from learners.dmtl.labels import Labels, cluster_labels
from learners.dmtl.model import DMTL
from learners.dmtl.profiling import profiling_scores
from learners.dmtl.settings import Settings
from learners.dmtl.told import known_of
from learners.entries import Entries
from learners.metrics import mae, rmse
from learners.ranking import precision_recall
from learners.splits import split

_LIKED = 0.75  # of the scale, where no rating is named: 4 on 1..5


def evaluate_model(model: DMTL, test: ToTest, k: int, relevant: float | None) -> dict[str, Any]:
    """Test a model on ratings that it should not have seen.

    Parameters
    ----------
    model : DMTL
    test : ToTest
        Ratings to test on, with groups and their ratings where there are some.
    k : int
        Length of the lists.
    relevant : float, optional
        What rating makes a recommended item a right one; by default 3/4 up the scale.

    Returns
    -------
    document : dict
        ``users``, ``groups`` (None without ratings of groups) and ``profiling`` (None). The first
        two say with ``learned_from`` how many of the ratings the model has seen; their ``rmse``
        and ``mae`` are None of a model that ranks (``loss="ranking"``), for it predicts no ratings.
    """
    known = model.known
    of_groups = None
    if test.groups is not None and test.group_ratings is not None:
        joint = test.group_ratings
        of_groups = _of_groups(model, test.groups, joint, k, relevant)
        row = model.rows_of(test.groups)[joint.rows]
        rater = np.where(row < 0, -1, row + known.users)
        of_groups["learned_from"] = _learned(model, rater, joint.columns)
    users = _of_users(model, test.ratings, k, relevant)
    users["learned_from"] = _learned(model, test.ratings.rows, test.ratings.columns)
    return _document(users, of_groups, None)


def known_already(document: dict[str, Any]) -> str:
    """Warn of tests on what the model has learned from, in a sentence; empty where there are none.

    Parameters
    ----------
    document : dict
        Of `evaluate_model`.
    """
    told = [
        f"{found['learned_from']} of these {found['ratings']} {what}"
        for found, what in (
            (document["users"], "ratings"),
            (document["groups"], "ratings of groups"),
        )
        if found is not None and found["learned_from"]
    ]
    if not told:
        return ""
    return f"the model has learned from {' and '.join(told)}: it looks better than it is"


def evaluate_split(
    read: Read,
    settings: Settings,
    share: float,
    k: int,
    relevant: float | None,
    *,
    fit: Callable[[Read], DMTL],
) -> dict[str, Any]:
    """Hold out ratings and users' labels, learn from the rest, test on what was held out.

    Parameters
    ----------
    read : Read
    settings : Settings
    share : float
        Of the users' ratings, of the groups' ratings, and of the users whose labels are hidden.
    k : int
    relevant : float, optional
    fit : callable
        Learns from what it is given.

    Returns
    -------
    document : dict
        See `evaluate_model`; ``profiling`` is on the hidden users, None without the task.
    """
    told = read.told
    parts = split(told.ratings, fraction=share, seed=settings.seed)
    learned = replace(told, ratings=parts.train)
    joint = None
    if told.group_ratings is not None:
        joint = split(told.group_ratings, fraction=share, seed=settings.seed)
        learned = replace(learned, group_ratings=joint.train)
    labels, hidden = None, np.empty(0, dtype=np.int64)
    if settings.profile_weight:
        labels, hidden = _hidden(learned, settings, share)
        learned = replace(learned, labels=labels.without(hidden))
    model = fit(Read(learned, read.groups, []))
    held = Entries.of(parts.users, parts.items, parts.values)
    of_groups = None
    if joint is not None and told.groups is not None:
        tested = Entries.of(joint.users, joint.items, joint.values)
        of_groups = _of_groups(model, told.groups, tested, k, relevant)
    profiling = None
    if labels is not None and len(hidden):
        probabilities = model.class_probabilities_of_users()[hidden]
        scores = profiling_scores(labels.shares[hidden].argmax(1), probabilities.argmax(1))
        profiling = {"users": len(hidden), "classes": len(labels.names), **asdict(scores)}
    return _document(_of_users(model, held, k, relevant), of_groups, profiling)


def as_lines(document: dict[str, Any]) -> list[str]:
    """Say the figures of `evaluate_model` or `evaluate_split` in lines for a person."""
    lines = []
    for part in ("users", "groups"):
        found = document[part]
        if found is not None:
            k = found["k"]
            figures = (
                ("RMSE", found["rmse"]),
                ("MAE", found["mae"]),
                (f"P@{k}", found["precision"]),
                (f"R@{k}", found["recall"]),
            )
            told = [f"{name} {figure:.4f}" for name, figure in figures if figure is not None]
            lines.append(", ".join([f"{part}: {found['ratings']} ratings", *told]))
    found = document["profiling"]
    if found is not None:
        lines.append(
            f"profiling: {found['users']} users with hidden labels, {found['classes']} classes, "
            f"precision {found['precision']:.4f}, recall {found['recall']:.4f}, F1 "
            f"{found['f1']:.4f}, accuracy {found['accuracy']:.4f}"
        )
    return lines


def _hidden(told: Any, settings: Settings, share: float) -> tuple[Labels, NDArray[np.int64]]:
    """Labels of all users, and whose are hidden: of those with a label, a share."""
    labels = told.labels
    if labels is None:
        labels = cluster_labels(
            known_of(told),
            classes=settings.classes,
            source=settings.labels_from,
            seed=settings.seed,
        )
    labelled = np.flatnonzero(labels.shares.any(axis=1))
    rng = np.random.default_rng([settings.seed, 7])
    return labels, rng.permutation(labelled)[: round(share * len(labelled))]


def _learned(model: DMTL, raters: NDArray[np.int64], items: NDArray[np.int64]) -> int:
    """How many of these cells the model has learned from; none of a rater -1."""
    known = model.known
    cells = known.ratings.rows * known.items + known.ratings.columns
    return int((np.isin(raters * known.items + items, cells) & (raters >= 0)).sum())


def _of_users(model: DMTL, held: Entries, k: int, relevant: float | None) -> dict[str, Any]:
    scores = model.predict(held.rows, held.columns, clip=False)
    return _figures(model, held, scores, k, relevant)


def _of_groups(
    model: DMTL, groups: Groups, held: Entries, k: int, relevant: float | None
) -> dict[str, Any]:
    scores = model.predict_group_pairs(groups, held.rows, held.columns)
    return _figures(model, held, scores, k, relevant)


def _figures(
    model: DMTL, held: Entries, scores: NDArray[np.float64], k: int, relevant: float | None
) -> dict[str, Any]:
    if not len(held):
        raise InputError("there is no rating to test on")
    scale = model.known.scale
    right = scale.low + _LIKED * (scale.high - scale.low) if relevant is None else relevant
    errors: dict[str, float | None] = {"rmse": None, "mae": None}
    if model.settings.loss == "squared":  # else scores order items, and are no ratings
        natural = np.clip(scores, scale.low, scale.high)
        errors = {"rmse": rmse(held.values, natural), "mae": mae(held.values, natural)}
    precision, recall = precision_recall(held.rows, held.values, scores, k=k, relevant=right)
    return {
        "ratings": len(held),
        **errors,
        "k": k,
        "relevant": float(right),
        "precision": float(precision.mean()),
        "recall": float(recall.mean()),
    }


def _document(
    users: dict[str, Any], groups: dict[str, Any] | None, profiling: dict[str, Any] | None
) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "users": users,
        "groups": groups,
        "profiling": profiling,
    }
