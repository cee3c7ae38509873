"""A whole run in a folder: begun, resumed after a kill, and applied."""

from __future__ import annotations

import csv
import io
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from grouping.errors import GroupingError, InputError
from grouping.files import made, replacing
from grouping.ratings import Ratings
from learners.mtal.checkpoint import Checkpoint, finished_rounds
from learners.mtal.domain import Align
from learners.mtal.plans import Held, Plan, Source
from learners.mtal.rounds import Run, Standing, complete, run_rounds
from learners.mtal.settings import Settings
from learners.mtal.tables import ROUNDS, RUN, TableSource, safe
from learners.mtal.transport import LocalMember, Member, Transport

FORMAT = 1
"""Of run.json."""

_COLUMNS = [
    "round", "organisation", "seconds", "train_loss", "validation_loss", "validation_sum",
    "validation_count", "test_sum", "test_count", "eta", "weights", "epsilon",
]  # fmt: skip


@dataclass(frozen=True)
class Request:
    """What a run is about. With the data it decides the result.

    Attributes
    ----------
    orgs : dict of str to str
        Names and files of organisations; empty if `data` is dealt out.
    data : str or None
        ``ml-100k``, ``ml-1m``, or the path of their folder or archive.
    partition : str
    shared : float
        Share of the rows of `data` that organisations have in common.
    align : {"user", "item"}
    side : bool
        Whether `data` comes with its side information.
    profiles, attributes : tuple of str
        Tables of the `orgs`: none, one for all, or one for each.
    profile_kinds, attribute_kinds : str or None
    columns : str or None
    on_bad_row, duplicates : str
        How the tables of `orgs` are read; see `grouping.reading.read`.
    validation, test : float
    positive_from : float
    rounds : int
    patience : int or None
    seed : int
    settings : Settings
        Of every organisation; each gets a seed of its own made from `seed`.
    """

    orgs: dict[str, str] = field(default_factory=dict)
    data: str | None = None
    partition: str = "uniform:8"
    shared: float = 1.0
    align: Align = "user"
    side: bool = False
    profiles: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    profile_kinds: str | None = None
    attribute_kinds: str | None = None
    columns: str | None = None
    on_bad_row: str = "error"
    duplicates: str = "error"
    validation: float = 0.1
    test: float = 0.0
    positive_from: float = 3.5
    rounds: int = 10
    patience: int | None = None
    seed: int = 0
    settings: Settings = field(default_factory=Settings)

    def as_json(self) -> dict[str, Any]:
        """Plain values, for a JSON document."""
        plain = asdict(replace(self, settings=Settings()))
        plain["settings"] = self.settings.as_json()
        return {name: list(v) if isinstance(v, tuple) else v for name, v in plain.items()}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Request:
        """Request from what `as_json` made of it.

        Raises
        ------
        InputError
            If the document is none.
        """
        try:
            given = dict(plain)
            given["settings"] = Settings.from_json(given["settings"])
            for name in ("profiles", "attributes"):
                given[name] = tuple(given[name])
            return cls(**given)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"what was asked for cannot be read ({error})") from error

    def sources(self) -> list[Source]:
        """Where each organisation's data come from.

        Raises
        ------
        InputError
            If the data are not there or cannot be dealt out so.
        """
        if bool(self.orgs) == (self.data is not None):
            raise InputError("give the organisations' tables (--org), or a data set (--data)")
        return self._tables() if self.orgs else self._dealt()

    def _tables(self) -> list[Source]:
        beside = [
            _for_each("profiles", self.profiles, len(self.orgs)),
            _for_each("attributes", self.attributes, len(self.orgs)),
        ]
        return [
            TableSource(
                name, path, self.align, self.validation, self.test, self.seed,
                profiles, attributes, self.profile_kinds, self.attribute_kinds,
                self.columns, self.on_bad_row, self.duplicates,
            )
            for (name, path), profiles, attributes in zip(self.orgs.items(), *beside, strict=True)
        ]  # fmt: skip

    def _dealt(self) -> list[Source]:
        from learners.movielens import read_movielens
        from learners.mtal.partition import deal
        from learners.splits import three_parts

        read = read_movielens(str(self.data))
        parts = three_parts(
            read.ratings, validation=self.validation, test=self.test, seed=self.seed
        )
        dealt = deal(
            parts,
            align=self.align,
            partition=self.partition,
            shared=self.shared,
            profiles=read.profiles if self.side else None,
            attributes=read.genres if self.side else None,
            genres=read.genres,
            seed=self.seed,
        )
        return [Held(replace(domain, name=safe(domain.name))) for domain in dealt]


