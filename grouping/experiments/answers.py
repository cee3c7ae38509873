"""What people answered to the questionnaires of figure 7."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from grouping.errors import InputError
from grouping.experiments.figures import save
from grouping.experiments.questionnaire import ANSWER_COLUMNS, KEY
from grouping.experiments.similarity import KINDS
from grouping.experiments.summary import frame_markdown
from grouping.files import replacing
from grouping.pictures import blank

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

LOWEST, HIGHEST = 1, 5


def analyse(path: str | os.PathLike[str], folder: Path) -> pd.DataFrame:
    """Analyse answers: satisfaction with either method, and which one people prefer.

    Parameters
    ----------
    path : path-like
        CSV with the columns of the pages' answers, a row an answer; files of several people may
        simply be put one after the other, headers and all.
    folder : Path
        Holds the key; gets ``fig7-answers.csv`` (the table), ``.md``, ``.png`` and ``.svg``.

    Returns
    -------
    table : pandas.DataFrame
        A row for each aggregation and kind of sample, and one for all answers: mean satisfaction
        and standard error by method, the p-value of Wilcoxon's signed-rank test (two-sided), the
        share that prefers the first method of the pair and the p-value of the binomial test.

    Raises
    ------
    InputError
        If the answers or the key cannot be read, or an answer is not valid; the message names it.
    """
    answers = _matched(_read(path), folder)
    one, other = sorted({*answers["method_1"], *answers["method_2"]}, key=_first_is_greedy)
    first = answers["method_1"] == one
    answers["one"] = answers["satisfaction_1"].where(first, answers["satisfaction_2"])
    answers["other"] = answers["satisfaction_2"].where(first, answers["satisfaction_1"])
    answers["prefers_one"] = (answers["preferred"] == 1) == first
    import pandas as pd

    parts = [("all", "all", answers)]
    parts += [(str(agg), str(kind), part) for (agg, kind), part in answers.groupby(["agg", "kind"])]
    table = pd.DataFrame([_row(agg, kind, part, one, other) for agg, kind, part in parts])
    with replacing(folder / "fig7-answers.csv") as file:
        file.write(table.to_csv(index=False).encode())
    figure = blank(8, 3.5)
    _draw(table, one, other, figure)
    save(figure, folder, "fig7-answers")
    text = (
        f"# Figure 7: answers\n\n{len(answers)} answers from {answers['person'].nunique()} "
        f"people on {answers['sample'].nunique()} samples, `{os.path.basename(os.fspath(path))}`. "
        "Standard errors are over answers; p-values are two-sided.\n\n"
        f"![answers](fig7-answers.png)\n\n{frame_markdown(table)}\n"
    )
    with replacing(folder / "fig7-answers.md") as file:
        file.write(text.encode())
    return table


def _read(path: str | os.PathLike[str]) -> pd.DataFrame:
    import pandas as pd

    name = os.fspath(path)
    try:
        answers = pd.read_csv(name, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: cannot be read as CSV ({error})") from error
    if list(answers.columns) != list(ANSWER_COLUMNS):
        raise InputError(f"{name}: needs the columns {','.join(ANSWER_COLUMNS)}")
    answers = answers[answers["sample"] != "sample"].reset_index(drop=True)  # repeated headers
    if len(answers) == 0:
        raise InputError(f"{name}: holds no answer")
    again = answers.duplicated(["sample", "person"])
    if again.any():
        row = answers[again].iloc[0]
        raise InputError(
            f"{name}: {row['person']!r} answers on {row['sample']} twice: leave one answer"
        )
    allowed = {
        "satisfaction_1": range(LOWEST, HIGHEST + 1),
        "satisfaction_2": range(LOWEST, HIGHEST + 1),
        "preferred": (1, 2),
    }
    for column, values in allowed.items():
        wrong = ~answers[column].isin([str(value) for value in values])
        if wrong.any():
            row = answers[wrong].iloc[0]
            raise InputError(
                f"{name}: the answer of {row['person']!r} on {row['sample']} has {column} = "
                f"{row[column]!r}: one of {', '.join(map(str, values))} is possible"
            )
        answers[column] = answers[column].astype(int)
    return answers


def _matched(answers: pd.DataFrame, folder: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        key = pd.read_csv(folder / KEY, dtype=str)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{folder / KEY}: the key to the questionnaires cannot be read ({error}): name the "
            "folder that they were written to by --out"
        ) from error
    unknown = set(answers["sample"]) - set(key["sample"])
    if unknown:
        raise InputError(f"{folder / KEY}: has no sample {sorted(unknown)[0]!r}")
    return answers.merge(key, on="sample", how="left")


def _first_is_greedy(name: str) -> tuple[bool, str]:
    return name != "greedy", name


def _row(agg: str, kind: str, part: pd.DataFrame, one: str, other: str) -> dict[str, object]:
    from scipy.stats import binomtest, wilcoxon

    difference = part["one"] - part["other"]
    prefer = int(part["prefers_one"].sum())
    p_satisfaction = float(wilcoxon(difference).pvalue) if difference.any() else 1.0
    return {
        "agg": agg,
        "kind": kind,
        "answers": len(part),
        f"satisfaction_{one}": float(part["one"].mean()),
        f"error_{one}": _error(part["one"]),
        f"satisfaction_{other}": float(part["other"].mean()),
        f"error_{other}": _error(part["other"]),
        "p_satisfaction": p_satisfaction,
        f"prefer_{one}": prefer / len(part),
        "p_preference": float(binomtest(prefer, len(part)).pvalue),
    }


def _error(values: pd.Series[float]) -> float:
    """Standard error of the mean; 0 of one value."""
    return (
        float(values.to_numpy(float).std(ddof=1)) / len(values) ** 0.5 if len(values) > 1 else 0.0
    )


def _draw(table: pd.DataFrame, one: str, other: str, figure: Figure) -> None:
    parts = table[table["kind"].isin(KINDS)]
    satisfied, preferring = figure.subplots(1, 2)
    names = [f"{agg}\n{kind}" for agg, kind in zip(parts["agg"], parts["kind"], strict=True)]
    places = range(len(parts))
    for shift, (method, colour) in ((-0.2, (one, "C0")), (0.2, (other, "C3"))):
        satisfied.bar(
            [place + shift for place in places],
            parts[f"satisfaction_{method}"],
            0.4,
            yerr=parts[f"error_{method}"],
            color=colour,
            capsize=3,
            label=method,
        )
    preferring.bar(list(places), 100 * parts[f"prefer_{one}"], color="C0")
    preferring.axhline(50, color="k", linewidth=0.8)
    satisfied.set(ylabel="satisfaction, 1 to 5")
    preferring.set(ylabel=f"% who prefer {one}")
    for axes in (satisfied, preferring):
        axes.set_xticks(list(places), names, fontsize=7)
    satisfied.legend(loc="lower left")
