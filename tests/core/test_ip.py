"""The paper's integer program finds the optimum that enumerating every partition finds."""

from importlib import import_module
from types import SimpleNamespace

import highspy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyomo.contrib.solver.common.results import TerminationCondition

from grouping import InputError, UndecidedError, form
from grouping.constraints import Constraints
from grouping.errors import GroupingError
from grouping.exclusions import Exclusions
from grouping.ids import Ids
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


@settings(max_examples=25)
@given(instances(aggs=LINEAR, users=5, items=4), st.data())
def test_no_program_is_larger_than_was_said_before_it_was_built(instance, data):
    """With what constraints, balance and exclusions add: some of it is counted twice, a bit."""
    n, m = instance.X.shape
    users = Ids(n, "user")
    names = list(users)
    constraints = Constraints.of(
        users,
        instance.groups,
        max_size=data.draw(st.none() | st.integers(1, n)),
        apart=[names[:2]] * data.draw(st.integers(0, 2)) if n > 1 else (),
        together=[names] * data.draw(st.integers(0, 1)) if n > 1 else (),
        fixed=dict.fromkeys(names[:1], 0) if data.draw(st.booleans()) else {},
        balance={"age": data.draw(st.sampled_from([0.1, 1.0]))},
        no_isolated=["age"] if data.draw(st.booleans()) else (),
        profiles={"age": [user % 3 for user in range(n)]},
    )
    pairs = np.array([[user, user % m] for user in range(n) if m > instance.k]).reshape(-1, 2)
    problem = Problem.of(
        Ratings.of(instance.X),
        instance.semantics,
        instance.agg,
        instance.groups,
        instance.k,
        position_weights=instance.weights,
        constraints=constraints,
        exclusions=Exclusions((), pairs) if len(pairs) else None,
    )
    variables, rows = ip.size(problem)
    model = ip.build(problem)
    assert model.nvariables() <= variables
    assert model.nconstraints() <= rows


def test_what_excluding_and_balancing_would_add_is_counted_before_it_is_built(monkeypatch):
    """A program that is small without them is refused with them, by its size."""
    monkeypatch.setattr(ip, "MOST_CONSTRAINTS", 300)
    X = np.ones((20, 4))
    assert form(X, groups=2, k=1, method="ip", max_size=10).objective == 2
    ages = {"balance": {"age": 0.1}, "profiles": {"age": list(range(20))}}
    with pytest.raises(InputError, match="fewer constraints"):
        form(X, groups=2, k=1, method="ip", **ages)
    monkeypatch.setattr(ip, "MOST_CONSTRAINTS", 230)
    assert form(X, groups=2, k=1, method="ip").objective == 2
    with pytest.raises(InputError, match="fewer constraints"):
        form(X, groups=2, k=1, method="ip", exclude={"0": ["1"]})


@pytest.mark.parametrize("asked", ["balance", "exclude"])
def test_the_clock_is_looked_at_while_constraints_are_written_down(asked):
    """At each row of them, so that many do not outlast the time limit."""
    who = Constraints.of(Ids(6), 2, balance={"age": 0.1}, profiles={"age": range(6)})
    without, with_them = (
        Problem.of(Ratings.of(np.ones((6, 4))), groups=2, k=1, **options)
        for options in (
            {},
            {"constraints": who}
            if asked == "balance"
            else {"exclusions": Exclusions((), np.array([[user, user % 3] for user in range(6)]))},
        )
    )
    looks = []
    ip.build(without, in_time=lambda: looks.append("without"))
    ip.build(with_them, in_time=lambda: looks.append("with them"))
    assert looks.count("with them") >= looks.count("without") + 2 * (6 if asked == "balance" else 3)


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


def ended_as(monkeypatch, condition, member=None):
    """Let HiGHS end in a status, with or without a solution."""

    class Failing:
        _solver_model = None

        def set_instance(self, model):
            self.model = model

        def solve(self, model, **_):
            return SimpleNamespace(
                termination_condition=TerminationCondition[condition],
                incumbent_objective=None if member is None else 1.0,
                objective_bound=1.0,
                solution_loader=SimpleNamespace(load_vars=self.load_vars),
            )

        def load_vars(self):
            for (user, group), variable in self.model.x.items():
                variable.value = float(member[user] == group)

    import_module("pyomo.environ")  # which registers the real ones there
    factory = "pyomo.contrib.solver.common.factory.SolverFactory"
    monkeypatch.setattr(factory, lambda name: Failing())


@pytest.mark.parametrize("condition", ["error", "unknown", "unbounded", "infeasibleOrUnbounded"])
def test_a_failure_of_the_solver_is_one_sentence(monkeypatch, condition):
    """It says whose failure it is, its status, and what to use instead; exit code 1."""
    ended_as(monkeypatch, condition)
    with pytest.raises(GroupingError, match=f"HiGHS failed.*{condition}.*use exact") as failure:
        form(np.array(EXAMPLE_1), groups=3, k=1, method="ip")
    assert type(failure.value) is GroupingError
    assert failure.value.exit_code == 1


def test_groups_of_a_solver_that_failed_are_kept_without_its_bound(monkeypatch):
    """What was found is not lost, and nothing is claimed of it."""
    ended_as(monkeypatch, "error", member=[0, 1, 0, 0, 2, 1])
    found = form(np.array(EXAMPLE_1), groups=3, k=1, method="ip")
    assert found.status == "feasible"
    assert found.bound is None
    assert found.labels[0] == found.labels[2] != found.labels[1]
    assert "HiGHS failed" in " ".join(found.advice)
