"""How organisations take their steps and how messages get from one to another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from grouping.ratings import Ratings
from learners.mtal.checkpoint import Checkpoint
from learners.mtal.messages import Message
from learners.mtal.participant import Participant, Report
from learners.mtal.wire import decode, encode


class Member(Protocol):
    """One organisation, wherever it runs.

    Attributes
    ----------
    name : str
    """

    name: str

    def take(self, step: str, argument: Any) -> tuple[list[Message], Report | None]:
        """Take a step: messages for others, and a report where there is one."""

    def accept(self, message: Message) -> None:
        """Take a message in."""

    def held_out_scores(self) -> NDArray[np.float64]:
        """Scores of the ratings to be tested on."""

    def completed(self) -> Ratings:
        """Completed ratings."""

    def close(self, at_once: bool = False) -> None:
        """End it; at once, in the middle of a step, if that can be."""


class LocalMember:
    """An organisation in this process.

    Parameters
    ----------
    organisation : Participant
    checkpoint : Checkpoint, optional
        Where it keeps its rounds.
    through_bytes : bool
        Whether messages are turned into bytes and back, as between processes.
    """

    def __init__(
        self,
        organisation: Participant,
        checkpoint: Checkpoint | None = None,
        through_bytes: bool = False,
    ) -> None:
        self.name = organisation.name
        self.organisation = organisation
        self.checkpoint = checkpoint
        self.through_bytes = through_bytes

    def take(self, step: str, argument: Any) -> tuple[list[Message], Report | None]:
        """See `Member.take`."""
        return take(self.organisation, self.checkpoint, step, argument)

    def accept(self, message: Message) -> None:
        """See `Member.accept`."""
        self.organisation.accept(decode(encode(message)) if self.through_bytes else message)

    def held_out_scores(self) -> NDArray[np.float64]:
        """See `Member.held_out_scores`."""
        return self.organisation.held_out_scores()

    def completed(self) -> Ratings:
        """See `Member.completed`."""
        return self.organisation.completed()

    def close(self, at_once: bool = False) -> None:
        """See `Member.close`."""


def take(
    organisation: Participant, checkpoint: Checkpoint | None, step: str, argument: Any
) -> tuple[list[Message], Report | None]:
    """Have an organisation take a step, and keep what it learned.

    Parameters
    ----------
    organisation : Participant
    checkpoint : Checkpoint or None
    step : str
    argument : object
        Names to make an offer to; a round to foretell; rounds to restore or to complete with.

    Returns
    -------
    messages : list of Message
    report : Report or None
    """
    sent: list[Message] = []
    report: Report | None = None
    if step == "offer":
        sent.extend(organisation.offer(argument))
    elif step == "meet":
        report = organisation.meet()
    elif step == "restore":
        if checkpoint is not None:
            checkpoint.restore(organisation, argument)
        report = organisation.report()
    elif step == "begin completion":
        organisation.begin_completion(argument)
    elif step == "foretell":
        sent.extend(organisation.foretell(argument))
    else:
        sent, report = organisation.act(step)
        if report is not None and checkpoint is not None:
            checkpoint.save(organisation)
    return sent, report


class Transport:
    """Runs the members side by side and carries their messages.

    Every member takes a step; when all have, messages reach their receivers in the order of
    their senders. So results do not depend on who was faster.

    Parameters
    ----------
    members : sequence of Member
    workers : int
        How many may compute at the same time.
    watch : callable, optional
        Called with every message that passes.
    """

    def __init__(
        self,
        members: Sequence[Member],
        workers: int = 1,
        watch: Callable[[Message], None] | None = None,
    ) -> None:
        self.members = {member.name: member for member in members}
        self._watch = watch
        self._pool = ThreadPoolExecutor(max_workers=max(1, workers))

    @property
    def names(self) -> list[str]:
        """Names of the organisations."""
        return list(self.members)

    def step(self, step: str, argument: Any = None) -> list[Report]:
        """Let every member take a step, then deliver what they have to say.

        Parameters
        ----------
        step : str
        argument : object

        Returns
        -------
        reports : list of Report
            Of the members that made one.
        """
        members = list(self.members.values())
        futures = [self._pool.submit(member.take, step, argument) for member in members]
        wait(futures)  # if one fails, no other is left in the middle of something
        taken = [future.result() for future in futures]
        reports = []
        for number, (messages, report) in enumerate(taken):
            taken[number] = ([], None)
            self._deliver(messages)
            if report is not None:
                reports.append(report)
        return reports

    def step_of(self, name: str, step: str, argument: Any = None) -> None:
        """Let one member take a step, and deliver."""
        messages, _ = self.members[name].take(step, argument)
        self._deliver(messages)

    def close(self, at_once: bool = False) -> None:
        """End all members; at once, without waiting for steps that they are in."""
        self._pool.shutdown(wait=not at_once, cancel_futures=True)
        for member in self.members.values():
            member.close(at_once)

    def __enter__(self) -> Transport:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(at_once=isinstance(error, KeyboardInterrupt))

    def _deliver(self, messages: list[Message]) -> None:
        while messages:
            message = messages.pop(0)
            if self._watch is not None:
                self._watch(message)
            if message.receiver not in self.members:
                raise message.refused("there is no such organisation")
            self.members[message.receiver].accept(message)
