"""Opening an input: a path, standard input, a binary file or the embedded sample."""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
import sys
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import IO, TypeAlias

from grouping.errors import InputError
from grouping.memory import require

Given: TypeAlias = str | os.PathLike[str] | IO[bytes] | None

SAMPLE = "embedded sample"
PARSING = 8
"""Memory that parsing text takes at its peak, in sizes of the text: 7 were measured."""

_MAGIC = {b"\x93NUMPY": "npy", b"PK\x03\x04": "npz", b"PK\x05\x06": "npz", b"PAR1": "parquet"}
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Source:
    """An opened input.

    Attributes
    ----------
    name : str
        What to call it in messages.
    kind : str
        ``npy``, ``npz`` or ``parquet`` by the first bytes, else ``text``.
    data : bytes or None
        The content, decompressed; None where the file at `path` is better left on disk.
    path : Path or None
        The file of a binary format.
    digest : callable
        Gives the SHA-256 of the bytes as they came.
    embedded : bool
        Whether this is the sample that comes with the package.
    """

    name: str
    kind: str
    data: bytes | None
    path: Path | None
    digest: Callable[[], str]
    embedded: bool = False


def open_source(given: Given) -> Source:
    """Open what the user named, reading it whole unless it is a binary file on disk.

    Parameters
    ----------
    given : path, ``"-"``, binary file or None
        None is the embedded sample, ``"-"`` is standard input.

    Returns
    -------
    source : Source

    Raises
    ------
    InputError
        If there is no such file, it is a folder, cannot be read, is empty, or its gzip data is
        damaged.
    GroupingError
        If a text file would not fit in memory.
    """
    if given is None:
        data = files("grouping.data").joinpath("sample.csv").read_bytes()
        return Source(SAMPLE, "text", data, None, _hash_beside(data), embedded=True)
    if not isinstance(given, str | os.PathLike):
        name = getattr(given, "name", None)
        return _from_memory(_all_of(given), name if isinstance(name, str) else "input")
    if os.fspath(given) == "-":
        return _from_memory(_all_of(sys.stdin.buffer), "standard input")
    return _from_path(Path(given))


def _from_path(path: Path) -> Source:
    name = str(path)
    try:
        with path.open("rb") as file:
            head = file.read(8)
            kind = _kind(head)
            if kind != "text" and stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return Source(name, kind, None, path, lambda: _hash_of_file(path))
            _require_memory(os.fstat(file.fileno()).st_size, name)
            data = head + file.read()
    except FileNotFoundError:
        raise InputError(f"{name}: there is no such file") from None
    except IsADirectoryError:
        raise InputError(f"{name}: is a folder, not a file of ratings; name a file in it") from None
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror})") from error
    expected = path.suffix.lower().removeprefix(".")
    if data and expected in _MAGIC.values() and kind != expected and not data.startswith(_GZIP):
        raise InputError(
            f"{name}: is named .{expected} but does not begin like one; "
            "it is damaged, or another format under a wrong name"
        )
    return _from_memory(data, name)


def _require_memory(size: int, name: str) -> None:
    """Refuse text that could not be parsed in the memory there is."""
    require(
        PARSING * size,
        f"reading {name}",
        "convert it to .npz, .npy or Parquet elsewhere, or take a part of it",
    )


def _all_of(file: IO[bytes]) -> bytes:
    data = file.read()
    if not isinstance(data, bytes):
        raise InputError("ratings are read from files opened in binary mode ('rb')")
    return data


def _from_memory(data: bytes, name: str) -> Source:
    digest = _hash_beside(data)
    if data.startswith(_GZIP):
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            raise InputError(f"{name}: the gzip data is damaged or cut short ({error})") from error
    if not data:
        raise InputError(f"{name}: is empty")
    return Source(name, _kind(data[:8]), data, None, digest)


def _kind(head: bytes) -> str:
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), "text")


def _hash_beside(data: bytes) -> Callable[[], str]:
    """Hash in a thread of its own (hashlib lets the others run) and wait only when asked."""
    found: list[str] = []
    thread = threading.Thread(
        target=lambda: found.append(hashlib.sha256(data).hexdigest()), daemon=True
    )
    thread.start()

    def wait() -> str:
        thread.join()
        return found[0]

    return wait


def _hash_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
