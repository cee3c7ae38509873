import numpy as np
import pytest

from grouping.errors import InputError
from learners.mtal.partition import by_genre, deal, uniform
from learners.splits import three_parts
from tests.learners.mtal import made


def cells(domains, part="train"):
    """Every (user, item, rating) that the organisations hold, by id, private marks taken off."""
    held = []
    for domain in domains:
        entries = getattr(domain, part)
        rows = [name.partition(" of ")[0] for name in domain.rows.take(entries.rows)]
        columns = domain.columns.take(entries.columns)
        pair = (rows, columns) if domain.align == "user" else (columns, rows)
        held += list(zip(*pair, entries.values.tolist(), strict=True))
    return sorted(held)


@pytest.mark.parametrize(
    ("align", "partition"), [("user", "uniform:3"), ("user", "genre"), ("item", "uniform:4")]
)
@pytest.mark.parametrize("shared", [1.0, 0.5, 0.0])
def test_every_rating_is_dealt_to_one_organisation(align, partition, shared):
    """Dealing out loses, doubles and moves nothing, whatever is aligned, shared or split."""
    parts = three_parts(made.ratings(), seed=3)
    dealt = deal(parts, align=align, partition=partition, shared=shared, genres=made.genres())
    for part in ("train", "validation", "test"):
        whole = getattr(parts, part)
        users, items = parts.ratings.users, parts.ratings.items
        triples = zip(users.take(whole.rows), items.take(whole.columns), whole.values, strict=True)
        assert cells(dealt, part) == sorted(triples)
    columns = [name for domain in dealt for name in domain.columns]
    assert len(columns) == len(set(columns)) == parts.ratings.shape[1 if align == "user" else 0]


@pytest.mark.parametrize("shared", [1.0, 0.5, 0.0])
def test_just_the_shared_rows_have_ids_in_common(shared):
    """At 50 % alignment every two organisations know the same half of the users, no other."""
    dealt = deal(three_parts(made.ratings()), partition="uniform:3", shared=shared)
    common = set(dealt[0].rows) & set(dealt[1].rows)
    assert len(common) == round(60 * shared)
    assert set(dealt[0].rows) & set(dealt[2].rows) == common


def test_uniform_blocks_are_equal_but_for_the_last():
    """The remainder goes to the last organisation; the seed decides the rest."""
    blocks = uniform(1682, 8, seed=5)
    assert [len(block) for block in blocks] == [210] * 7 + [212]
    np.testing.assert_array_equal(np.sort(np.concatenate(blocks)), np.arange(1682))
    assert not np.array_equal(blocks[0], uniform(1682, 8, seed=6)[0])


def test_items_go_to_one_of_their_genres():
    """An item without a genre may go anywhere; all genres of an item are equally likely."""
    genres = made.genres(9000)
    owner = np.zeros(9000, dtype=int)
    for number, block in enumerate(by_genre(genres, seed=1)):
        owner[block] = number
    known = genres.matrix.any(axis=1)
    assert (genres.matrix[np.flatnonzero(known), owner[known]] == 1).all()
    both = (genres.matrix == [1, 1, 0]).all(axis=1)
    assert abs((owner[both] == 0).mean() - 0.5) < 0.06


def test_side_information_follows_its_rows_and_columns():
    """Users' profiles stay with all users, items' attributes go with the items dealt out."""
    parts = three_parts(made.ratings())
    profiles, genres = made.profiles(), made.genres()
    for align in ("user", "item"):
        for domain in deal(
            parts, align=align, partition="uniform:3", profiles=profiles, attributes=genres
        ):
            of_users, of_items = domain.row_features, domain.column_features
            users, items = domain.rows, domain.columns
            if align == "item":
                of_users, of_items, users, items = of_items, of_users, items, users
            place = [parts.ratings.users.position(name) for name in users]
            np.testing.assert_array_equal(of_users, profiles.matrix[place])
            place = [parts.ratings.items.position(name) for name in items]
            np.testing.assert_array_equal(of_items, genres.matrix[place])


def test_what_cannot_be_dealt_is_refused():
    """Unknown partitions and impossible numbers are named."""
    parts = three_parts(made.ratings())
    for arguments, said in [
        ({"partition": "uniform:99"}, "99 organisations"),
        ({"partition": "halves"}, "uniform:K"),
        ({"partition": "genre"}, "needs the items' genres"),
        ({"partition": "genre", "align": "item", "genres": made.genres()}, "only items"),
        ({"align": "both"}, "user or item"),
        ({"shared": 1.5}, "between 0 and 1"),
    ]:
        with pytest.raises(InputError, match=said):
            deal(parts, **arguments)
    with pytest.raises(InputError, match="tries"):
        by_genre(made.genres(), accept=lambda blocks: False, tries=3)


def test_likes_are_told_from_dislikes_at_the_threshold():
    """Binarising keeps the cells; an unrated cell never becomes a dislike."""
    domain = deal(three_parts(made.ratings()), partition="uniform:2")[0]
    liked = domain.binarised(3.5)
    np.testing.assert_array_equal(liked.train.rows, domain.train.rows)
    np.testing.assert_array_equal(liked.train.values, domain.train.values >= 4)
