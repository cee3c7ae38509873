"""The Markdown summary of a study: how it was made, what was measured, which claims hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grouping.experiments.study import Claim, Row, Study
from grouping.files import replacing

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType


def write_summary(
    study: Study,
    frame: pd.DataFrame,
    folder: Path,
    settings: Row,
    *,
    command: str,
    machine: dict[str, Any],
    seconds: float,
    also: Sequence[str] = (),
) -> list[Claim]:
    """Write ``NAME.md``.

    Parameters
    ----------
    study : Study
    frame : pandas.DataFrame
        All points.
    folder : Path
    settings : dict
        What was asked.
    command : str
    machine : dict
        From `grouping.doctor.examine`.
    seconds : float
        Since this run started (an earlier one may have measured some of the points).
    also : sequence of str
        Sentences about further files.

    Returns
    -------
    claims : list of Claim
    """
    claims = study.claims(frame)
    seeds = ", ".join(str(seed) for seed in sorted(frame["seed"].unique())[:10])
    many = "" if frame["seed"].nunique() <= 10 else f", ... ({frame['seed'].nunique()} in all)"
    versions = ", ".join(f"{name} {text}" for name, text in machine["versions"].items())
    parts = [
        f"# {study.title}",
        f"`{command}`",
        f"{len(frame)} points in `{study.name}.csv`, {seconds:.0f} s. Seeds {seeds}{many}; each "
        "point's is in the CSV.",
        f"Ratings: {settings['ratings']}.",
        *study.notes,
        *also,
        f"![{study.title}]({study.name}.png)",
        "## Claims",
        markdown(
            ("claim", "verdict", "found"),
            [(claim.text, claim.verdict, claim.found) for claim in claims],
        ),
        "## Averages",
        "Over the runs, with the least and the most of them.",
        frame_markdown(study.table(frame)),
        "## Made with",
        versions + ".",
        "; ".join(f"{name}: {value}" for name, value in machine["machine"].items()) + ".",
    ]
    with replacing(folder / f"{study.name}.md") as file:
        file.write(("\n\n".join(parts) + "\n").encode())
    return claims


def frame_markdown(frame: pd.DataFrame) -> str:
    """Write a frame as a Markdown table.

    Parameters
    ----------
    frame : pandas.DataFrame

    Returns
    -------
    text : str
    """
    return markdown(
        list(frame.columns), [[_cell(value) for value in row] for row in frame.to_numpy(object)]
    )


def markdown(names: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Write a Markdown table.

    Parameters
    ----------
    names : iterable of str
    rows : iterable of iterable of str

    Returns
    -------
    text : str
    """
    names = list(names)
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:.4g}"
    return str(value)


def as_table(claims: Sequence[Claim]) -> RenderableType:
    """Lay claims out for a person.

    Parameters
    ----------
    claims : sequence of Claim

    Returns
    -------
    table : rich renderable
    """
    return _table(
        ("claim", "verdict", "found"),
        [(claim.text, claim.verdict, claim.found) for claim in claims],
    )


def frame_table(frame: pd.DataFrame) -> RenderableType:
    """Lay a frame out for a person.

    Parameters
    ----------
    frame : pandas.DataFrame

    Returns
    -------
    table : rich renderable
    """
    rows = [[_cell(value) for value in row] for row in frame.to_numpy(object)]
    return _table(list(frame.columns), rows)


def _table(names: Iterable[str], rows: Iterable[Iterable[str]]) -> RenderableType:
    from rich import box
    from rich.table import Table

    table = Table(*names, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    return table
