"""Figures that papers print, to put beside measured ones."""

from __future__ import annotations

TABLE_III = {
    "Baseline": (0.579043, 0.719375, 0.305357, 0.922781),
    "KNNBasic (User-Based)": (0.584681, 0.722181, 0.304688, 0.921933),
    "KNNWithMeans (User-Based)": (0.580745, 0.719248, 0.304018, 0.921327),
    "KNNBasic (Item-Based)": (0.559362, 0.704650, 0.298437, 0.914993),
    "KNNWithMeans (Item-Based)": (0.582128, 0.720977, 0.304018, 0.921190),
    "SVD": (0.583723, 0.721407, 0.304241, 0.921511),
    "SVD++": (0.589043, 0.724757, 0.306473, 0.924077),
    "NMF": (0.578085, 0.718161, 0.302232, 0.918649),
    "Slope One": (0.578617, 0.718489, 0.303571, 0.920048),
    "DMTL": (0.686744, 0.806285, 0.318158, 0.930575),
}
"""Le and Abel, CSCWD 2025, Table III: P@10 and R@10 on MovieLens 100K, then on ITM-Rec."""

TABLE_II = {
    "ml-100k": (0.9059, 0.9079, 0.8893),
    "itm-rec": (0.9754, 0.9745, 0.9740),
}
"""The same, Table II: precision, recall and F1 of profiling."""

CONSREC = {
    "Mafengwo": {
        "AGREE": (0.4729, 0.6321, 0.3694, 0.4203),
        "ConsRec": (0.8844, 0.9156, 0.7692, 0.7794),
    },
    "CAMRa2011": {
        "AGREE": (0.5879, 0.7789, 0.3933, 0.4530),
        "ConsRec": (0.6407, 0.8248, 0.4358, 0.4945),
    },
}
"""Wu et al., WWW 2023 (arXiv 2302.03555), group task: HR@5, HR@10, NDCG@5, NDCG@10."""
