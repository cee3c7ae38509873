"""The page of the paper's tables, from what was measured: python -m benchmarks.learners.mtal_page.

Reads the CSV files of `benchmarks.learners.mtal_tables`, and writes docs/concepts/mtal-tables.md
and its pictures. Which cells are missing is said on the page.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from benchmarks.learners.lines import Lines
from benchmarks.learners.mtal_cells import STEPS
from benchmarks.learners.mtal_paper import COLUMNS, published
from benchmarks.learners.mtal_tables import HEADLINE, REST, RESULTS, results

DOCS = Path(__file__).resolve().parents[2] / "docs"
TITLES = {"ml-100k": "MovieLens 100K (Tables 1 and 8)", "ml-1m": "MovieLens 1M (Tables 4 and 3)"}
NEAR, NEAR_ALONE_GENRE = 0.012, 0.03

INTRODUCTION = """# The paper's tables, measured

Made by `python -m benchmarks.learners.mtal_page` from the results of

```
python -m benchmarks.learners.mtal_tables --data ml-100k
python -m benchmarks.learners.mtal_tables --data ml-1m --splits 1 --rest-splits 0
```

which go on where they were stopped. [How the paper's tables are to be
read](mtal.md#how-the-papers-tables-are-to-be-read) says which table is which, and why these are
ratios to Base on the same split, mean and standard deviation (of the sample) over splits. RMSE:
lower is better; MAP: higher is better.

- **(a) best on test**: fitted to 90 %, the round or epoch that is best on the tested ratings, as
  the paper selects, and scored as it scores: batch by batch of rows, each weighted by its number of
  ratings. It is here for comparison and is no honest figure.
- **off by**: (a) less the paper's ratio; bold where it is more than 0.012 (Alone by genres: 0.03).
- **of its own**: by genres, (a) less the ratio of the paper's figure to the paper's *Alone* Base of
  that column. It is 1.011 on MovieLens 100K (MAP 0.748), where its Joint Base is 1.020 (0.744);
  but Base predicts columns' means, which hardly depend on who holds a column (ours: 0.9999 of each
  other). So the paper's columns by genres seem to rest on other ratings than its Joint rows, and
  this is the fairer difference.
- **(b) chosen on validation**: fitted to 81 %, the round or epoch chosen on 9 %; the same round or
  epoch after fitting to 90 %, looked at once. On the splits where it was run, which may be fewer;
  a figure without a spread is of one split. Rows that step on by validation are fitted to 81 %
  throughout.
- **last**: after all 10 rounds or 200 epochs, fitted to 90 %, on the splits that were taken so far.
  To save time Joint and Alone end after 30 epochs in a row that were no better (but MF, MLP and NCF
  with explicit feedback, which stay there for long and move again), and MTAL with explicit
  feedback, from the second split on, two rounds after the one that validation chose.

MovieLens 1M's Alone and MTAL rows, and part of MovieLens 100K's MF, MLP and NCF rows, were trained
on a GPU (`--device cuda`), all else on CPUs of two makes. What is drawn is the same, but sums are
taken in other orders: scores differ as those of another seed would.

Under each table stands how many rows are as near to the paper as that, and what they are off by on
the whole: the median. All rows of a column were measured on the same draws, and all of the paper's
on its own, so an easier or harder draw, or Base on it, moves them together.

A row that is not in a table is named under it: it has not been measured.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the CSV files")
    parser.add_argument("--docs", type=Path, default=DOCS)
    options = parser.parse_args()
    parts = [INTRODUCTION]
    for data, title in TITLES.items():
        lines = results(options.out, data)
        parts.append(f"## {title}\n")
        names = plot(lines, data, options.docs / "images" / "mtal")
        parts += [*tables(lines, data)]
        if names:
            parts.append("Scores on test round by round, on the first split (Figures 4 to 6):\n")
            parts += [f"![Scores by round](../images/mtal/{name})\n" for name in names]
    (options.docs / "concepts" / "mtal-tables.md").write_text("\n".join(parts))
    return 0


def tables(lines: Lines, data: str) -> list[str]:
    """A table a column of the paper: ours both ways, and the paper's, as ratios to Base."""
    made = []
    rows = [*HEADLINE, *(row for row in REST if row not in HEADLINE)]
    for feedback, align, partition in COLUMNS:
        measure = "RMSE" if feedback == "explicit" else "MAP"
        found = {row: rows_of(lines, data, row, feedback, align, partition) for row in rows}
        kind = {"uniform:8": "Uniform, 8 organisations", "genre": "Genre, 18 organisations"}
        heads = ["", "splits", "(a) best on test", "the paper", "off by"]
        heads += ["of its own"] * (partition == "genre") + ["(b) chosen on validation", "last"]
        text = [
            f"### {measure}, {align}s in common, {kind[partition]}\n",
            f"| {' | '.join(heads)} |",
            "| --- " * len(heads) + "|",
            *(
                line(row, cells, data, feedback, align, partition)
                for row, cells in found.items()
                if cells
            ),
        ]
        differences = {
            row: difference
            for row, cells in found.items()
            if cells and not row.endswith("base")
            for difference in [_off(row, cells, data, feedback, align, partition)]
            if difference is not None
        }
        if differences:
            text.append(_near(differences, partition))
        missing = [row for row, cells in found.items() if not cells]
        if missing:
            text.append(f"\nNot measured: {', '.join(missing)}.")
        made.append("\n".join(text) + "\n")
    return made


