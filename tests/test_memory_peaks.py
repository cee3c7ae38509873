"""What is asked for is what is taken: estimates against the peaks of real processes."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp
from pyarrow import csv, parquet

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not Path("/proc/self/clear_refs").exists(), reason="measures by Linux's /proc"
    ),
]

MEASURE = """
import gc, json, sys
from grouping import Formation, Ratings, evaluate, form, memory, read_ratings
from grouping.bounds import own_list_bound
from grouping.problem import Problem
from grouping.reading.partition import read_partition
import grouping.reading.wide_text, grouping.reading.parquet, grouping.reading.matrix_file
import numpy as np, pyarrow.csv, pyarrow.parquet, scipy.sparse as sp

def status(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

asked = []
def ask(needed, *words, require=memory.require):
    asked.append(status("VmRSS") + needed)
    require(needed, *words)
for module in [module for name, module in sys.modules.items() if name.startswith("grouping")]:
    if hasattr(module, "require"):
        module.require = ask

path, step = sys.argv[1:]
def run(given, labels):
    if step == "read":
        return read_ratings(given, duplicates="last")
    if step == "partition":
        return read_partition(given)
    what, semantics, agg = step.split()
    missing = "error" if isinstance(given, np.ndarray) else "min"
    if what == "form":
        return form(given, semantics, agg, 10, 5, missing=missing)
    if what == "evaluate":
        return evaluate(given, labels, semantics, agg, 5, missing=missing)
    return own_list_bound(Problem.of(Ratings.of(given), semantics, agg, 10, 5))

given = path
if step not in ("read", "partition"):
    given = sp.load_npz(path) if path.endswith("npz") else np.load(path)
    run(given[:100], np.arange(100) % 10)  # compiles, or loads what is compiled
elif step == "read":
    read_ratings(__import__("io").BytesIO(b"1,1,1\\n2,2,2\\n"))
labels = np.arange(given.shape[0]) % 10 if step.startswith("evaluate") else None
asked.clear()
gc.collect()
before = status("VmRSS")
open("/proc/self/clear_refs", "w").write("5")
made = run(given, labels)
print(json.dumps([max(asked) - before, status("VmHWM") - before]))
"""

ROWS = 3_000_000


def long_table():
    rng = np.random.default_rng(0)
    user = np.repeat(np.arange(ROWS // 50), 50)
    item = (rng.integers(0, 100, ROWS) + 100 * np.tile(np.arange(50), ROWS // 50)).astype(np.int64)
    return pa.table({"user": user, "item": item, "rating": rng.integers(1, 6, ROWS)})


def wide_table(real=False):
    rng = np.random.default_rng(0)
    X = rng.random((10_000, 1000)) if real else rng.integers(1, 6, (20_000, 1000))
    columns = {f"i{j}": X[:, j] for j in range(X.shape[1])}
    return pa.table({"name": [f"u{u}" for u in range(len(X))], **columns})


def matrix():
    rng = np.random.default_rng(0)
    return rng.integers(1, 6, (1_000_000, 50)).astype(np.float32)


def csr(n=500_000, m=5000, each=10):
    rng = np.random.default_rng(0)
    indices = np.sort(rng.integers(0, m // each, (n, each)) + np.arange(each) * (m // each))
    values = rng.integers(1, 11, n * each).astype(np.float32) / 2
    starts = np.arange(0, n * each + 1, each)
    return sp.csr_array((values, indices.ravel(), starts), shape=(n, m))


def partition():
    rows = "".join(f"{user},{user % 1000}\n" for user in range(1_000_000))
    return "user,group\n" + rows


def groups():
    members = [[str(user) for user in range(g, 1_000_000, 1000)] for g in range(1000)]
    return json.dumps({"groups": [{"group": g, "members": m} for g, m in enumerate(members)]})


def packed(path):
    path.with_suffix("").write_bytes(b"")
    csv.write_csv(long_table(), path.with_suffix(""))
    path.write_bytes(gzip.compress(path.with_suffix("").read_bytes(), 1))


INPUTS = {
    "long.csv": lambda path: csv.write_csv(long_table(), path),
    "long.csv.gz": packed,
    "long.parquet": lambda path: parquet.write_table(long_table(), path),
    "wide.csv": lambda path: csv.write_csv(wide_table(), path),
    "real.csv": lambda path: csv.write_csv(wide_table(real=True), path),
    "wide.parquet": lambda path: parquet.write_table(wide_table(), path),
    "real.parquet": lambda path: parquet.write_table(wide_table(real=True), path),
    "matrix.npy": lambda path: np.save(path, matrix()),
    "csr.npz": lambda path: sp.save_npz(path, csr()),
    "coo.npz": lambda path: sp.save_npz(path, csr().tocoo()),
    "partition.csv": lambda path: path.write_text(partition()),
    "partition.json": lambda path: path.write_text(groups()),
}
SCORING = [
    f"{what} {semantics}"
    for what in ("form", "evaluate", "bound")
    for semantics in ("lm min", "av sum")
]
CASES = [
    *((name, "partition" if name.startswith("partition") else "read") for name in INPUTS
      if name != "matrix.npy"),
    *(("matrix.npy", step) for step in SCORING),
    *(("csr.npz", step) for step in SCORING if not step.startswith("bound")),
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("inputs")


@pytest.mark.parametrize(("name", "step"), CASES)
def test_an_estimate_is_near_the_peak(folder, name, step):
    """Never far below it, and not so far above that what would fit is refused."""
    path = folder / name
    if not path.exists():
        INPUTS[name](path)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path), step], check=True, capture_output=True, text=True
    )
    asked, peak = json.loads(done.stdout)
    print(f"{name} {step}: {asked / 1e6:.0f} MB asked for, {peak / 1e6:.0f} MB at the peak")
    assert 0.8 * peak < asked < 1.8 * peak
