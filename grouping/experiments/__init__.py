"""The paper's experiments: each measures points, draws them and says which claims they bear out.

Adding one means adding a module with ``study(asked) -> Study`` and a line to `EXPERIMENTS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from grouping.errors import InputError

if TYPE_CHECKING:
    from grouping.experiments.study import Asked, Study


@dataclass(frozen=True)
class Experiment:
    """A figure or table of the paper.

    Attributes
    ----------
    name : str
    summary : str
        One line for `--help`.
    draws : str
        What ratings it draws by itself; empty: it takes those that are given.
    """

    name: str
    summary: str
    draws: str = ""

    def study(self, asked: Asked) -> Study:
        """Lay the experiment out: its points, and what is made of them.

        Parameters
        ----------
        asked : Asked

        Returns
        -------
        study : Study

        Raises
        ------
        InputError
            If it cannot be done with what is asked.
        """
        made: Study = import_module(f"grouping.experiments.{self.name}").study(asked)
        return made


EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        Experiment("fig1", "objective against users, items and groups (LM-max)"),
        Experiment("fig2", "objective against the list length (LM-min, LM-sum)"),
        Experiment(
            "fig3", "average satisfaction against users, items, groups, list length (AV-min)"
        ),
        Experiment("table4", "sizes of groups (LM and AV, max and sum)"),
        Experiment("balance", "where groups are of like size: rounding, density, list length"),
        Experiment("fig4", "running time against users, items and groups (LM-min)"),
        Experiment("fig5", "running time against the list length (LM, AV; min, sum)"),
        Experiment("fig6", "running time against users, items and groups (AV-min)"),
        Experiment("fig7", "what members get, in similar, dissimilar and random samples"),
        Experiment(
            "guarantee",
            "GRD's error against proven optima, beside the theorems' bound",
            draws="1 to 5 at random, nine users an instance",
        ),
    )
}


def experiment_named(name: str) -> Experiment:
    """Look an experiment up.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in EXPERIMENTS:
        raise InputError(f"unknown experiment {name!r}: choose one of {', '.join(EXPERIMENTS)}")
    return EXPERIMENTS[name]
