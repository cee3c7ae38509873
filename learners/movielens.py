"""MovieLens 100K and 1M whole: ratings, profiles of the users, genres of the items."""

from __future__ import annotations

import io
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grouping.errors import InputError
from grouping.ratings import Ratings
from grouping.reading.side_table import Table, decoded
from learners.features import Features, encode
from learners.kinds import Kind

NAMES = ("ml-100k", "ml-1m")
AGES = Kind("classes", (18.0, 25.0, 35.0, 45.0, 50.0, 56.0))
_RATINGS = {"ml-100k": "u.data", "ml-1m": "ratings.dat"}
_GENRES = [
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary",
    "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi",
    "Thriller", "War", "Western",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class MovieLens:
    """A MovieLens data set.

    Attributes
    ----------
    name : str
        ``ml-100k`` or ``ml-1m``.
    ratings : Ratings
        CSR; users and items numerically ascending, items without ratings left out.
    profiles : Features
        Of the users: 7 classes of age, 2 genders, 21 occupations.
    genres : Features
        Of the items: 18 flags. ``unknown`` is none of them, so an item may have no genre.
    """

    name: str
    ratings: Ratings
    profiles: Features
    genres: Features


def find(name: str) -> Path | None:
    """Look for a data set: its folder, or its archive NAME.zip.

    Parameters
    ----------
    name : str
        ``ml-100k`` or ``ml-1m``.

    Returns
    -------
    path : Path or None
        The first found in the folder that the environment variable ``GROUPING_DATA`` names, in
        the working folder, its folder ``data``, and the folder ``shared/data`` beside it.
    """
    folders = [os.environ.get("GROUPING_DATA"), ".", "data", "../shared/data"]
    for folder in folders:
        if folder is not None:
            for candidate in (Path(folder) / name, Path(folder) / f"{name}.zip"):
                if candidate.suffix == ".zip" and candidate.is_file():
                    return candidate
                if (candidate / _RATINGS[name]).is_file():
                    return candidate
    return None


def read_movielens(source: str | os.PathLike[str]) -> MovieLens:
    """Read a data set whole.

    Parameters
    ----------
    source : path-like
        ``ml-100k`` or ``ml-1m`` (see `find`), or the path of its folder or archive.

    Returns
    -------
    data : MovieLens

    Raises
    ------
    InputError
        If it is not there, or not such a data set.
    """
    path: Path | None = Path(source)
    if str(source) in NAMES:
        path = find(str(source))
        if path is None:
            raise InputError(
                f"{source} is not here: set GROUPING_DATA to the folder that holds {source}/ or "
                f"{source}.zip, or give its path"
            )
    assert path is not None
    read = _zipped(path) if path.is_file() else _unpacked(path)
    name = next((name for name, member in _RATINGS.items() if member in read), None)
    if name is None:
        raise InputError(f"{path}: holds neither u.data nor ratings.dat of MovieLens")
    return _small(read, path) if name == "ml-100k" else _large(read, path)


def _small(files: dict[str, bytes], path: Path) -> MovieLens:
    ratings = _ratings(files["u.data"], path)
    users = _fields(files, "u.user", "|", 5, path)
    items = _fields(files, "u.item", "|", 24, path)
    profiles = _profiles(users, age=1, gender=2, occupation=3, path=path)
    flags = {g: [row[5 + j] for row in items] for j, g in enumerate(_GENRES) if g != "unknown"}
    table = Table(f"{path} u.item", [row[0] for row in items], flags)
    kinds = dict.fromkeys(flags, Kind("flag"))
    return MovieLens(
        "ml-100k", ratings, _of(profiles, ratings), encode(table, ratings.items, kinds)
    )


def _large(files: dict[str, bytes], path: Path) -> MovieLens:
    ratings = _ratings(files["ratings.dat"], path)
    users = _fields(files, "users.dat", "::", 5, path)
    items = _fields(files, "movies.dat", "::", 3, path)
    profiles = _profiles(users, age=2, gender=1, occupation=3, path=path)
    held = [row[2].split("|") for row in items]
    flags = {g: [str(int(g in genres)) for genres in held] for g in _GENRES if g != "unknown"}
    table = Table(f"{path} movies.dat", [row[0] for row in items], flags)
    kinds = dict.fromkeys(flags, Kind("flag"))
    return MovieLens("ml-1m", ratings, _of(profiles, ratings), encode(table, ratings.items, kinds))


def _profiles(
    rows: list[list[str]], *, age: int, gender: int, occupation: int, path: Path
) -> Table:
    columns = {"age": age, "gender": gender, "occupation": occupation}
    return Table(
        f"{path} users",
        [row[0] for row in rows],
        {name: [row[place] for row in rows] for name, place in columns.items()},
    )


def _of(profiles: Table, ratings: Ratings) -> Features:
    kinds = {"age": AGES, "gender": Kind("category"), "occupation": Kind("category")}
    return encode(profiles, ratings.users, kinds)


def _ratings(data: bytes, path: Path) -> Ratings:
    from grouping.reading import read_ratings

    read = read_ratings(io.BytesIO(data), format="movielens")
    small = read.matrix.astype(np.float32)
    return Ratings.of(small, users=read.users, items=read.items, source=str(path))


def _fields(
    files: dict[str, bytes], member: str, separator: str, width: int, path: Path
) -> list[list[str]]:
    if member not in files:
        raise InputError(f"{path}: {member} is not there")
    rows = [line.split(separator) for line in decoded(files[member]).splitlines() if line.strip()]
    if not rows or any(len(row) != width for row in rows):
        raise InputError(f"{path}: {member} does not have {width} fields a line")
    return rows


def _zipped(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            return {Path(n).name: archive.read(n) for n in archive.namelist() if n[-1:] != "/"}
    except zipfile.BadZipFile as error:
        raise InputError(f"{path}: is neither a folder nor a zip archive") from error


def _unpacked(path: Path) -> dict[str, bytes]:
    if not path.is_dir():
        raise InputError(f"{path}: there is no such folder or archive")
    return {file.name: file.read_bytes() for file in path.iterdir() if file.is_file()}
