import numpy as np
import pytest

pytest.importorskip("torch")

from grouping.errors import InputError
from grouping.ratings import Ratings
from learners.dmtl.groups import Groups
from learners.dmtl.labels import group_labels
from learners.dmtl.model import DMTL
from learners.dmtl.profiling import describe_classes, describe_groups, profiling_scores
from learners.dmtl.recommending import best, member_ratings, recommend
from learners.dmtl.storing import KIND
from learners.dmtl.told import Told, known_of
from learners.features import Features
from learners.training import saving
from tests.learners.dmtl import naive
from tests.learners.dmtl.making import (
    ITEMS,
    USERS,
    group_ratings,
    groups,
    matrix,
    ratings,
    settings,
    standard_ratings,
    told,
)


@pytest.fixture(scope="module")
def model():
    return DMTL(settings(aggregation="attention")).fit(told(), device="cpu")


def test_learning_beats_the_mean():
    """Held-out ratings of made tastes are predicted well below their spread."""
    whole = matrix(USERS, ITEMS, 1.0, 0).toarray()
    model = DMTL(settings(epochs=60, validation=0.0, learning_rate=0.01)).fit(told(), device="cpu")
    hidden = ratings().matrix.toarray() == 0
    users, items = np.nonzero(hidden)
    errors = model.predict(users, items) - whole[hidden]
    assert np.sqrt(np.mean(errors**2)) < 0.6 * whole[hidden].std()


def test_the_loss_falls_and_the_curve_says_so():
    """Recommending and profiling both get better; every round has its line."""
    chosen = settings(epochs=30, validation=0.0, profile_weight=1.0, learning_rate=0.01)
    model = DMTL(chosen).fit(told(), device="cpu")
    assert [line["epoch"] for line in model.curve] == list(range(1, 31))
    for part in ("recommendation", "profiling"):
        assert model.curve[-1][part] < 0.7 * model.curve[0][part]


@pytest.mark.parametrize("aggregation", ["mean", "attention", "min"])
@pytest.mark.parametrize("known_before", [True, False])
def test_groups_are_predicted_by_the_equations(aggregation, known_before):
    """The fast way over all items agrees with one pair at a time, seen groups or not."""
    model = DMTL(settings(aggregation=aggregation)).fit(told(), device="cpu")
    asked = groups() if known_before else Groups.of(["x", "y"], [[0, 1, 12], [4, 5]])
    found = (
        model.predict_groups(asked, clip=False) - model.known.scale.mean
    ) / model.known.scale.spread
    network, rated = model.predictor.network, standard_ratings(model.known)
    dense, of_items = (
        t.rows.to_dense().numpy()
        for t in (model.predictor.tables.raters, model.predictor.tables.items)
    )
    of_raters, base_items = network.base_raters.numpy(), network.base_items.numpy()
    stranger = np.eye(base_items.shape[1])[1]
    for g in range(len(asked)):
        own = dense[USERS + g] if known_before else None
        for i in range(ITEMS):
            members = asked.of_group(g)
            given = rated[members, i]
            base = of_raters[members] @ base_items[i], stranger @ base_items[i]
            if known_before:
                base = base[0], of_raters[USERS + g] @ base_items[i]
            expected, logits = naive.group(network, dense[members], own, of_items[i], given, base)
            assert found[g, i] == pytest.approx(expected, abs=1e-4)
        told_classes = model.class_probabilities(asked)[g]
        np.testing.assert_allclose(told_classes, naive.softmax(logits), atol=1e-5)


def test_a_group_of_one_is_its_member(model):
    """A user's predictions are the same asked alone, as a pair, and as an unseen group of one."""
    alone = model.predict_groups(Groups.of(["x"], [[5]]), clip=False, mixed=False)[0]
    pairs = model.predict(np.full(ITEMS, 5), np.arange(ITEMS), clip=False)
    np.testing.assert_allclose(alone, pairs, atol=1e-4)


def test_a_group_counts_as_known_only_with_the_same_members(model):
    """Another group under a known name is not given the known one's past."""
    asked = Groups.of(["a", "b", "new"], [[0, 2, 4], [1], [1, 3]])
    assert model.rows_of(asked).tolist() == [0, -1, -1]
    with_past, without = (model.predict_groups(asked, own=own)[0] for own in (True, False))
    assert not np.allclose(with_past, without)


def test_unclipped_pairs_of_groups_are_cells_of_all(model):
    """Only what is asked for, in the order asked."""
    every = model.predict_groups(groups(), clip=False)
    found = model.predict_group_pairs(groups(), [3, 0, 3], [1, 8, 0])
    np.testing.assert_allclose(found, [every[3, 1], every[0, 8], every[3, 0]], rtol=1e-6)


