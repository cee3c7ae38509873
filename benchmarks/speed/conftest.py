"""Sizes by option, cases by size, and the race that measures them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

Runner = Callable[[], Any]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--size", choices=("toy", "default", "full"), default="toy")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        cases = metafunc.module.cases(metafunc.config.getoption("size"))
        metafunc.parametrize("case", [pytest.param(case, id=label) for label, case in cases])


@pytest.fixture
def race(benchmark: Any, request: pytest.FixtureRequest) -> Callable[..., dict[str, list[float]]]:
    """Measure a subject and its yardsticks by turns, so that what disturbs one disturbs both."""

    def run(
        subject: Runner,
        others: dict[str, Runner] | None = None,
        *,
        check: Callable[[Any], None] = lambda result: None,
        asked: str = "",
        table: str | None = None,
        seconds: float = 2.0,
        fewest: int = 7,
    ) -> dict[str, list[float]]:
        """Time `subject` in pytest-benchmark's rounds, and each yardstick before every round.

        Parameters
        ----------
        subject : callable
        others : dict of callables, optional
            The yardsticks by name.
        check : callable
            Asserts that the subject's result is right.
        asked : str
            The limit asked for, on the ratio to the first yardstick if there is one.
        table : str, optional
            The table's title; by default the module's.
        seconds : float
            To spend on all rounds, but there are `fewest` to 51 of them.
        fewest : int

        Returns
        -------
        times : dict of lists
            Seconds by name and round; the subject's are under "".
        """
        others = others or {}
        check(subject())
        for other in others.values():
            other()  # compiled now
        if request.config.getoption("size") == "toy":
            rounds = 1
        else:
            once = sum(_timed(runner) for runner in [subject, *others.values()])
            rounds = int(np.clip(seconds / once, fewest, 51))
        times: dict[str, list[float]] = {name: [] for name in others}

        def before_each_round() -> None:
            for name, other in others.items():
                times[name].append(_timed(other))

        benchmark.group = table or request.module.TITLE
        benchmark.pedantic(subject, setup=before_each_round, rounds=rounds)
        own = list(benchmark.stats.stats.data)
        benchmark.extra_info["case"] = request.node.callspec.id
        benchmark.extra_info["asked"] = asked
        benchmark.extra_info["against"] = [
            {
                "name": name,
                "median": float(np.median(theirs)),
                "ratio": float(np.median(np.array(own) / np.array(theirs))),
                "ratio of minima": min(own) / min(theirs),
            }
            for name, theirs in times.items()
        ]
        return {"": own, **times}

    return run


def _timed(runner: Runner) -> float:
    started = time.perf_counter()
    runner()
    return time.perf_counter() - started
