"""A CSV of points: appended one by one, resumed after whatever ended the last run."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from grouping.errors import GroupingError, InputError
from grouping.files import replacing

if TYPE_CHECKING:
    import pandas as pd

    from grouping.ratings import Ratings

Row: TypeAlias = dict[str, Any]

Tell: TypeAlias = Callable[[int, int, Row], None]


def measure_into(
    path: Path,
    record: Path,
    columns: Sequence[str],
    points: Sequence[Row],
    measure: Callable[[Row], Row],
    settings: Row,
    tell: Tell,
) -> pd.DataFrame:
    """Measure what is not in a CSV yet.

    Points are measured and written in their order, so what an earlier run left is a beginning of
    them. A row that was cut off is measured anew.

    Parameters
    ----------
    path : Path
        The CSV.
    record : Path
        Keeps the settings beside it.
    columns : sequence of str
        Of the CSV: what sets a point apart, then what is measured.
    points : sequence of dict
        What sets each apart; at least one.
    measure : callable
        ``measure(point)``: a dict of what was measured.
    settings : dict
        Everything that decides what the points are, in terms that JSON holds.
    tell : callable
        ``tell(done, all, point)``, before each point and at the end.

    Returns
    -------
    frame : pandas.DataFrame

    Raises
    ------
    InputError
        If the CSV holds points of other settings.
    GroupingError
        If it cannot be written to.
    """
    try:
        _check_settings(record, path, settings)
        done = _whole_rows(path, columns, points)
        with path.open("a", newline="", encoding="utf-8") as file:
            if not done and file.tell() == 0:
                _append(file, columns)
            for number, point in enumerate(points):
                if number < done:
                    continue
                tell(number, len(points), point)
                row = point | measure(point)
                _append(file, [_text(row[column]) for column in columns])
    except OSError as error:
        raise GroupingError(f"{path}: cannot be written to ({error.strerror})") from error
    tell(len(points), len(points), points[-1])
    return read_points(path)


def read_points(path: Path) -> pd.DataFrame:
    """Read a CSV of points: empty cells are missing values.

    Parameters
    ----------
    path : Path

    Returns
    -------
    frame : pandas.DataFrame
    """
    import pandas as pd

    return pd.read_csv(path, keep_default_na=False, na_values=[""])


def described(ratings: Ratings | None) -> str:
    """Name complete ratings for the record, with a fingerprint of their values.

    Parameters
    ----------
    ratings : Ratings or None

    Returns
    -------
    text : str
    """
    if ratings is None:
        return "synthetic (grouping generate)"
    matrix: Any = ratings.matrix
    parts = [matrix]
    if not isinstance(matrix, np.ndarray):
        parts = [matrix.data, matrix.indices, matrix.indptr, np.array(ratings.fill or 0.0)]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(np.ascontiguousarray(part).data)
    n, m = ratings.shape
    return f"{ratings.source}, {n} users x {m} items, completed (sha256 {digest.hexdigest()[:12]})"


def _check_settings(path: Path, points: Path, settings: Row) -> None:
    if points.exists() and path.exists() and points.read_bytes().count(b"\n") < 2:
        points.unlink()  # of a run that failed before its first point
    if points.exists() and path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        for name in {**settings, **before}:
            if before.get(name) != settings.get(name):
                raise InputError(
                    f"{points}: holds points of another run ({name} was {before.get(name)!r}, now "
                    f"{settings.get(name)!r}): write elsewhere, or remove the file"
                )
        return
    if points.exists():
        raise InputError(f"{points}: is there already, of no known run: write elsewhere")
    with replacing(path) as file:
        file.write((json.dumps(settings, indent=1) + "\n").encode())


def _whole_rows(path: Path, columns: Sequence[str], points: Sequence[Row]) -> int:
    """Count the points that were measured, and cut off what follows the last whole row."""
    if not path.exists():
        return 0
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    rows = list(csv.reader(io.StringIO(whole.decode("utf-8"), newline="")))
    apart = [column for column in columns if column in points[0]]
    where = [columns.index(column) for column in apart]
    if rows[:1] not in ([], [list(columns)]):
        raise InputError(f"{path}: has other columns: write elsewhere, or remove the file")
    for row, point in zip(rows[1:], points, strict=False):
        if [row[column] for column in where] != [_text(point[column]) for column in apart]:
            raise InputError(f"{path}: holds other points: write elsewhere, or remove the file")
    if len(rows) - 1 > len(points):
        raise InputError(f"{path}: holds more points: write elsewhere, or remove the file")
    if len(whole) < len(content):
        os.truncate(path, len(whole))
    return max(0, len(rows) - 1)


def _append(file: Any, cells: Any) -> None:
    """Write a row so that it survives whatever ends the process next."""
    csv.writer(file, lineterminator="\n").writerow(cells)
    file.flush()
    os.fsync(file.fileno())


def _text(value: Any) -> str:
    if value is None:
        return ""
    return repr(float(value)) if isinstance(value, float) else str(value)
