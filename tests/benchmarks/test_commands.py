"""Commands of benchmarks that pages show are commands that the benchmarks take."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
WRITTEN = re.compile(r"python -m (benchmarks[\w.]*)((?:[^`\n\\]|\\\n)*)")


def shown():
    """Every command of the pages once, lines that go on put together, [options] left out."""
    found = set()
    for page in PAGES:
        for module, options in WRITTEN.findall(page.read_text(encoding="utf-8")):
            if "[" not in options:
                found.add((module, *shlex.split(options.replace("\\\n", " "), comments=True)))
    return sorted(found)


class Parsed(Exception):  # noqa: N818
    """What follows the parsing of a command's options is not run."""


@pytest.mark.parametrize("command", shown(), ids=" ".join)
def test_shown_commands_are_taken(command, monkeypatch):
    """A command whose option is misspelt, missing or gone ends with code 2 before it measures."""
    parse = argparse.ArgumentParser.parse_args

    def parsed(self, *given):
        parse(self, *given)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parsed)
    monkeypatch.setattr(sys, "argv", [command[0], *command[1:]])
    module = import_module(command[0])
    if hasattr(module, "__path__"):
        module = import_module(f"{command[0]}.__main__")
    with pytest.raises(Parsed):
        module.main()


def test_pages_show_commands():
    """The pattern finds them: those of all folders that can be run."""
    folders = {command[0].split(".")[1] for command in shown()}
    assert folders == {"ablation", "learners", "peers", "quality", "speed"}
