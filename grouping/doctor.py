"""What is installed, what it runs on, and what is missing."""

from __future__ import annotations

import os
import platform
import tempfile
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grouping import __version__
from grouping.memory import available, in_words

if TYPE_CHECKING:
    from rich.console import RenderableType

CORE = (
    "numpy", "scipy", "numba", "pandas", "pyarrow", "typer", "rich", "pyomo", "highspy",
    "scikit-learn",
)  # fmt: skip
EXTRAS = {"torch": "learners", "matplotlib": "plot", "polars": "polars"}


def examine() -> dict[str, Any]:
    """Look at the installation and the machine.

    Returns
    -------
    found : dict
        ``versions``, ``machine``, ``solvers``, ``extras``, and ``problems``: sentences, each
        with a way out; empty if all is well.
    """
    installed = versions()
    problems = [
        f"{name} is missing: pip install grouping brings it"
        for name, found in installed.items()
        if found == "missing"
    ]
    extras = {
        name: _version(name) or f"not installed (pip install 'grouping[{extra}]')"
        for name, extra in EXTRAS.items()
    }
    machine: dict[str, Any] = {
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        "memory available": in_words(available()),
    }
    if installed["numba"] != "missing":
        numba: Any = import_module("numba")
        machine["threads"] = numba.get_num_threads()
        machine["jit"] = "disabled" if numba.config.DISABLE_JIT else "enabled"
        named, folder = numba.config.CACHE_DIR, _cache_folder()
        machine["kernel cache"] = str(folder or "none: compiled anew in every process")
        if numba.config.DISABLE_JIT:
            problems.append("NUMBA_DISABLE_JIT is set: kernels run as plain Python, very slowly")
        if folder is None:
            problems.append(
                "no kernel cache can be written: set NUMBA_CACHE_DIR to a folder that can, or "
                "every run compiles for some seconds"
            )
        elif named and folder != Path(named):
            problems.append(f"NUMBA_CACHE_DIR={named} cannot be written: name a folder that can")
    solvers = {"HiGHS": _highs()}
    if solvers["HiGHS"].startswith("not"):
        problems.append(f"HiGHS does not run: {solvers['HiGHS']}")
    return {
        "versions": installed,
        "machine": machine,
        "solvers": solvers,
        "extras": extras,
        "problems": problems,
    }


def versions() -> dict[str, str]:
    """Look up what is installed.

    Returns
    -------
    versions : dict
        Of this package, Python, and the packages that it needs; "missing" for what is not there.
    """
    found = {"grouping": __version__, "python": platform.python_version()}
    return found | {name: _version(name) or "missing" for name in CORE}


def as_table(found: dict[str, Any]) -> RenderableType:
    """Lay out what was found for a person.

    Parameters
    ----------
    found : dict
        From `examine`.

    Returns
    -------
    table : rich renderable
    """
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_header=False)
    for part in ("versions", "machine", "solvers", "extras"):
        for number, (name, value) in enumerate(found[part].items()):
            table.add_row(part if number == 0 else "", name, Text(str(value)))
    verdict = found["problems"] or ["nothing is missing"]
    return Group(table, *(Text(line) for line in verdict))


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _highs() -> str:
    if find_spec("highspy") is None:
        return "not installed"
    try:
        highspy: Any = import_module("highspy")
        return str(highspy.Highs().version())
    except Exception as error:
        return f"not usable ({error})"


def _cache_folder() -> Path | None:
    """Folder where numba keeps compiled kernels: the first that can be written, in its order."""
    numba: Any = import_module("numba")
    named = numba.config.CACHE_DIR
    beside = Path(__file__).parent / "kernels" / "__pycache__"
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "numba"
    for folder in ([Path(named)] if named else []) + [beside, home]:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    return None
