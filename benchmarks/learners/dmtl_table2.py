"""Profiling, the paper's Table II: python -m benchmarks.learners.dmtl_table2 --out FOLDER.

Labels are KMeans clusters of what is known of the users, as in the paper. "in training" is the
paper's setting: the label is a function of the input, and every tested user's label was learned
from. "held out" hides the labels of a fifth of the users, five times, and tests on these.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.learners.dmtl_data import Data, matrix, read
from benchmarks.learners.lines import Lines, same_settings
from benchmarks.learners.published import TABLE_II
from learners.dmtl.labels import cluster_labels
from learners.dmtl.model import DMTL
from learners.dmtl.profiling import profiling_scores
from learners.dmtl.settings import AS_WRITTEN, Settings
from learners.dmtl.told import Told, known_of

FOLDS = 5
NETWORKS = {
    "paper": replace(AS_WRITTEN, validation=0.0, epochs=15),
    "group": Settings(profile_weight=1.0, validation=0.0, epochs=15, finish=False),
    "group, head finished": Settings(validation=0.0, epochs=3),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", choices=list(TABLE_II), nargs="*", default=list(TABLE_II))
    parser.add_argument("--networks", choices=list(NETWORKS), nargs="*", default=list(NETWORKS))
    parser.add_argument("--labels-from", nargs="*", default=["all", "profiles"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    asked = {"network": NETWORKS, "number of folds": FOLDS, "seed": options.seed}
    same_settings(options.out, "table2", asked, "table2.csv")
    lines = Lines(
        options.out / "table2.csv",
        ("data", "network", "labels_from", "setting", "fold"),
        ("users", "classes", "precision", "recall", "f1", "accuracy"),
    )
    for name in options.data:
        data = read(name)
        for source in options.labels_from:
            for network in options.networks:
                run(lines, data, network, source, options.seed, options.threads)
    summary(lines)
    return 0


def run(lines: Lines, data: Data, network: str, source: str, seed: int, threads: int) -> None:
    rated = np.unique(data.rows.who)
    told = Told(matrix(data, data.rows), profiles=data.profiles, attributes=data.attributes)
    labels = cluster_labels(known_of(told), source=source, seed=seed)
    dealt = np.random.default_rng(seed).permutation(rated)
    parts = {("held out", fold): dealt[fold::FOLDS] for fold in range(FOLDS)}
    parts[("in training", 0)] = rated
    for (setting, fold), tested in parts.items():
        key = (data.name, network, source, setting, fold)
        if lines.has(*key):
            continue
        learned = labels if setting == "in training" else labels.without(tested)
        model = DMTL(replace(NETWORKS[network], seed=seed))
        model.fit(replace(told, labels=learned), device="cpu", threads=threads)
        guess = model.class_probabilities_of_users()[tested].argmax(axis=1)
        scores = profiling_scores(labels.shares[tested].argmax(axis=1), guess)
        figures = (scores.precision, scores.recall, scores.f1, scores.accuracy)
        lines.add(key, (len(tested), len(labels.names), *figures))


def summary(lines: Lines) -> None:
    print("| data | network | labels from | setting | precision | recall | F1 | accuracy |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    gathered: dict[tuple[str, ...], list[list[float]]] = {}
    for key, row in lines.rows.items():
        figures = [float(row[name]) for name in ("precision", "recall", "f1", "accuracy")]
        gathered.setdefault(key[:4], []).append(figures)
    for key, figures in gathered.items():
        print("| " + " | ".join([*key, *(f"{m:.4f}" for m in np.mean(figures, axis=0))]) + " |")
    for name, printed in TABLE_II.items():
        shown = " | ".join(f"{figure:.4f}" for figure in printed)
        print(f"| {name} | as printed | not said | label is a function of the input | {shown} | |")


if __name__ == "__main__":
    sys.exit(main())
