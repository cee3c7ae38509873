"""Mafengwo and CAMRa2011: python -m benchmarks.learners.dmtl_leave_one_out --out FOLDER.

The field's protocol: each group's held-out item among 100 that it did not take; HR and NDCG at 5
and 10. Equal scores share the places they take (the field's code gives the held-out item the best
of them). Nothing is chosen on test: DMTL stops on held-out train pairs, and what is mixed of DMTL
and item regression is chosen on one train item of each group, held out for that, and so is the way
to put members' item regression together that makes half of another mixture. CAMRa2011 is run
as published and with what is asked taken out of the train part: 576 test pairs, and since its group
ratings are mostly members' own under the household's name, members' own ratings of these items; so
it is done with the items held out to choose on.

Scores are kept in FOLDER under a digest of the settings that they come from, so that the command
continues where it was stopped, and other settings make other scores.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.learners.dmtl_data import find
from benchmarks.learners.lines import Lines
from benchmarks.learners.published import CONSREC
from learners.dmtl.ensemble import mixture, standardised
from learners.dmtl.groups import Groups
from learners.dmtl.model import DMTL
from learners.dmtl.settings import AGGREGATIONS, Settings
from learners.dmtl.told import Told
from learners.group_benchmarks import GroupBenchmark, LeaveOneOut, read_group_benchmark
from learners.intervals import bootstrap
from learners.item_regression import ItemRegression
from learners.ranking import hits_and_gains

ARCHIVES = {"Mafengwo": "mafengwo", "MafengwoS": "mafengwo", "CAMRa2011": "camra2011"}
RANKING = Settings(
    loss="ranking", inputs=("id", "seen"), dropout=0.5, weight_decay=0.3, negatives=30,
    learning_rate=0.005, batch=512, epochs=60, patience=4,
)  # fmt: skip
SETTINGS = {
    "Mafengwo": RANKING,
    "MafengwoS": RANKING,
    "CAMRa2011": replace(RANKING, batch=4000, negatives=4, size=32, epochs=20, patience=2),
}
MEMBERS_OWN = {"CAMRa2011"}  # whose group ratings are mostly members' own
REGULARIZATIONS = (10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
OF_MEMBERS = 300.0  # the regularization of members' item regression
PUBLISHED, REMOVED = "as published", "overlap removed"
VALUES = ("hr_at_5", "hr_at_10", "ndcg_at_5", "ndcg_at_10")

Scores = Callable[[GroupBenchmark, int], np.ndarray]  # groups x items


@dataclass(frozen=True)
class Method:
    """What scores, and which of the settings it scores by."""

    score: Scores
    by: tuple[str, ...] = ()


def popularity(of: str) -> Scores:
    def score(data: GroupBenchmark, seed: int) -> np.ndarray:
        entries = data.user_train if of == "users" else data.group_train
        counts = np.bincount(entries.columns, minlength=data.items).astype(float)
        return np.tile(counts, (len(data.groups), 1))

    return score


def members_taken(data: GroupBenchmark, seed: int) -> np.ndarray:
    """How many of the members took the item themselves; of equals the more popular item."""
    taken = data.ratings.matrix.astype(bool).astype(float)
    counts = taken.sum(axis=0)
    member = np.zeros((len(data.groups), data.users))
    member[np.repeat(np.arange(len(data.groups)), data.groups.sizes), data.groups.members] = 1.0
    return member @ taken + counts / (counts.max() + 1.0)


def members(model: str, put: Callable[..., np.ndarray]) -> Scores:
    """Members' scores put together; the group's own past is not looked at."""

    def score(data: GroupBenchmark, seed: int) -> np.ndarray:
        if model == "regression":
            taken = data.ratings.matrix
            of_users = ItemRegression(OF_MEMBERS).fit(taken).score(taken)
        else:
            alone = dmtl_model(data, seed, joint=False)
            every = Groups.of(data.users, [[u] for u in range(data.users)])
            of_users = alone.predict_groups(every, clip=False)
        return np.stack(
            [put(of_users[data.groups.of_group(g)], axis=0) for g in range(len(data.groups))]
        )

    return score


def regression(data: GroupBenchmark, seed: int) -> np.ndarray:
    """Item regression on what users and groups took, asked by the group's own past."""
    inner, held = hold_out(data, seed)
    found = [ndcg(at(regressed(inner, r), held)) for r in REGULARIZATIONS]
    return regressed(data, REGULARIZATIONS[int(np.argmax(found))])


