"""Opening an input: a path, standard input, a binary file or the embedded sample."""

from __future__ import annotations

import gzip
import hashlib
import io
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
from grouping.reading.needs import LINE, require_to_read

Given: TypeAlias = str | os.PathLike[str] | IO[bytes] | None

SAMPLE = "embedded sample"

_HEAD = 1 << 16
_PIECE = 1 << 24
_MOST_PACKED = 1032  # times its size is what gzip data can hold at the most
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
        If the input would not fit in memory.
    """
    if given is None:
        data = files("grouping.data").joinpath("sample.csv").read_bytes()
        return Source(SAMPLE, "text", data, None, _hash_beside(data), embedded=True)
    if not isinstance(given, str | os.PathLike):
        name = getattr(given, "name", None)
        name = name if isinstance(name, str) else "input"
        return _from_memory(_all_of(given, name), name)
    if os.fspath(given) == "-":
        if sys.stdin is None:
            raise InputError("standard input is closed: give it ratings, or name a file")
        return _from_memory(_all_of(sys.stdin.buffer, "standard input"), "standard input")
    return _from_path(Path(given))


def _from_path(path: Path) -> Source:
    name = str(path)
    try:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            size = about.st_size if stat.S_ISREG(about.st_mode) else None
            head = file.read(_HEAD)
            kind = _kind(head)
            if kind != "text" and size is not None:
                return Source(name, kind, None, path, lambda: _hash_of_file(path))
            if size is None:
                data = _all_of(file, name, head)
            else:
                _require_memory(head, size, name)
                file.seek(0)
                data = file.read()
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


def _require_memory(head: bytes, size: int, name: str, held: int = 0) -> None:
    """Refuse input that could not be read and parsed in the memory there is.

    Parameters
    ----------
    head : bytes
        Its beginning, from which the number of its lines is judged.
    size : int
        Of the whole, as far as that is known.
    name : str
    held : int
        How much of it is in memory already.
    """
    if head.startswith(_GZIP):
        needed = size  # what it holds is asked for as it is unpacked
    elif _kind(head) == "text":
        needed = size + LINE * (head.count(b"\n") * size // max(1, len(head)))
    else:
        needed = 2 * size  # the content, and what is made of it
    require_to_read(needed - held, name)


def _all_of(file: IO[bytes] | gzip.GzipFile, name: str, head: bytes = b"") -> bytes:
    """Read to the end of what has no size, asking for memory piece by piece."""
    whole = io.BytesIO()
    whole.write(head)
    while True:
        piece = file.read(_PIECE)
        if not isinstance(piece, bytes):
            raise InputError("ratings are read from files opened in binary mode ('rb')")
        if not piece:
            return whole.getvalue()
        head = head or piece
        _require_memory(head, whole.tell() + len(piece), name, held=whole.tell())
        whole.write(piece)


def _from_memory(data: bytes, name: str) -> Source:
    digest = _hash_beside(data)
    if data.startswith(_GZIP):
        data = _unpacked(data, name)
    if not data:
        raise InputError(f"{name}: is empty")
    return Source(name, _kind(data), data, None, digest)


def _unpacked(data: bytes, name: str) -> bytes:
    """Content of gzip data.

    The last four bytes say how long it is, but for multiples of 4 GB and where several parts
    stand one after another: never too much, so that what certainly does not fit is refused at
    once. The rest shows as it is unpacked.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            head = file.read(_HEAD)
            size = int.from_bytes(data[-4:], "little")
            if size <= _MOST_PACKED * len(data):  # else the end is damaged, as will be found
                _require_memory(head, max(size, len(head)), name)
            return _all_of(file, name, head)
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(f"{name}: the gzip data is damaged or cut short ({error})") from error


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
