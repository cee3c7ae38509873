"""Formation: the result, which prints as a report, saves as JSON and loads equal."""

from __future__ import annotations

import json
import math
import operator
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from grouping.aggregation import NAMES
from grouping.bounds import gap_between
from grouping.counting import WEIGHED
from grouping.errors import InputError
from grouping.files import replacing
from grouping.ids import Ids
from grouping.problem import SEMANTICS

if TYPE_CHECKING:
    import pandas as pd

    from grouping.exact.search import Certificate
    from grouping.members import MembersReport
    from grouping.methods import Outcome
    from grouping.objective import Score
    from grouping.problem import Problem

SCHEMA_VERSION = 1

STATUSES = ("feasible", "optimal", "time_limit", "interrupted")


@dataclass(frozen=True, eq=False)
class Group:
    """One group: its members, its list and what it makes of it.

    Attributes
    ----------
    number : int
    members : int64 array
        Positions of the users (rows), ascending.
    items : int64 array, shape (k,)
        Positions of the list's items (columns), best first.
    item_scores : float64 array, shape (k,)
        The group's score of each under the semantics.
    satisfaction : float
    """

    number: int
    members: NDArray[np.int64]
    items: NDArray[np.int64]
    item_scores: NDArray[np.float64]
    satisfaction: float
    users_by_position: Sequence[str] = field(repr=False)
    items_by_position: Sequence[str] | Mapping[int, str] = field(repr=False)
    name: str | None = None

    @property
    def size(self) -> int:
        """Number of members."""
        return len(self.members)

    @property
    def member_ids(self) -> list[str]:
        """Ids of the members, as in the input."""
        return [self.users_by_position[u] for u in self.members.tolist()]

    @property
    def item_ids(self) -> list[str]:
        """Ids of the list's items, as in the input."""
        return [self.items_by_position[i] for i in self.items.tolist()]


