"""Choices of the benchmark of learning by factors are made on validation, not on test."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.learners import mtal_better
from benchmarks.learners.mtal_cells import Cell


@pytest.mark.parametrize("feedback", ["explicit", "implicit"])
def test_the_tested_scores_choose_nothing(monkeypatch, feedback):
    """What is best on test, of grid and sweep, is not what is best on validation: the latter is
    taken, fitted to all and looked at once.
    """
    worse = 1 if feedback == "explicit" else -1
    tested = SimpleNamespace(base=np.array([9.0]), score=lambda scores: float(scores[0]))
    monkeypatch.setattr(mtal_better, "tested_of", lambda cell, data: tested)
    asked = []

    def learn(cell, data, factors, validation, sweeps):
        asked.append((factors, cell.row == "factors_s", validation))
        number = mtal_better.GRID.index((factors, cell.row == "factors_s"))
        scores = [np.array([10.0 * number + sweep]) for sweep in range(3)]
        judged = [worse * abs(3 * number + sweep - 4) for sweep in range(3)]  # 1, 1 is best
        return scores, judged if validation else []

    cell = Cell("ml-100k", 0, "factors", feedback, "user", "genre")
    found = dict(zip(mtal_better.VALUES, mtal_better.run(cell, None, learn), strict=True))
    factors, side = mtal_better.GRID[1]
    assert (found["factors"], found["side"], found["sweeps"]) == (factors.count, int(side), 1)
    assert (found["base"], found["score"], found["last"]) == (9.0, 11.0, 12.0)
    assert asked[-1] == (factors, side, 0.0)
    assert [part for *_, part in asked[:-1]] == [0.1] * len(mtal_better.GRID)
