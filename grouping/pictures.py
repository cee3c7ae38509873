"""Pictures: an empty figure, and a file that depends on nothing but what was drawn."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grouping.errors import GroupingError
from grouping.files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")

_UNDATED: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
}


def blank(width: float, height: float) -> Figure:
    """Make an empty figure.

    Parameters
    ----------
    width, height : float
        Inches.

    Returns
    -------
    figure : matplotlib Figure

    Raises
    ------
    GroupingError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise GroupingError("pictures need matplotlib: pip install 'grouping[plot]'") from error
    return Figure(figsize=(width, height), layout="constrained")


def save_picture(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure; equal figures under equal names give equal bytes.

    Parameters
    ----------
    figure : matplotlib Figure
    path : path-like
        Ends in one of `SUFFIXES`.

    Raises
    ------
    GroupingError
        If it cannot be written.
    """
    import matplotlib

    path = Path(path)
    kind = path.suffix.lower()[1:]
    with matplotlib.rc_context({"svg.hashsalt": path.stem}), replacing(path) as file:
        figure.savefig(file, format=kind, dpi=120, metadata=_UNDATED[kind])
