"""Carrying an experiment out: measure, draw, summarise."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from grouping import __version__
from grouping.doctor import examine, versions
from grouping.experiments import experiment_named
from grouping.experiments.figures import save
from grouping.experiments.points import measure_all
from grouping.experiments.study import Asked, Claim
from grouping.experiments.summary import write_summary
from grouping.pictures import blank
from grouping.points import Row, Tell, described

DECIDING = ("numpy", "scipy", "numba", "scikit-learn", "highspy")
"""Packages whose versions decide results or times."""


def run_experiment(
    name: str, asked: Asked, folder: Path, *, command: str, tell: Tell
) -> list[Claim]:
    """Carry an experiment out; what an earlier run left in the folder is taken up.

    Parameters
    ----------
    name : str
        Of `grouping.experiments.EXPERIMENTS`.
    asked : Asked
    folder : Path
        Gets ``NAME.csv`` (every point), ``NAME.png``, ``NAME.svg``, ``NAME.md`` and ``NAME.json``
        (the settings, by which a later run knows whether it may go on); running times keep
        clusterings that took long in ``clusters``.
    command : str
        For the summary.
    tell : callable
        ``tell(done, all, point)``.

    Returns
    -------
    claims : list of Claim

    Raises
    ------
    InputError
        If there is no such experiment, or the folder holds points of other settings.
    GroupingError
        If matplotlib is missing, memory does not suffice, or the folder cannot be written to.
    """
    started = time.perf_counter()
    figure = blank(6, 4)  # first: without matplotlib nothing is measured in vain
    study = experiment_named(name).study(replace(asked, folder=folder))
    settings = settings_of(name, asked)
    frame = measure_all(study, folder, settings, tell)
    study.draw(frame, figure)
    save(figure, folder, name)
    also = study.also(frame, folder) if study.also else []
    return write_summary(
        study,
        frame,
        folder,
        settings,
        command=command,
        machine=examine(),
        seconds=time.perf_counter() - started,
        also=also,
    )


def settings_of(name: str, asked: Asked) -> Row:
    """Everything that decides an experiment's points, in terms that JSON holds.

    Parameters
    ----------
    name : str
    asked : Asked

    Returns
    -------
    settings : dict
    """
    return {
        "experiment": name,
        "version": __version__,
        **{name: of for name, of in versions().items() if name in DECIDING},
        "ratings": experiment_named(name).draws or described(asked.ratings),
        "scale": "full" if asked.full else "small",
        "runs": asked.runs,
        "seed": asked.seed,
        "methods": None if asked.methods is None else list(asked.methods),
        "round": asked.step,
        "time_limit": asked.time_limit,
        "threads": asked.threads,
    }
