"""Commands as whole processes, from a warm cache, against an empty Python process."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

from benchmarks.learners import movielens

TITLE = "Commands as whole processes"


def cases(size):
    yield "grouping --help", (["--help"], "< 0.3 s")
    yield "grouping form --json (the sample)", (["form", "--json"], "< 1.5 s")
    if size != "toy":
        yield "grouping form (the sample)", (["form"], "< 1.5 s")
        yield (
            "grouping form ratings.dat --missing min --json (MovieLens 1M)",
            (["form", "ratings.dat", "--missing", "min", "--json"], "< 2 s"),
        )


def bench(case, race):
    arguments, asked = case
    with tempfile.TemporaryDirectory() as folder:
        if "ratings.dat" in arguments:
            _unpack(Path(folder))
        script = Path(sys.executable).with_name("grouping")
        command = [str(script)] if script.exists() else [sys.executable, "-m", "grouping"]

        def run(*command):
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
            return done.stdout

        def check(output):
            if "--json" in arguments:
                document = json.loads(output)
                users = sum(group["size"] for group in document["groups"])
                assert users == document["problem"]["users"]
            else:
                assert output

        race(
            lambda: run(*command, *arguments),
            {"python -c pass": lambda: run(sys.executable, "-c", "pass")},
            check=check,
            asked=asked,
        )


def _unpack(folder: Path) -> None:
    found = movielens.find("ml-1m")
    if found is None:
        pytest.skip("MovieLens 1M is absent: name its folder by GROUPING_DATA")
    target = folder / "ratings.dat"
    if found.suffix != ".zip":
        target.symlink_to(found.resolve())
        return
    with zipfile.ZipFile(found) as archive:
        try:
            target.write_bytes(archive.read(movielens.MEMBERS["ml-1m"]))
        except KeyError:
            pytest.skip("GROUPING_DATA names an archive without MovieLens 1M")
