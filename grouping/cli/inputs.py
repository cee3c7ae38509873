"""From the arguments to complete ratings: reading, and the policy for what is missing."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from grouping.cli.options import parse_scale
from grouping.cli.streams import say
from grouping.errors import IncompleteError, InputError

if TYPE_CHECKING:
    import typer

    from grouping.missing import Missing
    from grouping.ratings import Ratings
    from grouping.reading import ReadReport

Made = TypeVar("Made")

OPTIONS = (
    "format",
    "columns",
    "on_bad_row",
    "duplicates",
    "scale",
    "missing",
    "seed",
    "threads",
    "quiet",
    "verbose",
)
"""Of reading: parameters of `read_input`, and of the commands that read ratings to work on."""


@dataclass
class Input:
    """Ratings that were read, with what reading and predicting took.

    Attributes
    ----------
    ratings : Ratings
        As read.
    report : ReadReport
    seconds : dict
        ``read`` and ``predict``.
    missing : str or float
        The policy that was asked for.
    """

    ratings: Ratings
    report: ReadReport
    seconds: dict[str, float]
    missing: str | float
    quiet: bool = False
    seed: int = 0
    threads: int | None = None
    completed: Ratings | None = field(default=None, repr=False)

    @property
    def settings(self) -> dict[str, Any]:
        """What belongs into a formation's problem."""
        followed = self.missing if self.completed is None else "predict"
        return {"missing": followed, "input_sha256": self.report.sha256}

    def use(self, run: Callable[[Ratings, Missing], Made]) -> Made:
        """Run on ratings that are complete, predicting what is missing where that is asked for.

        Whether a dense matrix is complete shows in the pass that any run starts with, so under
        ``auto`` the run is simply tried first.
        """
        if self.missing == "predict":
            return run(self.predicted(), "error")
        if self.missing != "auto":
            return run(self.ratings, self.missing)
        try:
            return run(self.ratings, "error")
        except IncompleteError:
            return run(self.predicted(), "error")

    def predicted(self) -> Ratings:
        """Return the ratings completed by the built-in predictor, which is said on stderr."""
        if self.completed is None:
            from grouping.missing import complete
            from learners.predictor import default_predictor

            started = time.perf_counter()
            predictor = default_predictor(seed=self.seed, threads=self.threads)
            n, m = self.ratings.shape
            count = self.ratings.count()
            self.completed = complete(self.ratings, predictor)
            self.seconds["predict"] = time.perf_counter() - started
            if count < n * m:
                say(
                    f"{n} users x {m} items, {100 * count / (n * m):.3g} % rated; the rest "
                    "predicted by biased matrix factorisation (ALS) in "
                    f"{self.seconds['predict']:.2f} s",
                    self.quiet,
                )
        return self.completed


def read_asked(context: typer.Context, **instead: Any) -> Input:
    """Read the ratings as the options of a command say.

    Parameters
    ----------
    context : typer.Context
        Of a command that has `RATINGS` and all the options of reading, `OPTIONS`.
    **instead
        Options that the command knows better.

    Returns
    -------
    input : Input

    Raises
    ------
    InputError
        As `read_input` does.
    """
    given = {name: value for name, value in context.params.items() if name in OPTIONS}
    return read_input(context.params["ratings"], **given | instead)


def read_input(
    path: str | None,
    *,
    format: str | None,
    columns: str | None,
    on_bad_row: str,
    duplicates: str,
    scale: str | None,
    missing: str,
    seed: int = 0,
    threads: int | None = None,
    quiet: bool = False,
    verbose: bool = False,
) -> Input:
    """Read the ratings that the arguments name.

    Returns
    -------
    input : Input

    Raises
    ------
    InputError
        If they cannot be read, or the policy for missing ratings is unknown.
    """
    from grouping.reading import read

    policy = _policy(missing)
    started = time.perf_counter()
    ratings, report = read(
        path,
        format=format,
        columns=columns,
        on_bad_row=on_bad_row,
        duplicates=duplicates,
        scale=parse_scale(scale),
    )
    seconds = {"read": time.perf_counter() - started, "predict": 0.0}
    n, m = ratings.shape
    if report.embedded:
        say(
            f"no RATINGS given: the embedded sample, {n} travellers x {m} points of interest", quiet
        )
    say(report.summary(), quiet)
    if verbose:
        say(f"{report.source}: read as {report.format}, {n} users x {m} items", quiet)
    return Input(ratings, report, seconds, policy, quiet, seed, threads)


def _policy(missing: str) -> str | float:
    if missing in ("auto", "error", "min", "mean", "predict"):
        return missing
    try:
        number = float(missing)
        if not math.isfinite(number):
            raise ValueError
        return number
    except ValueError as error:
        raise InputError(
            f"--missing {missing}: give auto, error, min, mean, predict or a number"
        ) from error
