"""One cell of the paper's tables on one split: what to run, and how its scores are measured."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from learners.metrics import average_precisions, rmse
from learners.models.schedule import Fitting
from learners.movielens import MovieLens, read_movielens
from learners.mtal.domain import Domain
from learners.mtal.overarching import of_feedback, quality
from learners.mtal.partition import deal
from learners.mtal.plans import Held, Plan
from learners.mtal.rounds import pooled, run_rounds
from learners.mtal.settings import Settings
from learners.mtal.single import train_single
from learners.mtal.steps import Step
from learners.mtal.transport import LocalMember, Transport
from learners.splits import three_parts

BATCH = {"ml-100k": 100, "ml-1m": 500}
EPOCHS = 200  # of Joint and Alone

STEPS = {
    "eta=.1": Step(eta=0.1),
    "eta=.3": Step(eta=0.3),
    "eta fitted": Step(rate="train"),
    "w fitted": Step(eta=0.1, weights="train"),
    "50% aligned": Step(eta=0.1),
    "eta on validation": Step(rate="validation"),
    "eta, w on validation": Step(rate="validation", weights="validation"),
}
"""Steps of MTAL rows; the last two need a validation part."""


@dataclass(frozen=True)
class Cell:
    """A cell on a split.

    Attributes
    ----------
    data : str
    split : int
        Seed of the split, of the partition and of the models.
    row : str
        ``joint MODEL``, ``alone MODEL`` or ``mtal MODEL STEP``; a model's name ends with ``_s``
        if it is given side information.
    feedback, align, partition : str
    """

    data: str
    split: int
    row: str
    feedback: str
    align: str
    partition: str


@dataclass(frozen=True)
class Outcome:
    """What came of it. Scores are RMSE or MAP@10, over all organisations' ratings together.

    Attributes
    ----------
    base : float
        Of the base model, joint, fitted to 90 % of the ratings.
    best, best_at, last : float, int, float
        (a): fitted to 90 %; the best round or epoch on the test ratings, and the last one.
    chosen_at, validated : int, float
        (b): fitted to 81 %, the round chosen on 9 %.
    refitted : float
        (b) again: the chosen round of the run (a), which learned from 90 %.
    paper_base, paper_best, paper_at : float, float, int
        As (a), measured as the paper does: mean over batches of rows, weighted by their ratings.
    seconds : float
    curve, paper_curve : str
        Scores of (a) from round 0 on, or of every tenth epoch.
    """

    base: float
    best: float
    best_at: int
    last: float
    chosen_at: int
    validated: float
    refitted: float
    paper_base: float
    paper_best: float
    paper_at: int
    seconds: float
    curve: str
    paper_curve: str


Scores = list[NDArray[np.float64]]


def run_cell(cell: Cell, validated: bool = True, single_epochs: int = EPOCHS) -> Outcome:
    """Run a cell, both ways.

    Parameters
    ----------
    cell : Cell
    validated : bool
        Whether (b) is wanted; its figures are NaN otherwise.
    single_epochs : int
        Epochs of Joint and Alone.

    Returns
    -------
    outcome : Outcome
    """
    started = time.perf_counter()
    data = read_movielens(cell.data)
    rows, truth, base = base_of(cell, data)
    step_validation = "validation" in cell.row
    scores, _ = _run(cell, data, 0.1 if step_validation else 0.0, single_epochs)
    curve = [score_of(cell, rows, truth, s) for s in scores]
    paper = [_as_in_the_paper(cell, rows, truth, s) for s in scores]
    best, best_at = best_of(cell, curve)
    paper_best, paper_at = best_of(cell, paper)
    chosen_at, on_validation, refitted = -1, np.nan, np.nan
    if validated:
        learned, chosen_at = _run(cell, data, 0.1, single_epochs)
        on_validation = score_of(cell, rows, truth, learned[chosen_at])
        refitted = curve[chosen_at]
    first = 0 if cell.row.startswith("mtal") else 1
    thin = 1 if first == 0 else 10
    return Outcome(
        score_of(cell, rows, truth, base),
        best,
        best_at + first,
        curve[-1],
        chosen_at + first if validated else -1,
        float(on_validation),
        float(refitted),
        _as_in_the_paper(cell, rows, truth, base),
        paper_best,
        paper_at + first,
        time.perf_counter() - started,
        " ".join(f"{score:.5f}" for score in curve[::thin]),
        " ".join(f"{score:.5f}" for score in paper[::thin]),
    )


def base_of(
    cell: Cell, data: MovieLens
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float64]]:
    """Rows and truth of the tested ratings in the order of the domains, and the base's scores."""
    (whole,) = domains_of(replace(cell, partition="uniform:1", row="joint base"), data, 0.0)
    course = train_single("base", whole, of_feedback(cell.feedback), Fitting())
    place = {
        (row, column): score
        for row, column, score in zip(
            whole.test.rows, whole.columns.take(whole.test.columns), course.test[0], strict=True
        )
    }
    domains = domains_of(cell, data, 0.0)
    rows = np.concatenate([domain.test.rows for domain in domains])
    columns = [name for d in domains for name in d.columns.take(d.test.columns)]
    truth = np.concatenate([domain.test.values for domain in domains])
    scores = np.array([place[key] for key in zip(rows, columns, strict=True)], dtype=np.float64)
    return rows, truth, scores