def regressed(data: GroupBenchmark, regularization: float) -> np.ndarray:
    import scipy.sparse as sp

    joint = data.group_ratings.matrix
    both = sp.csr_array(sp.vstack([data.ratings.matrix, joint]))
    return ItemRegression(regularization).fit(both).score(joint).astype(np.float64)


def dmtl_model(
    data: GroupBenchmark,
    seed: int,
    aggregation: str = "mean",
    *,
    joint: bool = True,
    refit: bool = True,
) -> DMTL:
    told = Told(_taken(data.ratings))
    if joint:
        told = replace(told, groups=data.groups, group_ratings=_taken(data.group_ratings))
    settings = replace(SETTINGS[data.name], aggregation=aggregation, seed=seed, refit=refit)
    return DMTL(settings).fit(told, threads=THREADS)


def dmtl(aggregation: str) -> Scores:
    def score(data: GroupBenchmark, seed: int) -> np.ndarray:
        return dmtl_model(data, seed, aggregation).predict_groups(data.groups, clip=False)

    return score


def regression_share(data: GroupBenchmark, out: Path, seed: int = 0) -> float:
    """How much of item regression to mix into DMTL, chosen on held-out train items.

    Chosen once, without the pairs that the tests ask for, whatever the train part and the seed of
    the tested networks; kept in `out`.
    """
    path = out / "leave-one-out" / f"share-{data.name.lower()}-{digest(data.name, MIXED)}.txt"
    if path.is_file():
        return float(path.read_text())
    inner, held = hold_out(data.without_overlap(members=data.name in MEMBERS_OWN), seed)
    network = dmtl_model(inner, seed, refit=False).predict_groups(inner.groups, clip=False)
    parts = [standardised(at(scores, held)) for scores in (network, regression(inner, seed))]
    share = mixture(parts[0], parts[1], ndcg)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{share:.2f}\n")
    return share


def members_chosen(data: GroupBenchmark, out: Path, seed: int = 0) -> str:
    """Which way to put members' item regression together is best on held-out train items.

    Chosen once, as `regression_share` is, and kept in `out`.
    """
    path = out / "leave-one-out" / f"members-{data.name.lower()}-{digest(data.name, HALVED)}.txt"
    if path.is_file():
        return path.read_text().strip()
    inner, held = hold_out(data.without_overlap(members=data.name in MEMBERS_OWN), seed)
    found = {
        method: ndcg(at(METHODS[method].score(inner, seed), held))
        for method in OF_MEMBERS_BY_REGRESSION
    }
    print("; ".join(f"{method}: NDCG@10 {value:.4f} held out" for method, value in found.items()))
    chosen = max(found, key=lambda method: found[method])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(chosen + "\n")
    return chosen


METHODS = {
    "popularity among users": Method(popularity("users")),
    "popularity among groups": Method(popularity("groups")),
    "members who took it": Method(members_taken),
    **{
        f"members by {shown}, {how}": Method(members(model, put), (by,))
        for shown, model, by in (
            ("regression", "regression", "of members"),
            ("DMTL", "dmtl", "network"),
        )
        for how, put in (
            ("mean", np.mean),
            ("least misery", np.min),
            ("most pleasure", np.max),
        )
    },
    "item regression": Method(regression, ("regularizations",)),
    **{f"DMTL, {how}": Method(dmtl(how), ("network",)) for how in AGGREGATIONS},
}
MIXED, PARTS = "DMTL with item regression", ("DMTL, mean", "item regression")
HALVED = "DMTL with members by regression"
OF_MEMBERS_BY_REGRESSION = tuple(m for m in METHODS if m.startswith("members by regression"))
NAMES = (*METHODS, MIXED, HALVED)
THREADS = 1


