"""Draw the sizes of groups by GRD and by refine, as the objective and the constraints change.

Run as ``python docs/images/make_sizes.py``; needs matplotlib. Also prints the table of the page
on choosing. Without a time limit, so that it draws the same on every machine.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from grouping import form
from grouping.generate import generate

GROUPS, K = 10, 5
OBJECTIVES = (
    ("lm-sum", {"semantics": "lm", "agg": "sum"}),
    ("lm-sum, members", {"semantics": "lm", "agg": "sum", "weigh": "members"}),
    ("av-sum", {"semantics": "av", "agg": "sum"}),
    ("av-min", {"semantics": "av", "agg": "min"}),
)
METHODS = (
    ("GRD", {"method": "greedy"}),
    ("refine", {"method": "refine", "iterations": 2}),
    ("refine, at most 72", {"method": "refine", "iterations": 2, "max_size": 72}),
)

ratings = generate(600, 100, step=None, seed=0)
figure, panels = plt.subplots(
    len(OBJECTIVES), len(METHODS), figsize=(9, 7.5), sharex=True, sharey=True
)
print("| objective | method | value | sizes | mean satisfaction of members | worst | Jain |")
print("| --- | --- | --- | --- | --- | --- | --- |")
for row, (objective, meant) in zip(panels, OBJECTIVES, strict=True):
    for axes, (method, asked) in zip(row, METHODS, strict=True):
        found = form(ratings, groups=GROUPS, k=K, per_user=True, **meant, **asked)
        sizes = np.sort(found.sizes)[::-1]
        axes.bar(np.arange(len(sizes)), sizes, color="#2b7a9e")
        axes.set_title(f"{objective}: {method}", fontsize=9)
        axes.text(0.97, 0.88, f"{found.objective:.1f}", transform=axes.transAxes, ha="right")
        each = found.members.satisfaction
        print(
            f"| {objective} | {method} | {found.objective:.1f} | "
            f"{' '.join(str(size) for size in sizes)} | {each.mean():.2f} | {each.min():.2f} | "
            f"{found.members.jain:.3f} |"
        )
for axes in panels[:, 0]:
    axes.set_ylabel("users")
for axes in panels[-1]:
    axes.set_xlabel("groups, the largest first")
    axes.set_xticks([])
figure.tight_layout()
figure.savefig(Path(__file__).with_name("sizes.png"), dpi=80, metadata={"Software": None})
