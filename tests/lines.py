"""A pytest plugin for runs without the compiler: fails if a line of a kernel was not reached.

It looks at the kernels of every module that the tests import. Tracing a function ends once all of
its lines were seen.
"""

from __future__ import annotations

import sys
from types import CodeType, FrameType, FunctionType
from typing import Any

from grouping.kernels import jit

ROOMS = ("grouping.kernels.", "learners.kernels.")
_left: dict[CodeType, set[int] | None] = {}


def lines_of(code: CodeType) -> set[int]:
    """Lines of a function's body."""
    return {line for *_, line in code.co_lines() if line not in (None, code.co_firstlineno)}


def kernels() -> dict[CodeType, str]:
    """Code of all kernels of the modules imported so far, made ones too, with what it is called."""
    found: dict[CodeType, str] = {}
    for name, module in list(sys.modules.items()):
        if not name.startswith(ROOMS) or module is jit:
            continue
        for made in vars(module).values():
            if isinstance(made, FunctionType) and made.__module__ == name:
                found[made.__code__] = f"{name}.{made.__qualname__}"
    return found


def _on_call(frame: FrameType, event: str, argument: Any) -> Any:
    code = frame.f_code
    if code not in _left:
        ours = frame.f_globals.get("__name__", "").startswith(ROOMS)
        _left[code] = lines_of(code) if ours else None
    left = _left[code]
    if not left:
        return None

    def on_line(frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            left.discard(frame.f_lineno)
        return on_line

    return on_line


def pytest_sessionstart() -> None:
    sys.settrace(_on_call)


def pytest_sessionfinish(session: Any) -> None:
    sys.settrace(None)
    for code, name in kernels().items():
        missed = _left.get(code, lines_of(code)) or set()
        if missed:
            print(f"\n{name}: lines {sorted(missed)} were not reached")
            session.exitstatus = 1
