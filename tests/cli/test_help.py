"""What a new user meets first: help, version, and how fast they come."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main

from grouping import __version__
from grouping.cli.app import app
from grouping.methods import METHODS
from tests.cli.running import Run, environment

PROGRAM = typer.main.get_command(app)


def commands_of(group: Any, before: str = "") -> dict[str, Any]:
    """Commands by what is typed, those of groups ("learn mtal predict") included."""
    found = {}
    for name, command in group.commands.items():
        inner = getattr(command, "commands", {})
        if not inner or command.invoke_without_command:
            found[before + name] = command
        found |= commands_of(command, f"{before}{name} ") if inner else {}
    return found


COMMANDS = commands_of(PROGRAM)


def test_help_names_every_command_with_its_whole_short_help(run: Run) -> None:
    shown = run("--help", COLUMNS="80")
    assert (shown.code, shown.err) == (0, "")
    assert "..." not in shown.out.partition("Commands:")[2]
    for name in ("form", "evaluate", "bound", "predict", "generate", "doctor"):
        assert f"\n  {name} " in shown.out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained_and_says_what_it_takes(name: str) -> None:
    for parameter in COMMANDS[name].params:
        assert parameter.help, f"{name}: {parameter.name} has no help"
        takes_value = not getattr(parameter, "is_flag", False)
        if takes_value and not parameter.type_descriptor.choices:
            assert parameter.metavar, f"{name}: {parameter.name} does not say what it takes"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_short_option_has_a_long_name(name: str) -> None:
    for parameter in COMMANDS[name].params:
        if parameter.param_type_name == "option":
            assert any(written.startswith("--") for written in parameter.opts)


def test_help_of_a_command_shows_its_options_defaults_and_arguments(run: Run) -> None:
    shown = run("form", "-h", COLUMNS="80")
    assert shown.code == 0
    assert "Usage: grouping form [OPTIONS] [RATINGS]" in shown.out
    for words in ("-l, --groups L", "-k, --list-length K", "-o, --output FILE", "default: 10"):
        assert words in shown.out


def test_help_offers_the_methods_there_are(run: Run) -> None:
    shown = " ".join(run("form", "--help").out.split())
    assert f"--method {'|'.join(METHODS)} " in shown
    for method in METHODS.values():
        assert f"{method.name}: {method.summary}" in shown


def test_version(run: Run) -> None:
    assert run("--version").out == f"grouping {__version__}\n"


def test_no_command_shows_the_help_and_is_a_usage_error(run: Run) -> None:
    shown = run()
    assert shown.code == 2
    assert "Commands:" in shown.out + shown.err


def test_the_installed_command_is_the_module() -> None:
    script = Path(sys.executable).with_name("grouping")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"grouping {__version__}\n"


def imported(folder: Path, *arguments: str) -> set[str]:
    """Top-level packages that a command line imports."""
    probe = (
        "import sys\nfrom grouping.cli import main\n"
        f"sys.argv = ['grouping', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit as leaving:\n    assert not leaving.code, leaving\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [("--help",), ("form", "--help")])
def test_help_imports_nothing_heavy(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    heavy = {"numpy", "scipy", "numba", "pandas", "pyarrow", "torch", "sklearn", "learners"}
    assert not heavy & imported(tmp_path, *arguments)


def test_forming_from_complete_ratings_imports_no_predictor(tmp_path: Path, table: str) -> None:
    unwanted = {"torch", "pandas", "learners", "sklearn", "pyomo", "highspy", "matplotlib"}
    modules = imported(tmp_path, "form", table, "-q", "-k", "2", "--json")
    assert "numba" in modules
    assert not unwanted & modules


def test_the_reference_names_every_command_option_and_no_other() -> None:
    """docs/reference/cli.md keeps up with the program."""
    page = (Path(__file__).parents[2] / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    written = {word for command in COMMANDS.values() for p in command.params for word in p.opts}
    for name in COMMANDS:
        assert f"\n## {name}\n" in page
    options = {word for word in written if word.startswith("--")}
    documented = set(re.findall(r"--[a-z][a-z-]+", page))
    assert documented - options <= {"--help", "--version", "--install-completion"}
    assert options <= documented
