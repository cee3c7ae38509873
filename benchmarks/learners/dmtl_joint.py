"""Does joint learning help? python -m benchmarks.learners.dmtl_joint --out FOLDER.

Lambda of equation 11 swept, 0 without the profiling head, over seeded splits of the paper's
protocol; the difference from lambda = 0 with its interval, paired by user.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.learners.dmtl_better import differences
from benchmarks.learners.dmtl_data import read
from benchmarks.learners.dmtl_rows import dmtl
from benchmarks.learners.dmtl_table3 import NAMES
from benchmarks.learners.lines import Lines, same_settings
from learners.dmtl.protocol import Ranked, rank
from learners.dmtl.settings import AS_WRITTEN, Settings
from learners.intervals import bootstrap
from learners.metrics import rmse

NETWORKS = {"group": Settings(), "paper": AS_WRITTEN}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", choices=NAMES, default="ml-100k")
    parser.add_argument("--network", choices=list(NETWORKS), default="group")
    parser.add_argument("--seeds", type=int, nargs="*", default=list(range(8)))
    parser.add_argument("--lambdas", type=float, nargs="*", default=[0.0, 0.001, 0.01, 0.1, 1.0])
    options = parser.parse_args()
    if 0.0 not in options.lambdas:
        parser.error("--lambdas: 0 is what the others are compared with")
    same_settings(options.out, "joint", {"network": NETWORKS}, "joint.csv")
    data = read(options.data)
    lines = Lines(
        options.out / "joint.csv",
        ("data", "network", "seed", "lambda"),
        ("rmse", "precision", "recall", "epochs"),
    )
    found: dict[float, dict[int, tuple[np.ndarray, Ranked]]] = {}
    for seed in options.seeds:
        split = data.split(seed)
        for weight in options.lambdas:
            kept = options.out / "joint" / f"{data.name}-{options.network}-{seed}-{weight:g}.npy"
            if not kept.is_file():
                settings = replace(NETWORKS[options.network], profile_weight=weight, seed=seed)
                model = dmtl(data, settings)(split.ratings)
                kept.parent.mkdir(parents=True, exist_ok=True)
                estimates = model.predict(split.test.who, split.test.item, clip=False)
                np.save(kept, np.append(estimates, model.epochs))
            *estimates, epochs = np.load(kept)
            result = rank(split.test.who, split.test.value, estimates)
            found.setdefault(weight, {})[seed] = (np.unique(split.test.who), result)
            key = (data.name, options.network, seed, f"{weight:g}")
            error = rmse(split.test.value, np.clip(estimates, 1, 5))
            lines.put(key, (error, *result.means, int(epochs)))
    print("| lambda | RMSE | P@10 | R@10 | less lambda 0: P@10 | R@10 |")
    print("| --- | --- | --- | --- | --- | --- |")
    for weight, by_seed in found.items():
        rows = [
            lines.rows[data.name, options.network, str(seed), f"{weight:g}"] for seed in by_seed
        ]
        means = [np.mean([float(r[n]) for r in rows]) for n in ("rmse", "precision", "recall")]
        shown = ["", ""]
        if weight:
            shown = [
                str(bootstrap(differences(by_seed, found[0.0], len(data.users), part)))
                for part in (0, 1)
            ]
        cells = [f"{weight:g}", *(f"{m:.4f}" for m in means), *shown]
        print("| " + " | ".join(cells) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
