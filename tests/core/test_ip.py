"""The paper's integer program finds the optimum that enumerating every partition finds."""

import highspy
import numpy as np
import pytest
from hypothesis import given, settings

from grouping import InputError, UndecidedError, form
from grouping.methods import Budget, ip
from grouping.problem import Problem
from grouping.ratings import Ratings
from tests import oracle
from tests.strategies import instances

EXAMPLE_1 = [[1, 4, 3], [2, 3, 5], [2, 5, 1], [2, 5, 1], [3, 1, 1], [1, 2, 5]]
LINEAR = ("min", "max", "sum", "wsum")


@settings(max_examples=25)
@given(instances(aggs=LINEAR, users=5, items=4))
def test_reaches_the_optimum(instance):
    """On every aggregation, with ties, negative ratings, more groups than users, k = items."""
    best, _ = oracle.optimum(instance.rows, instance.groups, *instance.objective)
    found = form(instance.X, **instance.asked, method="ip")
    assert found.objective == pytest.approx(float(best), abs=1e-6)
    assert found.status == "optimal"
    assert found.bound == pytest.approx(found.objective, abs=1e-6)
    assert found.bound >= found.objective


@pytest.mark.parametrize(
    ("semantics", "agg", "groups", "k", "optimum"),
    [
        ("lm", "min", 3, 2, 7),
        ("lm", "sum", 3, 2, 17),
        ("av", "min", 3, 2, 19),
        ("av", "max", 2, 1, 25),
    ],
)
def test_worked_example(semantics, agg, groups, k, optimum):
    assert form(np.array(EXAMPLE_1), semantics, agg, groups, k, "ip").objective == optimum


@pytest.mark.parametrize("agg", ["min", "sum"])
def test_symmetry_breaking_keeps_the_optimum(agg):
    problem = Problem.of(Ratings.of(np.array(EXAMPLE_1)), "lm", agg, 3, 2)
    plain = ip.run(problem, Budget())
    broken = ip.run(problem, Budget(), symmetry_breaking=True)
    assert plain.bound == broken.bound


@pytest.mark.parametrize("ending", ["lp", "mps"])
@pytest.mark.parametrize("semantics", ["lm", "av"])
def test_written_model_has_the_same_optimum(tmp_path, ending, semantics):
    """HiGHS reads the file by itself and finds what `form` found."""
    path = tmp_path / f"model.{ending}"
    found = form(np.array(EXAMPLE_1), semantics, "sum", 3, 2, "ip", write_model=path)
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.readModel(str(path))
    solver.run()
    assert abs(solver.getInfo().objective_function_value) == pytest.approx(found.objective)
    assert list(tmp_path.iterdir()) == [path]


def test_wrong_ending_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"\.lp or \.mps"):
        form(np.array(EXAMPLE_1), groups=2, k=1, method="ip", write_model=tmp_path / "model.txt")


def test_ndcg_is_refused_with_the_reason():
    with pytest.raises(InputError, match="ndcg"):
        form(np.array(EXAMPLE_1), agg="ndcg", groups=2, k=1, method="ip")


def test_too_large_a_program_is_refused_with_its_size():
    with pytest.raises(InputError, match=r"\d+ variables"):
        form(np.ones((3000, 2000)), groups=1000, method="ip")


def test_time_limit_without_a_solution_is_undecided():
    X = np.random.default_rng(0).integers(1, 6, (60, 40))
    with pytest.raises(UndecidedError, match="more time"):
        form(X, "av", "sum", 8, 3, "ip", time_limit=1e-6)


def test_option_of_another_method_is_refused():
    with pytest.raises(InputError, match="does not take split buckets"):
        form(np.array(EXAMPLE_1), groups=2, k=1, method="ip", split_buckets=True)


def test_a_proven_optimum_is_optimal_whatever_gap_would_do():
    X = np.array(EXAMPLE_1)
    assert form(X, groups=3, k=1, method="ip", gap=0.0).status == "optimal"
    assert form(X, groups=3, k=1, method="ip", gap=0.5).status in ("optimal", "feasible")


def test_a_time_limit_too_short_to_build_the_program_ends_it_in_one_sentence(caplog):
    """Building counts as well, and Pyomo has nothing to say beside."""
    with pytest.raises(UndecidedError, match="too short to build the integer program"):
        form(np.ones((40, 30)), groups=5, k=3, method="ip", time_limit=0.02)
    assert not caplog.records
