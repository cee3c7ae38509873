"""Form groups of people so that what each group is recommended satisfies its members."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from grouping.assigning import assign as assign
    from grouping.comparing import compare as compare
    from grouping.errors import GroupingError as GroupingError
    from grouping.errors import InfeasibleError as InfeasibleError
    from grouping.errors import InputError as InputError
    from grouping.errors import UndecidedError as UndecidedError
    from grouping.estimator import GroupFormer as GroupFormer
    from grouping.evaluating import evaluate as evaluate
    from grouping.formation import Formation as Formation
    from grouping.formation import Group as Group
    from grouping.forming import form as form
    from grouping.ratings import Ratings as Ratings
    from grouping.reading import read_ratings as read_ratings
    from grouping.sweeping import sweep as sweep

_HOMES = {
    "assign": "assigning",
    "compare": "comparing",
    "GroupingError": "errors",
    "InfeasibleError": "errors",
    "InputError": "errors",
    "UndecidedError": "errors",
    "GroupFormer": "estimator",
    "evaluate": "evaluating",
    "Formation": "formation",
    "Group": "formation",
    "form": "forming",
    "Ratings": "ratings",
    "read_ratings": "reading",
    "sweep": "sweeping",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: ``grouping --help`` must answer at once."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
