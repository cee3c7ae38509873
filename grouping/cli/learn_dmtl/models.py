"""What the commands of `grouping learn dmtl` share: what is read, and the model that is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from grouping.errors import InputError

if TYPE_CHECKING:
    from grouping.ratings import Ratings
    from learners.dmtl.asking import Read, Sources
    from learners.dmtl.model import DMTL


def read_ratings(
    path: str | None,
    scale: str | None,
    format: str | None,
    columns: str | None,
    on_bad_row: str,
    duplicates: str,
    quiet: bool,
    verbose: bool,
) -> Ratings:
    """Read the ratings; nothing is filled in."""
    from grouping.cli.inputs import read_input

    given = read_input(
        path,
        format=format,
        columns=columns,
        on_bad_row=on_bad_row,
        duplicates=duplicates,
        scale=scale,
        missing="auto",
        quiet=quiet,
        verbose=verbose,
    )
    return given.ratings


def tell(ratings: Ratings, sources: Sources, quiet: bool) -> Read:
    """Read what stands beside the ratings, and say what of it is left out."""
    from grouping.cli.streams import say
    from learners.dmtl.asking import read_told

    read = read_told(ratings, sources)
    for sentence in read.left_out:
        say(sentence, quiet)
    return read


def make_settings(network: str = "group", inputs: str | None = None, **asked: Any) -> Any:
    """Settings of a network; what is None is as that network has it."""
    from learners.dmtl.settings import AS_WRITTEN, Settings

    given = {name: value for name, value in asked.items() if value is not None}
    if inputs is not None:
        given["inputs"] = tuple(part.strip() for part in inputs.split(","))
    return replace(AS_WRITTEN if network == "paper" else Settings(), **given)


def fitted(
    read: Read,
    settings: Any,
    *,
    device: str,
    threads: int | None,
    checkpoint: str | None = None,
    resume: bool = False,
    quiet: bool,
    verbose: bool,
) -> DMTL:
    """Learn a model, telling how it goes."""
    import time

    from grouping.cli.streams import say
    from grouping.report import counted
    from learners.dmtl.model import DMTL

    def progress(line: dict[str, Any]) -> None:
        said = [f"epoch {line['epoch']} of {line['epochs']}: recommending"]
        said[0] += f" {line['recommendation']:.4f}"
        if settings.profile_weight:
            said.append(f"profiling {line['profiling']:.4f}")
        if line["validation"] is not None:
            said.append(f"validation {line['validation']:.4f} (best: {line['best']})")
        say(", ".join([*said, f"{line['seconds']:.1f} s"]), quiet or not verbose)

    started = time.perf_counter()
    model = DMTL(settings).fit(
        read.told,
        device=device,
        threads=threads,
        progress=progress,
        checkpoint=checkpoint,
        resume=resume,
    )
    seconds = time.perf_counter() - started
    say(f"learned in {seconds:.1f} s, {counted(model.epochs, 'epoch')}", quiet)
    return model


def loaded(folder: str, ratings: Ratings | None) -> DMTL:
    """Load a saved model, and check that it knows the users and items of the ratings."""
    from learners.dmtl.asking import check_fits
    from learners.dmtl.model import DMTL

    model = DMTL.load(folder)
    if ratings is not None:
        check_fits(model, ratings, folder)
    return model


def asked_of(
    path: str | None,
    folder: str | None,
    sources: Sources,
    settings: Any,
    device: str,
    threads: int | None,
    reading: tuple[Any, ...],
    k: int = 1,
) -> tuple[Any, DMTL]:
    """Groups that are asked about, and a model: saved, or learned now from the ratings.

    Lists of `k` items will be asked for; that so many are there is checked before learning.
    """
    from grouping.cli.streams import say
    from learners.dmtl.groups import read_groups
    from learners.dmtl.recommending import check_length

    assert sources.groups is not None
    quiet = reading[-2]
    if folder is None:
        ratings = read_ratings(path, *reading)
        check_length(k, len(ratings.items))
        read = tell(ratings, sources, quiet)
        model = fitted(
            read, settings, device=device, threads=threads, quiet=quiet, verbose=reading[-1]
        )
        return read.groups, model
    refuse_with_model(sources)
    model = loaded(folder, None if path is None else read_ratings(path, *reading))
    found = read_groups(sources.groups, model.users, unknown=sources.unknown)
    for sentence in found.left_out(sources.groups):
        say(sentence, quiet)
    return found.groups, model


def refuse_with_model(sources: Sources, *, tested: bool = False) -> None:
    """Refuse what a saved model has learned already and would not look at.

    Parameters
    ----------
    sources : Sources
    tested : bool
        Whether the model is tested on the ratings of groups.
    """
    for name, given in (
        ("--group-ratings", None if tested else sources.group_ratings),
        ("--profiles", sources.profiles),
        ("--attributes", sources.attributes),
        ("--profile-kinds", sources.profile_kinds),
        ("--attribute-kinds", sources.attribute_kinds),
    ):
        if given is not None:
            raise InputError(f"{name}: a saved model has learned; give it to fit, or leave --model")
    if sources.labels != "kmeans":
        raise InputError("--labels: a saved model has its classes; give them to fit")
