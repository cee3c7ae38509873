"""Every experiment end to end: its points, figures and summary; interrupted, it goes on."""

from __future__ import annotations

import csv
import math
import os
import signal
import statistics
import subprocess
import time
from xml.etree import ElementTree

import pandas as pd
import pytest

from grouping import InputError
from grouping.experiments import EXPERIMENTS, experiment_named
from grouping.experiments.figures import STYLES
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


def redrawn(name, study, frame):
    figure = blank(4, 4)
    study.draw(frame, figure)
    return [axes for axes in figure.axes if axes.get_visible()]


@pytest.mark.parametrize("name", ["fig1", "fig2", "fig3", "fig4", "fig5", "fig6"])
def test_lines_are_averages_of_the_runs_and_bands_their_range(carried_out, name):
    """Redrawn from the CSV and a second run of it, half as much again: every method, every panel.

    Points of one sample differ in nothing but the run, so 1.25 times the first is their average.
    """
    folder, study, _, _ = carried_out(name)
    frame = read_points(folder / f"{name}.csv")
    frame["status"] = "optimal"  # an optimum that is not proven is not drawn
    y = {"fig1": "objective", "fig2": "objective", "fig3": "satisfaction"}.get(name, "seconds")
    both = pd.concat([frame, frame.assign(run=1, **{y: 1.5 * frame[y]})])
    rows = rows_of(folder / f"{name}.csv")
    for place in redrawn(name, study, both):
        vary = {"items on the list, k": "k"}.get(place.get_xlabel(), place.get_xlabel())
        mine = [row for row in rows if row["panel"] == place.get_title()]
        methods = list(dict.fromkeys(row["method"] for row in mine))
        assert [line.get_label() for line in place.lines] == [STYLES[m][0] for m in methods]
        for method, line, band in zip(methods, place.lines, place.collections, strict=True):
            value = {float(r[vary]): float(r[y]) for r in mine if r["method"] == method}
            assert list(line.get_xdata()) == list(value)
            assert list(line.get_ydata()) == pytest.approx([1.25 * v for v in value.values()])
            for x, v in value.items():
                edge = [y for at, y in band.get_paths()[0].vertices.tolist() if at == x]
                assert (min(edge), max(edge)) == pytest.approx((v, 1.5 * v))


def test_boxes_are_the_five_numbers(carried_out):
    """The picture of table 4: median, quartiles and ends of each method under each objective."""
    folder, study, _, _ = carried_out("table4")
    rows = rows_of(folder / "table4.csv")
    sizes = ("size_min", "size_q1", "size_median", "size_q3", "size_max")
    places = redrawn("table4", study, read_points(folder / "table4.csv"))
    assert len(places) == 4
    for place in places:
        mine = [row for row in rows if row["panel"] == place.get_title()]
        assert len(mine) == len(place.get_xticklabels()) == 2
        drawn = {float(y) for line in place.lines for y in line.get_ydata()}
        assert drawn >= {float(row[size]) for row in mine for size in sizes}


def test_cells_are_the_averages_of_the_largest_groups(carried_out):
    """Every setting's largest group, in units of users / groups, stands in the picture."""
    folder, study, _, _ = carried_out("balance")
    rows = rows_of(folder / "balance.csv")
    drawn = {}
    for place in redrawn("balance", study, read_points(folder / "balance.csv")):
        across = [label.get_text() for label in place.get_xticklabels()]
        down = [label.get_text() for label in place.get_yticklabels()]
        for text in place.texts:
            column, row = text.get_position()
            panel = f"{place.get_title()}: {down[row]}"
            drawn[panel, across[column]] = text.get_text()
    assert drawn == {
        (row["panel"], row["k"]): (
            f"{float(row['size_max']) * int(row['groups']) / int(row['users']):.1f}"
        )
        for row in rows
    }


def test_bars_are_the_averages_of_the_samples(carried_out):
    folder, study, _, _ = carried_out("fig7")
    rows = rows_of(folder / "fig7.csv")
    places = redrawn("fig7", study, read_points(folder / "fig7.csv"))
    wanted = [
        statistics.fmean(
            float(row[f"{what}_{which}"])
            for row in rows
            if (row["agg"], row["kind"]) == (agg, kind)
        )
        for agg in ("min", "sum")
        for what in ("mean", "worst", "prefer")
        for which in ("one", "other")
        for kind in ("similar", "dissimilar", "random")
    ]
    drawn = [bar.get_height() for place in places for bar in place.patches]
    assert drawn == pytest.approx(wanted)


def test_steps_are_the_errors_of_the_instances(carried_out):
    """In units of the bound, ascending, beside the share of instances up to each."""
    folder, study, _, _ = carried_out("guarantee")
    rows = rows_of(folder / "guarantee.csv")
    for place in redrawn("guarantee", study, read_points(folder / "guarantee.csv")):
        mine = [row for row in rows if row["distinct"] == place.get_title().split()[0]]
        for line, column in zip(place.lines, ("error_plain", "error_split"), strict=False):
            errors = sorted(float(row[column]) / float(row["bound"]) for row in mine)
            assert list(line.get_xdata()) == pytest.approx(errors)
            assert list(line.get_ydata()) == pytest.approx(
                [(place + 1) / len(mine) for place in range(len(mine))]
            )


def test_an_optimum_is_drawn_only_where_it_is_proven(carried_out):
    folder, study, _, _ = carried_out("fig1")
    frame = read_points(folder / "fig1.csv")
    frame["status"] = "optimal"  # whatever the machine had time for
    frame.loc[(frame["method"] == "exact") & (frame["users"] == 30), "status"] = "time_limit"
    figure = blank(4, 4)
    study.draw(frame, figure)
    users = figure.axes[0]
    drawn = {line.get_label(): list(line.get_xdata()) for line in users.lines}
    assert drawn["upper bound"] == drawn["optimum, proven"] == [15, 30, 60]
    (optimum,) = (line for line in users.lines if line.get_label() == "optimum, proven")
    assert [math.isnan(y) for y in optimum.get_ydata()] == [False, True, False]  # a gap


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
    with pytest.raises(InputError, match=r"numba was '.*', now '0.1'"):
        measure_all(study, tmp_path, settings | {"numba": "0.1"}, lambda *told: None)


def test_unknown_experiments_and_methods_are_refused():
    with pytest.raises(InputError, match="choose one of fig1"):
        experiment_named("fig9")
    with pytest.raises(InputError, match="unknown method 'best'"):
        EXPERIMENTS["fig1"].study(Asked(methods=("greedy", "best")))
