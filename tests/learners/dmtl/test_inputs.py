import numpy as np
import pytest

from grouping.errors import InputError
from learners.dmtl.inputs import Known, Scale, build, describing
from learners.dmtl.settings import BLOCKS, Settings
from learners.dmtl.told import known_of
from learners.entries import Entries
from tests.learners.dmtl.making import ITEMS, USERS, told


def known():
    return known_of(told())


@pytest.mark.parametrize(
    "blocks", [BLOCKS, ("history",), ("seen", "id"), ("attributes", "profile")]
)
def test_taking_a_rating_out_of_its_cells_leaves_the_inputs_without_it(blocks):
    """What is subtracted for a rating is what building without it lacks, but for the scale.

    Scales 1 / sqrt(count), ids and shares of attributes stay as they are: they hardly tell one
    rating, and keeping them keeps the rest of the row comparable. Blocks that hold no ratings
    have no cells to take one out of.
    """
    whole = known()
    inputs = build(whole, blocks)
    for block, starts in (
        ("history", (*inputs.history, inputs.item_history)),
        ("seen", (*inputs.seen, inputs.item_seen)),
    ):
        assert {start >= 0 for start in starts} == {block in blocks}
    ratings = whole.ratings
    for place in range(len(ratings)):
        a, i = int(ratings.rows[place]), int(ratings.columns[place])
        value = float(whole.scale.standard(ratings.values[place : place + 1])[0])
        row, item = inputs.raters[[a]].toarray()[0], inputs.items[[i]].toarray()[0]
        for start, held in ((inputs.history[a], value), (inputs.seen[a], 1.0)):
            if start >= 0:
                assert row[start + i] == pytest.approx(held * inputs.rater_scale[a])
        for start, held in ((inputs.item_history, value), (inputs.item_seen, 1.0)):
            if start >= 0:
                assert item[start + a] == pytest.approx(held * inputs.item_scale[i])
        if place % 20 == 0:
            others = np.arange(len(ratings)) != place
            other = build(whole.with_ratings(ratings.where(others)), blocks)
            without = other.raters[[a]].toarray()[0]
            for start in (inputs.history[a], inputs.seen[a]):
                if start >= 0:
                    row[start + i] = 0.0
                    span = slice(start, start + ITEMS)
                    np.testing.assert_allclose(
                        row[span] / inputs.rater_scale[a],
                        without[span] / other.rater_scale[a],
                        rtol=1e-5,
                    )


def test_blocks_that_are_left_out_leave_no_columns():
    """Widths are those of the blocks asked for."""
    whole = known()
    assert build(whole, ("profile",)).widths == (2, 0)
    assert build(whole, ("attributes",)).widths == (3, 3)
    assert build(whole, ("history",)).widths == (2 * ITEMS, whole.raters)
    assert (build(whole, ("id",)).history == -1).all()


def test_users_and_items_without_ratings_have_no_id():
    """No random weight speaks for those of whom nothing is known."""
    whole = Known(3, 0, 2, Entries.of([0, 2], [0, 0], [1, 2]), Scale(1.5, 0.5, 1, 2))
    inputs = build(whole, ("id",))
    assert np.diff(inputs.raters.indptr).tolist() == [1, 0, 1]
    assert np.diff(inputs.items.indptr).tolist() == [1, 0]


def test_groups_have_a_past_in_columns_of_their_own():
    """A group's ratings do not share a column with a user's."""
    inputs = build(known(), ("history",))
    dense = inputs.raters.toarray() != 0
    assert not (dense[:USERS].any(axis=0) & dense[USERS:].any(axis=0)).any()


def test_users_are_clustered_without_ids_and_without_groups():
    """What describes users holds neither their ids nor anything of groups."""
    whole = known()
    assert describing(whole, "all").shape == (USERS, 2 * ITEMS + 2 + 3)
    assert describing(whole, "profiles").shape == (USERS, 5)
    assert describing(whole, "ratings").shape == (USERS, 2 * ITEMS)


def test_equal_ratings_leave_marks_alone():
    """Implicit ratings, all 1, have no history but who took what."""
    whole = Known(2, 0, 2, Entries.of([0, 1], [0, 1], [1, 1]), Scale(1.0, 1.0, 1, 1))
    inputs = build(whole, ("history", "seen"))
    assert (inputs.history == -1).all()
    assert inputs.widths == (2, 2)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"network": "deep"}, "give one of group, paper"),
        ({"inputs": ("age",)}, "give some of id"),
        ({"inputs": ()}, "give some of id"),
        ({"size": 0}, "size must be 1 or more"),
        ({"dropout": 1.0}, "dropout must lie from 0"),
        ({"profile_weight": -1.0}, "profile_weight must be 0 or more"),
        ({"profile_size": 0}, "profile_size must be 1 or more"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
    ],
)
def test_settings_are_checked(changed, message):
    """Each bad value is named with what is good."""
    with pytest.raises(InputError, match=message):
        Settings(**changed)


def test_settings_come_back_from_json():
    """A saved model's settings are the ones it was trained with; unknown ones are refused."""
    given = Settings(inputs=("id", "seen"), size=7)
    assert Settings.from_dict(given.to_dict()) == given
    with pytest.raises(InputError, match="unknown setting 'depth'"):
        Settings.from_dict({"depth": 3})
