"""The points of a study, in the CSV of its folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from grouping.errors import GroupingError
from grouping.experiments.study import Study
from grouping.points import Row, Tell, measure_into

if TYPE_CHECKING:
    import pandas as pd


def measure_all(study: Study, folder: Path, settings: Row, tell: Tell) -> pd.DataFrame:
    """Measure what is not in the folder's CSV yet.

    Parameters
    ----------
    study : Study
    folder : Path
        Made if it is not there. Gets ``NAME.csv``, and the settings as ``NAME.json``.
    settings : dict
        Everything that decides what the points are.
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
    except OSError as error:
        raise GroupingError(f"{folder}: cannot be written to ({error.strerror})") from error
    path, record = folder / f"{study.name}.csv", folder / f"{study.name}.json"
    return measure_into(path, record, study.columns, study.points, study.measure, settings, tell)
