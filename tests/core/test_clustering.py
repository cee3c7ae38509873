"""The baseline and the other clusterings: right distances, seeds that decide, lists by `form`."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings

from grouping import GroupingError, form, kendall
from grouping.generate import generate
from grouping.kendall import pair_vectors, tau_b_distances
from grouping.methods import Budget, kmeans
from tests import oracle
from tests.strategies import instances

CLUSTERINGS = pytest.mark.parametrize("method", ["baseline", "kmeans"])
TASTES = np.array([[5, 4, 3, 2, 1], [1, 2, 3, 4, 5], [1, 5, 2, 4, 3]])


@settings(max_examples=30)
@given(instances())
@CLUSTERINGS
def test_any_instance_gets_groups_that_score_by_the_definition(method, instance):
    """One item, one user, more groups than users, equal users, negative ratings, ndcg."""
    found = form(instance.X, **instance.asked, method=method)
    assert 1 <= len(found.groups) <= min(instance.groups, len(instance.rows))
    groups = [group.members.tolist() for group in found.groups]
    worth = oracle.objective(instance.rows, groups, *instance.objective)
    assert found.objective == pytest.approx(float(worth), abs=1e-9)


def test_the_baseline_finds_users_who_rank_alike():
    """Whatever heights they rate at: Kendall's tau sees the order alone. K-means does not."""
    X = np.concatenate([TASTES, TASTES * 3, TASTES * 7.5])
    found = form(X, groups=3, k=2, method="baseline", seed=1)
    assert len({tuple(found.labels[taste::3]) for taste in range(3)}) == 3
    assert all(len(set(found.labels[taste::3])) == 1 for taste in range(3))
    apart = form(X, groups=3, k=2, method="kmeans", seed=1)
    assert any(len(set(apart.labels[taste::3])) > 1 for taste in range(3))


@CLUSTERINGS
def test_the_seed_decides_on_any_number_of_threads(method):
    X = generate(300, 40, seed=3)
    labels = [
        form(X, method=method, seed=seed, threads=threads).labels.tolist()
        for seed, threads in ((5, 1), (5, 2), (6, 2))
    ]
    assert labels[0] == labels[1] != labels[2]


@CLUSTERINGS
@pytest.mark.parametrize("fill", [0.0, 2.0])
def test_sparse_ratings_form_the_groups_of_filled_ones(method, fill):
    X = generate(60, 12, seed=2).matrix.astype(np.float64)
    stored = np.random.default_rng(0).random(X.shape) < 0.6
    sparse = sp.csr_array(np.where(stored, X, 0))
    dense = np.where(stored, X, fill)
    found = form(sparse, method=method, groups=4, missing=fill, k=3)
    assert found.labels.tolist() == form(dense, method=method, groups=4, k=3).labels.tolist()


@pytest.mark.parametrize("sparse", [False, True])
def test_many_users_start_from_a_sample_of_them(monkeypatch, sparse):
    """The centres are those of k-means++ on so many users of the seed's, the tastes are found all
    the same, and whether they are stored sparse changes nothing.
    """
    monkeypatch.setattr(kmeans, "STARTERS", 12)
    monkeypatch.setattr(kmeans, "STARTERS_A_GROUP", 3)
    X = np.repeat(TASTES.astype(np.float64), 20, axis=0)
    points = sp.csr_array(X) if sparse else X
    centres = kmeans.start(points, 3, 12, Budget(seed=4))
    assert {tuple(row) for row in centres.tolist()} == {tuple(row) for row in X.tolist()}
    labels = kmeans.k_means(points, 3, Budget(seed=4))
    assert len({tuple(labels[20 * taste : 20 * taste + 20]) for taste in range(3)}) == 3
    seen = []
    monkeypatch.setattr(kmeans, "start", lambda *of: seen.append(of[2]) or centres)
    kmeans.k_means(points, 3, Budget(seed=4))
    kmeans.k_means(points, 20, Budget(seed=4))  # as many starters as users: from all of them
    assert seen == [12]


