"""The command line. Each command lives in a module of its own name."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

INTERRUPTED = 130

_OPTIONS = (
    (r"^weigh members goes with the semantics lm", "--weigh members goes with --semantics lm"),
    (r"^user weights (?=do not)", "--user-weights: they "),
    (r"(?<=with lm )weigh members, or choose av", "--weigh members, or --semantics av"),
    (r"^exclude (?=\S+: it is on the list)", "--exclude "),
    (r"\(relist\)", "(--relist)"),
    (r"^drop (?=\S+: the groups)", "--drop "),
)
"""Arguments of the Python API, and the options that they are on the command line."""


def main() -> None:
    """Run the command line: failures become one sentence on stderr and an exit code."""
    # Threads that wait for each other sleep instead of spinning: on a machine that has other work
    # to do, spinning makes parallel kernels several times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from grouping.interrupts import as_interrupts

    try:
        sys.unraisablehook = _interrupt_again
        with as_interrupts():
            _run()
    except KeyboardInterrupt:
        _leave_interrupted()
    except SystemExit as leaving:
        if leaving.code == INTERRUPTED:
            _leave_interrupted()
        raise


def _run() -> None:
    from grouping.cli.streams import say, silence
    from grouping.errors import GroupingError

    try:
        from grouping.cli.app import app

        app(prog_name="grouping")
    except GroupingError as error:
        say(_in_options(str(error)))
        sys.exit(error.exit_code)
    except MemoryError:
        say(
            "memory ran out: take fewer users or items, or --missing min, which keeps sparse "
            "ratings sparse"
        )
        sys.exit(1)
    except OSError as error:  # of a stream: what reads and writes files names the file
        silence()
        say(f"input or output failed ({error.strerror or error})")
        sys.exit(1)


def _in_options(message: str) -> str:
    """Say with the options of the command line what the Python API says with its arguments."""
    message = re.sub(r"\bmissing = (?=\w)", "--missing ", message)
    message = message.replace("a number, or a predictor", "predict, or a number")
    for said, option in _OPTIONS:
        message = re.sub(said, option, message)
    return re.sub(r" \(n_features = \d+\)", "", message)


def _leave_interrupted() -> NoReturn:
    """Leave at once with the one exit code: Python itself may end by the signal instead."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(INTERRUPTED)


def _interrupt_again(unraisable: UnraisableHookArgs) -> None:
    """Repeat a Ctrl-C that a callback from compiled code could not pass on."""
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
        return
    import _thread
    import signal
    import threading

    def interrupt() -> None:
        if hasattr(signal, "pthread_kill"):  # which ends a read that waits, too
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        else:
            _thread.interrupt_main()

    again = threading.Timer(0.01, interrupt)
    again.daemon = True
    again.start()
