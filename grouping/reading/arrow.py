"""Arrow columns as numpy arrays, without pandas, which pyarrow's own conversion would import."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def release() -> None:
    """Give the memory of tables that are gone back to the system, which Arrow does in its time."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()


def numbers(column: Any) -> NDArray[np.float64]:
    """Values of a float64 column; null becomes NaN.

    Parameters
    ----------
    column : pyarrow ChunkedArray of float64

    Returns
    -------
    values : float64 array
    """
    pieces = [_numbers_of(chunk) for chunk in column.chunks]
    return pieces[0] if len(pieces) == 1 else np.concatenate([np.empty(0), *pieces])


def categories(column: Any) -> tuple[list[Any], NDArray[np.int32]]:
    """Distinct values of a column, and the position of each row's value in them.

    Parameters
    ----------
    column : pyarrow ChunkedArray

    Returns
    -------
    values : list
        None if there is a null.
    codes : int32 array
    """
    encoded = column.combine_chunks()
    if hasattr(encoded, "chunks"):  # no chunk at all, in some versions
        encoded = encoded.chunk(0)
    encoded = encoded.dictionary_encode(null_encoding="encode")
    indices = np.from_dlpack(encoded.indices)
    return encoded.dictionary.to_pylist(), indices.astype(np.int32, copy=False)


def _numbers_of(chunk: Any) -> NDArray[np.float64]:
    if not chunk.null_count:
        return np.asarray(np.from_dlpack(chunk), np.float64)
    validity, values = chunk.buffers()
    end = chunk.offset + len(chunk)
    numbers = np.frombuffer(values, np.float64, end)[chunk.offset :].copy()
    valid = np.unpackbits(np.frombuffer(validity, np.uint8), count=end, bitorder="little")
    numbers[valid[chunk.offset :] == 0] = np.nan
    return numbers
