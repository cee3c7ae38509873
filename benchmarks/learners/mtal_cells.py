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
EPOCHS = 200  # of Joint and Alone, at most
PATIENCE = 30
"""Epochs without a better one after which Joint and Alone end; see `run_cell`."""
ROUNDS = 10
LIKED_FROM = 3.5

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

    Rows that step on by validation need it in (a) too: where it says 90 % here, they are fitted to
    81 %, but for their base.

    Attributes
    ----------
    base : float
        Of the base model, joint, fitted to 90 % of the ratings.
    best, best_at, last : float, int, float
        (a): fitted to 90 %; the best round or epoch on the test ratings, and the last one (NaN if
        not all were gone through).
    chosen_at, validated : int, float
        (b): fitted to 81 %, the round chosen on 9 %.
    refitted : float
        (b) again: the chosen round of the run (a), which learned from 90 %.
    paper_base, paper_best, paper_at : float, float, int
        As (a), measured as the paper does: mean over batches of rows, weighted by their ratings.
    seconds : float
    curve, paper_curve : str
        Scores of (a) from round 0 on, or of every tenth epoch from the first on.
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


def run_cell(
    cell: Cell, validated: bool = True, single_epochs: int = EPOCHS, device: str = "cpu"
) -> Outcome:
    """Run a cell, both ways.

    To save time, Joint and Alone end when `PATIENCE` epochs in a row were no better, (a) on the
    tested ratings, (b) on validation; but not models with vectors of rows and columns that learn
    ratings: they often stay at what biases alone can tell, and get better again a hundred epochs
    later. MTAL with explicit feedback ends, on all splits but the first, two rounds after the one
    that validation chose, both ways.

    Parameters
    ----------
    cell : Cell
    validated : bool
        Whether (b) is wanted; its figures are NaN otherwise.
    single_epochs : int
        Most epochs of Joint and Alone.
    device : str
        Where networks are trained. Another one adds up in another order: its scores differ as those
        of another seed would.

    Returns
    -------
    outcome : Outcome
    """
    started = time.perf_counter()
    data = read_movielens(cell.data)
    tested = tested_of(cell, data)
    mtal = cell.row.startswith("mtal")
    most = ROUNDS if mtal else single_epochs
    chosen_at, on_validation, refitted, steps = -1, np.nan, np.nan, most
    if validated:
        thrifty = cell.split > 0 and cell.feedback == "explicit"
        patience = 2 if mtal and thrifty else None
        learned = _run(cell, data, 0.1, most, device, patience=patience)
        chosen_at = learned.chosen
        on_validation = tested.score(learned.scores[chosen_at])
        steps = len(learned.scores) - 1 if mtal else most
    needs_validation = "validation" in cell.row
    if needs_validation and validated:
        whole = learned  # it would be the same again
    else:
        share = 0.1 if needs_validation else 0.0
        whole = _run(cell, data, share, steps, device, at_least=chosen_at)
    curve = [tested.score(s) for s in whole.scores]
    paper = [tested.score_as_in_the_paper(s) for s in whole.scores]
    best, best_at = best_of(cell, curve)
    paper_best, paper_at = best_of(cell, paper)
    if validated:
        refitted = curve[chosen_at]
    first, thin = (0, 1) if mtal else (1, 10)
    ended = cell.row.endswith("base") or len(curve) == (most + 1 if mtal else most)
    return Outcome(
        tested.score(tested.base),
        best,
        best_at + first,
        curve[-1] if ended else np.nan,
        chosen_at + first if validated else -1,
        float(on_validation),
        float(refitted),
        tested.score_as_in_the_paper(tested.base),
        paper_best,
        paper_at + first,
        time.perf_counter() - started,
        " ".join(f"{score:.5f}" for score in curve[::thin]),
        " ".join(f"{score:.5f}" for score in paper[::thin]),
    )


@dataclass(frozen=True)
class Tested:
    """The tested ratings of all domains together.

    They are judged by row, then by column as named, whatever domains they lie in: of equal scores
    the first given ranks first, and Base has many.

    Attributes
    ----------
    cell : Cell
    rows, columns : array
    truth : float32 array
    base : float64 array
        What the base model, joint, predicts. All in the order of the domains.
    """

    cell: Cell
    rows: NDArray[np.int64]
    columns: NDArray
    truth: NDArray[np.float32]
    base: NDArray[np.float64]

    def score(self, scores: NDArray) -> float:
        """RMSE or MAP@10 of scores given in the order of the domains."""
        order = np.lexsort((self.columns, self.rows))
        return score_of(self.cell, self.rows[order], self.truth[order], scores[order])

    def score_as_in_the_paper(self, scores: NDArray) -> float:
        """Mean over batches of rows, weighted by their ratings."""
        batch = self.rows // BATCH[self.cell.data]
        parts = [np.flatnonzero(batch == number) for number in np.unique(batch)]
        return float(
            sum(
                len(part)
                * replace(
                    self,
                    rows=self.rows[part],
                    columns=self.columns[part],
                    truth=self.truth[part],
                ).score(scores[part])
                for part in parts
            )
            / len(self.rows)
        )


