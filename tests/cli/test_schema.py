"""The published JSON Schema: every document is valid under it, and a mutilated one is not."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from grouping import Formation, evaluate, form
from tests.cli.running import LABELS, RATINGS, THREE, Run

SCHEMA = json.loads(files("grouping.schema").joinpath("formation.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)
X = np.array(RATINGS, dtype=np.float32)


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_what_the_command_line_writes_is_valid(run: Run, table: str, tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("item,title\np,Pier\n")
    (tmp_path / "users.csv").write_text("user,name\na,Ada\n")
    (tmp_path / "g.csv").write_text("user,group\n" + "".join(f"{u},team {u}\n" for u in "abcdef"))
    names = ("--item-names", "items.csv", "--user-names", "users.csv")
    formed = run("form", table, *THREE, "--json", *names).document
    VALIDATOR.validate(formed)
    VALIDATOR.validate(
        run(
            *("evaluate", table, "--groups", "g.csv", "-k", "2", "--agg", "wsum", "--bound"),
            *("--round", "0.5", "--missing", "2", "--json"),
        ).document
    )


@pytest.mark.parametrize("semantics", ["lm", "av"])
@pytest.mark.parametrize("agg", ["min", "max", "sum", "wsum", "ndcg"])
def test_every_kind_of_formation_is_valid(semantics: str, agg: str) -> None:
    for formation in (
        form(X, semantics, agg, 3, 2, bound=True, missing=1.5),
        evaluate(X, LABELS, semantics, agg, 2),
    ):
        document = json.loads(json.dumps(formation.to_dict(), allow_nan=False))
        VALIDATOR.validate(document)
        assert Formation.from_dict(document) == formation


def _set(*path: Any, to: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = to

    return change


def _drop(*path: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        del document[path[-1]]

    return change


MUTILATIONS = {
    "another version": _set("schema_version", to=2),
    "unknown part": _set("extra", to=1),
    "no groups": _set("groups", to=[]),
    "no objective": _set("objective", to=None),
    "gap without bound": _set("bound", to=None),
    "unknown status": _set("status", to="fine"),
    "unknown semantics": _set("problem", "semantics", to="mean"),
    "k of 0": _set("problem", "k", to=0),
    "weights without wsum": _set("problem", "position_weights", to=[1.0, 0.5]),
    "short checksum": _set("problem", "input_sha256", to="abc"),
    "empty group": _set("groups", 0, "members", to=[]),
    "a number as an id": _set("groups", 0, "members", 0, to=1),
    "a member twice": _set("groups", 0, "members", to=["a", "a"]),
    "a score as text": _set("groups", 0, "items", 0, "score", to="5"),
    "a negative group": _set("groups", 0, "group", to=-1),
    "half a label": _set("layout", "labels", 0, to=0.5),
    "no list": _set("layout", "item_positions", 0, to=[]),
    "negative seconds": _set("seconds", "form", to=-1),
    "a version as a number": _set("versions", "python", to=3.11),
} | {
    f"without {' '.join(map(str, path))}": _drop(*path)
    for path in (
        *((name,) for name in SCHEMA["required"]),
        *(("problem", name) for name in SCHEMA["$defs"]["problem"]["required"]),
        *(("groups", 0, name) for name in SCHEMA["$defs"]["group"]["required"]),
        ("groups", 0, "items", 0, "item"),
        ("layout", "labels"),
    )
}


@pytest.mark.parametrize("how", MUTILATIONS)
def test_a_mutilated_document_is_not_valid(how: str) -> None:
    document = copy.deepcopy(form(X, "lm", "min", 3, 2, bound=True).to_dict())
    assert VALIDATOR.is_valid(document)
    MUTILATIONS[how](document)
    assert not VALIDATOR.is_valid(document)
