"""Rows that say in integer programs what balance asks, and how long programs are tried."""

from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np
import pytest
from scipy.optimize import OptimizeResult

from grouping.constraints import programs


def met(rows, count, size):
    """Whether one value of the flag satisfies all rows."""
    return any(
        all(
            row.held * count + row.size * size + row.flag * flag <= row.most + 1e-12 for row in rows
        )
        for flag in (0, 1)
    )


@pytest.mark.parametrize("tolerance", [0.0, 0.05, 0.25, 0.75])
@pytest.mark.parametrize("share", [0.0, 0.125, 0.5, 1.0])
def test_rows_of_balance_say_what_its_definition_does(share, tolerance):
    """|c - share s| <= max(1, tolerance s), for every count and size there can be."""
    rows = list(programs.balanced(share, tolerance, 24))
    for size in range(25):
        for count in range(size + 1):
            near = abs(count - share * size) <= max(1.0, tolerance * size)
            assert met(rows, count, size) == near


def test_nobody_is_alone_where_rows_say_so():
    rows = list(programs.not_alone(6))
    assert [count for count in range(7) if met(rows, count, 6)] == [0, 2, 3, 4, 5, 6]


def test_without_a_time_limit_a_program_ends_by_nodes_or_after_a_minute():
    """Nodes give equal answers on every machine; but a first node can take for ever."""
    assert programs.effort(None, mip_rel_gap=0.5) == {
        "node_limit": programs.NODES,
        "time_limit": programs.LONGEST,
        "mip_rel_gap": 0.5,
    }
    assert programs.deadline_of(None) is None
    assert not programs.over(None)


def test_a_time_limit_is_kept_by_the_clock():
    deadline = programs.deadline_of(60.0)
    assert not programs.over(deadline)
    assert 0 < programs.effort(deadline)["time_limit"] <= 60.0
    assert programs.over(time.perf_counter() - 1.0)


def test_a_program_that_spent_its_nodes_says_so():
    found = OptimizeResult(status=4, message="model_status is Solution limit reached", x=None)
    assert programs.why_undecided(found) == "500 branches of an integer program were tried"
    failed = OptimizeResult(status=4, message="out of luck", x=None)
    assert programs.why_undecided(failed).endswith("failed (out of luck)")


def test_an_interrupt_is_heard_while_a_program_is_solved(monkeypatch):
    """HiGHS does not look at Python's signals."""
    begun, let_go = threading.Event(), threading.Event()

    def endless(cost, **program):
        begun.set()
        let_go.wait(60)

    monkeypatch.setattr("scipy.optimize.milp", endless)

    def interrupt():
        begun.wait(60)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            programs.milp([1.0])
    finally:
        let_go.set()


def test_what_a_program_fails_by_is_raised():
    with pytest.raises(ValueError, match="`c` must"):
        programs.milp(np.ones((2, 2)))