@dataclass(frozen=True, eq=False)
class Formation:
    """A partition of the users into groups, with each group's list and satisfaction.

    Attributes
    ----------
    labels : int64 array, shape (n,)
        Group of each user.
    groups : list of Group
    objective : float
        Sum of the groups' satisfactions; where members are weighed, each times what its members
        weigh together.
    bound : float or None
        An upper bound on the objective of any formation of this problem.
    status : {"feasible", "optimal", "time_limit", "interrupted"}
    method : str
    seed : int
    seconds : dict
        Seconds spent: ``read``, ``predict``, ``form``.
    problem : dict
        What was asked, as in the JSON document.
    users : sequence of str
        Ids in input order.
    versions : dict
    advice : list of str
        Sentences for the user (not saved).
    certificate : Certificate or None
        Proof of the bound (not saved), where the method gives one: see `grouping.exact`.
    members : MembersReport or None
        What each member gets, where it was asked for (saved, but not loaded again).
    chosen_by : str or None
        The method that was asked for and left the choice to the problem (not saved).
    broken : list of str or None
        Of a partition that was evaluated: the constraints that it breaks, and where, a sentence
        each; None where none were asked for.
    """

    labels: NDArray[np.int64]
    groups: list[Group]
    objective: float
    bound: float | None
    status: str
    method: str
    seed: int
    seconds: dict[str, float]
    problem: dict[str, Any]
    users: Sequence[str]
    versions: dict[str, str]
    advice: list[str] = field(default_factory=list)
    certificate: Certificate | None = None
    members: MembersReport | None = None
    chosen_by: str | None = None
    broken: list[str] | None = None

    @classmethod
    def of(
        cls,
        problem: Problem,
        outcome: Outcome,
        score: Score,
        *,
        method: str,
        seed: int,
        seconds: dict[str, float],
        settings: dict[str, Any],
        names: Sequence[str] | None = None,
        members: MembersReport | None = None,
        chosen_by: str | None = None,
        broken: list[str] | None = None,
    ) -> Formation:
        """Put together what a method found and what the objective says of it.

        Parameters
        ----------
        problem : Problem
        outcome : Outcome
        score : Score
        method : str
        seed : int
        seconds : dict
        settings : dict
            What was asked beyond the problem itself (missing, round, ...).
        names : sequence of str, optional
            Names of the groups, where the input gave them some.
        members : MembersReport, optional
        chosen_by : str, optional
            The method asked for, where that chose another.
        broken : list of str, optional

        Returns
        -------
        formation : Formation
        """
        from grouping.kernels.groups import members_in_order

        n, m = problem.ratings.shape[0], len(problem.items)
        count = len(score.lists)
        lists = problem.in_input(score.lists)
        order, starts = members_in_order(outcome.labels, count)
        groups = [
            Group(
                g,
                order[starts[g] : starts[g + 1]],
                lists[g],
                score.item_scores[g],
                float(score.satisfaction[g]),
                problem.ratings.users,
                problem.items,
                None if names is None else names[g],
            )
            for g in range(count)
        ]
        weights = problem.aggregation.weights.tolist()
        asked: dict[str, Any] = {
            "semantics": problem.semantics,
            "agg": problem.aggregation.name,
            "groups": problem.groups,
            "k": problem.k,
            "users": n,
            "items": m,
            "missing": None,
            "round": None,
            "position_weights": weights if problem.aggregation.name == "wsum" else None,
            "weigh": problem.counting.weigh,
            "constraints": _constraints(problem),
            "input_sha256": None,
        }
        if problem.counting.weights is not None:
            asked["user_weights"] = problem.counting.weights.tolist()
        return cls(
            outcome.labels,
            groups,
            score.objective,
            outcome.bound,
            outcome.status,
            method,
            seed,
            seconds,
            asked | settings,
            problem.ratings.users,
            versions(),
            list(outcome.advice),
            outcome.certificate,
            members,
            chosen_by,
            broken,
        )

    @property
    def gap(self) -> float | None:
        """(bound - objective) / abs(bound); None without a bound, or where it is 0, not reached."""
        return gap_between(self.objective, self.bound)

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Members of each group."""
        return np.array([group.size for group in self.groups], dtype=np.int64)

    def to_dict(
        self,
        item_names: Mapping[str, str] | None = None,
        user_names: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Return the JSON document (schema version 1) as a dict.

        Parameters
        ----------
        item_names, user_names : mapping of id to title, optional
            Titles to put beside the ids.

        Returns
        -------
        document : dict
        """
        document: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "problem": self.problem,
            "method": self.method,
            "status": self.status,
            "objective": self.objective,
            "bound": self.bound,
            "gap": self.gap,
            "groups": [_group_dict(group, item_names, user_names) for group in self.groups],
            "seconds": self.seconds,
            "seed": self.seed,
            "versions": self.versions,
            "layout": {
                "labels": self.labels.tolist(),
                "item_positions": [group.items.tolist() for group in self.groups],
            },
        }
        if self.members is not None:
            document["members_report"] = self.members.entries(self.labels, self.users)
        if self.broken is not None:
            document["broken"] = self.broken
        return document

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], source: str = "formation") -> Formation:
        """Read the JSON document back.

        Parameters
        ----------
        document : mapping
        source : str
            What to call the input in messages.

        Returns
        -------
        formation : Formation

        Raises
        ------
        InputError
            If the document is not a formation of a known schema version.
        """
        version = document.get("schema_version") if isinstance(document, Mapping) else None
        if version != SCHEMA_VERSION:
            raise InputError(
                f"{source}: is not a formation of schema version {SCHEMA_VERSION} "
                f"(schema_version is {version!r})"
            )
        try:
            return cls._from_valid(document)
        except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            raise InputError(f"{source}: is not a whole formation ({error!r})") from error

    @classmethod
    def _from_valid(cls, document: Mapping[str, Any]) -> Formation:
        labels = np.array([operator.index(g) for g in document["layout"]["labels"]], np.int64)
        users = [""] * len(labels)
        item_ids: dict[int, str] = {}
        groups = []
        for number, entry in enumerate(document["groups"]):
            members = np.flatnonzero(labels == number)
            for position, name in zip(members.tolist(), entry["members"], strict=True):
                users[position] = name
            items = np.array(document["layout"]["item_positions"][number], dtype=np.int64)
            item_ids |= {
                i: it["item"] for i, it in zip(items.tolist(), entry["items"], strict=True)
            }
            scores = np.array([it["score"] for it in entry["items"]], dtype=np.float64)
            if not np.all(np.isfinite(scores)):
                raise ValueError("a score is not finite")
            satisfaction = _finite(entry["satisfaction"])
            groups.append(
                Group(
                    number,
                    members,
                    items,
                    scores,
                    satisfaction,
                    users,
                    item_ids,
                    entry.get("name"),
                )
            )
        if "" in users or not groups:
            raise ValueError("a user has no group")
        _check_problem(document["problem"])
        if any(len(group.items) != document["problem"]["k"] for group in groups):
            raise ValueError("a list is not as long as was asked for")
        if document["status"] not in STATUSES:
            raise ValueError(f"unknown status {document['status']!r}")
        if not isinstance(document["method"], str):
            raise TypeError("the method's name is not text")
        return cls(
            labels,
            groups,
            _finite(document["objective"]),
            None if document["bound"] is None else _finite(document["bound"]),
            document["status"],
            document["method"],
            operator.index(document["seed"]),
            dict(document["seconds"]),
            dict(document["problem"]),
            Ids(users, "user"),
            dict(document["versions"]),
            broken=None if document.get("broken") is None else list(document["broken"]),
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame with a row a user: columns ``user`` (id) and ``group``.

        Groups are numbers, or names where they were given such.

        Returns
        -------
        frame : pandas.DataFrame
        """
        import pandas as pd

        return pd.DataFrame(self._by_user())

    def _by_user(self) -> dict[str, Any]:
        """Each user's group: its number, or where groups have names, that."""
        groups: Any = self.labels
        if any(group.name is not None for group in self.groups):
            names = [str(g.number) if g.name is None else g.name for g in self.groups]
            groups = [names[number] for number in self.labels.tolist()]
        return {"user": list(self.users[:]), "group": groups}

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        item_names: Mapping[str, str] | None = None,
        user_names: Mapping[str, str] | None = None,
    ) -> None:
        """Write the formation, whole or not at all.

        Parameters
        ----------
        path : path-like
            ``.json``: the whole document. ``.csv`` and ``.parquet``: columns user and group.
        item_names, user_names : mapping of id to title, optional
            Titles to put beside the ids (JSON).

        Raises
        ------
        InputError
            If the name ends otherwise.
        GroupingError
            If the file cannot be written.
        """
        suffix = Path(path).suffix.lower()
        if suffix not in (".json", ".csv", ".parquet"):
            raise InputError(f"{os.fspath(path)}: name a .json, .csv or .parquet file")
        with replacing(path) as file:
            if suffix == ".json":
                file.write(as_json(self.to_dict(item_names, user_names)).encode())
                return
            import pyarrow as pa

            table = pa.table(self._by_user())
            if suffix == ".csv":
                from pyarrow import csv

                csv.write_csv(table, file, csv.WriteOptions(quoting_style="needed"))
            else:
                from pyarrow import parquet

                parquet.write_table(table, file)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Formation:
        """Read a formation that was saved as JSON.

        Parameters
        ----------
        path : path-like

        Returns
        -------
        formation : Formation

        Raises
        ------
        InputError
            If there is no such file, or it is not a formation.
        """
        return cls.from_dict(read_document(path), os.fspath(path))

    def summary(self) -> str:
        """Return the formation as a table that a person can read.

        Returns
        -------
        text : str
        """
        from grouping.report import as_text

        return as_text(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Formation):
            return NotImplemented
        return self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return (
            f"Formation({len(self.groups)} groups of {len(self.labels)} users, objective "
            f"{self.objective:g}, {self.status} by {self.method})"
        )


