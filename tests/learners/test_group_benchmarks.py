import numpy as np
import pytest

from grouping.errors import InputError
from learners.group_benchmarks import read_group_benchmark

FILES = {
    "groupMember.txt": "1 2,0\n0 1\n",
    "userRatingTrain.txt": "0 3 80\n2 1 40\n0 3 60\n",
    "userRatingTest.txt": "1 2 100\n",
    "userRatingNegative.txt": "(1,2) 0 4\n",
    "groupRatingTrain.txt": "0 3\n1 1\n1 2\n",
    "groupRatingTest.txt": "1 2\n0 0\n",
    "groupRatingNegative.txt": "(1,2) 4 3\n(0,0) 1 2\n",
}


def _folder(tmp_path, **changed):
    folder = tmp_path / "Made"
    folder.mkdir(exist_ok=True)
    for name, text in (FILES | {k.replace("_", "."): v for k, v in changed.items()}).items():
        (folder / name).write_text(text)
    return folder


def test_ratings_members_and_tests(tmp_path):
    """Pairs rated twice have their mean, members ascend, the item taken stands first."""
    data = read_group_benchmark(_folder(tmp_path))
    assert (data.users, len(data.groups), data.items) == (3, 2, 5)
    assert [data.groups.of_group(g).tolist() for g in range(2)] == [[1], [0, 2]]
    np.testing.assert_array_equal(data.ratings.matrix.toarray()[0], [0, 0, 0, 70, 0])
    np.testing.assert_array_equal(data.group_ratings.matrix.toarray()[1], [0, 1, 1, 0, 0])
    assert data.group_test.raters.tolist() == [1, 0]
    assert data.group_test.items.tolist() == [[2, 4, 3], [0, 1, 2]]


def test_test_pairs_can_be_taken_out_of_the_train_part(tmp_path):
    """Exactly those, and both data sets stay as they were otherwise."""
    data = read_group_benchmark(_folder(tmp_path))
    assert data.overlap().tolist() == [True, False]
    clean = data.without_overlap()
    assert not clean.overlap().any()
    assert len(clean.group_train) == len(data.group_train) - 1
    assert len(clean.user_train) == len(data.user_train)


def test_members_own_ratings_of_what_is_asked_can_be_taken_out_too(tmp_path):
    """Those of the asked group's members for the asked item, and nobody else's."""
    data = read_group_benchmark(
        _folder(tmp_path, userRatingTrain_txt="0 3 80\n0 2 60\n2 2 10\n2 1 40\n1 2 50\n")
    )
    alone = data.without_overlap(members=True)
    assert not alone.overlap().any()
    left = list(zip(alone.user_train.rows, alone.user_train.columns, strict=True))
    assert left == [(0, 3), (1, 2), (2, 1)]
    assert len(data.without_overlap().user_train) == 5


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"groupMember_txt": "0 1\n2 2\n"}, r"not numbered 0\.\.2"),
        ({"groupMember_txt": "0 1\n"}, "group 1 has ratings but no members"),
        ({"groupMember_txt": "0 1 2\n"}, "give a group and its members"),
        ({"userRatingTrain_txt": "0 x\n"}, "userRatingTrain.txt:1"),
        ({"userRatingTrain_txt": "0 1 nan\n"}, "not finite"),
        ({"userRatingTrain_txt": "0 -1\n"}, "negative"),
        ({"groupRatingTest_txt": "1 2\n0\n"}, r"groupRatingTest.txt:2: give a user or group"),
        ({"groupRatingNegative_txt": "(1,2) 4 3\n"}, "2 test rows, but 1 rows of negatives"),
        ({"groupRatingNegative_txt": "(1,1) 4 3\n(0,0) 1 2\n"}, r"negatives of \(1,1\)"),
        ({"groupRatingNegative_txt": "(1,2) 4 3\n(0,0) 1\n"}, "1 negatives, not 2"),
    ],
)
def test_what_is_spoilt_is_named(tmp_path, changed, message):
    """The message names the file and line, or what does not fit."""
    with pytest.raises(InputError, match=message):
        read_group_benchmark(_folder(tmp_path, **changed))


def test_a_missing_file_is_named(tmp_path):
    """A folder of something else is not read."""
    folder = _folder(tmp_path)
    (folder / "groupMember.txt").unlink()
    with pytest.raises(InputError, match=r"groupMember\.txt is not there"):
        read_group_benchmark(folder)
