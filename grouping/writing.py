"""Writing ratings to a file that `grouping.read_ratings` reads back as they were."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from grouping.errors import InputError
from grouping.files import replacing
from grouping.ids import Ids
from grouping.ratings import Ratings

_CELLS = 1 << 20
_ENDINGS = (".csv", ".csv.gz", ".parquet", ".npy", ".npz")


def write_ratings(ratings: Ratings, path: str | os.PathLike[str]) -> None:
    """Write ratings in the format that the ending of `path` names.

    A long table with the columns user, item, rating (``.csv``, ``.csv.gz``, ``.parquet``), or the
    bare matrix without ids (``.npy`` dense, ``.npz`` CSR). Cells that are not rated are left out;
    in ``.npy`` they are NaN. The file appears whole or not at all.

    Parameters
    ----------
    ratings : Ratings
    path : path-like

    Raises
    ------
    InputError
        If the ending is none of these; for a long table: if a user or an item has no rating (it
        would be lost), or an id holds a line break (it would be read back as another); if
        `path` cannot be written to.
    GroupingError
        If writing fails.
    """
    name = Path(path).name.lower()
    ending = next((e for e in sorted(_ENDINGS, key=len, reverse=True) if name.endswith(e)), None)
    if ending is None:
        raise InputError(f"{path}: ratings are written to {', '.join(_ENDINGS)}")
    if ending in (".csv", ".csv.gz", ".parquet"):
        _check_long(ratings, str(path))
    with replacing(path) as file:
        if ending == ".npy":
            _write_npy(ratings, file)
        elif ending == ".npz":
            sp.save_npz(file, _as_csr(ratings))
        elif ending == ".parquet":
            _write_parquet(ratings, file)
        elif ending == ".csv.gz":
            # no name and no time, so that equal ratings give equal bytes
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0, compresslevel=6) as packed:
                _write_csv(ratings, packed)
        else:
            _write_csv(ratings, file)


def _write_npy(ratings: Ratings, file: IO[bytes]) -> None:
    matrix = ratings.matrix
    if isinstance(matrix, np.ndarray):
        np.lib.format.write_array(file, np.asarray(matrix), allow_pickle=False)
        return
    exact = np.can_cast(matrix.dtype, np.float32) and ratings.fill is None
    dtype = np.dtype(np.float32 if exact else np.float64)
    header = {"descr": dtype.str, "fortran_order": False, "shape": ratings.shape}
    np.lib.format.write_array_header_1_0(file, header)
    for start, stop in _slabs(ratings):
        slab = np.full((stop - start, ratings.shape[1]), np.nan, dtype)
        if ratings.fill is not None:
            slab[:] = ratings.fill
        users, items, values = _cells(ratings, start, stop)
        slab[users - start, items] = values
        file.write(slab.tobytes())


def _as_csr(ratings: Ratings) -> sp.csr_array:
    if not isinstance(ratings.matrix, np.ndarray):
        return ratings.matrix
    parts = [_cells(ratings, start, stop) for start, stop in _slabs(ratings)]
    users, items, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    # built by hand: a conversion from dense would drop stored zeros
    ends = np.searchsorted(users, np.arange(ratings.shape[0] + 1))
    index = np.int32 if max(len(values), *ratings.shape) <= np.iinfo(np.int32).max else np.int64
    return sp.csr_array((values, items.astype(index), ends.astype(index)), shape=ratings.shape)


def _write_csv(ratings: Ratings, file: IO[bytes] | gzip.GzipFile) -> None:
    import pyarrow as pa
    from pyarrow import csv

    plain = not any(
        mark in name for ids in (ratings.users, ratings.items) for name in ids for mark in ',"'
    )
    options = csv.WriteOptions(include_header=False, quoting_style="none" if plain else "needed")
    file.write(b"user,item,rating\n")
    for start, stop in _slabs(ratings):
        table = _table(ratings, start, stop)
        values = table["rating"]
        if pa.types.is_floating(values.type):
            # the shortest text that float64 reads back: a float32 read so is the same float32
            table = table.set_column(2, "rating", values.cast(pa.float64()))
        csv.write_csv(table, file, options)


def _write_parquet(ratings: Ratings, file: IO[bytes]) -> None:
    from pyarrow import parquet

    writer = None
    for start, stop in _slabs(ratings):
        table = _table(ratings, start, stop)
        if writer is None:
            writer = parquet.ParquetWriter(file, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _table(ratings: Ratings, start: int, stop: int) -> Any:
    """Long table of some users' ratings."""
    import pyarrow as pa

    users, items, values = _cells(ratings, start, stop)
    user_names = pa.array(ratings.users[start:stop], pa.string())
    item_names = pa.array(ratings.items[:], pa.string())
    return pa.table(
        {
            "user": user_names.take(pa.array(users - start)),
            "item": item_names.take(pa.array(items)),
            "rating": pa.array(np.ascontiguousarray(values)),
        }
    )


def _cells(
    ratings: Ratings, start: int, stop: int
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Users, items and values of the rated cells of some rows, row by row."""
    matrix = ratings.matrix
    if isinstance(matrix, np.ndarray):
        slab = np.asarray(matrix[start:stop])
        rated = np.ones(slab.shape, bool) if slab.dtype.kind != "f" else ~np.isnan(slab)
        users, items = np.nonzero(rated)
        return users + start, items, slab[rated]
    low, high = matrix.indptr[start], matrix.indptr[stop]
    users = np.repeat(np.arange(start, stop), np.diff(matrix.indptr[start : stop + 1]))
    return users, matrix.indices[low:high], matrix.data[low:high]


def _slabs(ratings: Ratings) -> Iterator[tuple[int, int]]:
    n, m = ratings.shape
    rows = max(1, _CELLS // m)
    for start in range(0, n, rows):
        yield start, min(start + rows, n)


def _check_long(ratings: Ratings, path: str) -> None:
    n, m = ratings.shape
    by_user, by_item = np.zeros(n, bool), np.zeros(m, bool)
    for start, stop in _slabs(ratings):
        users, items, _ = _cells(ratings, start, stop)
        by_user[users] = True
        by_item[items] = True
    for ids, seen in ((ratings.users, by_user), (ratings.items, by_item)):
        if not seen.all():
            name = ids[int(np.flatnonzero(~seen)[0])]
            raise InputError(
                f"{path}: {ids.what} {name!r} has no rating and would be lost in a long table; "
                "write .npy or .npz"
            )
        _check_names(ids, path)


def _check_names(ids: Ids, path: str) -> None:
    if ids.positional:
        return
    for name in ids:
        if "\n" in name or "\r" in name:
            raise InputError(
                f"{path}: {ids.what} id {name!r} holds a line break, which a table does not keep"
            )
