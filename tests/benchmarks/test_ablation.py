"""The ablation keeps runs of different data apart, and each part that it names is there."""

from __future__ import annotations

import sys

import pytest

from benchmarks.ablation.__main__ import COLUMNS, main
from benchmarks.ablation.parts import APPLY, PARTS, without

PART = "lists a little worse"


@pytest.fixture
def ablate(monkeypatch, tmp_path):
    """Ablate that part with two seeds, by a file of runs."""
    for variable in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(variable, "1")  # so that what it sets is undone
    path = tmp_path / "results.csv"

    def ablate(runs, *options):
        path.write_text("\n".join([",".join(COLUMNS), *runs]) + "\n")
        asked = ["--part", PART, "--rounds", "2", "--instances", "1", "--seeds", "2"]
        monkeypatch.setattr(sys, "argv", ["ablation", *asked, "--results", str(path), *options])
        return main()

    return ablate


def test_each_data_has_its_own_runs(ablate, capsys):
    """A run on one data set never stands for one on another."""
    runs = [
        f"av-sum,{part},2,{instance},{seed},{objective},{seconds}"
        for seed in (0, 1)
        for part, instance, objective, seconds in (
            ("", "0", 100 + seed, 2),
            (PART, "0", 100 + seed, 1),
            ("", "ml-100k", 200, 1),
            (PART, "ml-100k", 198 + seed, 3),
        )
    ]
    assert ablate(runs) == 0
    assert f"| (nothing) | 100.50 |\n| {PART} | +0.00 ± 0.00 (0.50) |" in capsys.readouterr().out
    assert ablate(runs, "--data", "ml-100k") == 0
    assert f"| (nothing) | 200.00 |\n| {PART} | -0.75 ± 0.25 (3.00) |" in capsys.readouterr().out


def test_absent_data_is_said(ablate, capsys, monkeypatch):
    """Where there is no data, one sentence names the way out."""
    monkeypatch.setattr("benchmarks.quality.instances.completed", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        ablate([], "--data", "ml-100k")
    assert ended.value.code == 2
    assert "set GROUPING_DATA to the folder of ml-100k.zip" in capsys.readouterr().err


@pytest.mark.parametrize("part", PARTS)
def test_parts_are_there(part):
    """Each part is a name that refine's modules have, and says where it has a say."""
    assert part in APPLY
    with without(part):
        pass
