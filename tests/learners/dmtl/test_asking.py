import pytest

from grouping import read_ratings
from grouping.errors import InputError
from learners.dmtl.asking import Sources, read_told


def test_it_is_told_whom_tables_do_not_list(tmp_path):
    """What is known of some is taken, and the others are counted; a table of none is refused."""
    (tmp_path / "ratings.csv").write_text("user,item,rating\n1,a,5\n2,a,2\n2,b,1\n")
    (tmp_path / "people.csv").write_text("id,age\n1,20\n2,30\n")
    (tmp_path / "films.csv").write_text("id,kind\nb,war\n")
    (tmp_path / "zeros.csv").write_text("id,age\n01,20\n02,30\n")
    ratings = read_ratings(tmp_path / "ratings.csv")
    sources = Sources(profiles=str(tmp_path / "people.csv"), attributes=str(tmp_path / "films.csv"))
    read = read_told(ratings, sources)
    assert read.told.profiles.matrix.tolist() == [[-1], [1]]
    assert read.told.attributes.matrix.tolist() == [[0], [1]]
    (said,) = read.left_out
    assert "films.csv lists 1 of 2 items" in said
    with pytest.raises(InputError, match=r"zeros\.csv lists none of the 2 users.*01 is not 1"):
        read_told(ratings, Sources(profiles=str(tmp_path / "zeros.csv")))
