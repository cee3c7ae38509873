"""How kernels are compiled: lazily, cached on disk where that is possible, threads as asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numba
from numba.core.cpu_options import ParallelOptions

Function = TypeVar("Function", bound=Callable[..., Any])

# A thread team for each array expression too would take most of the time of compiling. As an object
# and no dictionary, out of which numba would take the entries at their first use.
ONLY_PRANGE = ParallelOptions(
    {
        "prange": True,
        "comprehension": False,
        "inplace_binop": False,
        "reduction": False,
        "setitem": False,
        "stencil": False,
        "numpy": False,
        "fusion": False,
    }
)


def kernel(**options: Any) -> Callable[[Function], Function]:
    """Compile a function with numba on its first call and keep the compiled code on disk.

    Parameters
    ----------
    **options
        Passed on to `numba.njit`. With ``parallel=True`` write expressions of whole arrays as
        loops: they are not to run side by side, see `ONLY_PRANGE`.

    Returns
    -------
    decorate : callable
        Where no cache folder can be written, the function compiles anew in every process.
    """
    if options.get("parallel"):
        options["parallel"] = ONLY_PRANGE

    def decorate(function: Function) -> Function:
        try:
            return numba.njit(cache=True, **options)(function)  # type: ignore[no-any-return]
        except RuntimeError:  # "cannot cache function: no locator available"
            return numba.njit(**options)(function)  # type: ignore[no-any-return]

    return decorate


@contextmanager
def threads(count: int | None) -> Iterator[int]:
    """Run kernels on `count` threads (None: all that there are) within the block.

    Parameters
    ----------
    count : int or None
        Capped at the number that numba was started with.

    Yields
    ------
    count : int
        The number in force.
    """
    before = numba.get_num_threads()
    most: int = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    wanted = before if count is None else max(1, min(count, most))
    numba.set_num_threads(wanted)
    try:
        yield wanted
    finally:
        numba.set_num_threads(before)
