"""Ctrl-C stays Ctrl-C, wherever compiled code was when it came."""

from __future__ import annotations

import pytest

from grouping.interrupts import as_interrupts


def test_an_interrupt_behind_an_error_comes_through_and_errors_stay_errors():
    inner = SystemError("a result with an exception set")
    inner.__cause__ = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt), as_interrupts():
        raise SystemError("a result with an exception set") from inner
    with pytest.raises(SystemError), as_interrupts():
        raise SystemError("something else") from ValueError()
