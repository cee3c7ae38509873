"""The rounds of the protocol, from alignment to completed ratings."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from learners.mtal.factoring import STEPS as FACTORING
from learners.mtal.participant import DivergedError, Report
from learners.mtal.privacy import BudgetError
from learners.mtal.transport import Transport

STEPS = {"residuals": ("announce", "assist", "update"), "factors": FACTORING}
"""Steps of a round by method; the last one ends it with a report."""


@dataclass(frozen=True)
class Standing:
    """How all organisations together stand after a round.

    Attributes
    ----------
    round : int
    seconds : float
        Of the round.
    train_loss : float
        Mean over organisations.
    validation, test : float or None
        RMSE if all organisations' loss is the squared error, MAP@10 within the organisations if
        all have cross-entropy; None without such ratings, or where organisations differ.
    course : float
        Mean of the organisations' losses as multiples of their bases'.
    squared : bool
    judged : bool
        Whether there are validation ratings.
    reports : list of Report
    """

    round: int
    seconds: float
    train_loss: float
    validation: float | None
    test: float | None
    course: float
    squared: bool
    judged: bool
    reports: list[Report] = field(default_factory=list, repr=False)


@dataclass(frozen=True)
class Run:
    """How a run ended.

    Attributes
    ----------
    standings : list of Standing
        From round 0 on.
    chosen : int
        The round with the best validation score; the last without validation.
    diverged : str or None
        What was said, if an organisation's scores ran away; that organisation is as it was after
        the round before, and the round is not among the standings.
    stopped : str or None
        What was said, if a privacy budget did not allow another round.
    """

    standings: list[Standing]
    chosen: int
    diverged: str | None = None
    stopped: str | None = None


def run_rounds(
    transport: Transport,
    rounds: int = 10,
    *,
    method: str = "residuals",
    patience: int | None = None,
    resume_after: int = 0,
    on_round: Callable[[Standing], None] | None = None,
) -> Run:
    """Align the organisations and let them learn.

    Parameters
    ----------
    transport : Transport
    rounds : int
    method : {"residuals", "factors"}
        Of all members.
    patience : int, optional
        Stop after so many rounds without a better validation score.
    resume_after : int
        Rounds that checkpoints hold already.
    on_round : callable, optional
        Called with each standing.

    Returns
    -------
    run : Run
    """
    transport.step("offer", transport.names)
    standings = [_standing(transport.step("meet"), 0.0)]
    if method == "factors":
        transport.step("compare")
    standings.extend(
        _standing(transport.step("restore", done), 0.0) for done in range(1, resume_after + 1)
    )
    if on_round is not None:
        for standing in standings:
            on_round(standing)
    diverged = stopped = None
    for _ in range(resume_after, rounds):
        if _idle(standings, patience):
            break
        started = time.perf_counter()
        try:
            for step in STEPS[method]:
                reports = transport.step(step)
        except DivergedError as error:
            diverged = str(error)
            break
        except BudgetError as error:
            stopped = str(error)
            break
        standings.append(_standing(reports, time.perf_counter() - started))
        if on_round is not None:
            on_round(standings[-1])
    return Run(standings, _best(standings), diverged, stopped)


def complete(transport: Transport, rounds: int) -> None:
    """Prediction stage: everyone evaluates its models on its own data, and sends it off.

    Nobody waits for anybody: what is sent depends on the sender alone.

    Parameters
    ----------
    transport : Transport
        After `run_rounds`. `Member.completed` gives the ratings then.
    rounds : int
        How many to use.
    """
    transport.step("begin completion", rounds)
    for name in transport.names:
        for round_ in range(1, rounds + 1):
            transport.step_of(name, "foretell", round_)


def pooled(parts: Sequence[tuple[float, int]], squared: bool) -> float | None:
    """RMSE or MAP of several organisations' sums."""
    total, count = sum(part[0] for part in parts), sum(part[1] for part in parts)
    if not count:
        return None
    return math.sqrt(total / count) if squared else total / count


def _standing(reports: list[Report], seconds: float) -> Standing:
    kinds = {report.squared for report in reports}
    squared = kinds == {True}
    validation, test = (
        pooled(parts, squared) if len(kinds) == 1 else None
        for parts in (
            [report.validation for report in reports],
            [report.test for report in reports],
        )
    )
    return Standing(
        reports[0].round,
        seconds,
        sum(report.train_loss for report in reports) / len(reports),
        validation,
        test,
        course=sum(report.course for report in reports) / len(reports),
        squared=squared,
        judged=any(report.validation[1] for report in reports),
        reports=reports,
    )


def _best(standings: list[Standing]) -> int:
    """Round with the best validation score; where organisations differ, the best mean course."""
    if not standings[-1].judged:
        return standings[-1].round

    def cost(standing: Standing) -> float:
        if standing.validation is None:
            return standing.course
        return standing.validation if standing.squared else -standing.validation

    return min(standings, key=cost).round


def _idle(standings: list[Standing], patience: int | None) -> bool:
    if patience is None or not standings[-1].judged:
        return False
    return standings[-1].round - _best(standings) >= patience