def test_sampled_pairs_say_how_far_off_they_are(monkeypatch):
    """All pairs while they are few; else a sample by the seed whose error is the one reported."""
    ratings = generate(50, 40, seed=0)
    exact = pair_vectors(ratings, 0)
    assert (exact.exact, exact.error, exact.values.shape[1]) == (True, 0.0, 780)
    monkeypatch.setattr(kendall, "EXACT_CELLS", 0)
    monkeypatch.setattr(kendall, "SAMPLED_PAIRS", 300)
    sampled = pair_vectors(ratings, 0)
    assert not sampled.exact
    values = sampled.values.astype(np.float64)
    off = np.abs(values @ values.T - 1 + tau_b_distances(ratings.matrix))[np.triu_indices(50, 1)]
    assert sampled.error == pytest.approx(np.sqrt((off**2).mean()))
    assert sampled.worst == pytest.approx(off.max())
    assert 0 < sampled.error < 0.06
    found = form(ratings, method="baseline", groups=3)
    assert "300 of 780 pairs" in found.advice[0]


def test_pairs_are_numbered_once_each():
    """Also where the square root meets a triangular number, and far out."""
    left, right = kendall._pairs_numbered(np.arange(4950))
    assert len(set(zip(left.tolist(), right.tolist(), strict=True))) == 4950
    assert (left < right).all()
    assert right.max() == 99
    far = np.array([10**9 * (10**9 - 1) // 2 + step for step in (-1, 0)])
    left, right = kendall._pairs_numbered(far)
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == [
        (10**9 - 2, 10**9 - 1),
        (0, 10**9),
    ]


def test_fasterpam_without_its_package_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "kmedoids", None)
    with pytest.raises(GroupingError, match="pip install kmedoids"):
        form(TASTES, groups=2, k=1, method="fasterpam")


def test_fasterpam_gets_euclidean_distances_and_the_seed(monkeypatch):
    """What it is asked, whether or not the package is here."""
    asked = {}

    def fasterpam(distances, medoids, **options):
        asked.update(options, distances=distances, medoids=medoids)
        return SimpleNamespace(labels=np.array([4, 4, 1]))

    monkeypatch.setitem(sys.modules, "kmedoids", SimpleNamespace(fasterpam=fasterpam))
    found = form(TASTES, groups=5, k=1, method="fasterpam", seed=9)
    assert sorted(found.labels.tolist()) in ([0, 0, 1], [0, 1, 1])
    apart = np.sqrt(((TASTES[:, None] - TASTES[None]) ** 2).sum(axis=2))
    np.testing.assert_allclose(asked["distances"], apart, rtol=1e-6)
    assert (asked["medoids"], asked["random_state"], asked["n_cpu"]) == (3, 9, 1)


def test_fasterpam_itself():
    """With the package: equal tastes are together."""
    pytest.importorskip("kmedoids")
    X = np.repeat(TASTES, 4, axis=0)
    found = form(X, groups=3, k=2, method="fasterpam")
    assert [len(set(found.labels[4 * taste : 4 * taste + 4])) for taste in range(3)] == [1, 1, 1]


@CLUSTERINGS
@pytest.mark.parametrize("semantics", ["lm", "av"])
@pytest.mark.parametrize("sparse", [False, True])
def test_who_weighs_more_has_no_other_taste(method, semantics, sparse):
    """Clusterings look at ratings alone, so users' weights change no cluster."""
    rng = np.random.default_rng(3)
    X = rng.integers(0, 6, (40, 8)).astype(np.float32)
    weigh = {"user_weights": rng.random(40) + 0.1}
    if semantics == "lm":
        weigh["weigh"] = "members"
    asked = (sp.csr_array(X) if sparse else X, semantics, "sum", 6, 2, method)
    labels = [form(*asked, missing=0, **more).labels for more in ({}, weigh)]
    assert len({tuple(pair) for pair in zip(*labels, strict=True)}) == len(set(labels[0]))


def test_one_user_and_many_items_have_a_cluster():
    """With so many items pairs are drawn, and nobody is there to see how far they are off."""
    X = np.random.default_rng(0).random((1, 8300))
    assert form(X, groups=1, method="baseline").labels.tolist() == [0]
