"""Processes of the command line, forked from one that has imported already.

Most of the time that a small command takes goes to importing. A server imports once and forks a
process for each command, with arguments, folder, environment and streams of its own, that ends
as any other does. What depends on a start from nothing is tested by processes that are so started.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import runpy
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import IO, Any

HEAVY = ("pandas", "pyarrow.csv", "pyarrow.parquet", "scipy.sparse", "scipy.optimize", "highspy")
SECONDS = 900.0


class Server:
    """The parent of the processes; it ends with the one that started it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def run(
        self, arguments: list[str], folder: Path, variables: dict[str, str]
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command with nothing on standard input.

        Raises
        ------
        TimeoutError
            If it did not end; it is killed.
        """
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.cli.forked"],
                cwd=Path(__file__).parents[2],
                env=variables,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        asked = {"arguments": arguments, "folder": str(folder), "variables": variables}
        out, err = (folder.parent / f"{folder.name}.{name}" for name in ("out", "err"))
        print(json.dumps(asked | {"out": str(out), "err": str(err)}), file=self._in, flush=True)
        answer = self._out.readline()
        if not answer:
            raise RuntimeError("the server of commands ended")
        code = int(answer)
        if code == TOO_LONG:
            raise TimeoutError(f"{arguments} took more than {SECONDS:.0f} s")
        done = subprocess.CompletedProcess(arguments, code, out.read_bytes(), err.read_bytes())
        out.unlink()
        err.unlink()
        return done

    def close(self) -> None:
        """End the server."""
        if self._process is not None:
            self._in.close()
            self._process.wait()
            self._out.close()

    @property
    def _in(self) -> IO[str]:
        assert self._process is not None
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _out(self) -> IO[str]:
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout


TOO_LONG = 1_000  # no exit code


def _nothing() -> None:
    pass


def serve() -> None:
    """Fork a process for each line of standard input, and say how it ended."""
    import grouping.cli

    for name in HEAVY:
        importlib.import_module(name)
    for module in pkgutil.walk_packages(grouping.__path__, "grouping."):
        if module.name != "grouping.__main__":
            importlib.import_module(module.name)
    import numba

    numba.njit(_nothing)()  # numba imports the larger part of itself with the first function
    asking, answering = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    while line := asking.readline():
        asked = json.loads(line)
        child = os.fork()
        if not child:
            asking.close()
            answering.close()
            _become(asked)  # never comes back
        print(_end_of(child), file=answering, flush=True)


def _end_of(child: int) -> int:
    """Wait for a process; its exit code, or minus the signal that ended it."""
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return TOO_LONG


def _become(asked: dict[str, Any]) -> None:
    """Be ``python -m grouping`` with the streams, folder and environment asked for."""
    for number, name, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, asked["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, asked["err"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        opened = os.open(name, flags)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["variables"])
    warnings.simplefilter("error")
    sys.argv = ["grouping", *asked["arguments"]]
    runpy.run_module("grouping", run_name="__main__", alter_sys=True)
    sys.exit(0)


if __name__ == "__main__":
    serve()
