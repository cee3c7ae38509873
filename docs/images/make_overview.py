"""Draw the README's picture: the sample's ratings as they come, and by the groups formed.

Run as ``python docs/images/make_overview.py``; needs matplotlib.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from grouping import form, read_ratings

ratings = read_ratings(None)
formation = form(ratings, "lm", "min", groups=6, k=5)
matrix = np.asarray(ratings.matrix)
by_group = np.concatenate([group.members for group in formation.groups])

figure, (before, after) = plt.subplots(1, 2, figsize=(10, 5.4), sharey=False)
style = {"aspect": "auto", "cmap": "YlGnBu", "interpolation": "nearest"}
before.imshow(matrix, **style)
before.set_title("ratings as they come")
before.set_ylabel("200 travellers")
image = after.imshow(matrix[by_group], **style)
after.set_title(f"GRD, least misery, min: objective {formation.objective:g}")
start = 0
for group in formation.groups:
    for item in group.items:
        after.add_patch(
            plt.Rectangle(
                (item - 0.5, start - 0.5), 1, group.size, fill=False, edgecolor="crimson", lw=1.1
            )
        )
    after.text(
        matrix.shape[1] + 0.2,
        start + group.size / 2,
        f"group {group.number}: {group.satisfaction:g}",
        va="center",
        fontsize=8,
    )
    start += group.size
    after.axhline(start - 0.5, color="black", lw=0.8)
after.set_yticks([])
for axes in (before, after):
    axes.set_xlabel("30 points of interest")
figure.colorbar(image, ax=after, location="right", pad=0.16, label="rating", ticks=range(1, 6))
figure.tight_layout()
figure.savefig(Path(__file__).with_name("overview.png"), dpi=110, metadata={"Software": None})