def read_document(path: str | os.PathLike[str]) -> Any:
    """Read the JSON document of a formation as it stands, titles and members' report included.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    document : Any
        Whatever the JSON holds: `Formation.from_dict` tells whether it is a formation.

    Raises
    ------
    InputError
        If there is no such file, or it is not JSON.
    """
    name = os.fspath(path)
    try:
        return json.loads(Path(path).read_bytes())
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise InputError(
            f"{name}: is not JSON, or is cut short ({error}): give the .json file that form wrote"
        ) from error


def _constraints(problem: Problem) -> dict[str, Any]:
    """What the JSON document says of constraints, and of what is excluded."""
    document = problem.constraints.as_dict(problem.ratings.users)
    if problem.left_out or problem.exclusions:
        pairs = problem.exclusions.pairs
        document["exclude"] = {
            "items": list(problem.left_out),
            "pairs": 0 if pairs is None else len(pairs),
        }
        if pairs is not None:
            single = problem.exclusions.of_single_users(problem.ratings.items)
            document["exclude"]["of_single_users"] = single
    return document


def _check_problem(problem: Mapping[str, Any]) -> None:
    """Check that what was asked for is there, and of values that there are."""
    for part in ("semantics", "agg", "groups", "k", "users", "items", "position_weights"):
        if part not in problem:
            raise KeyError(f"problem.{part}")
    for part, known in (("semantics", SEMANTICS), ("agg", NAMES), ("weigh", WEIGHED)):
        if problem.get(part, known[0]) not in known:
            raise ValueError(f"problem.{part} is {problem[part]!r}")
    constraints = problem.get("constraints") or {}
    sizes = [constraints.get(name) for name in ("min_size", "max_size")]
    for size in (*sizes, *(constraints.get("sizes") or ())):
        if size is not None:
            operator.index(size)


def _finite(number: Any) -> float:
    """Return the number of a document as a float, refusing NaN and infinity."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{value} is not finite")
    return value


def _group_dict(
    group: Group,
    item_names: Mapping[str, str] | None,
    user_names: Mapping[str, str] | None,
) -> dict[str, Any]:
    items: list[dict[str, Any]] = [
        {"item": item, "score": score}
        for item, score in zip(group.item_ids, group.item_scores.tolist(), strict=True)
    ]
    if item_names is not None:
        for entry in items:
            entry["title"] = item_names.get(entry["item"])
    members = group.member_ids
    made: dict[str, Any] = {
        "group": group.number,
        "size": group.size,
        "satisfaction": group.satisfaction,
        "items": items,
        "members": members,
    }
    if user_names is not None:
        made["member_names"] = [user_names.get(member) for member in members]
    if group.name is not None:
        made["name"] = group.name
    return made


def as_json(document: Mapping[str, Any]) -> str:
    """Write a document as JSON text, all on one line; numbers are finite.

    Parameters
    ----------
    document : mapping

    Returns
    -------
    text : str
        Ends with a line break.
    """
    return json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n"


@cache
def _library_versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("numpy", "scipy", "numba")}


def versions() -> dict[str, str]:
    """Versions of what decides a result.

    Returns
    -------
    versions : dict
    """
    from grouping import __version__

    python = platform.python_version()
    return {"grouping": __version__, "python": python, **_library_versions()}