def tested_of(cell: Cell, data: MovieLens) -> Tested:
    (whole,) = domains_of(replace(cell, partition="uniform:1", row="joint base"), data, 0.0)
    ((_, tested),) = train_single("base", whole, of_feedback(cell.feedback), Fitting())
    place = {
        (row, column): score
        for row, column, score in zip(
            whole.test.rows, whole.columns.take(whole.test.columns), tested, strict=True
        )
    }
    domains = domains_of(cell, data, 0.0)
    rows = np.concatenate([domain.test.rows for domain in domains])
    columns = np.array([name for d in domains for name in d.columns.take(d.test.columns)])
    truth = np.concatenate([domain.test.values for domain in domains])
    base = np.array([place[key] for key in zip(rows, columns, strict=True)], dtype=np.float64)
    return Tested(cell, rows, columns, truth, base)


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
        domains = [domain.binarised(LIKED_FROM) for domain in domains]
    return domains


@dataclass
class _Learned:
    """Scores of the tested ratings step by step, and the step that validation chooses, or -1."""

    scores: list[NDArray[np.float64]]
    chosen: int


def _run(
    cell: Cell,
    data: MovieLens,
    validation: float,
    steps: int,
    device: str,
    *,
    patience: int | None = None,
    at_least: int = -1,
) -> _Learned:
    """Take at most so many steps, and up to `at_least`; rounds are numbered from the base on."""
    domains = domains_of(cell, data, validation)
    if cell.row.startswith("mtal"):
        return _run_mtal(cell, domains, steps, device, patience)
    return _run_single(cell, domains, steps, device, at_least)


def _run_single(
    cell: Cell, domains: list[Domain], epochs: int, device: str, at_least: int
) -> _Learned:
    loss = of_feedback(cell.feedback)
    model = cell.row.split()[1].removesuffix("_s")
    courses = [
        train_single(
            model,
            domain,
            loss,
            Fitting(epochs=epochs, batch=BATCH[cell.data]),
            seed=1000 * cell.split + number,
            device=device,
        )
        for number, domain in enumerate(domains)
    ]
    rows = np.concatenate([domain.test.rows for domain in domains])
    truth = np.concatenate([domain.test.values for domain in domains])
    learned, judged, tested = _Learned([], -1), [], []
    for parts in zip(*courses, strict=True):
        scores = np.concatenate([test for _, test in parts]).astype(np.float64)
        learned.scores.append(scores)
        score = pooled(
            [
                quality(loss, d.validation.rows, of_validation.astype(np.float64), _truth(d))
                for (of_validation, _), d in zip(parts, domains, strict=True)
            ],
            loss == "squared",
        )
        if score is not None:
            judged.append(score)
        tested.append(score_of(cell, rows, truth, scores))
        best = best_of(cell, judged or tested)[1]
        if not _stays_and_moves(cell) and len(tested) - 1 >= max(best + PATIENCE, at_least):
            break
    if judged:
        learned.chosen = best_of(cell, judged)[1]
    return learned


def _stays_and_moves(cell: Cell) -> bool:
    model = cell.row.split()[1].removesuffix("_s")
    return cell.feedback == "explicit" and model in ("mf", "mlp", "ncf")


def _run_mtal(
    cell: Cell, domains: list[Domain], rounds: int, device: str, patience: int | None
) -> _Learned:
    _, model, step = cell.row.split(maxsplit=2)
    settings = Settings(
        feedback="explicit" if cell.feedback == "explicit" else "implicit",
        model=model.removesuffix("_s"),
        fitting=Fitting(batch=BATCH[cell.data]),
        step=STEPS[step],
        device=device,
    )
    # ratings are likes already: a plan would binarise them again
    members = []
    for number, domain in enumerate(domains):
        own = replace(settings, seed=1000 * cell.split + number)
        plan = Plan(Held(domain), own, "benchmark", b"benchmark", positive_from=0.5)
        members.append(LocalMember(*plan.build()))
    learned = _Learned([], -1)
    with Transport(members) as transport:
        ended = run_rounds(
            transport,
            rounds,
            patience=patience,
            on_round=lambda _: learned.scores.append(
                np.concatenate([member.held_out_scores() for member in members])
            ),
        )
    learned.chosen = ended.chosen
    return learned


def _truth(domain: Domain) -> NDArray[np.float64]:
    return domain.validation.values.astype(np.float64)


def score_of(cell: Cell, rows: NDArray, truth: NDArray, scores: NDArray) -> float:
    if cell.feedback == "explicit":
        return rmse(truth, scores)
    return float(average_precisions(rows, truth, scores).mean())


def best_of(cell: Cell, curve: list[float]) -> tuple[float, int]:
    sign: Callable[[float], float] = (lambda s: s) if cell.feedback == "explicit" else lambda s: -s
    at = min(range(len(curve)), key=lambda step: sign(curve[step]))
    return curve[at], at
