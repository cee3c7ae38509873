"""ITM-Rec's real groups: python -m benchmarks.learners.dmtl_itm_groups --out FOLDER.

Ratings that groups gave together are held out, in five folds of ratings (other ratings of the
group are known) or of groups (no rating of the group is known: unseen groups). All ratings of
single students are known. Predictions of all folds are scored: RMSE, and by group the share of
pairs in the right order and NDCG@5. A group's items are ranked fold by fold: where a group's other
ratings are known, its level is learned without the ones held out, so that estimates of different
folds lie apart by what was held out, and ranking them together would punish whoever learns a level.
Intervals are over groups.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from benchmarks.learners.dmtl_data import Data, matrix, read
from benchmarks.learners.lines import Lines, same_settings
from grouping.ratings import Ratings
from learners.als import BiasedALS
from learners.bias import BiasModel
from learners.dmtl.groups import Groups
from learners.dmtl.model import DMTL
from learners.dmtl.settings import Settings
from learners.dmtl.told import Told
from learners.intervals import bootstrap
from learners.itm_rec import Rows

FOLDS = 5
SMALL = Settings(size=32, dropout=0.6, patience=5)
AGGREGATIONS = {"mean": np.mean, "least misery": np.min, "most pleasure": np.max}


@dataclass(frozen=True, eq=False)
class Case:
    """What is known in a fold, and what is asked."""

    data: Data
    groups: Groups
    users: Ratings
    train: Rows
    test: Rows
    seed: int

    def joint(self) -> Ratings:
        """Group ratings to learn from; repeats have their mean."""
        shape = (len(self.groups), len(self.data.items))
        cells, place = np.unique(self.train.who * shape[1] + self.train.item, return_inverse=True)
        means = np.bincount(place, weights=self.train.value) / np.bincount(place)
        csr = sp.csr_array((means.astype(np.float32), np.divmod(cells, shape[1])), shape=shape)
        return Ratings.of(csr, users=self.groups.names, items=self.data.items, scale=(1, 5))


Method = Callable[[Case], np.ndarray]


def group_bias(case: Case) -> np.ndarray:
    """Mean + group + item, from the groups' ratings alone."""
    return BiasModel(threads=1).fit(case.joint()).predict(case.test.who, case.test.item)


def together(case: Case) -> np.ndarray:
    """Matrix factorisation with groups as if they were more users."""
    users, joint = case.users.matrix, case.joint().matrix
    both = Ratings.of(sp.csr_array(sp.vstack([users, joint])), scale=(1, 5))
    model = BiasedALS(threads=1).fit(both)
    return model.predict(case.test.who + users.shape[0], case.test.item)


def aggregated(name: str, *, own: bool, calibrated: bool) -> Method:
    """Members' predicted ratings put together, their own ones in place of predicted ones."""

    def predict(case: Case) -> np.ndarray:
        n, m = case.users.shape
        every = np.arange(m)
        model = BiasedALS(threads=1).fit(case.users)
        members = np.unique(case.groups.members)
        ratings = np.full((n, m), np.nan)
        for user in members:
            ratings[user] = model.predict(np.full(m, user), every)
        if own:
            rows, columns = case.users.matrix.nonzero()
            ratings[rows, columns] = case.users.matrix.data
        put = AGGREGATIONS[name]
        scores = np.stack(
            [put(ratings[case.groups.of_group(g)], axis=0) for g in range(len(case.groups))]
        )
        found = scores[case.test.who, case.test.item]
        if calibrated:
            known = scores[case.train.who, case.train.item]
            slope, level = np.polyfit(known, case.train.value, 1)
            found = slope * found + level
        return np.clip(found, 1, 5)

    return predict


def dmtl(settings: Settings, *, joint: bool = True) -> Method:
    def predict(case: Case) -> np.ndarray:
        told = Told(case.users, profiles=case.data.profiles)
        if joint:
            told = replace(told, groups=case.groups, group_ratings=case.joint())
        model = DMTL(replace(settings, seed=case.seed)).fit(told, device="cpu", threads=1)
        found = model.predict_group_pairs(case.groups, case.test.who, case.test.item)
        return np.clip(found, 1, 5)

    return predict


