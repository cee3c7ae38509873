"""`grouping learn mtal`: organisations that improve each other, and what they complete."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from grouping.cli import options as o
from grouping.errors import GroupingError, InputError

if TYPE_CHECKING:
    from pathlib import Path

    from learners.models.schedule import Fitting
    from learners.mtal.privacy import Privacy
    from learners.mtal.rounds import Standing
    from learners.mtal.steps import Step

_ROUNDS = {"residuals": 10, "factors": 20}
_OF_NOISE = ("clip", "delta")
_OF_RESIDUALS = (
    "epochs", "batch", "eta", "weights", "local_loss", "base", "inputs", "noise", "epsilon",
    *_OF_NOISE,
)  # fmt: skip
_OF_FACTORS = ("factors", "regularization")
_OF_DATA = ("partition", "shared", "side")
_OF_ORGS = (
    "profiles", "attributes", "profile_kinds", "attribute_kinds", "columns", "on_bad_row",
    "duplicates",
)  # fmt: skip

mtal = typer.Typer(invoke_without_command=True, rich_markup_mode=None)

Folder = Annotated[
    str,
    typer.Argument(metavar="DIR", help="Folder of a run."),
]
InProcess = Annotated[
    bool,
    typer.Option(
        "--in-process",
        help="Run all organisations in this process, not each in its own; the result is the same.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        help="How many organisations compute at the same time; one a core by default.",
        min=1,
    ),
]


@mtal.callback()
def train(
    context: typer.Context,
    org: Annotated[
        list[str] | None,
        typer.Option(
            "--org",
            metavar="[NAME=]FILE",
            help="An organisation's ratings, read by nobody else; give two or more.",
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="ml-100k|ml-1m|PATH",
            help="Deal a MovieLens data set out to organisations instead.",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Folder of the run: begun, or gone on with.",
        ),
    ] = None,
    partition: Annotated[
        str,
        typer.Option("--partition", metavar="uniform:K|genre", help="How --data is dealt out."),
    ] = "uniform:8",
    shared: Annotated[
        float,
        typer.Option(
            "--shared",
            metavar="SHARE",
            help="Share of the users (items) of --data that organisations have in common.",
            min=0,
            max=1,
        ),
    ] = 1.0,
    align: Annotated[
        Literal["user", "item"],
        typer.Option("--align", help="What organisations have in common."),
    ] = "user",
    method: Annotated[
        Literal["residuals", "factors"],
        typer.Option(
            "--method",
            help="Exchange residuals (the paper's), or sums by which all factorise together.",
        ),
    ] = "residuals",
    feedback: Annotated[
        Literal["explicit", "implicit"],
        typer.Option("--feedback", help="Ratings to be met, or likes to be told from dislikes."),
    ] = "explicit",
    positive_from: Annotated[
        float,
        typer.Option(
            "--positive-from", metavar="RATING", help="Implicit feedback: a like from here on."
        ),
    ] = 3.5,
    side: Annotated[
        bool, typer.Option("--side", help="Use the side information of --data.")
    ] = False,
    profiles: Annotated[
        list[str] | None,
        typer.Option(
            "--profiles",
            metavar="FILE",
            help="Table of users: one for all --org, or one for each.",
        ),
    ] = None,
    attributes: Annotated[
        list[str] | None,
        typer.Option(
            "--attributes",
            metavar="FILE",
            help="Table of items: one for all --org, or one for each.",
        ),
    ] = None,
    profile_kinds: Annotated[
        str | None,
        typer.Option(
            "--profile-kinds",
            metavar="COLUMN=KIND,...",
            help="How columns of --profiles are encoded, as age=number:36:12,zip=ignore.",
        ),
    ] = None,
    attribute_kinds: Annotated[
        str | None,
        typer.Option(
            "--attribute-kinds",
            metavar="COLUMN=KIND,...",
            help="How columns of --attributes are encoded.",
        ),
    ] = None,
    columns: o.Columns = None,
    on_bad_row: o.OnBadRow = "error",
    duplicates: o.Duplicates = "error",
    rounds: Annotated[
        int | None,
        typer.Option(
            "--rounds",
            metavar="T",
            help="Assistance rounds; 10, or 20 for --method factors.",
            min=1,
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            "--patience",
            metavar="ROUNDS",
            help="Stop after so many rounds without a better validation score.",
            min=1,
        ),
    ] = None,
    epochs: Annotated[
        int, typer.Option("--epochs", metavar="N", help="Epochs of a round's model.", min=1)
    ] = 20,
    batch: Annotated[
        int | None,
        typer.Option("--batch", metavar="ROWS", help="Rows a batch; 100, or 500 for ml-1m.", min=1),
    ] = None,
    eta: Annotated[
        str,
        typer.Option(
            "--eta",
            metavar="NUMBER|train|validation",
            help="Rate of a round: constant, fitted to the training ratings, or chosen on "
            "validation.",
        ),
    ] = "0.3",
    weights: Annotated[
        Literal["constant", "train", "validation"],
        typer.Option(
            "--weights", help="Weights of the organisations: equal, fitted, or chosen likewise."
        ),
    ] = "constant",
    local_loss: Annotated[
        Literal["l1", "l2"],
        typer.Option("--local-loss", help="What a round's model fits the residuals by."),
    ] = "l2",
    base: Annotated[
        Literal["mean", "bias"],
        typer.Option("--base", help="Start from means of columns, or biases of both sides."),
    ] = "mean",
    inputs: Annotated[
        Literal["raw", "centred"],
        typer.Option("--inputs", help="Models read ratings, or what exceeds the base, and a mask."),
    ] = "raw",
    factors: Annotated[
        int,
        typer.Option("--factors", metavar="D", help="Factors of a row, for that method.", min=0),
    ] = 20,
    regularization: Annotated[
        float,
        typer.Option("--regularization", metavar="R", help="Of the factors, for that method."),
    ] = 1.8,
    validation: Annotated[
        float,
        typer.Option(
            "--validation", metavar="SHARE", help="Share of the ratings to choose rounds on."
        ),
    ] = 0.1,
    test: Annotated[
        float | None,
        typer.Option(
            "--test",
            metavar="SHARE",
            help="Share of the ratings to test on; 0.1 for --data, none for --org.",
        ),
    ] = None,
    noise: Annotated[
        float | None,
        typer.Option(
            "--noise",
            metavar="Z",
            help="Differential privacy of rows (users; with --align item, items): clip what is "
            "sent, and add noise of Z sensitivities.",
        ),
    ] = None,
    epsilon: Annotated[
        float | None,
        typer.Option(
            "--epsilon",
            metavar="E",
            help="Differential privacy: budget of each organisation; sets --noise if it is not.",
        ),
    ] = None,
    delta: Annotated[
        float, typer.Option("--delta", metavar="D", help="Differential privacy: delta.")
    ] = 1e-5,
    clip: Annotated[
        float,
        typer.Option("--clip", metavar="C", help="Differential privacy: largest norm of a row."),
    ] = 4.0,
    key_file: Annotated[
        str | None,
        typer.Option(
            "--key-file",
            metavar="FILE",
            help="Key that organisations agreed on for matching; drawn anew by default.",
        ),
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], typer.Option("--device", help="Where models train.")
    ] = "auto",
    in_process: InProcess = False,
    workers: Workers = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            metavar="S",
            help="Seed of all that is drawn at random; 0, or with noise one that nobody knows.",
            min=0,
        ),
    ] = None,
    quiet: o.Quiet = False,
) -> None:
    """Let organisations improve each other without pooling their ratings.

    By residuals: MTAL with autoencoders. By factors: a matrix factorisation of all ratings, exact.
    A folder that holds a run with the same options is gone on with. What is exchanged gives
    ratings away, residuals unless noise is added: see the page on assisted learning.
    """
    if context.invoked_subcommand is not None:
        return
    if out is None:
        raise InputError("--out: say in which folder the run is kept")
    from pathlib import Path

    from grouping.cli.streams import say
    from learners.mtal.run import Request
    from learners.mtal.run import learn as run_request
    from learners.mtal.settings import Settings
    from learners.mtal.shared_factors import Factors
    from learners.mtal.tables import absolute, named

    others = _OF_RESIDUALS if method == "factors" else _OF_FACTORS
    _refuse(context, others, f"with --method {method}")
    _refuse(context, _OF_ORGS if data else _OF_DATA, f"with {'--data' if data else '--org'}")
    if noise is None and epsilon is None:
        _refuse(context, _OF_NOISE, "without --noise or --epsilon")
    _check_installed(method)
    if method == "residuals":
        from learners.training.devices import choose_device

        choose_device(device)  # before anything is begun
    rounds = rounds or _ROUNDS[method]
    if bool(org) == (data is not None):
        raise InputError("give the organisations' tables (--org, twice or more), or --data")
    folder = Path(out)
    privacy = _privacy(noise, epsilon, delta, clip, rounds, folder)
    if privacy is not None and align == "item":
        say(
            "with --align item, rows are items: noise and epsilon are about all ratings of an "
            "item, not about all of a person",
            quiet,
        )
    data = _data(data)
    request = Request(
        orgs=named(org) if org else {},
        data=data,
        partition=partition,
        shared=shared,
        align=align,
        side=side,
        profiles=tuple(map(absolute, profiles or ())),
        attributes=tuple(map(absolute, attributes or ())),
        profile_kinds=profile_kinds,
        attribute_kinds=attribute_kinds,
        columns=columns,
        on_bad_row=on_bad_row,
        duplicates=duplicates,
        validation=validation,
        test=(0.1 if data else 0.0) if test is None else test,
        positive_from=positive_from,
        rounds=rounds,
        patience=patience,
        seed=_seed(folder, privacy) if seed is None else seed,
        settings=Settings(
            feedback=feedback,
            method=method,
            base=base,
            inputs=inputs,
            local_loss=local_loss,
            fitting=_fitting(epochs, batch, data),
            step=_step(eta, weights),
            privacy=privacy,
            factors=Factors(count=factors, regularization=regularization),
            device=device,
        ),
    )
    run = run_request(
        request,
        folder,
        in_process=in_process,
        workers=workers,
        key=None if key_file is None else _key(key_file),
        on_round=lambda standing: say(_progress(standing, rounds), quiet),
        on_resume=lambda done: say(f"{out}: goes on after round {done}", quiet),
    )
    _show(run.standings[0], run.standings[run.chosen])
    kept = f"{out}: rounds up to {run.standings[-1].round} are kept, {run.chosen} is chosen"
    if run.diverged is not None:
        raise GroupingError(f"{run.diverged}. {kept}")
    say(run.stopped or "", quiet)
    say(kept, quiet)


@mtal.command()
def predict(
    folder: Folder,
    out: Annotated[
        str | None,
        typer.Option(
            "--out", metavar="DIR", help="Folder for the files; by default that of the run."
        ),
    ] = None,
    ending: Annotated[
        Literal["csv", "csv.gz", "parquet", "npy"],
        typer.Option("--ending", help="Format of the files, by their ending."),
    ] = "csv",
    rounds: Annotated[
        int | None,
        typer.Option(
            "--rounds",
            metavar="T",
            help="Rounds to use; by default those that validation chose.",
            min=0,
        ),
    ] = None,
    in_process: InProcess = False,
    workers: Workers = None,
    quiet: o.Quiet = False,
) -> None:
    """Write each organisation's completed ratings, for `grouping form`.

    One file an organisation, NAME.csv: all its users and items, its own ratings where it has them,
    but for those tested on, which are predicted too.
    """
    from pathlib import Path

    from grouping.cli.streams import say
    from grouping.files import made
    from grouping.ratings import Ratings
    from grouping.writing import write_ratings
    from learners.mtal.run import apply, request_of

    target = Path(out or folder)
    request = request_of(Path(folder))
    _check_installed(request.settings.method)
    made(target)
    for path in (*request.orgs.values(), *request.profiles, *request.attributes):
        if any((target / f"{name}.{ending}").resolve() == Path(path) for name in request.orgs):
            raise InputError(
                f"{path}: what is completed would take the place of this table: give another --out"
            )

    def write(name: str, ratings: Ratings) -> None:
        path = target / f"{name}.{ending}"
        write_ratings(ratings, path)
        say(f"{path}: {ratings.shape[0]} users x {ratings.shape[1]} items", quiet)

    used = apply(Path(folder), rounds=rounds, in_process=in_process, workers=workers, take=write)
    say(f"{folder}: completed with {used} round{'s' if used != 1 else ''}", quiet)


def _refuse(context: typer.Context, others: tuple[str, ...], where: str) -> None:
    """Refuse options that are given but would have no effect."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name in others and source is not None and source.name == "COMMANDLINE":
            raise InputError(f"{parameter.opts[0]} has no meaning {where}")