def digest(name: str, method: str) -> str:
    """Of all settings that the scores of a method come from, on a data set."""
    held = {
        "network": SETTINGS[name].to_dict(),
        "regularizations": REGULARIZATIONS,
        "of members": OF_MEMBERS,
    }
    halved = (PARTS[0], *OF_MEMBERS_BY_REGRESSION)
    parts = {MIXED: PARTS, HALVED: halved}.get(method, (method,))
    used = {part: {by: held[by] for by in METHODS[part].by} for part in parts}
    said = json.dumps([used, name in MEMBERS_OWN], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:8]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--data", choices=list(ARCHIVES), nargs="*", default=["Mafengwo", "CAMRa2011"]
    )
    parser.add_argument("--train", choices=[PUBLISHED, REMOVED], nargs="*", help="by default both")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--methods", nargs="*", default=list(NAMES), choices=NAMES)
    parser.add_argument("--ours", default=MIXED, choices=NAMES)
    parser.add_argument(
        "--held-out", action="store_true", help="score train items that are held out to choose on"
    )
    options = parser.parse_args()
    lines = Lines(
        options.out / "leave-one-out.csv",
        ("data", "train", "tests", "seeds", "method", "settings"),
        VALUES,
    )
    for name in options.data:
        path = find(name) or find(ARCHIVES[name])
        if path is None:
            print(f"{name} is not here: set GROUPING_DATA to its folder", file=sys.stderr)
            return 2
        data = read_group_benchmark(path, name)
        if options.held_out:
            show_held_out(data, [m for m in options.methods if m in METHODS], options.seeds)
            continue
        overlap = data.overlap()
        by_members = at(members_taken(data, 0), data.group_test) >= 1.0
        print(
            f"{name}: {overlap.sum()} of {len(overlap)} test pairs are in the train part; some "
            f"member took {100 * by_members[:, 0].mean():.0f} % of the tested items, and "
            f"{100 * by_members[:, 1:].mean():.0f} % of those beside them"
        )
        cases = {PUBLISHED: data}
        if overlap.any():
            cases[REMOVED] = data.without_overlap(members=name in MEMBERS_OWN)
        seeds = " ".join(map(str, options.seeds))
        for train, case in cases.items():
            if train not in (options.train or cases):
                continue
            found = {
                method: np.stack(
                    [kept(case, train, seed, method, options.out) for seed in options.seeds]
                )
                for method in options.methods
            }
            tests = {"all": np.ones(len(overlap), dtype=bool)}
            if overlap.any():
                tests["not in the published train part"] = ~overlap
            for which, chosen in tests.items():
                show(
                    f"{name}, train part {train}, tests: {which}",
                    {m: v[:, chosen] for m, v in found.items()},
                    options.ours,
                    data.group_test.raters[chosen],
                    CONSREC.get(name, {}),
                )
                for method, values in found.items():
                    key = (name, train, which, seeds, method, digest(name, method))
                    if not lines.has(*key):
                        lines.add(key, values[:, chosen].mean(axis=(0, 1)).tolist())
    return 0


def kept(data: GroupBenchmark, train: str, seed: int, method: str, out: Path) -> np.ndarray:
    """HR and NDCG of each test row, shape (tests, 4)."""
    scores = scored(data, train, seed, method, out)
    parts = [hits_and_gains(scores, k) for k in (5, 10)]
    return np.column_stack([parts[0][0], parts[1][0], parts[0][1], parts[1][1]])


def scored(data: GroupBenchmark, train: str, seed: int, method: str, out: Path) -> np.ndarray:
    """Scores of the test candidates, shape (tests, candidates); kept in `out`."""
    label = "".join(
        c if c.isalnum() else "-" for c in f"{data.name} {train} {seed} {method}".lower()
    )
    path = out / "leave-one-out" / f"{label}-{digest(data.name, method)}.npy"
    if not path.is_file():
        if method == MIXED:
            parts = [standardised(scored(data, train, seed, name, out)) for name in PARTS]
            share = regression_share(data, out)
            scores = (1 - share) * parts[0] + share * parts[1]
        elif method == HALVED:
            halves = (PARTS[0], members_chosen(data, out))
            scores = np.mean([standardised(scored(data, train, seed, h, out)) for h in halves], 0)
        else:
            scores = at(METHODS[method].score(data, seed), data.group_test)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, scores)
    made: np.ndarray = np.load(path)
    return made


def at(scores: np.ndarray, tests: LeaveOneOut) -> np.ndarray:
    return scores[tests.raters[:, None], tests.items]