def test_predictions_are_clipped_to_the_scale(model):
    """By default, and only then."""
    low, high = model.known.scale.low, model.known.scale.high
    assert (model.predict_groups(groups()) >= low).all()
    assert (model.predict_groups(groups()) <= high).all()


def test_a_saved_model_predicts_the_same(model, tmp_path):
    """Ratings, classes and curve come back from the folder."""
    model.save(tmp_path / "m")
    again = DMTL.load(tmp_path / "m")
    np.testing.assert_array_equal(model.predict_groups(groups()), again.predict_groups(groups()))
    np.testing.assert_array_equal(
        model.class_probabilities_of_users(), again.class_probabilities_of_users()
    )
    assert (again.curve, again.epochs, again.users) == (model.curve, model.epochs, model.users)
    assert again.settings == model.settings
    assert not list((tmp_path / "m").glob("*.pkl"))


def changed(folder, **parts):
    """Save a model anew with other parts of the document, and arrays, as a program might."""
    saved = saving.load(folder, KIND)
    arrays = {name: part for name, part in parts.items() if isinstance(part, np.ndarray)}
    document = {name: part for name, part in parts.items() if name not in arrays}
    saving.save(folder, KIND, saved.document | document, saved.arrays | arrays)


def test_a_model_whose_parameters_do_not_fit_is_refused(model, tmp_path):
    """A document of another size names what does not fit, one that lacks a part names that."""
    model.save(tmp_path / "m")
    changed(tmp_path / "m", settings=settings(size=7, aggregation="attention").to_dict())
    with pytest.raises(InputError, match="does not fit"):
        DMTL.load(tmp_path / "m")
    model.save(tmp_path / "m")
    saved = saving.load(tmp_path / "m", KIND)
    del saved.document["curve"]
    saving.save(tmp_path / "m", KIND, saved.document, saved.arrays)
    with pytest.raises(InputError, match="'curve' is missing"):
        DMTL.load(tmp_path / "m")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"users": [f"u{u}" for u in range(USERS - 1)]}, "not a whole model"),
        ({"items": [f"i{i}" for i in range(ITEMS - 1)]}, "items of ratings: a place"),
        ({"groups": ["a", "b", "c"]}, "members of 4 groups, but 3 names"),
        ({"classes": ["0", "1"]}, r"labels: shape \(14, 3\), not \(14, 2\)"),
        ({"profiles": ["sex"]}, r"profiles: shape \(14, 2\), not \(14, 1\)"),
        ({"attributes": np.zeros((ITEMS, 2), np.float32)}, r"attributes: shape \(9, 2\), not"),
        ({"groups/starts": np.array([0, 3, 3, 9, 10])}, "a group has no members"),
        ({"groups/members": np.full(10, USERS)}, "members of groups: a place"),
        ({"ratings/values": np.ones(2, np.float32)}, "ratings without"),
        ({"settings": settings().to_dict() | {"size": 6.5}}, "not a whole model"),
    ],
)
def test_a_model_whose_parts_do_not_go_together_is_refused(model, tmp_path, parts, message):
    """No part speaks of users, items, groups or classes that another part does not know."""
    model.save(tmp_path / "m")
    changed(tmp_path / "m", **parts)
    with pytest.raises(InputError, match=message):
        DMTL.load(tmp_path / "m")


def test_a_document_that_was_edited_is_refused(model, tmp_path):
    """Two users' names exchanged would answer for one another."""
    model.save(tmp_path / "m")
    document = tmp_path / "m" / "model.json"
    text = document.read_text()
    for one, other in (("u0", "x"), ("u1", "u0"), ("x", "u1")):
        text = text.replace(f'"{one}"', f'"{other}"')
    document.write_text(text)
    with pytest.raises(InputError, match=r"model\.json: is damaged"):
        DMTL.load(tmp_path / "m")


@pytest.mark.parametrize("stop_after", [2, 5])
def test_resuming_ends_where_training_at_once_does(tmp_path, stop_after):
    """Interrupted while choosing the number of rounds, or in the run on all ratings after it."""
    chosen = settings(epochs=4, patience=0)
    whole = DMTL(chosen).fit(told(), device="cpu")
    lines = []

    def interrupt(line):
        lines.append(line)
        if len(lines) == stop_after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        DMTL(chosen).fit(told(), device="cpu", checkpoint=tmp_path / "c", progress=interrupt)
    after = []
    resumed = DMTL(chosen).fit(
        told(), device="cpu", checkpoint=tmp_path / "c", resume=True, progress=after.append
    )
    assert len(after) == len(whole.curve) - stop_after
    np.testing.assert_array_equal(whole.predict_groups(groups()), resumed.predict_groups(groups()))
    assert len(resumed.curve) == len(whole.curve)


