"""Matrices: ``.npy`` (dense, left on disk) and ``.npz`` (scipy sparse)."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.memory import require
from grouping.ratings import Ratings

_SLAB = 4_000_000


def read_npy(given: Path | bytes, source: str, scale: tuple[float, float] | None) -> Ratings:
    """Map a dense matrix into memory; nothing is copied and nothing is read before it is used.

    Only a declared scale makes it be read through here: infinite values are otherwise found
    where the ratings are first used.

    Parameters
    ----------
    given : Path or bytes
        A file, or its content.
    source : str
        The input's name.
    scale : (float, float), optional
        The declared scale.

    Returns
    -------
    ratings : Ratings

    Raises
    ------
    InputError
        If the file is damaged, holds Python objects or is no numeric matrix, or a rating is
        outside the declared scale.
    """
    try:
        if isinstance(given, Path):
            array = np.load(given, mmap_mode="r", allow_pickle=False)
        else:
            array = np.load(io.BytesIO(given), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        if "pickle" in str(error).lower() or "object" in str(error).lower():
            raise InputError(
                f"{source}: holds Python objects, which are not loaded; save the ratings as numbers"
            ) from error
        raise InputError(f"{source}: is damaged or cut short, or no .npy file ({error})") from error
    ratings = Ratings.of(array, scale=scale, source=source)
    if scale is not None:
        check_scale(ratings)
    return ratings


def read_npz(given: Path | bytes, source: str, scale: tuple[float, float] | None) -> Ratings:
    """Load a sparse matrix that ``scipy.sparse.save_npz`` has saved.

    Parameters
    ----------
    given : Path or bytes
        A file, or its content.
    source : str
        The input's name.
    scale : (float, float), optional
        The declared scale.

    Returns
    -------
    ratings : Ratings

    Raises
    ------
    InputError
        If the file is damaged or is another kind of archive, its indices are inconsistent, or a
        rating is infinite or outside the declared scale.
    GroupingError
        If memory does not suffice.
    """
    import scipy.sparse as sp

    try:
        with io.BytesIO(given) if isinstance(given, bytes) else given.open("rb") as file:
            _require_memory(file, source)
            matrix: Any = sp.load_npz(file)  # never unpickles
        if matrix.format in ("csr", "csc"):
            matrix.check_format(full_check=True)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise InputError(f"{source}: is damaged or cut short ({error})") from error
    except (ValueError, KeyError, NotImplementedError, TypeError, IndexError) as error:
        raise InputError(
            f"{source}: is no sparse matrix as scipy.sparse.save_npz writes it ({error}); dense "
            "ratings are read from .npy"
        ) from error
    ratings = Ratings.of(matrix, scale=scale, source=source)
    check_scale(ratings)
    return ratings


def _require_memory(file: IO[bytes], source: str) -> None:
    """Refuse an archive whose arrays would not fit: their sizes stand in its directory."""
    with zipfile.ZipFile(file) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    file.seek(0)
    require(size * 5 // 4, f"reading {source}", "save it in a smaller type, or take a part of it")


def check_scale(ratings: Ratings) -> None:
    """Check that every rating is finite and on the declared scale, if there is one.

    Parameters
    ----------
    ratings : Ratings

    Raises
    ------
    InputError
        Naming user, item and position of the first rating that is not.
    """
    low, high = ratings.scale or (-np.finfo(np.float64).max, np.finfo(np.float64).max)
    for position, value in _stored(ratings):
        wrong = np.flatnonzero((value < low) | (value > high))
        if not len(wrong):
            continue
        at = position + int(wrong[0])
        user, item = _cell(ratings, at)
        number = float(value[wrong[0]])
        problem = "is infinite" if np.isinf(number) else f"is outside the scale {low:g}:{high:g}"
        raise InputError(
            f"{ratings.source}: the rating {number:g} of user {ratings.users[user]!r} for item "
            f"{ratings.items[item]!r} (row {user}, column {item}, from 0) {problem}"
        )


def _stored(ratings: Ratings) -> Any:
    """Pieces of the stored values in order, each with the position of its first one."""
    matrix = ratings.matrix
    flat: NDArray[Any] = (
        matrix.reshape(-1) if isinstance(matrix, np.ndarray) else np.asarray(matrix.data)
    )
    for start in range(0, len(flat), _SLAB):
        yield start, flat[start : start + _SLAB]


def _cell(ratings: Ratings, position: int) -> tuple[int, int]:
    matrix = ratings.matrix
    if isinstance(matrix, np.ndarray):
        return divmod(position, int(matrix.shape[1]))
    user = int(np.searchsorted(matrix.indptr, position, side="right")) - 1
    return user, int(matrix.indices[position])
