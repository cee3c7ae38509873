import json

import numpy as np
import pytest

from grouping import form
from grouping.errors import InputError
from grouping.ids import Ids
from learners.dmtl.groups import Groups, read_groups
from learners.dmtl.labels import cluster_labels, group_labels, hard_labels, read_labels
from learners.dmtl.told import known_of
from tests.learners.dmtl.making import USERS, groups, ratings, told

IDS = Ids([f"u{u}" for u in range(5)])


def test_members_count_once_and_ascend():
    """Order and repeats of the input do not matter; a user may be in several groups."""
    found = Groups.of(["x", "y"], [[3, 1, 3], [1]])
    assert found.members.tolist() == [1, 3, 1]
    assert found.sizes.tolist() == [2, 1]
    assert found.take([1, 0]).names[:] == ["y", "x"]


def test_empty_groups_and_members_that_are_not_there_are_refused():
    """An empty group has no list, an unknown member no ratings."""
    with pytest.raises(InputError, match="group y is empty"):
        Groups.of(["x", "y"], [[0], []])
    with pytest.raises(InputError, match="none of the 3 users"):
        Groups.of(["x"], [[3]]).require_users(3)


def test_a_table_of_memberships(tmp_path):
    """Users in several groups, repeats, and groups in ascending order."""
    path = tmp_path / "groups.csv"
    path.write_text("GroupID,UserID\n10,u1\n9,u2\n10,u2\n10,u1\n")
    found = read_groups(path, IDS).groups
    assert found.names[:] == ["9", "10"]
    assert [found.of_group(g).tolist() for g in range(2)] == [[2], [1, 2]]


def test_unknown_members_are_refused_or_left_out(tmp_path):
    """By choice, with groups of which nobody is known; somebody must be known."""
    path = tmp_path / "groups.csv"
    path.write_text("user,group\nu1,a\nzoe,a\n")
    with pytest.raises(InputError, match=r"groups\.csv:3: user zoe of group a is not among"):
        read_groups(path, IDS)
    found = read_groups(path, IDS, unknown="skip")
    assert found.groups.members.tolist() == [1]
    assert found.unknown == ("zoe",)
    path.write_text("user,group\nzoe,a\nu1,b\n")
    found = read_groups(path, IDS, unknown="skip")
    assert found.groups.names[:] == ["b"]
    assert found.left_out("g") == [
        "g: 1 member unknown to the ratings (zoe) left out",
        "g: 1 group without a known member (a) left out",
    ]
    path.write_text("user,group\nzoe,a\n")
    with pytest.raises(InputError, match="no member of any group is among the 5 users"):
        read_groups(path, IDS, unknown="skip")


def test_groups_of_a_formation_are_those_of_its_file(tmp_path):
    """What `form` returned and what it saved give the same groups."""
    formation = form(ratings(), groups=3, k=2, missing="mean")
    formation.save(tmp_path / "f.json")
    read = read_groups(tmp_path / "f.json", ratings().users).groups
    assert read.names[:] == [str(group.number) for group in formation.groups]
    for g, group in enumerate(formation.groups):
        assert read.of_group(g).tolist() == sorted(group.members)
    document = json.loads((tmp_path / "f.json").read_text())
    assert [len(entry["members"]) for entry in document["groups"]] == read.sizes.tolist()


def test_groups_of_a_formation_that_nobody_is_in_are_refused_or_left_out(tmp_path):
    """They are no blank line in what is told of the groups."""
    path = tmp_path / "f.json"
    entries = [{"group": 0, "members": []}, {"group": 1, "members": ["u1"]}]
    path.write_text(json.dumps({"groups": entries}))
    with pytest.raises(InputError, match="group 0 has no members; leave such groups out"):
        read_groups(path, IDS)
    read = read_groups(path, IDS, unknown="skip")
    assert (read.groups.names[:], read.empty) == (["1"], ("0",))
    assert "1 group without a known member (0) left out" in read.left_out("f.json")[0]


def test_labels_of_groups_are_means_over_members_that_have_one():
    """A member without a label counts for nothing, a group without any has no label."""
    labels = hard_labels(np.array([0, 1, 1, -1]), ["p", "q"])
    of_groups = labels.of_groups(Groups.of(3, [[0, 1], [1, 2, 3], [3]]))
    np.testing.assert_allclose(of_groups, [[0.5, 0.5], [0, 1], [0, 0]])
    assert labels.without(np.array([0])).shares[0].tolist() == [0, 0]


def test_groups_as_classes(tmp_path):
    """A user of two groups is half of each; a file's strangers are refused, or counted."""
    shares = group_labels(groups(), USERS).shares
    assert shares[2].tolist() == [0.5, 0, 0.5, 0]
    assert shares[12].tolist() == [0, 0, 0, 0]
    path = tmp_path / "labels.csv"
    path.write_text("user,label\nu1,old\nu3,new\nzoe,new\n")
    labels, left_out = read_labels(path, IDS, unknown="skip")
    assert labels.shares[:, 1].tolist() == [0, 1, 0, 0, 0]
    assert "1 member unknown to the ratings (zoe) left out" in left_out[0]
    with pytest.raises(InputError, match=r"labels\.csv:4: user zoe"):
        read_labels(path, IDS)


def test_clusters_find_users_that_are_alike():
    """The two tastes of the made ratings are told apart, and equal seeds cluster equally."""
    known = known_of(told())
    labels = cluster_labels(known, classes=2, source="ratings", seed=1)
    of_user = labels.shares.argmax(axis=1)
    odd = np.arange(USERS) % 2
    assert max(np.mean(of_user == odd), np.mean(of_user != odd)) > 0.9
    again = cluster_labels(known, classes=2, source="ratings", seed=1)
    np.testing.assert_array_equal(labels.shares, again.shares)


def test_more_clusters_than_users_and_nothing_to_cluster_by():
    """Clusters are at most as many as users; without tables there are no profiles to cluster."""
    assert len(cluster_labels(known_of(told()), classes=50).names) <= USERS
    bare = known_of(told(profiles=None, attributes=None))
    with pytest.raises(InputError, match="nothing of the kind is known"):
        cluster_labels(bare, source="profiles")