def learn(
    request: Request,
    folder: Path,
    *,
    in_process: bool = False,
    workers: int | None = None,
    key: bytes | None = None,
    on_round: Callable[[Standing], None] | None = None,
    on_resume: Callable[[int], None] | None = None,
) -> Run:
    """Run the rounds, or go on where a run of the same request stopped.

    Parameters
    ----------
    request : Request
    folder : Path
        Takes run.json, rounds.csv and a folder for each organisation.
    in_process : bool
        Whether organisations run in this process; the result is the same.
    workers : int, optional
        How many organisations compute at the same time; by default as many as there are cores.
    key : bytes, optional
        For matching rows; by default drawn anew, as all organisations are here.
    on_round : callable, optional
        Called with each standing.
    on_resume : callable, optional
        Called with the number of rounds that are done already.

    Returns
    -------
    run : Run

    Raises
    ------
    InputError
        If the folder holds a run of another request, or the request cannot be followed.
    """
    begun = _begun(request, folder)
    plans = _plans(request, begun["session"], folder, key or secrets.token_bytes(32))
    folders = [folder / plan.source.name for plan in plans]
    finished = finished_rounds(folders)
    if request.settings.privacy is not None and request.rounds < finished:
        raise InputError(
            f"{folder}: {finished} rounds were sent already, and their noise cannot be had back: "
            "ask for as many rounds or more"
        )
    for path in folders:
        Checkpoint(path).drop_after(finished)
    done = min(finished, request.rounds)
    if done and on_resume is not None:
        on_resume(done)

    def after_round(standing: Standing) -> None:
        if standing.round == 0:  # from here on there is a run to speak of
            _write_json(made(folder) / RUN, begun)
        if on_round is not None:
            on_round(standing)

    with Transport(_members(plans, in_process), workers or _cores()) as transport:
        run = run_rounds(
            transport,
            request.rounds,
            method=request.settings.method,
            patience=request.patience,
            resume_after=done,
            on_round=after_round,
        )
    _write_rounds(folder / ROUNDS, run)
    begun["result"] = {
        "rounds": run.standings[-1].round,
        "chosen": run.chosen,
        "diverged": run.diverged,
        "stopped": run.stopped,
    }
    _write_json(folder / RUN, begun)
    return run


def apply(
    folder: Path,
    *,
    rounds: int | None = None,
    in_process: bool = False,
    workers: int | None = None,
    take: Callable[[str, Ratings], None],
) -> int:
    """Prediction stage of a run: give each organisation its completed ratings.

    Parameters
    ----------
    folder : Path
    rounds : int, optional
        How many to use; by default those that validation chose.
    in_process, workers :
        See `learn`.
    take : callable
        Called with each organisation's name and completed ratings.

    Returns
    -------
    rounds : int
        How many were used.

    Raises
    ------
    InputError
        If there is no such run, or not so many rounds.
    """
    begun, request = _read_json(folder / RUN), request_of(folder)
    plans = _plans(request, begun["session"], folder, secrets.token_bytes(32))
    done = finished_rounds([folder / plan.source.name for plan in plans])
    known = rounds if rounds is not None else (begun.get("result") or {}).get("chosen")
    taken = min(done, request.rounds) if known is None else known
    if not 0 <= taken <= done:
        raise InputError(f"{folder}: round {taken} is not there; {done} are finished")
    with Transport(_members(plans, in_process), workers or _cores()) as transport:
        run = run_rounds(transport, taken, resume_after=taken)
        chosen = run.chosen if known is None else known  # a run that was killed chose none
        complete(transport, chosen)
        for name, member in transport.members.items():
            take(name, member.completed())
    return chosen


