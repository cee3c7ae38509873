import numpy as np
import pytest

from grouping.ratings import Ratings
from learners.als import BiasedALS
from learners.dmtl.base import fit_base
from learners.dmtl.told import known_of
from tests.learners.dmtl.making import USERS, settings, told


def test_the_base_is_the_factorisation_of_all_raters():
    """The factors give what the factorisation predicts, of users and of groups."""
    known = known_of(told())
    base = fit_base(known, 3, 0)
    standard = known.ratings.with_values(known.scale.standard(known.ratings.values))
    model = BiasedALS(factors=3, threads=1).fit(
        Ratings.of(standard.csr((known.raters, known.items)))
    )
    rows, columns = np.array([0, USERS + 2]), np.array([1, 4])
    expected = model.predict(rows, columns, clip=False)
    np.testing.assert_allclose(
        (base.raters[rows] * base.items[columns]).sum(1), expected, atol=1e-5
    )


def test_what_the_network_corrects_has_not_seen_the_rating():
    """Changing a rating changes the base's fit, but hardly what was predicted without it."""
    known = known_of(told())
    place = 5
    values = known.ratings.values.copy()
    values[place] = 5.0 if values[place] < 3 else 1.0
    other = known.with_ratings(known.ratings.with_values(values))
    one, two = fit_base(known, 2, 0), fit_base(other, 2, 0)
    row, column = known.ratings.rows[place], known.ratings.columns[place]
    fitted = [float(base.raters[row] @ base.items[column]) for base in (one, two)]
    assert abs(fitted[0] - fitted[1]) > 0.1
    assert one.held_out[place] == pytest.approx(two.held_out[place], abs=1e-6)


def test_a_group_of_strangers_has_the_items_biases():
    """Nothing is known of it: no bias of its own, no factors."""
    torch = pytest.importorskip("torch")
    from learners.dmtl.networks import make_network

    known = known_of(told())
    network = make_network(known, settings(), 0)
    base = fit_base(known, settings().base_factors, 0)
    network.set_base(base)
    found = network.base(torch.tensor([-1]), torch.tensor([[0, 1, 2]]))
    np.testing.assert_allclose(found[0].numpy(), base.items[:3, 1], atol=1e-6)
