"""The CSV of a study's points: appended one by one, resumed after whatever ended the last run."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grouping.errors import GroupingError, InputError
from grouping.experiments.study import Row, Study
from grouping.files import replacing

if TYPE_CHECKING:
    import pandas as pd

Tell = Callable[[int, int, Row], None]


def measure_all(study: Study, folder: Path, settings: Row, tell: Tell) -> pd.DataFrame:
    """Measure what is not in the folder's CSV yet.

    Points are measured and written in the study's order, so what an earlier run left is a
    beginning of them. A row that was cut off is measured anew.

    Parameters
    ----------
    study : Study
    folder : Path
        Made if it is not there.
    settings : dict
        Everything that decides what the points are; kept beside the CSV.
    tell : callable
        ``tell(done, all, point)``, before each point and at the end.

    Returns
    -------
    frame : pandas.DataFrame

    Raises
    ------
    InputError
        If the folder holds points of other settings.
    GroupingError
        If it cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{study.name}.csv"
        _check_settings(folder / f"{study.name}.json", path, settings)
        done = _whole_rows(path, study)
        with path.open("a", newline="", encoding="utf-8") as file:
            if not done and file.tell() == 0:
                _append(file, study.columns)
            for number, point in enumerate(study.points):
                if number < done:
                    continue
                tell(number, len(study.points), point)
                row = point | study.measure(point)
                _append(file, [_text(row[column]) for column in study.columns])
    except OSError as error:
        raise GroupingError(f"{folder}: cannot be written to ({error.strerror})") from error
    tell(len(study.points), len(study.points), study.points[-1])
    return read_points(path)


def read_points(path: Path) -> pd.DataFrame:
    """Read a study's CSV: empty cells are missing values.

    Parameters
    ----------
    path : Path

    Returns
    -------
    frame : pandas.DataFrame
    """
    import pandas as pd

    return pd.read_csv(path, keep_default_na=False, na_values=[""])


def _check_settings(path: Path, points: Path, settings: Row) -> None:
    if points.exists() and path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        differing = [name for name in settings if before.get(name) != settings[name]]
        if differing:
            name = differing[0]
            raise InputError(
                f"{points}: holds points of another run ({name} was {before.get(name)!r}, now "
                f"{settings[name]!r}): name another folder, or remove the file"
            )
        return
    if points.exists():
        raise InputError(f"{points}: is there already, of no known run: name another folder")
    with replacing(path) as file:
        file.write((json.dumps(settings, indent=1) + "\n").encode())


def _whole_rows(path: Path, study: Study) -> int:
    """Count the points that were measured, and cut off what follows the last whole row."""
    if not path.exists():
        return 0
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    rows = list(csv.reader(io.StringIO(whole.decode("utf-8"), newline="")))
    apart = [column for column in study.columns if column in study.points[0]]
    where = [study.columns.index(column) for column in apart]
    if rows[:1] not in ([], [list(study.columns)]):
        raise InputError(f"{path}: has other columns: name another folder, or remove the file")
    for row, point in zip(rows[1:], study.points, strict=False):
        if [row[column] for column in where] != [_text(point[column]) for column in apart]:
            raise InputError(f"{path}: holds other points: name another folder, or remove the file")
    if len(rows) - 1 > len(study.points):
        raise InputError(f"{path}: holds more points: name another folder, or remove the file")
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