def begun_in(folder: Path) -> bool:
    """Whether a folder holds a run."""
    return (folder / RUN).exists()


def request_of(folder: Path) -> Request:
    """What the run that a folder holds is about.

    Raises
    ------
    InputError
        If there is no such run.
    """
    path = folder / RUN
    plain = _read_json(path)["request"]
    try:
        return Request.from_json(plain)
    except InputError as error:
        raise InputError(f"{path}: is damaged ({error})") from error


def _for_each(what: str, tables: tuple[str, ...], count: int) -> list[str | None]:
    """A table for each of so many organisations."""
    if len(tables) not in (0, 1, count):
        raise InputError(
            f"{len(tables)} tables of {what} for {count} organisations: give one for all, or one "
            "for each"
        )
    if len(tables) == count:
        return [*tables]
    return [tables[0] if tables else None] * count


def _begun(request: Request, folder: Path) -> dict[str, Any]:
    """What the folder says of the run that it holds, or what it will say."""
    wanted = request.as_json()
    if not begun_in(folder):
        return {"format": FORMAT, "session": secrets.token_hex(16), "request": wanted}
    begun = _read_json(folder / RUN)
    different = [
        name
        for name, value in wanted.items()
        if name not in ("rounds", "patience") and begun["request"].get(name) != value
    ]
    if different:
        raise InputError(
            f"{folder}: holds a run with other {', '.join(different)}: give the same options "
            "to go on with it, or another folder"
        )
    begun.pop("result", None)  # it was that of fewer rounds
    return {**begun, "request": wanted}


def _plans(request: Request, session: str, folder: Path, key: bytes) -> list[Plan]:
    seeds = np.random.SeedSequence(request.seed)
    return [
        Plan(
            source,
            replace(request.settings, seed=_own_seed(own, request.settings)),
            session,
            key,
            folder / source.name,
            request.positive_from,
        )
        for source, own in (
            (source, child)
            for sources in [request.sources()]
            for source, child in zip(sources, seeds.spawn(len(sources)), strict=True)
        )
    ]


def _own_seed(seeds: np.random.SeedSequence, settings: Settings) -> int:
    """Seed of an organisation; so long where noise depends on it that nobody can try them all."""
    words = 1 if settings.privacy is None else 4
    return int.from_bytes(seeds.generate_state(words).astype("<u4").tobytes(), "little")


def _members(plans: list[Plan], in_process: bool) -> list[Member]:
    if in_process:
        return [LocalMember(*plan.build()) for plan in plans]
    from learners.mtal.processes import ProcessMember

    return [ProcessMember(plan) for plan in plans]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _write_rounds(path: Path, run: Run) -> None:
    lines = io.StringIO()
    table = csv.writer(lines, lineterminator="\n")
    table.writerow(_COLUMNS)
    for standing in run.standings:
        for report in standing.reports:
            weights = " ".join(f"{name}={share:.6g}" for name, share in report.weights.items())
            table.writerow(
                [
                    report.round, report.name, round(report.seconds, 3), report.train_loss,
                    report.validation_loss, *report.validation, *report.test,
                    "" if report.eta is None else report.eta, weights,
                    "" if report.epsilon is None else report.epsilon,
                ]
            )  # fmt: skip
    with replacing(path) as file:
        file.write(lines.getvalue().encode())


def _write_json(path: Path, document: dict[str, Any]) -> None:
    with replacing(path) as file:
        file.write((json.dumps(document, indent=1) + "\n").encode())


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise InputError(f"{path}: is of another format than {FORMAT}")
        if not {"session", "request"} <= document.keys():
            raise InputError(f"{path}: is damaged (it lacks what was asked for, or the session)")
    except OSError as error:
        raise InputError(f"{path.parent}: holds no run ({error.strerror})") from error
    except ValueError as error:
        if isinstance(error, GroupingError):
            raise
        raise InputError(f"{path}: is damaged ({error})") from error
    return document
