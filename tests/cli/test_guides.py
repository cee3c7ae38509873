"""The guides' examples: what a page shows after a command is what the command writes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "docs" / "guide" / name for name in ("forming.md", "living.md")]
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.M | re.S)
_SECONDS = re.compile(r"( in)? +\d+\.\d\d( s)?$", re.M)  # at the ends of lines: no two are alike


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
            assert _SECONDS.sub("", found) == _SECONDS.sub("", shown), command