def _check_installed(method: str) -> None:
    from importlib.util import find_spec

    for module in ("safetensors",) if method == "factors" else ("torch", "safetensors"):
        if find_spec(module) is None:
            raise GroupingError(
                f"learning needs {module}, which is not installed: pip install 'grouping[learners]'"
            )


def _fitting(epochs: int, batch: int | None, data: str | None) -> Fitting:
    from learners.models.schedule import Fitting

    large = data is not None and "ml-1m" in os.path.basename(data)
    return Fitting(epochs=epochs, batch=batch or (500 if large else 100))


def _step(eta: str, weights: Literal["constant", "train", "validation"]) -> Step:
    from learners.mtal.steps import Step

    if eta == "train":
        return Step(rate="train", weights=weights)
    if eta == "validation":
        return Step(rate="validation", weights=weights)
    try:
        return Step(eta=float(eta), weights=weights)
    except ValueError as error:
        raise InputError(f"--eta {eta}: give a number, train or validation") from error


def _privacy(
    noise: float | None,
    epsilon: float | None,
    delta: float,
    clip: float,
    rounds: int,
    folder: Path,
) -> Privacy | None:
    if noise is None and epsilon is None:
        return None
    from dataclasses import replace

    from learners.mtal.privacy import Privacy, noise_for
    from learners.mtal.run import begun_in, request_of

    budget = float("inf") if epsilon is None else epsilon
    private = Privacy(1.0 if noise is None else noise, clip, clip, delta, budget).checked()
    if noise is not None:
        return private
    begun = request_of(folder).settings.privacy if begun_in(folder) else None
    if begun is not None and replace(begun, noise=private.noise) == private:
        return begun  # the noise that lasted for the rounds first asked for
    return replace(private, noise=noise_for(budget, delta, rounds)).checked()


