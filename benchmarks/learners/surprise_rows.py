"""Estimates by scikit-surprise; runs in an environment of its own, with numpy and surprise alone.

python surprise_rows.py ROWS.npz ROW OUT.npy: ROWS.npz holds train and test rows (user, item,
value); OUT.npy gets the estimates of the test rows, in their order.
"""

from __future__ import annotations

import sys

import numpy as np

ROWS = (
    "Baseline",
    "KNNBasic (User-Based)",
    "KNNWithMeans (User-Based)",
    "KNNBasic (Item-Based)",
    "KNNWithMeans (Item-Based)",
    "SVD",
    "SVD++",
    "NMF",
    "Slope One",
)
"""Those of the paper's Table III, in its order."""

MORE = ("KNNBaseline (Item-Based)", "SVD tuned")
"""Stronger settings of the same library, which the paper does not have."""


def make(row: str):
    from surprise import (
        NMF,
        SVD,
        BaselineOnly,
        KNNBaseline,
        KNNBasic,
        KNNWithMeans,
        SlopeOne,
        SVDpp,
    )

    def cosine(user_based: bool) -> dict:
        return {"name": "cosine", "user_based": user_based}

    makers = {
        "Baseline": lambda: BaselineOnly(verbose=False),
        "KNNBasic (User-Based)": lambda: KNNBasic(sim_options=cosine(True), verbose=False),
        "KNNWithMeans (User-Based)": lambda: KNNWithMeans(sim_options=cosine(True), verbose=False),
        "KNNBasic (Item-Based)": lambda: KNNBasic(sim_options=cosine(False), verbose=False),
        "KNNWithMeans (Item-Based)": lambda: KNNWithMeans(sim_options=cosine(False), verbose=False),
        "SVD": lambda: SVD(random_state=42),
        "SVD++": lambda: SVDpp(random_state=42),
        "NMF": lambda: NMF(random_state=42),
        "Slope One": lambda: SlopeOne(),
        "KNNBaseline (Item-Based)": lambda: KNNBaseline(
            sim_options={"name": "pearson_baseline", "user_based": False}, verbose=False
        ),
        "SVD tuned": lambda: SVD(n_factors=200, n_epochs=80, reg_all=0.1, random_state=42),
    }
    return makers[row]()


def main() -> None:
    from surprise import Dataset, Reader

    rows_file, row, out = sys.argv[1:]
    rows = np.load(rows_file)
    data = Dataset(Reader(rating_scale=(1, 5)))
    # inner numbers follow the order in which a user or an item first occurs in the train part
    train = zip(rows["train_user"], rows["train_item"], rows["train_value"], strict=True)
    trainset = data.construct_trainset([(int(u), int(i), float(r), None) for u, i, r in train])
    model = make(row).fit(trainset)
    test = zip(rows["test_user"], rows["test_item"], strict=True)
    estimates = [model.predict(int(u), int(i)).est for u, i in test]
    np.save(out, np.array(estimates))


if __name__ == "__main__":
    main()
