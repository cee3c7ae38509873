import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learners.ranking import hits_and_gains, precision_recall


def _naive(users, truth, scores, k):
    found = {}
    for user in sorted(set(users)):
        own = [j for j, u in enumerate(users) if u == user]
        top = sorted(own, key=lambda j: (-scores[j], j))[:k]
        hits = sum(truth[j] >= 4 for j in top)
        good = sum(truth[j] >= 4 for j in own)
        found[user] = hits / k, hits / good if good else 0.0
    return found


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5), st.integers(0, 3)), min_size=1),
    st.integers(1, 4),
)
def test_precision_and_recall_follow_their_definition(rows, k):
    """Ties keep the given order, the divisor stays k, and no relevant item means recall 0."""
    users, truth, scores = (list(column) for column in zip(*rows, strict=True))
    expected = _naive(users, truth, scores, k)
    precision, recall = precision_recall(users, truth, scores, k=k)
    np.testing.assert_allclose(precision, [p for p, _ in expected.values()])
    np.testing.assert_allclose(recall, [r for _, r in expected.values()])


def test_scores_that_are_not_finite_are_refused():
    """NaN is not sorted to a lucky place."""
    with pytest.raises(ValueError, match="not finite"):
        precision_recall([0], [5], [np.nan])
    with pytest.raises(ValueError, match="not finite"):
        hits_and_gains([[np.inf, 1.0]], 1)


def test_hits_and_gains_of_places():
    """First place gains 1, third place 1/2, and beyond k nothing."""
    scores = [[9, 1, 2, 3], [2, 1, 3, 4], [0, 1, 2, 3]]
    hits, gains = hits_and_gains(scores, 3)
    np.testing.assert_allclose(hits, [1, 1, 0])
    np.testing.assert_allclose(gains, [1, 0.5, 0])


@given(st.lists(st.integers(0, 2), min_size=2, max_size=7), st.integers(1, 7))
def test_equal_scores_get_what_random_order_gets(scores, k):
    """The mean over all orders of equal items, computed one place at a time."""
    better = sum(s > scores[0] for s in scores[1:])
    equal = sum(s == scores[0] for s in scores[1:])
    places = range(better, better + equal + 1)
    hits, gains = hits_and_gains([scores], k)
    assert hits[0] == pytest.approx(np.mean([p < k for p in places]))
    assert gains[0] == pytest.approx(np.mean([(p < k) / np.log2(p + 2) for p in places]))
