"""Saved models and checkpoints: one folder with a JSON document and a file of arrays, no pickle."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grouping.errors import GroupingError, InputError
from grouping.files import replacing

DOCUMENT = "model.json"
FORMAT = 2
"""Of what `save` writes; another number is not read. 2: the document is under a digest too."""

_SUFFIX = ".safetensors"


@dataclass(frozen=True, eq=False)
class Saved:
    """What a folder holds.

    Attributes
    ----------
    document : dict
        As it was given to `save`.
    arrays : dict of str to array
    source : str
        The folder, for messages.
    """

    document: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    source: str


def save(
    folder: str | os.PathLike[str],
    kind: str,
    document: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
) -> None:
    """Write a model, whole or not at all: what was there before stays until the new one is.

    The arrays go to ``arrays-DIGEST.safetensors``; ``model.json`` names that file and is written
    last, so that an interrupt leaves the old model, never a mixture.

    Parameters
    ----------
    folder : path-like
        Made if it is not there (its parent must be).
    kind : str
        What is saved, for example ``"dmtl"``; `load` asks for the same.
    document : mapping
        What JSON can hold, numbers finite.
    arrays : mapping of str to array

    Raises
    ------
    InputError
        If the folder cannot be made, or holds other things than a model of this kind.
    GroupingError
        If writing fails.
    """
    numpy = _safetensors()
    place = check_folder(folder, kind)
    whole = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    data: bytes = numpy.save(whole)
    digest = hashlib.sha256(data).hexdigest()
    name = f"arrays-{digest[:12]}{_SUFFIX}"
    written = {
        "format": FORMAT,
        "kind": kind,
        "arrays": name,
        "sha256": digest,
        "document": dict(document),
    }
    written["digest"] = _digest(written)
    text = json.dumps(written, ensure_ascii=False, allow_nan=False, indent=1)
    try:
        place.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"{place}: cannot be made ({error.strerror})") from error
    with replacing(place / name) as file:
        file.write(data)
    with replacing(place / DOCUMENT) as file:
        file.write(text.encode() + b"\n")
    for old in place.glob(f"arrays-*{_SUFFIX}"):
        if old.name != name:
            old.unlink(missing_ok=True)


def load(folder: str | os.PathLike[str], kind: str) -> Saved:
    """Read a model that was saved.

    Parameters
    ----------
    folder : path-like
    kind : str
        What it must be.

    Returns
    -------
    saved : Saved

    Raises
    ------
    InputError
        If there is none, it is of another kind or format, or it is damaged.
    """
    numpy = _safetensors()
    place = Path(folder)
    found = _read_document(place)
    try:
        name, digest, document = found["arrays"], found["sha256"], found["document"]
        said, written_as = found["kind"], found.get("format", 1)
        if not isinstance(document, dict) or Path(name).name != name:
            raise ValueError("it is laid out otherwise")
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{place / DOCUMENT}: is no saved model ({error})") from error
    if said != kind:
        raise InputError(f"{place}: holds a model of kind {said!r}, not {kind!r}")
    if written_as != FORMAT:
        raise InputError(
            f"{place}: was saved in format {written_as}, and this version reads {FORMAT}: train "
            "and save it anew"
        )
    if found.pop("digest", None) != _digest(found):
        raise InputError(f"{place / DOCUMENT}: is damaged: its content is not what was saved")
    try:
        data = (place / name).read_bytes()
    except OSError as error:
        raise InputError(f"{place / name}: cannot be read ({error.strerror})") from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise InputError(f"{place / name}: is damaged: its content is not what was saved")
    return Saved(document, dict(numpy.load(data)), str(place))


def check_folder(folder: str | os.PathLike[str], kind: str) -> Path:
    """Refuse a folder in which no model could be saved, before any work is done.

    Parameters
    ----------
    folder : path-like
    kind : str
        What is to be saved. Only a model of this kind is replaced.

    Returns
    -------
    folder : Path

    Raises
    ------
    InputError
        If it is a file, holds other things than a model of this kind, or its parent is not there.
    """
    place = Path(folder)
    if place.exists() and not place.is_dir():
        raise InputError(f"{place}: is a file; name a folder for the model")
    if exists(place):
        said = _read_document(place).get("kind")
        if said != kind:
            raise InputError(
                f"{place}: holds what is no {kind} (its {DOCUMENT} says kind {said!r}), and would "
                "be replaced; name another folder"
            )
    elif place.is_dir() and any(place.iterdir()):
        raise InputError(f"{place}: holds other files; name a new folder for the model")
    if not place.exists() and not place.absolute().parent.is_dir():
        raise InputError(f"{place}: there is no folder {place.absolute().parent}")
    return place


def exists(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a saved model."""
    return (Path(folder) / DOCUMENT).is_file()


def _read_document(place: Path) -> dict[str, Any]:
    try:
        text = (place / DOCUMENT).read_bytes()
    except OSError as error:
        raise InputError(f"{place}: holds no saved model ({DOCUMENT}: {error.strerror})") from error
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InputError(f"{place / DOCUMENT}: is no saved model ({error})") from error
    if not isinstance(found, dict):
        raise InputError(f"{place / DOCUMENT}: is no saved model (it is laid out otherwise)")
    return found


def _digest(written: Mapping[str, Any]) -> str:
    """Of all that a document says, however it is laid out."""
    read_again = json.loads(json.dumps(written))
    text = json.dumps(read_again, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _safetensors() -> Any:
    try:
        from safetensors import numpy
    except ImportError as error:
        raise GroupingError(
            "saved models need safetensors: pip install 'grouping[learners]'"
        ) from error
    return numpy
