"""Results line by line in a CSV file, so that a stopped run goes on where it was."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path


def same_settings(out: Path, name: str, settings: dict[str, object], made: str) -> None:
    """Refuse a folder whose results, of the same name, were made with other settings.

    Settings are compared by how they print. ``made`` is a pattern of the files that are made with
    them: a folder that has some, but no settings, is refused too. What the code was is not looked
    at: after a change of it name another folder, or remove what it holds.

    Raises
    ------
    SystemExit
        If a setting differs; the message names it.
    """
    said = {key: repr(value) for key, value in settings.items()}
    path = out / f"{name}.settings.json"
    if path.is_file():
        before = json.loads(path.read_text())
        for key in {**before, **said}:
            if before.get(key) != said.get(key):
                raise SystemExit(f"{out}: made with another {key}; name another folder with --out")
        return
    if any(out.glob(made)):
        raise SystemExit(f"{out}: made with settings unknown; name another folder with --out")
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(said, indent=1) + "\n")


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
            if self.rows:
                print(
                    f"{path}: {len(self.rows)} lines of before, which are not measured again; to "
                    "measure them name another folder with --out",
                    file=sys.stderr,
                )
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as file:
            csv.writer(file).writerow(header)

    def has(self, *key: object) -> bool:
        return tuple(map(str, key)) in self.rows

    def add(self, key: Sequence[object], values: Sequence[object]) -> None:
        """Write a line at once; a later one of the same key counts."""
        cells = self._cells(key, values)
        with self.path.open("a", newline="") as file:
            csv.writer(file).writerow(cells.values())
        self.rows[tuple(map(str, key))] = cells

    def put(self, key: Sequence[object], values: Sequence[object]) -> None:
        """Write a line unless the very same is there."""
        if self.rows.get(tuple(map(str, key))) != self._cells(key, values):
            self.add(key, values)

    def _cells(self, key: Sequence[object], values: Sequence[object]) -> dict[str, str]:
        cells = [*map(str, key), *(f"{v:.6f}" if isinstance(v, float) else str(v) for v in values)]
        return dict(zip((*self.keys, *self.values), cells, strict=True))

    def show(self) -> None:
        """Print as a Markdown table."""
        names = [*self.keys, *self.values]
        print("| " + " | ".join(names) + " |")
        print("| --- " * len(names) + "|")
        for row in self.rows.values():
            print("| " + " | ".join(row[name] for name in names) + " |")
