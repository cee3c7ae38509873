"""Output files appear whole or not at all: written under a temporary name, then renamed."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from grouping.errors import GroupingError, InputError


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a binary file that takes the place of `path` only when the block ends well.

    A device or a pipe (``/dev/stdout``, ``/dev/full``) is written directly, since it cannot be
    renamed over. On any failure, Ctrl-C included, what stood at `path` before still stands there.

    Parameters
    ----------
    path : path-like
        Where the file shall be.

    Yields
    ------
    file : binary file, open for writing

    Raises
    ------
    InputError
        If the folder does not exist or cannot be written to.
    GroupingError
        If writing fails, for example because the disk is full.
    """
    target = Path(path)
    try:
        if target.exists() and not stat.S_ISREG(target.stat().st_mode):
            if target.is_dir():
                raise InputError(f"{target}: is a folder; name a file in it")
            with target.open("wb") as file:
                yield file
            return
        # A link keeps pointing to its file; the file behind it is what gets replaced.
        target = target.resolve()
        # named before it is made, so that an interrupt at any moment finds it to remove
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
        try:
            try:
                handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except OSError as error:
                raise InputError(f"{target}: cannot be written ({error.strerror})") from error
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, _mode_for(target))
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise GroupingError(
            f"{target}: could not be written ({error.strerror or error}); nothing was replaced"
        ) from error


def made(folder: Path) -> Path:
    """Make a folder, and those above it, unless it is there.

    Raises
    ------
    InputError
        If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror})") from error
    return folder


def _mode_for(target: Path) -> int:
    """Permission bits for the new file: those of the old one, else what the umask allows."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
