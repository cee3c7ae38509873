"""Memory: what a step needs is estimated before it starts, and refused if it is not there."""

from __future__ import annotations

import os
from pathlib import Path

from grouping.errors import GroupingError, InputError

LIMIT_VARIABLE = "GROUPING_MEMORY_LIMIT"
"""Environment variable: bytes that this process may take, in place of what the machine says."""


def available() -> int:
    """Bytes that can still be taken without swapping: the machine's, or the control group's.

    Returns
    -------
    bytes : int

    Raises
    ------
    InputError
        If the variable holds no number.
    """
    named = os.environ.get(LIMIT_VARIABLE)
    if named:
        try:
            return int(float(named))
        except (ValueError, OverflowError) as error:
            raise InputError(f"{LIMIT_VARIABLE}={named}: give a number of bytes") from error
    kilobytes = _line("/proc/meminfo", "MemAvailable:")
    if kilobytes is not None:
        free = kilobytes * 1024
    else:
        free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for folder, limit_file, used_file in (
        ("/sys/fs/cgroup", "memory.max", "memory.current"),
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        limit, used = _number(f"{folder}/{limit_file}"), _number(f"{folder}/{used_file}")
        if limit is not None and used is not None:
            # cached files count as used but give way: so a mapped file that was just read
            cached = _line(f"{folder}/memory.stat", "inactive_file") or 0
            free = min(free, max(0, limit - used + cached))
    return free


def require(needed: int, what: str, way_out: str) -> None:
    """Refuse a step that would not fit.

    Parameters
    ----------
    needed : int
        Bytes.
    what : str
        The step, for the message.
    way_out : str
        What the user can do instead.

    Raises
    ------
    GroupingError
        If fewer bytes are available.
    """
    free = available()
    if needed > free:
        raise GroupingError(
            f"{what} needs about {in_words(needed)} of memory and {in_words(free)} "
            f"are available: {way_out}"
        )


def in_words(count: int) -> str:
    """Bytes as a person reads them.

    Parameters
    ----------
    count : int

    Returns
    -------
    words : str
    """
    size = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def _line(path: str, name: str) -> int | None:
    """Number that follows a name in a file of the kernel's."""
    try:
        for line in Path(path).read_text().splitlines():
            fields = line.split()
            if fields[:1] == [name]:
                return int(fields[1])
    except OSError:
        pass
    return None


def _number(path: str) -> int | None:
    try:
        text = Path(path).read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
