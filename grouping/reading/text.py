"""A text table: its lines, its separator and its quoting, before anything is parsed."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from grouping.errors import InputError
from grouping.reading.layout import Columns, is_number, known_roles, looks_like_header

ARROW_BLOCK = 1 << 22
"""Bytes that Arrow reads at a time; one block is read without threads, of which it has no use."""

SEPARATORS = ("::", "\t", ";", ",", " ")
_STAND_INS = (b"\x1f", b"\x1e", b"\x1d", b"\x1c", b"\x02", b"\x01")
_SAMPLE_BYTES = 1 << 16
_SAMPLE_LINES = 100
_BLOCK = 1 << 22
_SOMETHING = re.compile(rb"\S")


@dataclass(frozen=True)
class Text:
    """A text table made ready for parsing. A row is a line; blank lines do not count.

    Attributes
    ----------
    name : str
        The input's name.
    data : bytes
        The content without byte order mark; lines end in LF or CRLF, `separator` is one byte.
    separator : str
        One character.
    written : str
        The separator as the file has it: ``::`` cannot be parsed as it is, so a byte that the
        file does not hold stands in for it.
    quoted : bool
        Whether there is any double quote.
    start : int
        Where the rows begin: after the header, if there is one.
    header : list of str or None
        Names of the columns.
    width : int
        Number of columns.
    numeric : tuple of bool
        By column: whether the first rows hold numbers only.
    """

    name: str
    data: bytes
    separator: str
    written: str
    quoted: bool
    start: int
    header: list[str] | None
    width: int
    numeric: tuple[bool, ...]

    def blocks(self, start: int, stop: int, size: int) -> Iterator[tuple[int, int]]:
        """Cut ``data[start:stop]`` after line ends into pieces of about `size` bytes."""
        return _pieces(self.data, start, stop, size)

    def line_number(self, offset: int) -> int:
        """Count lines up to the one that begins at `offset`, itself included."""
        return 1 + self.data.count(b"\n", 0, offset)

    def lines(self, start: int, stop: int) -> Iterator[tuple[int, str]]:
        """Numbered lines of a block that are not blank; undecodable bytes as surrogates."""
        first = self.line_number(start)
        for number, raw in enumerate(self.data[start:stop].splitlines(), first):
            line = raw.decode("utf-8", errors="surrogateescape")
            if line.strip():
                yield number, line

    def places(self, rows: Sequence[int], skipped: Collection[int]) -> list[str]:
        """Line numbers of rows, found by counting lines.

        Parameters
        ----------
        rows : sequence of int
            Numbers, from 0, of rows that were read.
        skipped : collection of int
            Numbers of the lines that were not.
        """
        found = dict.fromkeys(rows, "")
        row = 0
        for start, stop in self.blocks(self.start, len(self.data), 1 << 18):
            for number, _ in self.lines(start, stop):
                if number not in skipped:
                    if row in found:
                        found[row] = str(number)
                    row += 1
            if row > max(rows):
                break
        return [found[row] for row in rows]

    def fields(self, line: str) -> list[str]:
        """Split one line.

        Raises
        ------
        csv.Error
            If a quote is not closed on the line, or text follows a closing quote.
        """
        row = next(csv.reader([line], delimiter=self.separator, strict=True, skipinitialspace=True))
        return [self.restored(field) for field in row]

    def restored(self, field: str) -> str:
        """Put the separator back as it was written into a quoted field, or into a message."""
        return field if self.written == self.separator else field.replace(self.separator, "::")

    def well_quoted(self, start: int, stop: int) -> bool:
        """Whether every quote of a block opens or closes a whole field on one line.

        What passes is read alike by every CSV parser; what does not needs a closer look.
        """
        if not self.quoted:
            return True
        block = np.frombuffer(self.data, np.uint8, stop - start, start)
        quotes = np.flatnonzero(block == ord('"'))
        if len(quotes) % 2:
            return False
        opening, closing = quotes[0::2], quotes[1::2]
        line_ends = np.flatnonzero(block == ord("\n"))
        if (np.searchsorted(line_ends, opening) != np.searchsorted(line_ends, closing)).any():
            return False
        beside = np.frombuffer(f'{self.separator}\n\r"'.encode(), np.uint8)
        before = block[opening[opening > 0] - 1]
        after = block[closing[closing < len(block) - 1] + 1]
        return bool(np.isin(before, beside).all() and np.isin(after, beside).all())


def prepare(
    data: bytes, name: str, *, format: str | None = None, columns: Columns | None = None
) -> Text:
    """Find separator and header of a text table.

    Parameters
    ----------
    data : bytes
        The whole file.
    name : str
        What to call it in messages.
    format, columns : optional
        What the user said about it.

    Returns
    -------
    text : Text

    Raises
    ------
    InputError
        If it is not text in UTF-8, holds no row, or no separator splits its lines.
    """
    data = _plain_text(data, name)
    offsets, sample = _sample(data)
    if not sample:
        raise InputError(f"{name}: holds nothing but blank lines")
    separator = choose_separator(sample, SEPARATORS)
    if separator is None:
        line = 1 + data.count(b"\n", 0, offsets[0])
        raise InputError(
            f"{name}:{line}: no comma, tab, '::', ';' or space "
            f"separates the columns ({shorten(sample[0])}); give a table of users, items and "
            "ratings"
        )
    rows = [split(line, separator) for line in sample]
    first = [field.strip() for field in rows[0]]
    header = looks_like_header(first, format, columns)
    start = offsets[0]
    if header:
        end = data.find(b"\n", start)
        start = len(data) if end < 0 else end + 1
        if _SOMETHING.search(data, start) is None:
            raise InputError(f"{name}: has a header but no rows")
    width = len(first) if header else _usual_width(rows)
    body = [row for row in rows[header:] if len(row) == width]
    numeric = tuple(
        all(is_number(row[j]) or not row[j].strip() for row in body) for j in range(width)
    )
    parsed = separator
    if separator == "::":
        stand_in = next((byte for byte in _STAND_INS if byte not in data), None)
        if stand_in is None:
            raise InputError(f"{name}: holds too many control characters to be a text table")
        in_header = data.count(b"::", 0, start)
        data, start = data.replace(b"::", stand_in), start - in_header
        parsed = stand_in.decode()
    elif separator == " " and re.search(rb"  |^ | \r?$", data, re.MULTILINE):
        single = io.BytesIO()
        single.write(_single_spaces(data[:start]))
        header_end = single.tell()
        # a substitution takes many times its text, so it is done piece by piece
        for low, high in _pieces(data, start, len(data), _BLOCK):
            single.write(_single_spaces(data[low:high]))
        data, start = single.getvalue(), header_end
    return Text(
        name,
        data,
        separator=parsed,
        written=separator,
        quoted=b'"' in data,
        start=start,
        header=first if header else None,
        width=width,
        numeric=numeric,
    )


def choose_separator(sample: Sequence[str], candidates: Sequence[str]) -> str | None:
    """Find the separator that makes the first line a header of ratings, or fits most lines.

    Parameters
    ----------
    sample : sequence of str
        The first lines.
    candidates : sequence of str
        Separators, the most telling first.

    Returns
    -------
    separator : str or None
        The one under which the first line names users, items and ratings; else the one that
        splits most lines into equally many fields, three or more if there is such a one; None
        where none splits the lines.
    """
    best, best_score = None, (0, False, 0.0)
    for separator in candidates:
        rows = [split(line, separator) for line in sample]
        widths = [len(row) for row in rows]
        usual = max(set(widths), key=widths.count)
        named = known_roles(rows[0])
        score = (named if named > 1 else 0, usual >= 3, widths.count(usual) / len(widths))
        if (usual > 1 or named > 1) and score > best_score:
            best, best_score = separator, score
    return best


def split(line: str, separator: str) -> list[str]:
    """Split a line leniently, to look at it; bad quoting is judged later.

    Parameters
    ----------
    line, separator : str

    Returns
    -------
    fields : list of str
    """
    if separator == "::":
        return line.split("::")
    if separator == " ":
        line = line.strip()
    try:
        return next(csv.reader([line], delimiter=separator, skipinitialspace=True))
    except csv.Error:
        return line.split(separator)


def shorten(text: str, limit: int = 60) -> str:
    """Quote a piece of the input for a message.

    Parameters
    ----------
    text : str
    limit : int
        Longest piece shown.

    Returns
    -------
    quoted : str
    """
    return repr(text if len(text) <= limit else text[: limit - 3] + "...")


def _plain_text(data: bytes, name: str) -> bytes:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{name}: is text in UTF-16; save it as UTF-8")
    if b"\0" in data[:_SAMPLE_BYTES]:
        raise InputError(
            f"{name}: is neither a text table nor a .npy, .npz or Parquet file; "
            "give ratings in one of these formats"
        )
    data = data.removeprefix(b"\xef\xbb\xbf")
    if data.count(b"\r") != data.count(b"\r\n"):
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data


def _sample(data: bytes) -> tuple[list[int], list[str]]:
    """Offsets and text of the first lines that are not blank."""
    offsets: list[int] = []
    lines: list[str] = []
    start = 0
    while (
        start < len(data)
        and len(lines) < _SAMPLE_LINES
        and (start < _SAMPLE_BYTES or len(lines) < 3)
    ):
        end = data.find(b"\n", start) + 1 or len(data)
        line = data[start:end].decode("utf-8", errors="surrogateescape").rstrip("\r\n")
        if line.strip():
            offsets.append(start)
            lines.append(line)
        start = end
    return offsets, lines


def _usual_width(rows: list[list[str]]) -> int:
    widths = [len(row) for row in rows]
    return max(set(widths), key=widths.count)


def _pieces(data: bytes, start: int, stop: int, size: int) -> Iterator[tuple[int, int]]:
    while start < stop:
        end = stop
        if stop - start > size:
            end = data.find(b"\n", start + size, stop) + 1 or stop
        yield start, end
        start = end


def _single_spaces(data: bytes) -> bytes:
    data = re.sub(rb" +", b" ", data)
    return re.sub(rb"^ | (?=\r?$)", b"", data, flags=re.MULTILINE)