def _seed(folder: Path, privacy: Privacy | None) -> int:
    """Seed where none is given: noise that could be guessed would be none."""
    if privacy is None:
        return 0
    import secrets

    from learners.mtal.run import begun_in, request_of

    return request_of(folder).seed if begun_in(folder) else secrets.randbits(128)


def _data(data: str | None) -> str | None:
    """Path of a data set that means the same from any working folder."""
    if data is None:
        return None
    from learners.movielens import NAMES, find
    from learners.mtal.tables import absolute

    found = find(data) if data in NAMES else None
    return data if data in NAMES and found is None else absolute(str(found or data))


def _key(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            key = file.read(4097).strip()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    if not 16 <= len(key) <= 4096:
        raise InputError(f"{path}: a key has 16 bytes or more, and not thousands")
    return key


def _progress(standing: Standing, rounds: int) -> str:
    name = "RMSE" if standing.squared else "MAP"
    parts = [
        f"{what} {name} {value:.4f}"
        for what, value in (("validation", standing.validation), ("test", standing.test))
        if value is not None
    ]
    parts.append(f"train loss {standing.train_loss:.4f}")
    spent = max((r.epsilon for r in standing.reports if r.epsilon is not None), default=None)
    if spent is not None:
        parts.append(f"epsilon {spent:.3g}")
    return f"round {standing.round}/{rounds}, {standing.seconds:.1f} s: {', '.join(parts)}"


def _show(first: Standing, chosen: Standing) -> None:
    """Print what each organisation had alone and has now."""
    from rich.table import Table

    from grouping.cli.streams import emit_table
    from learners.mtal.rounds import pooled

    name = "RMSE" if chosen.squared else "MAP"
    part = "test" if any(report.test[1] for report in chosen.reports) else "validation"
    table = Table(title=f"Round {chosen.round}, {part} {name}", title_justify="left")
    for heading in ("organisation", "common rows", "base", "together", "change"):
        table.add_column(heading, justify="left" if heading == "organisation" else "right")
    for before, after in zip(first.reports, chosen.reports, strict=True):
        was, now = (pooled([getattr(r, part)], r.squared) for r in (before, after))
        shown = ["-"] * 3
        if was is not None and now is not None:
            change = now / was - 1 if was else 0.0
            shown = [f"{was:.4f}", f"{now:.4f}", f"{100 * change:+.1f} %"]
        table.add_row(after.name, str(max(after.common.values(), default=0)), *shown)
    emit_table(table)
