"""Ctrl-C that arrives while compiled code hands its result over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def as_interrupts() -> Iterator[None]:
    """Let an interrupt through as what it is.

    One that comes at the boundary of a compiled function makes Python complain of "a result with
    an exception set", a `SystemError` with the interrupt behind it.

    Raises
    ------
    KeyboardInterrupt
        In place of such an error.
    """
    try:
        yield
    except SystemError as error:
        behind: BaseException | None = error
        while isinstance(behind, SystemError):  # every call on the way out may complain anew
            behind = behind.__cause__ or behind.__context__
        if isinstance(behind, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        raise
