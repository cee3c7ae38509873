"""Results line by line in a CSV file, so that a stopped run goes on where it was."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path


class Lines:
    """A table of keys and values; what is there already need not be computed again.

    Keys and values are kept as text, floats with 6 decimals.
    """

    def __init__(self, path: Path, keys: Sequence[str], values: Sequence[str]) -> None:
        self.path, self.keys, self.values = path, tuple(keys), tuple(values)
        self.rows: dict[tuple[str, ...], dict[str, str]] = {}
        header = [*keys, *values]
        if path.is_file():
            with path.open(newline="") as file:
                reader = csv.DictReader(file)
                if reader.fieldnames != header:
                    raise SystemExit(f"{path}: holds other columns; name another folder with --out")
                for row in reader:
                    self.rows[tuple(row[key] for key in keys)] = row
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as file:
            csv.writer(file).writerow(header)

    def has(self, *key: object) -> bool:
        return tuple(map(str, key)) in self.rows

    def add(self, key: Sequence[object], values: Sequence[object]) -> None:
        """Write a line at once."""
        cells = [*map(str, key), *(f"{v:.6f}" if isinstance(v, float) else str(v) for v in values)]
        with self.path.open("a", newline="") as file:
            csv.writer(file).writerow(cells)
        names = [*self.keys, *self.values]
        self.rows[tuple(map(str, key))] = dict(zip(names, cells, strict=True))

    def show(self) -> None:
        """Print as a Markdown table."""
        names = [*self.keys, *self.values]
        print("| " + " | ".join(names) + " |")
        print("| --- " * len(names) + "|")
        for row in self.rows.values():
            print("| " + " | ".join(row[name] for name in names) + " |")
