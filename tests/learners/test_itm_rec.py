import zipfile

import pytest

from grouping.errors import InputError
from learners.itm_rec import read_itm_rec

FILES = {
    "ratings.csv": "UserID,Item,Rating,App,Class\n12,3,5,1,DB\n9,1,2,,DB\n12,3,4,1,DS\n",
    "group_ratings.csv": "GroupID,Item,Rating\n7,1,3\n7,10,4\n5,3,1\n",
    "group.csv": "GroupID,UserID\n7,12\n7,9\n7,12\n5,9\n",
    "users.csv": "UserID, Gender, Age,Married\n9,0,20-25,0\n12,1,26-30,0\n13,1,20-25,1\n",
    "items.csv": 'Item,Title,URL,Descriptions\n1,One,,\n3,"Three, four",,\n10,Ten,,\n',
}


def _folder(tmp_path, **changed):
    folder = tmp_path / "ITM-Rec"
    folder.mkdir(exist_ok=True)
    for name, text in (FILES | changed).items():
        (folder / name).write_text(text)
    return folder


def test_rows_repeats_and_groups(tmp_path):
    """Rows keep the order of the file and their repeats; a member counts once; ids ascend."""
    data = read_itm_rec(_folder(tmp_path))
    assert data.users[:] == ["9", "12", "13"]
    assert data.items[:] == ["1", "3", "10"]
    assert data.ratings.who.tolist() == [1, 0, 1]
    assert data.ratings.item.tolist() == [1, 0, 1]
    assert data.ratings.value.tolist() == [5.0, 2.0, 4.0]
    assert data.groups[:] == ["5", "7"]
    assert [members.tolist() for members in data.members] == [[0], [0, 1]]
    assert data.group_ratings.item.tolist() == [0, 2, 1]
    assert "age:20-25" in data.profiles.names


def test_an_archive_reads_as_its_folder(tmp_path):
    """Nothing needs to be unpacked."""
    folder = _folder(tmp_path)
    with zipfile.ZipFile(tmp_path / "itm-rec.zip", "w") as archive:
        for name in FILES:
            archive.write(folder / name, f"ITM-Rec/{name}")
    packed, plain = read_itm_rec(tmp_path / "itm-rec.zip"), read_itm_rec(folder)
    assert packed.ratings.value.tolist() == plain.ratings.value.tolist()
    assert packed.users == plain.users


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ratings.csv": "UserID,Item\n1,2\n"}, "ratings.csv has no column 'Rating'"),
        ({"ratings.csv": "UserID,Item,Rating\n12,3\n"}, "too short"),
        ({"ratings.csv": "UserID,Item,Rating\n12,3,good\n"}, "is no number"),
        ({"ratings.csv": "UserID,Item,Rating\n12,3,inf\n"}, "not finite"),
        ({"group.csv": "GroupID,UserID\n7,12\n"}, "group 5 has ratings but no member"),
    ],
)
def test_what_is_spoilt_is_named(tmp_path, changed, message):
    """The message names the file and what is wrong with it."""
    with pytest.raises(InputError, match=message):
        read_itm_rec(_folder(tmp_path, **changed))


def test_what_is_missing_is_named(tmp_path):
    """A missing file, folder, or something that is no archive."""
    folder = _folder(tmp_path)
    (folder / "group.csv").unlink()
    with pytest.raises(InputError, match=r"group\.csv is not there"):
        read_itm_rec(folder)
    with pytest.raises(InputError, match="no such folder"):
        read_itm_rec(tmp_path / "none")
    with pytest.raises(InputError, match="neither a folder nor a zip"):
        read_itm_rec(folder / "items.csv")