def ndcg(scores: np.ndarray) -> float:
    return float(hits_and_gains(scores, 10)[1].mean())


def hold_out(
    data: GroupBenchmark, seed: int, *, of_no_member: bool = False
) -> tuple[GroupBenchmark, LeaveOneOut]:
    """Hold out one train item of each group with two or more, beside 100 that it did not take.

    With `of_no_member` among those alone that no member took.
    """
    rng = np.random.default_rng(seed)
    entries = data.group_train
    order = rng.permutation(len(entries))
    if of_no_member:
        order = order[(members_taken(data, seed)[entries.rows, entries.columns] < 1.0)[order]]
    _, first = np.unique(entries.rows[order], return_index=True)
    places = order[first]
    places = places[np.bincount(entries.rows)[entries.rows[places]] > 1]
    taken = np.zeros((len(data.groups), data.items), dtype=bool)
    taken[entries.rows, entries.columns] = True
    drawn = [
        rng.choice(np.flatnonzero(~taken[g]), 100, replace=False) for g in entries.rows[places]
    ]
    asked = entries.rows[places], entries.columns[places]
    inner = data.without_pairs(*asked, members=data.name in MEMBERS_OWN)
    return inner, LeaveOneOut(asked[0], np.column_stack([asked[1], drawn]))


def show_held_out(data: GroupBenchmark, methods: Sequence[str], seeds: Sequence[int]) -> None:
    """Print what train items say that are held out to choose on; no test is looked at."""
    whole = data.without_overlap(members=data.name in MEMBERS_OWN)
    print("| held out | method | HR@5 | NDCG@10 |\n| --- | --- | --- | --- |")
    for of_no_member in (False, True):
        cases = [hold_out(whole, seed, of_no_member=of_no_member) for seed in seeds]
        for method in methods:
            found = [
                at(METHODS[method].score(inner, seed), held)
                for seed, (inner, held) in zip(seeds, cases, strict=True)
            ]
            hits = np.mean([hits_and_gains(scores, 5)[0].mean() for scores in found])
            gain = np.mean([ndcg(scores) for scores in found])
            which = "that no member took" if of_no_member else "any train item"
            print(f"| {which} | {method} | {hits:.4f} | {gain:.4f} |", flush=True)


def show(
    title: str,
    found: dict[str, np.ndarray],
    ours: str,
    groups: np.ndarray,
    published: dict[str, tuple[float, ...]],
) -> None:
    """Print a table; values have shape (seeds, tests, 4). Intervals are over the groups."""
    print(f"\n{title}; {ours} less the row's method:\n")
    print("| method | HR@5 | HR@10 | NDCG@5 | NDCG@10 | HR@5 | NDCG@5 |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for method, values in found.items():
        by_seed = values.mean(axis=1)
        cells = [f"{v:.4f}" for v in by_seed.mean(axis=0)]
        spread = by_seed.std(axis=0, ddof=1) if len(by_seed) > 1 else np.zeros(len(VALUES))
        if (spread > 5e-5).any():
            cells = [f"{c} (sd {s:.4f})" for c, s in zip(cells, spread, strict=True)]
        if method == ours or ours not in found:
            cells += ["", ""]
        else:
            apart = found[ours].mean(axis=0) - values.mean(axis=0)
            cells += [str(bootstrap(by_group(apart[:, c], groups))) for c in (0, 2)]
        print(f"| {method} | " + " | ".join(cells) + " |")
    for method, figures in published.items():
        print(f"| {method}, as published | " + " | ".join(f"{f:.4f}" for f in figures) + " | | |")


def by_group(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Sums over each group's tests, of the mean that the tests have: tests of a group go together.

    Parameters
    ----------
    values : float64 array, shape (tests,)
    groups : int64 array, shape (tests,)

    Returns
    -------
    sums : float64 array, shape (groups that are tested,)
    """
    tested, place = np.unique(groups, return_inverse=True)
    return np.bincount(place, weights=values) * len(tested) / len(values)


def _taken(ratings):
    """Every rating as 1: what counts is what was taken."""
    matrix = ratings.matrix.copy()
    matrix.data = np.ones_like(matrix.data)
    return ratings.with_matrix(matrix)


if __name__ == "__main__":
    sys.exit(main())
