"""Tiny runs of experiments, one of each for all tests."""

from __future__ import annotations

from functools import cache

import pytest

from grouping.experiments import EXPERIMENTS
from grouping.experiments.running import run_experiment
from grouping.experiments.study import Asked

TINY = Asked(runs=1, seed=7, time_limit=0.3)


@pytest.fixture(scope="session")
def carried_out(tmp_path_factory):
    """Carry an experiment out once: the folder, its study, its claims, and what it told."""

    @cache
    def run(name):
        folder = tmp_path_factory.mktemp(name)
        told = []
        claims = run_experiment(
            name,
            TINY,
            folder,
            command=f"grouping experiment {name}",
            tell=lambda *t: told.append(t),
        )
        return folder, EXPERIMENTS[name].study(TINY), claims, told

    return run
