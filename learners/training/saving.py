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
        If the folder cannot be made, or holds other things than a model.
    GroupingError
        If writing fails.
    """
    numpy = _safetensors()
    place = check_folder(folder)
    whole = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    data: bytes = numpy.save(whole)
    digest = hashlib.sha256(data).hexdigest()
    name = f"arrays-{digest[:12]}{_SUFFIX}"
    text = json.dumps(
        {"kind": kind, "arrays": name, "sha256": digest, "document": dict(document)},
        ensure_ascii=False,
        allow_nan=False,
        indent=1,
    )
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
        If there is none, it is of another kind, or it is damaged.
    """
    numpy = _safetensors()
    place = Path(folder)
    try:
        text = (place / DOCUMENT).read_bytes()
    except OSError as error:
        raise InputError(f"{place}: holds no saved model ({DOCUMENT}: {error.strerror})") from error
    try:
        found = json.loads(text)
        name, digest, document = found["arrays"], found["sha256"], found["document"]
        said = found["kind"]
        if not isinstance(document, dict) or Path(name).name != name:
            raise ValueError("it is laid out otherwise")
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{place / DOCUMENT}: is no saved model ({error})") from error
    if said != kind:
        raise InputError(f"{place}: holds a model of kind {said!r}, not {kind!r}")
    try:
        data = (place / name).read_bytes()
    except OSError as error:
        raise InputError(f"{place / name}: cannot be read ({error.strerror})") from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise InputError(f"{place / name}: is damaged: its content is not what was saved")
    return Saved(document, dict(numpy.load(data)), str(place))


def check_folder(folder: str | os.PathLike[str]) -> Path:
    """Refuse a folder in which no model could be saved, before any work is done.

    Parameters
    ----------
    folder : path-like

    Returns
    -------
    folder : Path

    Raises
    ------
    InputError
        If it is a file, holds other things than a model, or its parent is not there.
    """
    place = Path(folder)
    if place.exists() and not place.is_dir():
        raise InputError(f"{place}: is a file; name a folder for the model")
    if place.is_dir() and not (place / DOCUMENT).is_file() and any(place.iterdir()):
        raise InputError(f"{place}: holds other files; name a new folder for the model")
    if not place.exists() and not place.absolute().parent.is_dir():
        raise InputError(f"{place}: there is no folder {place.absolute().parent}")
    return place


def exists(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a saved model."""
    return (Path(folder) / DOCUMENT).is_file()


def _safetensors() -> Any:
    try:
        from safetensors import numpy
    except ImportError as error:
        raise GroupingError(
            "saved models need safetensors: pip install 'grouping[learners]'"
        ) from error
    return numpy
