"""What a saved model, and one learned from a part, is tested on, and what is told of it."""

import numpy as np
import pytest

pytest.importorskip("torch")

from grouping import read_ratings
from grouping.errors import InputError
from learners.dmtl.asking import Read, Sources, read_to_test, read_told
from learners.dmtl.evaluating import as_lines, evaluate_model, evaluate_split, known_already
from learners.dmtl.labels import hard_labels
from learners.dmtl.model import DMTL
from learners.metrics import rmse
from tests.learners.dmtl.making import USERS, groups, settings, told


@pytest.fixture(scope="module")
def model():
    return DMTL(settings(epochs=1, validation=0.0)).fit(told(), device="cpu")


@pytest.fixture
def sources(tmp_path):
    """Files of tests: few users and items, whole groups, ratings of them for other items.

    Of the groups' three ratings one was learned from, and one is by another group than the
    learned one of that name.
    """
    learned = {
        (row, item) for row, item in zip(*told().group_ratings.matrix.nonzero(), strict=True)
    }
    new = next(i for i in range(9) if (0, i) not in learned)
    old = next(i for i in range(1, 9) if (0, i) in learned)
    other = next(i for i in range(9) if (1, i) in learned)
    (tmp_path / "ratings.csv").write_text("user,item,rating\nu4,i1,5\nu2,i1,2\n")
    (tmp_path / "groups.csv").write_text("user,group\nu0,a\nu2,a\nu4,a\nu1,b\nu5,b\n")
    (tmp_path / "joint.csv").write_text(
        f"group,item,rating\na,i{new},2\na,i{old},4\nb,i{other},3\n"
    )
    return Sources(groups=str(tmp_path / "groups.csv"), group_ratings=str(tmp_path / "joint.csv"))


def test_groups_are_tested_as_the_model_knows_them(model, sources, tmp_path):
    """Members and items that the test file lacks, but the model knows, are none too many.

    So group a has all members, and with them the past that was learned.
    """
    for unknown in ("error", "skip"):
        asked = Sources(sources.groups, sources.group_ratings, unknown=unknown)
        test = read_to_test(model, read_ratings(tmp_path / "ratings.csv"), asked)
        assert not test.left_out
        assert [test.groups.of_group(g).tolist() for g in range(2)] == [[0, 2, 4], [1, 5]]
        assert test.ratings.rows.tolist() == [2, 4]
        assert model.rows_of(test.groups).tolist() == [0, -1]
        found = evaluate_model(model, test, 3, None)
        a = model.predict_groups(groups())[0]
        b = model.predict_groups(test.groups)[1]
        joint = test.group_ratings
        guess = [(a, b)[g][i] for g, i in zip(joint.rows, joint.columns, strict=True)]
        assert found["groups"]["ratings"] == 3
        assert found["groups"]["rmse"] == pytest.approx(rmse(joint.values, np.array(guess)))


def test_ratings_of_groups_that_were_learned_from_are_counted(model, sources, tmp_path):
    """Of the group with the same members alone; the note names users' and groups' ratings."""
    test = read_to_test(model, read_ratings(tmp_path / "ratings.csv"), sources)
    found = evaluate_model(model, test, 3, None)
    assert found["groups"]["learned_from"] == 1
    own = told().ratings.matrix
    seen = int(own[4, 1] > 0) + int(own[2, 1] > 0)
    assert found["users"]["learned_from"] == seen
    assert "1 of these 3 ratings of groups" in known_already(found)
    found["users"]["learned_from"] = found["groups"]["learned_from"] = 0
    assert known_already(found) == ""


def test_the_scale_holds_for_ratings_of_groups_too(model, sources, tmp_path):
    """A rating off the declared scale is refused, learned from or tested on."""
    ratings = read_ratings(tmp_path / "ratings.csv", scale=(1, 5))
    (tmp_path / "joint.csv").write_text("group,item,rating\na,i1,50\n")
    message = r"joint\.csv:2: .*50"
    with pytest.raises(InputError, match=message):
        read_to_test(model, ratings, sources)
    whole = "".join(f"u{u},i1,3\n" for u in range(6))
    (tmp_path / "whole.csv").write_text(f"user,item,rating\n{whole}")
    everybody = read_ratings(tmp_path / "whole.csv", scale=(1, 5))
    with pytest.raises(InputError, match=message):
        read_told(everybody, sources)


def test_scores_that_order_items_have_no_error(sources, tmp_path):
    """A model that ranks predicts no ratings: lists are tested, and no RMSE of them is told."""
    model = DMTL(settings(loss="ranking", epochs=1, validation=0.0)).fit(told(), device="cpu")
    test = read_to_test(model, read_ratings(tmp_path / "ratings.csv"), sources)
    found = evaluate_model(model, test, 3, None)
    for part in ("users", "groups"):
        assert found[part]["rmse"] is found[part]["mae"] is None
        assert 0 <= found[part]["precision"] <= 1
    lines = as_lines(found)
    assert lines[0].startswith("users: 2 ratings, P@3 ")
    assert not any("RMSE" in line or "MAE" in line for line in lines)


class Watched(DMTL):
    """Remembers which cells it is asked about, and tells users with a hidden label from others."""

    def predict(self, users, items, *, clip=True):
        self.asked = list(zip(users.tolist(), items.tolist(), strict=True))
        return super().predict(users, items, clip=clip)

    def predict_group_pairs(self, groups, chosen, items):
        self.of_groups = list(zip(chosen.tolist(), items.tolist(), strict=True))
        return super().predict_group_pairs(groups, chosen, items)

    def class_probabilities_of_users(self):
        hidden = ~self.labels.shares.any(axis=1)
        return np.column_stack([hidden, ~hidden]).astype(float)


def test_what_is_held_out_is_not_learned_from():
    """Neither ratings of users, nor of groups, nor the labels of users who are tested."""
    whole = told(labels=hard_labels(np.zeros(USERS, dtype=int), ["own", "other"]))
    learned = []

    def fit(read):
        learned.append(read.told)
        learned.append(Watched(settings(epochs=1, validation=0.0)).fit(read.told, device="cpu"))
        return learned[1]

    found = evaluate_split(Read(whole, whole.groups, []), settings(), 0.3, 3, None, fit=fit)
    part, model = learned
    for asked, given, every in (
        (model.asked, part.ratings, whole.ratings),
        (model.of_groups, part.group_ratings, whole.group_ratings),
    ):
        cells, all_cells = (
            set(zip(*(axis.tolist() for axis in r.matrix.nonzero()), strict=True))
            for r in (given, every)
        )
        assert asked
        assert not cells & set(asked)
        assert cells | set(asked) == all_cells
    assert part.labels.shares.any(axis=1).sum() == USERS - round(0.3 * USERS)
    assert found["profiling"]["users"] == round(0.3 * USERS)
    assert found["profiling"]["accuracy"] == 1.0  # all that are tested had none