def domains_of(cell: Cell, data: MovieLens, validation: float) -> list[Domain]:
    parts = three_parts(data.ratings, validation=validation, seed=cell.split)
    side = "_s" in cell.row
    domains = deal(
        parts,
        align="user" if cell.align == "user" else "item",
        partition="uniform:1" if cell.row.startswith("joint") else cell.partition,
        shared=0.5 if cell.row.endswith("50% aligned") else 1.0,
        profiles=data.profiles if side else None,
        attributes=data.genres if side else None,
        genres=data.genres,
        seed=cell.split,
    )
    if cell.feedback == "implicit":
        domains = [domain.binarised(3.5) for domain in domains]
    return domains


def _run(cell: Cell, data: MovieLens, validation: float, epochs: int) -> tuple[Scores, int]:
    """Scores of the tested ratings step by step, and the step that validation chooses."""
    domains = domains_of(cell, data, validation)
    run = _run_mtal if cell.row.startswith("mtal") else _run_single
    return run(cell, domains, epochs)


def _run_single(cell: Cell, domains: list[Domain], epochs: int) -> tuple[Scores, int]:
    loss = of_feedback(cell.feedback)
    model = cell.row.split()[1].removesuffix("_s")
    courses = [
        train_single(
            model,
            domain,
            loss,
            Fitting(epochs=epochs, batch=BATCH[cell.data]),
            seed=1000 * cell.split + number,
        )
        for number, domain in enumerate(domains)
    ]
    steps = range(len(courses[0].test))
    scores = [np.concatenate([c.test[s] for c in courses]).astype(np.float64) for s in steps]
    judged = [
        pooled(
            [
                quality(loss, d.validation.rows, c.validation[s].astype(np.float64), _truth(d))
                for c, d in zip(courses, domains, strict=True)
            ],
            loss == "squared",
        )
        for s in steps
    ]
    if judged[0] is None:
        return scores, -1
    return scores, best_of(cell, [score for score in judged if score is not None])[1]


def _run_mtal(cell: Cell, domains: list[Domain], epochs: int) -> tuple[Scores, int]:
    _, model, step = cell.row.split(maxsplit=2)
    settings = Settings(
        feedback="explicit" if cell.feedback == "explicit" else "implicit",
        model=model.removesuffix("_s"),
        fitting=Fitting(batch=BATCH[cell.data]),
        step=STEPS[step],
    )
    # ratings are likes already: a plan would binarise them again
    members = []
    for number, domain in enumerate(domains):
        own = replace(settings, seed=1000 * cell.split + number)
        plan = Plan(Held(domain), own, "benchmark", b"benchmark", positive_from=0.5)
        members.append(LocalMember(*plan.build()))
    scores: Scores = []
    with Transport(members) as transport:
        ended = run_rounds(
            transport,
            10,
            on_round=lambda _: scores.append(
                np.concatenate([member.held_out_scores() for member in members])
            ),
        )
    return scores, ended.chosen


def _truth(domain: Domain) -> NDArray[np.float64]:
    return domain.validation.values.astype(np.float64)


def score_of(cell: Cell, rows: NDArray, truth: NDArray, scores: NDArray) -> float:
    if cell.feedback == "explicit":
        return rmse(truth, scores)
    return float(average_precisions(rows, truth, scores).mean())


def _as_in_the_paper(cell: Cell, rows: NDArray, truth: NDArray, scores: NDArray) -> float:
    batch = rows // BATCH[cell.data]
    return float(
        sum(
            (batch == b).sum()
            * score_of(cell, rows[batch == b], truth[batch == b], scores[batch == b])
            for b in np.unique(batch)
        )
        / len(rows)
    )


def best_of(cell: Cell, curve: list[float]) -> tuple[float, int]:
    sign: Callable[[float], float] = (lambda s: s) if cell.feedback == "explicit" else lambda s: -s
    at = min(range(len(curve)), key=lambda step: sign(curve[step]))
    return curve[at], at
