"""Organisations in processes of their own, which share no memory with each other.

On Linux they are forked from a server that holds code alone, see `learners.mtal.nursery`; elsewhere
they are spawned. What goes through a pipe is bytes: JSON for commands and reports,
safetensors for messages and arrays. A process reads its own data itself, where its plan says how.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grouping.errors import GroupingError, InputError
from grouping.ratings import Ratings
from learners.mtal.messages import DisagreementError, Message, ProtocolError
from learners.mtal.participant import DivergedError, Participant, Report
from learners.mtal.plans import Plan
from learners.mtal.privacy import BudgetError
from learners.mtal.transport import take
from learners.mtal.wire import decode, encode, pack, unpack

_ANSWERED = (
    GroupingError, InputError, ProtocolError, DisagreementError, DivergedError, BudgetError,
)  # fmt: skip
_ERRORS = {error.__name__: error for error in _ANSWERED}


class ProcessMember:
    """An organisation in a process of its own.

    Parameters
    ----------
    plan : Plan
        Followed in the process: nothing is read here.
    """

    def __init__(self, plan: Plan) -> None:
        self.name = plan.source.name
        try:
            context = _context()
            self._pipe, theirs = context.Pipe()
            self._process: Any = context.Process(  # type: ignore[attr-defined]
                target=_serve, args=(theirs, plan, dict(os.environ)), daemon=True
            )
            self._process.start()
        except (EOFError, OSError) as error:
            raise GroupingError(
                f"the process of organisation {self.name!r} could not be started ({error}); "
                "all can run in one process instead"
            ) from error
        theirs.close()

    def take(self, step: str, argument: Any) -> tuple[list[Message], Report | None]:
        """See `learners.mtal.transport.Member.take`."""
        said, frames = self._ask({"do": "take", "step": step, "argument": argument})
        report = said.get("report")
        return [decode(frame) for frame in frames], None if report is None else _report(report)

    def accept(self, message: Message) -> None:
        """See `learners.mtal.transport.Member.accept`."""
        self._ask({"do": "accept"}, encode(message))

    def held_out_scores(self) -> NDArray[np.float64]:
        """See `learners.mtal.transport.Member.held_out_scores`."""
        _, (frame,) = self._ask({"do": "scores"})
        return np.asarray(unpack(frame)[1]["scores"])

    def completed(self) -> Ratings:
        """See `learners.mtal.transport.Member.completed`."""
        _, (frame,) = self._ask({"do": "completed"})
        words, arrays = unpack(frame)
        return Ratings.of(
            arrays["ratings"], users=words["users"], items=words["items"], source=self.name
        )

    def close(self, at_once: bool = False) -> None:
        """See `learners.mtal.transport.Member.close`."""
        if at_once:
            self._process.terminate()
        else:
            self._pipe.close()
        self._process.join(timeout=5)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()

    def _ask(self, command: dict[str, Any], *frames: bytes) -> tuple[dict[str, Any], list[bytes]]:
        try:
            _send(self._pipe, command, list(frames))
            said, answer = _receive(self._pipe)
        except (EOFError, OSError) as error:
            self._process.join(timeout=1)
            raise GroupingError(
                f"the process of organisation {self.name!r} has ended (exit code "
                f"{self._process.exitcode})"
            ) from error
        if "error" in said:
            raise _ERRORS.get(said["error"], GroupingError)(said["text"])
        return said, answer


def _context() -> BaseContext:
    """Where processes come from: nothing of this one's memory, and so of anyone's data.

    Elsewhere than on Linux, libraries that have computed may not outlive a fork. A server that
    somebody else started before stays as it is: it works as well, but loads nothing beforehand.
    """
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver, resource_tracker

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["learners.mtal.nursery"])
    resource_tracker.ensure_running()  # it lets interrupts through again, so before they are held
    with _as_a_server_needs_it():
        forkserver.ensure_running()
    return context


@contextmanager
def _as_a_server_needs_it() -> Iterator[None]:
    """Modules are found where this process finds them, and Ctrl-C is for this process alone."""
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    paths = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(path or os.getcwd() for path in sys.path)
    try:
        yield
    finally:
        if paths is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = paths
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def _serve(pipe: Connection, plan: Plan, variables: dict[str, str]) -> None:
    """Be an organisation until the pipe is closed."""
    os.environ.clear()  # a server has those of when it was started
    os.environ.update(variables)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever runs us decides when to stop
    member: _Served | None = None
    while True:
        try:
            command, frames = _receive(pipe)
        except (EOFError, OSError):
            return
        try:
            if member is None:  # made here, so that what goes wrong is answered
                member = _Served(plan)
            said, answer = member.obey(command, frames)
        except GroupingError as error:
            kind = next(c.__name__ for c in type(error).__mro__ if c.__name__ in _ERRORS)
            said, answer = {"error": kind, "text": str(error)}, []
        except MemoryError:
            text = f"organisation {plan.source.name!r}: memory ran out"
            said, answer = {"error": "GroupingError", "text": text}, []
        try:
            _send(pipe, said, answer)
        except (BrokenPipeError, OSError):
            sys.exit(0)


class _Served:
    def __init__(self, plan: Plan) -> None:
        self.organisation: Participant
        self.organisation, self.checkpoint = plan.build()

    def obey(
        self, command: dict[str, Any], frames: list[bytes]
    ) -> tuple[dict[str, Any], list[bytes]]:
        do = command["do"]
        if do == "accept":
            for frame in frames:
                self.organisation.accept(decode(frame))
            return {}, []
        if do == "scores":
            return {}, [pack({}, scores=self.organisation.held_out_scores())]
        if do == "completed":
            ratings = self.organisation.completed()
            words = {"users": ratings.users[:], "items": ratings.items[:]}
            return {}, [pack(words, ratings=np.asarray(ratings.matrix))]
        sent, report = take(
            self.organisation, self.checkpoint, command["step"], command["argument"]
        )
        said = {} if report is None else {"report": asdict(report)}
        return said, [encode(message) for message in sent]


def _report(words: dict[str, Any]) -> Report:
    validation, test = (tuple(words[part]) for part in ("validation", "test"))
    return Report(**{**words, "validation": validation, "test": test})


def _send(pipe: Connection, words: dict[str, Any], frames: list[bytes]) -> None:
    pipe.send_bytes(json.dumps({"words": words, "frames": len(frames)}).encode())
    for frame in frames:
        pipe.send_bytes(frame)


def _receive(pipe: Connection) -> tuple[dict[str, Any], list[bytes]]:
    head = json.loads(pipe.recv_bytes())
    return head["words"], [pipe.recv_bytes() for _ in range(head["frames"])]
