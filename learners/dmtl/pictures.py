"""Pictures: users coloured by class, how training went, and what a group is like."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from grouping.errors import GroupingError, InputError
from grouping.files import replacing
from learners.dmtl.groups import Groups
from learners.dmtl.inputs import describing
from learners.dmtl.model import DMTL
from learners.dmtl.profiling import describe_classes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
CURVE_SUFFIXES = (".csv", *SUFFIXES)

_COLUMNS = ("phase", "epoch", "recommendation", "profiling", "validation", "seconds")
_COLOURS = 20  # of a map
_MOST_BARS = 12  # groups on one picture
_LONGEST = 24  # letters of a title below a bar


def check_pictures(*paths: str | None) -> None:
    """Refuse pictures that could not be drawn, before any work is done.

    Parameters
    ----------
    *paths : str or None
        Of pictures and tables.

    Raises
    ------
    GroupingError
        If one is a picture and matplotlib is missing.
    """
    if any(path is not None and path.lower().endswith(SUFFIXES) for path in paths):
        _figure(1, 1)


def save_curve(model: DMTL, path: str | os.PathLike[str]) -> None:
    """Write the losses by round, as a table (``.csv``) or a picture.

    Parameters
    ----------
    model : DMTL
    path : path-like

    Raises
    ------
    GroupingError
        If matplotlib is missing or the file cannot be written.
    """
    if Path(path).suffix.lower() == ".csv":
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, _COLUMNS)
        writer.writeheader()
        writer.writerows(model.curve)
        with replacing(path) as file:
            file.write(text.getvalue().encode())
        return
    figure = _figure(8, 3.5)
    left, right = figure.subplots(1, 2)
    for phase, style in (("choose", "-"), ("all", "--")):
        lines = [line for line in model.curve if line["phase"] == phase]
        epochs = [line["epoch"] for line in lines]
        name = "learned from a part" if phase == "choose" else "learned from all"
        if not lines:
            continue
        left.plot(epochs, [line["recommendation"] for line in lines], style, label=name)
        right.plot(epochs, [line["profiling"] for line in lines], style, label=name)
        if lines[0]["validation"] is not None:
            left.plot(epochs, [line["validation"] for line in lines], style, label="validation")
            left.axvline(model.epochs, color="grey", lw=0.8)
    left.set(title="recommendation loss", xlabel="epoch")
    right.set(title="profiling loss", xlabel="epoch")
    for axes in (left, right):
        axes.legend(frameon=False)
    _save(figure, path)


def save_map(model: DMTL, path: str | os.PathLike[str], *, seed: int = 0) -> None:
    """Draw the users by t-SNE of what is known of them, coloured by class (the paper's Figure 1).

    Users without a class are grey; with more than 20 classes colours repeat.

    Parameters
    ----------
    model : DMTL
    path : path-like
    seed : int

    Raises
    ------
    InputError
        If the model knows no classes, or there are too few users.
    """
    if model.labels is None:
        raise InputError("the model was trained without the profiling task: it knows no classes")
    places = user_map(model, seed=seed)
    names, classes = model.labels.names, model.labels.shares.argmax(axis=1)
    has_class = model.labels.shares.any(axis=1)
    figure = _figure(6, 5)
    axes = figure.subplots()
    axes.scatter(
        places[~has_class, 0], places[~has_class, 1], color="lightgrey", s=10, linewidths=0
    )
    drawn = axes.scatter(
        places[has_class, 0],
        places[has_class, 1],
        c=classes[has_class] % _COLOURS,
        cmap=f"tab{_COLOURS}",
        vmin=-0.5,
        vmax=_COLOURS - 0.5,
        s=10,
        linewidths=0,
    )
    shown = list(names[:_COLOURS])
    bar = figure.colorbar(drawn, label="class", boundaries=[c - 0.5 for c in range(len(shown) + 1)])
    bar.set_ticks([float(c) for c in range(len(shown))], labels=shown)
    axes.set(title=f"{len(places)} users, {len(names)} classes", xticks=[], yticks=[])
    _save(figure, path)


def user_map(model: DMTL, *, seed: int = 0) -> NDArray[np.float64]:
    """Places of the users on a plane, alike ones near each other.

    Parameters
    ----------
    model : DMTL
    seed : int

    Returns
    -------
    places : float64 array, shape (users, 2)
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.manifold import TSNE

    rows = describing(model.known, "all").astype(np.float64)
    if rows.shape[0] < 5 or rows.shape[1] < 2:
        raise InputError("a map needs 5 users or more, and something known of them")
    size = min(50, rows.shape[1] - 1)
    reduced = TruncatedSVD(size, random_state=seed).fit_transform(rows)
    near = min(30.0, (len(reduced) - 1) / 3)
    placed = TSNE(2, perplexity=near, init="pca", random_state=seed).fit_transform(reduced)
    return np.asarray(placed, dtype=np.float64)


def save_bars(
    model: DMTL,
    groups: Groups,
    path: str | os.PathLike[str],
    *,
    titles: Mapping[str, str] | None = None,
) -> None:
    """Draw each group's probabilities of the classes as bars, of the first 12 groups.

    Below each class stands the item that it likes most above others.

    Parameters
    ----------
    model : DMTL
    groups : Groups
    path : path-like
    titles : mapping of str to str, optional
        Of items, to be shown in place of their ids.
    """
    probabilities = model.class_probabilities(groups)[:_MOST_BARS]
    assert model.labels is not None
    figure = _figure(8, 0.9 * len(probabilities) + 2.5)
    every = np.atleast_1d(figure.subplots(len(probabilities), 1, sharex=True, sharey=True))
    for g, axes in enumerate(every):
        axes.bar(np.arange(probabilities.shape[1]), probabilities[g])
        axes.set_ylabel(groups.names[g], rotation=0, ha="right", va="center")
        axes.set(ylim=(0, 1), yticks=[0, 1])
    names = []
    for name, described in zip(model.labels.names, describe_classes(model, top=1), strict=True):
        likes = [(titles or {}).get(one.item, one.item) for one in described.distinctive]
        names.append(": ".join([name, *(shortened(title) for title in likes)]))
    turned = 90 if max(map(len, names)) > 2 else 0
    every[-1].set_xticks(np.arange(len(names)), names, rotation=turned)
    every[-1].set_xlabel("class, and what it likes more than others")
    _save(figure, path)


def shortened(title: str) -> str:
    """Return a title that fits below a bar."""
    return title if len(title) <= _LONGEST else title[: _LONGEST - 1].rstrip() + "…"


def _figure(width: float, height: float) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise GroupingError("pictures need matplotlib: pip install 'grouping[plot]'") from error
    return Figure(figsize=(width, height), layout="constrained")


def _save(figure: Figure, path: str | os.PathLike[str]) -> None:
    kind = Path(path).suffix.lower()[1:]
    # nothing in the file says when or by which version it was made: equal data, equal bytes
    metadata: dict[str, Any] = {"png": {"Software": None}, "svg": {"Date": None}}.get(
        kind, {"CreationDate": None}
    )
    with replacing(path) as file:
        figure.savefig(file, format=kind, dpi=120, metadata=metadata)