METHODS: dict[str, Method] = {
    "group bias": group_bias,
    "factorisation, groups as users": together,
    **{
        f"{name} of members{', own ratings' if own else ''}{', calibrated' if fitted else ''}": (
            aggregated(name, own=own, calibrated=fitted)
        )
        for name in AGGREGATIONS
        for own in (False, True)
        for fitted in (False, True)
    },
    "DMTL without group ratings": dmtl(SMALL, joint=False),
    "DMTL, mean": dmtl(SMALL),
    "DMTL, attention": dmtl(replace(SMALL, aggregation="attention")),
    "DMTL, min": dmtl(replace(SMALL, aggregation="min")),
    "DMTL, mean, lambda 0": dmtl(replace(SMALL, profile_weight=0.0)),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--by", choices=["ratings", "groups"], nargs="*", default=["ratings", "groups"]
    )
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--ours", default="DMTL, mean", help="compared with all others")
    options = parser.parse_args()
    asked = {"network": SMALL, "number of folds": FOLDS}
    same_settings(options.out, "itm-groups", asked, "itm-groups.csv")
    data = read("itm-rec")
    lines = Lines(
        options.out / "itm-groups.csv",
        ("by", "seed", "method"),
        ("rmse", "concordance", "ndcg_at_5"),
    )
    for by in options.by:
        found: dict[str, list[np.ndarray]] = {}
        for seed in options.seeds:
            for name in options.methods:
                fold = folds(data, by, seed)
                estimates = kept(data, by, seed, name, options.out)
                scored = by_group(data, fold, estimates)
                found.setdefault(name, []).append(scored)
                truth = data.itm.group_ratings.value
                error = float(np.sqrt(np.mean((estimates - truth) ** 2)))
                means = np.nanmean(scored[:, 1:], axis=0)
                lines.put((by, seed, name), (error, *means.tolist()))
        show(by, found, options.ours)
    return 0


def folds(data: Data, by: str, seed: int) -> np.ndarray:
    """Fold of each group rating."""
    rows, rng = data.itm.group_ratings, np.random.default_rng(seed)
    if by == "groups":
        return rng.permutation(len(data.itm.groups))[rows.who] % FOLDS
    return rng.permutation(len(rows)) % FOLDS


def kept(data: Data, by: str, seed: int, name: str, out: Path) -> np.ndarray:
    """Out-of-fold predictions of all group ratings."""
    label = "".join(letter if letter.isalnum() else "-" for letter in name.lower())
    itm = data.itm
    rows, groups = itm.group_ratings, Groups.of(itm.groups[:], itm.members)
    fold = folds(data, by, seed)
    estimates = np.empty(len(rows))
    for number in range(FOLDS):
        path = out / "itm-groups" / f"{by}-{seed}-{number}-{label}.npy"
        if not path.is_file():
            parts = [
                Rows(rows.who[chosen], rows.item[chosen], rows.value[chosen])
                for chosen in (fold != number, fold == number)
            ]
            case = Case(data, groups, matrix(data, data.rows), *parts, seed)
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, METHODS[name](case))
        estimates[fold == number] = np.load(path)
    return estimates


def by_group(data: Data, fold: np.ndarray, estimates: np.ndarray) -> np.ndarray:
    """Mean squared error, concordance and NDCG@5 of each group; NaN without unequal ratings.

    Only ratings of one fold are ranked against each other: concordance is over all such pairs of
    the group, NDCG@5 the mean over its folds.
    """
    rows = data.itm.group_ratings
    found = np.full((len(data.itm.groups), 3), np.nan)
    for g in range(len(found)):
        mine = np.flatnonzero(rows.who == g)
        truth, guess = rows.value[mine], estimates[mine]
        found[g, 0] = np.mean((truth - guess) ** 2)
        apart = np.sign(truth[:, None] - truth)
        unequal = (apart != 0) & (fold[mine][:, None] == fold[mine])
        if unequal.any():
            agree = apart * np.sign(guess[:, None] - guess)
            found[g, 1] = (agree[unequal].mean() + 1) / 2
            ranked = [np.flatnonzero(fold[mine] == f) for f in np.unique(fold[mine])]
            ranked = [one for one in ranked if unequal[np.ix_(one, one)].any()]
            found[g, 2] = np.mean([_ndcg(truth[one], guess[one]) for one in ranked])
    return found


def _ndcg(truth: np.ndarray, guess: np.ndarray) -> float:
    return _gain(truth[np.argsort(-guess, kind="stable")]) / _gain(-np.sort(-truth))


def _gain(ordered: np.ndarray) -> float:
    top = ordered[:5] - 1
    return float((top / np.log2(np.arange(len(top)) + 2)).sum())


def over_runs(runs: list[np.ndarray]) -> np.ndarray:
    """Mean over the seeds in which a group's figure is known; NaN where it is in none."""
    stacked = np.stack(runs)
    known = ~np.isnan(stacked)
    count = known.sum(axis=0)
    total = np.where(known, stacked, 0.0).sum(axis=0)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def show(by: str, found: dict[str, list[np.ndarray]], ours: str) -> None:
    print(f"\nHeld out by {by}; {ours} less the row's method:\n")
    print("| method | RMSE | concordance | NDCG@5 | squared error | concordance | NDCG@5 |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, runs in found.items():
        scores = over_runs(runs)
        means = np.nanmean(scores, axis=0)
        cells = [f"{np.sqrt(means[0]):.4f}", f"{means[1]:.4f}", f"{means[2]:.4f}"]
        if name == ours or ours not in found:
            cells += ["", "", ""]
        else:
            apart = over_runs(found[ours]) - scores
            cells += [str(bootstrap(apart[~np.isnan(apart[:, c]), c])) for c in range(3)]
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    sys.exit(main())
