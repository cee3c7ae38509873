"""Every experiment end to end: its points, figures and summary; interrupted, it goes on."""

from __future__ import annotations

import csv
import os
import signal
import statistics
import subprocess
import time
from xml.etree import ElementTree

import pytest

from grouping import InputError
from grouping.experiments import EXPERIMENTS, experiment_named
from grouping.experiments.points import measure_all
from grouping.experiments.running import settings_of
from grouping.experiments.study import Asked
from grouping.methods import METHODS
from grouping.pictures import blank
from grouping.points import read_points
from tests.cli.running import command, environment
from tests.experiments.conftest import TINY

ALL = pytest.mark.parametrize("name", EXPERIMENTS)
OF_PANELS = pytest.mark.parametrize(
    "name", [n for n in EXPERIMENTS if n not in ("fig7", "guarantee")]
)


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@ALL
def test_every_point_is_in_the_csv_with_its_seed(carried_out, name):
    """In the study's order, under the study's columns, with what sets it apart."""
    folder, study, _, _ = carried_out(name)
    rows = rows_of(folder / f"{name}.csv")
    assert list(rows[0]) == list(study.columns)
    assert len(rows) == len(study.points) > 0
    for row, point in zip(rows, study.points, strict=True):
        for column, value in point.items():
            assert row[column] == ("" if value is None else str(value))
        assert int(row["seed"]) >= TINY.seed


@ALL
def test_figures_and_summary_are_written(carried_out, name):
    """A PNG, an SVG, and a summary that says how they were made."""
    folder, study, claims, told = carried_out(name)
    assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert ElementTree.parse(folder / f"{name}.svg").getroot().tag.endswith("svg")
    summary = (folder / f"{name}.md").read_text()
    for words in (f"grouping experiment {name}", "Seeds 7", "numba ", "processors", study.title):
        assert words in summary
    for claim in claims:
        assert f"| {claim.text} | {claim.verdict} |" in summary
    assert told[0][:2] == (0, len(study.points))
    assert told[-1][:2] == (len(study.points),) * 2


@OF_PANELS
def test_methods_are_those_that_are_registered(carried_out, name):
    folder, _, _, _ = carried_out(name)
    methods = {row["method"] for row in rows_of(folder / f"{name}.csv")}
    assert "greedy" in methods
    assert methods <= set(METHODS)
    assert not any(row["status"] == "refused" for row in rows_of(folder / f"{name}.csv"))


@OF_PANELS
def test_lines_are_the_averages_of_the_points(carried_out, name):
    """Redrawn from the CSV: the line of GRD in every panel has the mean of the runs."""
    folder, study, _, _ = carried_out(name)
    frame = read_points(folder / f"{name}.csv")
    figure = blank(4, 4)
    study.draw(frame, figure)
    rows = rows_of(folder / f"{name}.csv")
    for place in [axes for axes in figure.axes if axes.get_visible()]:
        vary = place.get_xlabel()
        line = next(line for line in place.lines if line.get_label() == "GRD")
        mine = [
            row for row in rows if (row["panel"], row["method"]) == (place.get_title(), "greedy")
        ]
        y = {"objective": "objective", "average over the list": "satisfaction"}.get(
            place.get_ylabel(), {"largest group": "size_max"}.get(place.get_ylabel(), "seconds")
        )
        for x, drawn in zip(line.get_xdata(), line.get_ydata(), strict=True):
            values = [float(row[y]) for row in mine if float(row[vary]) == x]
            assert drawn == pytest.approx(statistics.fmean(values))
        assert len(line.get_xdata()) == len({row[vary] for row in mine})


def test_an_optimum_is_drawn_only_where_it_is_proven(carried_out):
    folder, study, _, _ = carried_out("fig1")
    frame = read_points(folder / "fig1.csv")
    frame["status"] = "optimal"  # whatever the machine had time for
    frame.loc[(frame["method"] == "exact") & (frame["users"] == 60), "status"] = "time_limit"
    figure = blank(4, 4)
    study.draw(frame, figure)
    users = figure.axes[0]
    drawn = {line.get_label(): list(line.get_xdata()) for line in users.lines}
    assert drawn["optimum, proven"] == [15, 30]
    assert drawn["upper bound"] == [15, 30, 60]


def test_a_killed_run_goes_on_to_the_same_csv(tmp_path):
    """A real process, killed once points are there; what takes time aside, all cells are equal."""
    asked = ("experiment", "fig2", "--runs", "1", "--seed", "3", "--methods", "greedy,baseline")
    for folder in ("whole", "killed"):
        process = subprocess.Popen(
            command(*asked, "--out", tmp_path / folder),
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        path = tmp_path / folder / "fig2.csv"
        if folder == "killed":
            waited = time.monotonic()
            while not (path.exists() and path.read_bytes().count(b"\n") >= 3):
                assert time.monotonic() - waited < 120
                time.sleep(0.005)
            os.kill(process.pid, signal.SIGKILL)
        err = process.communicate(timeout=120)[1].decode()
        assert (process.returncode == 0) == (folder == "whole"), err
    with path.open("ab") as file:
        file.write(b"LM-min,synth")  # as if cut off in the middle of a row
    done = subprocess.run(
        command(*asked, "--out", tmp_path / "killed"), env=environment(), capture_output=True
    )
    assert done.returncode == 0, done.stderr
    whole, resumed = (rows_of(tmp_path / folder / "fig2.csv") for folder in ("whole", "killed"))
    assert len(whole) == len(resumed) == 12
    for one, other in zip(whole, resumed, strict=True):
        assert {c: v for c, v in one.items() if not c.startswith("seconds")} == {
            c: v for c, v in other.items() if not c.startswith("seconds")
        }


def test_points_that_are_there_are_not_measured_again(tmp_path):
    study = EXPERIMENTS["guarantee"].study(Asked(runs=1))
    settings = settings_of("guarantee", Asked(runs=1))
    first = measure_all(study, tmp_path, settings, lambda *told: None)
    told = []
    again = measure_all(study, tmp_path, settings, lambda *what: told.append(what[0]))
    assert told == [len(study.points)]
    assert again.equals(first)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: (folder / "guarantee.json").unlink(), "no known run"),
        (lambda folder: (folder / "guarantee.csv").write_text("a,b\n1,2\n"), "other columns"),
        (
            lambda folder: (folder / "guarantee.csv").write_text(
                (folder / "guarantee.csv").read_text().replace("2,min,9", "3,min,9", 1)
            ),
            "other points",
        ),
    ],
)
def test_points_of_something_else_are_refused(tmp_path, change, words):
    study = EXPERIMENTS["guarantee"].study(Asked(runs=1))
    settings = settings_of("guarantee", Asked(runs=1))
    measure_all(study, tmp_path, settings, lambda *told: None)
    change(tmp_path)
    with pytest.raises(InputError, match=words):
        measure_all(study, tmp_path, settings, lambda *told: None)


def test_other_settings_are_refused_by_name(tmp_path):
    study = EXPERIMENTS["guarantee"].study(Asked(runs=1))
    settings = settings_of("guarantee", Asked(runs=1))
    measure_all(study, tmp_path, settings, lambda *told: None)
    with pytest.raises(InputError, match="seed was 0, now 4"):
        measure_all(study, tmp_path, settings | {"seed": 4}, lambda *told: None)


def test_unknown_experiments_and_methods_are_refused():
    with pytest.raises(InputError, match="choose one of fig1"):
        experiment_named("fig9")
    with pytest.raises(InputError, match="unknown method 'best'"):
        EXPERIMENTS["fig1"].study(Asked(methods=("greedy", "best")))
