import numpy as np
import pytest

from learners.dmtl.sampling import Negatives, hold_out
from learners.dmtl.told import known_of
from learners.entries import Entries
from tests.learners.dmtl.making import told


def pairs(entries):
    return set(zip(entries.rows.tolist(), entries.columns.tolist(), strict=True))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_what_is_held_out_is_not_kept(share):
    """Every rating is in one of both; users and groups each give one at least, and keep one."""
    known = known_of(told())
    kept, held = hold_out(known, share, seed=2)
    assert not pairs(kept) & pairs(held)
    assert pairs(kept) | pairs(held) == pairs(known.ratings)
    for by_group in (False, True):
        whole = int(((known.ratings.rows >= known.users) == by_group).sum())
        count = int(((held.rows >= known.users) == by_group).sum())
        assert count == min(whole - 1, max(1, round(share * whole)))


def test_negatives_are_items_not_taken():
    """Neither learned from nor held out; each rater's own count."""
    known = known_of(told())
    negatives = Negatives(known)
    more = Entries.of([0], [int(np.setdiff1d(np.arange(known.items), _of(known, 0))[0])], [1.0])
    negatives.avoid(more)
    raters = np.repeat(np.arange(known.raters), 40)
    drawn = negatives.draw(raters, 3, np.random.default_rng(0))
    assert drawn.shape == (len(raters), 3)
    taken = pairs(known.ratings) | pairs(more)
    hit = [(int(a), int(i)) in taken for a, row in zip(raters, drawn, strict=True) for i in row]
    assert np.mean(hit) < 0.1  # after some retries a draw is let be
    free = [a for a in range(known.raters) if len(_of(known, a)) <= known.items // 2]
    assert free
    few = [h for h, a in zip(hit, np.repeat(raters, 3), strict=True) if a in free]
    assert np.mean(few) < 0.03


def _of(known, rater):
    return known.ratings.columns[known.ratings.rows == rater]
