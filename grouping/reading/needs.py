"""What reading takes: bytes by line, id and cell, as measured, asked for before they are taken.

Parsing a table begins once its lines or rows are counted, so that these estimates rest on numbers
that are known. What shows only on the way is asked for when it shows: the distinct ids of a long
table, and ratings that float32 cannot hold.
"""

from __future__ import annotations

from grouping.memory import require

LINE = 46
"""A line of a long table in text, from parsing to the matrix, beside the text."""

LINE_READ = 16
"""What is held of it once it is parsed: two codes and a rating."""

ROW = LINE - LINE_READ
"""A row of a long table on its way into the matrix."""

ID = 105
"""A distinct id of a long table on its way into the matrix."""

MERGED_ROW = 60
"""A row of a long table more where cells are rated twice."""

USER = 190
"""The id of a user of a wide table."""

COLUMN = 10_000
"""A column of a wide table while its blocks are parsed."""

BLOCK_CELL = 32
"""A cell of a wide table while its block is parsed; 4 or 8 are then held in the matrix."""

PAGES = 3
"""Times the size of the largest row group of a Parquet file, unpacked, that reading it takes."""

MERGED_CELL = 16
"""A cell of a wide table where users have several rows."""


def require_to_read(needed: int, name: str) -> None:
    """Refuse a step of reading that would not fit.

    Parameters
    ----------
    needed : int
        Bytes.
    name : str
        The input's name.

    Raises
    ------
    GroupingError
        If fewer are available.
    """
    require(
        needed,
        f"reading {name}",
        "convert it to .npz, .npy or Parquet elsewhere, or take a part of it",
    )
