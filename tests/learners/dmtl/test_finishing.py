"""The profiling head is learned to the end, and nothing else changes."""

import numpy as np
import pytest

pytest.importorskip("torch")

from learners.dmtl.finishing import finished_head
from learners.dmtl.labels import group_labels, hard_labels
from learners.dmtl.model import DMTL
from tests.learners.dmtl import naive
from tests.learners.dmtl.making import USERS, groups, settings, told


def made(raters=40, components=5, classes=3, seed=0):
    """Profiles and soft labels; one component says nothing, one rater has no label."""
    rng = np.random.default_rng(seed)
    profiles = rng.normal(2.0, 3.0, (raters, components)).astype(np.float32)
    profiles[:, 3] = 0.7
    shares = rng.dirichlet(np.full(classes, 0.3), raters).astype(np.float32)
    order = profiles[:, 0].argsort()
    shares[order] = shares[np.argsort(shares[:, 0])]
    shares[5] = 0.0
    return profiles, shares


def test_at_the_end_the_loss_rises_in_no_direction():
    """The gradient, written down by hand, is zero where the search ends."""
    profiles, shares = made()
    weight, bias = finished_head(profiles, shares)
    labelled = shares.any(axis=1)
    known, true = profiles[labelled].astype(float), shares[labelled].astype(float)
    spread = known.std(axis=0)
    told_of = np.array([naive.softmax(weight @ row + bias) for row in known])
    off = told_of * true.sum(axis=1, keepdims=True) - true
    varied = np.arange(known.shape[1]) != 3
    components = (known - known.mean(axis=0))[:, varied] / spread[varied]
    gradient = off.T @ components + weight[:, varied] * spread[varied]
    assert np.abs(gradient).max() < 1e-4
    assert np.abs(off.sum(axis=0)).max() < 1e-4
    assert (weight[:, 3] == 0).all()
    with_more = finished_head(
        np.vstack([profiles, profiles[:1]]), np.vstack([shares, 0 * shares[:1]])
    )
    np.testing.assert_array_equal(weight, with_more[0])


def test_a_class_that_nobody_has_is_told_of_nobody():
    """All labels hidden of one class: finite weights, next to no probability."""
    profiles, shares = made()
    weight, bias = finished_head(profiles, np.hstack([shares, np.zeros((len(shares), 1))]))
    told_of = np.array([naive.softmax(weight @ row + bias) for row in profiles.astype(float)])
    assert np.isfinite(weight).all()
    assert told_of[:, 3].max() < 1e-3


def test_classes_are_told_better_and_recommendations_stay():
    """After short training the labels' crossed entropy falls; predictions keep their bits."""
    before, after = (DMTL(settings(finish=finish)).fit(told(), device="cpu") for finish in (0, 1))
    np.testing.assert_array_equal(before.predict_groups(groups()), after.predict_groups(groups()))
    users, items = np.arange(USERS), np.zeros(USERS, dtype=int)
    np.testing.assert_array_equal(before.predict(users, items), after.predict(users, items))
    crossed = [
        -(m.labels.shares * np.log(m.class_probabilities_of_users())).sum() for m in (before, after)
    ]
    assert crossed[1] < 0.8 * crossed[0]


def test_a_finished_head_is_saved(tmp_path):
    """What a model tells of classes is what the loaded one tells."""
    model = DMTL(settings()).fit(told(labels=group_labels(groups(), USERS)), device="cpu")
    model.save(tmp_path / "m")
    again = DMTL.load(tmp_path / "m")
    np.testing.assert_array_equal(
        model.class_probabilities(groups()), again.class_probabilities(groups())
    )


@pytest.mark.parametrize("network", ["group", "paper"])
def test_without_labels_or_a_head_of_its_own_nothing_is_finished(network):
    """Users without a label, and the paper's network: the head stays as it was trained."""
    labels = hard_labels(np.full(USERS, -1), ["a", "b"])
    given = {"labels": labels} if network == "group" else {}
    found = [
        DMTL(settings(network=network, finish=finish)).fit(told(**given), device="cpu")
        for finish in (False, True)
    ]
    np.testing.assert_array_equal(*(model.class_probabilities(groups()) for model in found))
