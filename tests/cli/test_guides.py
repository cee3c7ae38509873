"""The guides' examples: what a page shows after a command is what the command writes."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from grouping.methods import Method

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "docs" / "guide" / name for name in ("forming.md", "living.md")]
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.M | re.S)
_SECONDS = re.compile(r"( in [\d.]+ s$)|((?<=\d) +[\d.]+$)", re.M)


def examples(page: Path) -> list[tuple[str, str]]:
    """Commands of a page, with what it shows of each."""
    found = []
    for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            lines = part.splitlines(keepends=True)
            taken = 1
            while _open("".join(lines[:taken])):
                taken += 1
            found.append(("".join(lines[:taken]), "".join(lines[taken:])))
    return found


def _open(command: str) -> bool:
    """Whether a command goes on in the next line: within quotes."""
    return command.count("'") % 2 == 1


def written(command: str, folder: Path) -> str:
    """What a shell shows of a command, standard error too."""
    names = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    ran = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": names, "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=120,
    )
    return ran.stdout


def timeless(text: str) -> list[str]:
    """Lines without the seconds at their ends, of which no two runs have the same.

    Those of a table with gaps, and those that say what took so long.
    """
    of_time = (" % ", "infeasible", " in ")
    lines = [
        _SECONDS.sub("", line) if any(word in line for word in of_time) else line
        for line in text.splitlines()
    ]
    return [re.sub(r"[ ─]+", " ", line) for line in lines]  # as wide as the seconds are long


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_shows_what_its_commands_write(page: Path, tmp_path: Path) -> None:
    """In the page's order in one folder, but for `cat`, whose file the page brings along."""
    commands = examples(page)
    assert len(commands) > 5
    for command, shown in commands:
        if command.startswith("cat "):
            (tmp_path / command.split()[1]).write_text(shown)
        elif command.strip() != "echo $?":
            found = written(command, tmp_path)
            assert timeless(found) == timeless(shown), command


def test_the_design_page_names_every_folder_and_what_a_method_says_of_itself() -> None:
    page = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    for package in ("grouping", "learners", "benchmarks"):
        for folder in (ROOT / package).iterdir():
            if (folder / "__init__.py").is_file():
                name = folder.name if package == "benchmarks" else f"{package}/{folder.name}/"
                assert f"`{name}`" in page, name
    for field in dataclasses.fields(Method)[4:]:
        assert f"`{field.name}`" in page, field.name