def test_a_checkpoint_of_other_settings_is_refused(tmp_path):
    """It would be another model's."""
    DMTL(settings(epochs=1)).fit(told(), device="cpu", checkpoint=tmp_path / "c")
    with pytest.raises(InputError, match="other ratings or settings"):
        DMTL(settings(epochs=2)).fit(told(), device="cpu", checkpoint=tmp_path / "c", resume=True)


def test_equal_seeds_learn_equally():
    """Two runs agree to the bit, another seed differs."""
    found = [
        DMTL(settings(seed=seed)).fit(told(), device="cpu").predict_groups(groups())
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def test_training_stops_early_and_keeps_the_best_round():
    """Without a lower validation loss for `patience` rounds there is no further one."""
    model = DMTL(settings(epochs=80, patience=2, learning_rate=0.2, refit=False)).fit(
        told(), device="cpu"
    )
    losses = [line["validation"] for line in model.curve]
    assert model.epochs == int(np.argmin(losses)) + 1
    assert len(losses) == model.epochs + 2 < 80


def test_implicit_ratings_are_ranked():
    """Items taken get higher scores than items not taken, for users and for groups."""
    seen = ratings(0.5).matrix.copy()
    seen.data[:] = 1.0
    by_group = group_ratings().matrix.copy()
    by_group.data[:] = 1.0
    model = DMTL(settings(loss="ranking", epochs=60, validation=0.0)).fit(
        told(
            ratings=Ratings.of(seen, users=ratings().users, items=ratings().items),
            group_ratings=Ratings.of(by_group, users=groups().names, items=ratings().items),
        ),
        device="cpu",
    )
    scores, taken = model.predict_groups(groups(), clip=False), by_group.toarray() > 0
    assert scores[taken].mean() > scores[~taken].mean()


def test_the_paper_network_predicts_groups_by_their_members_mean():
    """It knows users alone; so the mean of their predictions stands for the group."""
    for softmax in ("components", "items"):
        chosen = settings(network="paper", softmax=softmax, aggregation="mean")
        model = DMTL(chosen).fit(told(), device="cpu")
        users = np.repeat([0, 2, 4], ITEMS)
        each = model.predict(users, np.tile(np.arange(ITEMS), 3), clip=False).reshape(3, ITEMS)
        found = model.predict_groups(groups(), clip=False)[0]
        np.testing.assert_allclose(found, each.mean(axis=0), atol=1e-4)
        assert model.class_probabilities(groups()).shape == (4, 3)


def test_users_and_items_without_ratings_have_stated_predictions():
    """Nothing is known of them: finite ratings on the scale, from what is left."""
    empty = matrix(USERS, ITEMS, 0.6, 0).tolil()
    empty[4], empty[:, 3] = 0, 0
    bare = Ratings.of(empty.tocsr(), scale=(1, 5))
    model = DMTL(settings()).fit(Told(bare), device="cpu")
    found = model.predict_groups(Groups.of(["x"], [[4]]))
    assert np.isfinite(found).all()
    assert ((found >= 1) & (found <= 5)).all()


def test_what_does_not_fit_together_is_refused():
    """Items, groups, features and labels that belong to other data."""
    other = Ratings.of(group_ratings().matrix, users=groups().names)
    on_a_scale = Ratings.of(
        ratings().matrix, users=ratings().users, items=ratings().items, scale=(1, 5)
    )
    far = Ratings.of(10 * group_ratings().matrix, users=groups().names, items=ratings().items)
    for changed, message in (
        ({"group_ratings": other}, "its items are not those"),
        ({"ratings": on_a_scale, "group_ratings": far}, r"to 50, outside the scale 1\.\.5"),
        ({"groups": groups().take([0])}, "4 rows for 1 groups"),
        ({"groups": Groups.of(4, [[0], [1], [2], [USERS]])}, "none of the 14 users"),
        ({"profiles": told().attributes}, "9 rows of features for 14 users"),
        ({"labels": group_labels(groups(), USERS + 1)}, "labels of 15 users for ratings of 14"),
    ):
        with pytest.raises(InputError, match=message):
            DMTL(settings()).fit(told(**changed), device="cpu")
    with pytest.raises(InputError, match="attention over members is learned from"):
        DMTL(settings(aggregation="attention")).fit(told(group_ratings=None), device="cpu")
    with pytest.raises(InputError, match="not fitted yet"):
        DMTL().predict([0], [0])


def test_ratings_at_the_ends_of_the_scale_lie_on_it():
    """An end that has no exact number in single precision refuses no rating that is the end."""
    ends = [0.1 * part.matrix for part in (ratings(), group_ratings())]
    of_users, of_groups = (
        Ratings.of(m, users=names, items=ratings().items, scale=scale)
        for m, names, scale in zip(
            ends, (ratings().users, groups().names), ((0.1, 0.5), None), strict=True
        )
    )
    scale = known_of(told(ratings=of_users, group_ratings=of_groups)).scale
    assert (scale.low, scale.high) == (0.1, 0.5)


def test_positions_and_groups_are_checked(model):
    """Unknown users and items are named by the range that there is."""
    with pytest.raises(InputError, match="user positions must lie between 0 and 13"):
        model.predict([USERS], [0])
    with pytest.raises(InputError, match="none of the 14 users"):
        model.predict_groups(Groups.of(["x"], [[USERS]]))


def test_no_profiling_task_knows_no_classes():
    """Lambda 0 trains without the head, and profiles say so."""
    model = DMTL(settings(profile_weight=0.0)).fit(told(), device="cpu")
    with pytest.raises(InputError, match="without the profiling task"):
        model.class_probabilities(groups())
    with pytest.raises(InputError, match="without the profiling task"):
        describe_classes(model)
    assert len(describe_groups(model, groups())) == 4


def test_users_are_not_taken_for_groups_of_their_names():
    """A group of one that is named like its member's place has a past, the member has not."""
    alone = Groups.of(["5", "x"], [[5], [1, 2]])
    matrix_of_two = Ratings.of(group_ratings().matrix[:2], users=["5", "x"], items=ratings().items)
    model = DMTL(settings(profile_weight=1.0)).fit(
        told(groups=alone, group_ratings=matrix_of_two), device="cpu"
    )
    with_past, without = (model.class_probabilities(alone)[0],
                          model.class_probabilities(Groups.of(["y"], [[5]]))[0])  # fmt: skip
    assert not np.allclose(with_past, without)
    np.testing.assert_allclose(model.class_probabilities_of_users()[5], without, atol=1e-6)


def test_classes_that_were_learned_are_told():
    """With enough weight, the groups' own classes are found again from their members."""
    labels = group_labels(
        Groups.of(["odd", "even"], [np.arange(1, 14, 2), np.arange(0, 14, 2)]), USERS
    )
    model = DMTL(settings(profile_weight=1.0, epochs=60, validation=0.0)).fit(
        told(labels=labels), device="cpu"
    )
    probabilities = model.class_probabilities(Groups.of(["x", "y"], [[1, 3, 5], [0, 2]]))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert probabilities.argmax(axis=1).tolist() == [0, 1]


def test_descriptions_name_what_members_share(model):
    """Distinctive items and traits are those made so; few ratings do not decide."""
    odd = Groups.of(["odd", "even"], [np.arange(1, 14, 2), np.arange(0, 14, 2)])
    of_odd, of_even = describe_groups(model, odd, top=3)
    assert of_odd.users == 7
    assert {one.item for one in of_odd.distinctive} <= {f"i{i}" for i in range(ITEMS) if i % 3}
    assert {one.item for one in of_even.distinctive} <= {"i0", "i3", "i6"}
    assert of_odd.traits[0].name == "sex"
    assert (of_odd.traits[0].here, of_odd.traits[0].everywhere) == (1.0, 0.5)
    assert len(describe_classes(model)) == len(model.labels.names)
    assert of_odd.to_dict()["liked"][0].keys() == {"item", "score"}


def test_traits_are_told_in_the_tables_own_terms(tmp_path):
    """A group's mean age is years, after saving too; what differs by a hair is no trait."""
    age = np.arange(20.0, 20.0 + USERS)
    hair = np.zeros(USERS)
    hair[13] = 1e-3
    profiles = Features(
        ("age", "hair"),
        np.column_stack([(age - age.mean()) / age.std(), hair]).astype(np.float32),
        ((age.mean(), age.std()), (0.0, 1.0)),
    )
    DMTL(settings(epochs=1)).fit(told(profiles=profiles, attributes=None)).save(tmp_path / "m")
    model = DMTL.load(tmp_path / "m")
    (oldest,) = describe_groups(model, Groups.of(["old"], [[12, 13]]))
    (trait,) = oldest.traits
    assert trait.name == "age"
    assert (trait.here, trait.everywhere) == (pytest.approx(32.5), pytest.approx(age.mean()))


def test_users_of_whom_an_attribute_is_not_told_do_not_count():
    """A table of half of the users says what these are like, not that the others are otherwise."""
    sex = np.zeros((USERS, 2), dtype=np.float32)
    sex[: USERS // 2, 0] = np.arange(USERS // 2) % 2
    sex[: USERS // 2, 1] = 1 - sex[: USERS // 2, 0]
    profiles = Features(("f", "m"), sex, listed=np.arange(USERS) < USERS // 2)
    model = DMTL(settings(epochs=1)).fit(told(profiles=profiles, attributes=None))
    (mixed,) = describe_groups(model, Groups.of(["mixed"], [[1, 3, USERS - 1]]))
    (trait,) = mixed.traits
    assert (trait.name, trait.here) == ("f", 1.0)
    assert trait.everywhere == pytest.approx(sex[: USERS // 2, 0].mean())
    (nobody,) = describe_groups(model, Groups.of(["strangers"], [[USERS - 2, USERS - 1]]))
    assert nobody.traits == []


def test_a_flag_that_is_not_set_is_told(tmp_path):
    """Users whose row is all zeros are in the table: they make the others stand out; saved too."""
    student = (np.arange(USERS) < 2).astype(np.float32)[:, None]
    told_of = told(profiles=Features(("student",), student), attributes=None)
    DMTL(settings(epochs=1)).fit(told_of).save(tmp_path / "m")
    (students,) = describe_groups(DMTL.load(tmp_path / "m"), Groups.of(["s"], [[0, 1]]))
    (trait,) = students.traits
    assert (trait.name, trait.here) == ("student", 1.0)
    assert trait.everywhere == pytest.approx(2 / USERS)


def test_lists_of_three_kinds(model):
    """DMTL's, least misery's and aggregate voting's follow their definitions, ties by column."""
    asked = Groups.of(["x", "y"], [[0, 1, 2], [3]])
    found = recommend(model, asked, 4)
    own, rated = member_ratings(model, asked)
    given = ratings().matrix.toarray()
    np.testing.assert_array_equal(rated[:3], given[:3] > 0)
    np.testing.assert_allclose(own[:3][rated[:3]], given[:3][rated[:3]])
    for lists, held in zip(found, (own[:3], own[3:]), strict=True):
        for name, scores in (("lm", held.min(axis=0)), ("av", held.sum(axis=0))):
            order = np.lexsort((np.arange(ITEMS), -scores))[:4]
            assert lists[name].items.tolist() == order.tolist()
            np.testing.assert_allclose(lists[name].scores, scores[order])
    expected = np.argsort(-model.predict_groups(asked, clip=False)[0], kind="stable")[:4]
    assert found[0]["dmtl"].items.tolist() == expected.tolist()


def test_rated_items_may_be_left_out(model):
    """By any member, or by all; a list is shorter where too few are left."""
    asked = Groups.of(["x"], [[0, 1]])
    rated = ratings().matrix.toarray()[:2] > 0
    for exclude, hidden in (("any", rated.any(axis=0)), ("all", rated.all(axis=0))):
        (lists,) = recommend(model, asked, ITEMS, exclude=exclude)
        for one in lists.values():
            assert set(one.items.tolist()) == set(np.flatnonzero(~hidden).tolist())
    for asked_k, message in ((0, "k must lie between"), (ITEMS + 1, "k must lie between")):
        with pytest.raises(InputError, match=message):
            recommend(model, asked, asked_k)
    with pytest.raises(InputError, match="give one of none, any, all"):
        recommend(model, asked, 1, exclude="some")


def test_best_breaks_ties_by_column():
    """Equal scores by ascending column, also when some are left out."""
    assert best(np.array([1.0, 2.0, 2.0, 1.0]), 3).items.tolist() == [1, 2, 0]
    hidden = np.array([False, True, False, False])
    assert best(np.array([1.0, 2.0, 2.0, 1.0]), 3, hidden).items.tolist() == [2, 0, 3]


def test_profiling_scores_are_plain_means_over_classes():
    """Counted by hand: class 1 is never told, class 2 never true."""
    scores = profiling_scores([0, 0, 0, 1], [0, 0, 2, 0])
    assert scores.precision == pytest.approx((2 / 3 + 0 + 0) / 3)
    assert scores.recall == pytest.approx((2 / 3 + 0 + 0) / 3)
    assert scores.f1 == pytest.approx((2 / 3 + 0 + 0) / 3)
    assert scores.accuracy == 0.5
    with pytest.raises(InputError, match="cannot compare"):
        profiling_scores([], [])