def rows_of(lines: Lines, *wanted: str, split: str | None = None) -> list[dict[str, str]]:
    data, row, feedback, align, partition = wanted
    if row.startswith("joint") and partition == "genre":
        partition = "uniform:8"
    return [
        found
        for (d, s, r, f, a, p), found in lines.rows.items()
        if (d, r, f, a, p) == (data, row, feedback, align, partition) and split in (None, s)
    ]


def line(
    row: str, found: list[dict[str, str]], data: str, feedback: str, align: str, partition: str
) -> str:
    def ratios(name: str, base: str = "base") -> np.ndarray:
        each = np.array([float(cells[name]) / float(cells[base]) for cells in found])
        return each[~np.isnan(each)]

    def spread(values: np.ndarray) -> str:
        if len(values) < 2:
            return f"{values[0]:.4f}" if len(values) else "-"
        return f"{values.mean():.4f} ± {values.std(ddof=1):.4f}"

    def off(base: str) -> str:
        difference = _off(row, found, data, feedback, align, partition, base)
        return "-" if difference is None else _marked(difference, row, partition)

    theirs = _theirs(row, data, feedback, align, partition)
    columns = [
        row,
        str(len(found)),
        spread(ratios("paper_best", "paper_base")),
        "-" if theirs is None else f"{theirs:.4f}",
        off("joint base"),
        *([] if partition != "genre" else ["-" if row.startswith("joint") else off("alone base")]),
        spread(ratios("refitted")),
        spread(ratios("last")),
    ]
    return "| " + " | ".join(columns) + " |"


def _theirs(
    row: str, data: str, feedback: str, align: str, partition: str, base: str = "joint base"
) -> float | None:
    """The paper's ratio to one of its bases."""
    score, of_base = (published(data, r, feedback, align, partition) for r in (row, base))
    return None if score is None or of_base is None else score / of_base


def _off(
    row: str,
    found: list[dict[str, str]],
    data: str,
    feedback: str,
    align: str,
    partition: str,
    base: str = "joint base",
) -> float | None:
    """Our mean ratio less the paper's."""
    theirs = _theirs(row, data, feedback, align, partition, base)
    if theirs is None:
        return None
    ours = [float(cells["paper_best"]) / float(cells["paper_base"]) for cells in found]
    return float(np.mean(ours)) - theirs


def _near(differences: dict[str, float], partition: str) -> str:
    """How many rows are near the paper's, and near what they are off by on the whole."""
    median = float(np.median([*differences.values()]))
    counts = [
        sum(abs(off - level) <= _nearness(row, partition) for row, off in differences.items())
        for level in (0.0, median)
    ]
    return (
        f"\nOf {len(differences)} rows but Base, {counts[0]} are as near as asked. The median "
        f"difference is {median:+.4f}; {counts[1]} are as near to that."
    )


def _nearness(row: str, partition: str) -> float:
    return NEAR_ALONE_GENRE if (row, partition) == ("alone aae", "genre") else NEAR


def _marked(difference: float, row: str, partition: str) -> str:
    text = f"{difference:+.4f}"
    return f"**{text}**" if abs(difference) > _nearness(row, partition) else text


def plot(lines: Lines, data: str, folder: Path) -> list[str]:
    """Draw the scores of MTAL by round on the first split, with Joint and Alone at their best.

    As figures 4 to 6 of the paper do; a picture a kind of feedback. Returns the pictures' names.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for feedback in ("explicit", "implicit"):
        columns = [column for column in COLUMNS if column[0] == feedback]
        figure, panels = plt.subplots(1, len(columns), figsize=(4 * len(columns), 3.6))
        drawn = False
        for axes, column in zip(panels, columns, strict=True):
            for step in STEPS:
                found = rows_of(lines, data, f"mtal aae {step}", *column, split="0")
                for cells in found:
                    curve = [float(score) for score in cells["curve"].split()]
                    axes.plot(range(len(curve)), curve, marker=".", label=step)
                    drawn = True
            for row, style in (("joint aae", "--"), ("alone aae", ":")):
                for cells in rows_of(lines, data, row, *column, split="0"):
                    best = float(cells["best"])
                    axes.axhline(best, color="grey", linestyle=style, label=f"{row}, best epoch")
            axes.set_xlabel("round")
            axes.set_title(f"{column[1]}-aligned, {column[2]}", fontsize=9)
            if axes.get_legend_handles_labels()[0]:
                axes.legend(fontsize=7)
        panels[0].set_ylabel("RMSE on test" if feedback == "explicit" else "MAP@10 on test")
        figure.tight_layout()
        if drawn:
            names.append(f"rounds-{data}-{feedback}.png")
            figure.savefig(folder / names[-1], dpi=110)
        plt.close(figure)
    return names


if __name__ == "__main__":
    sys.exit(main())
