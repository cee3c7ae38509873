"""A runner of the command line, and its small inputs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.forked import Server
from tests.cli.running import Ended, Run, command, environment, long_table


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Where processes are forked from."""
    made = Server()
    yield made
    made.close()


@pytest.fixture
def run(tmp_path: Path, server: Server) -> Run:
    """Run the command line in an empty folder: in a fresh process where input or variables are."""

    def start(*arguments: object, stdin: str | bytes = b"", **variables: str) -> Ended:
        if not stdin and not variables:
            done = server.run([*map(str, arguments)], tmp_path, environment())
        else:
            done = subprocess.run(
                command(*arguments),
                cwd=tmp_path,
                env=environment(**variables),
                input=stdin.encode() if isinstance(stdin, str) else stdin,
                capture_output=True,
                timeout=900,
            )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    return start


@pytest.fixture
def table(tmp_path: Path) -> str:
    """The ratings as a file."""
    (tmp_path / "ratings.csv").write_text(long_table())
    return "ratings.csv"


@pytest.fixture
def holes(tmp_path: Path) -> str:
    """The ratings without three of f's, as a file."""
    (tmp_path / "holes.csv").write_text(long_table(left_out="fq fr fs"))
    return "holes.csv"
