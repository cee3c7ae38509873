from dataclasses import replace

import numpy as np
import pytest

from grouping.errors import InputError
from learners.mtal.tables import TableSource

KINDS = "age=number:30:10,job=category:smith:nurse:clerk"


@pytest.fixture
def source(tmp_path):
    """A shop of three users and four items, with a table of each."""
    (tmp_path / "shop.csv").write_text(
        "user,item,rating\nu1,a,5\nu1,b,4\nu2,a,2\nu2,d,1\nu3,c,3\nu3,b,1\n"
    )
    (tmp_path / "people.csv").write_text("id,age,job\nu3,50,\nu1,20,nurse\nu2,,smith\n")
    (tmp_path / "films.csv").write_text("id,kind\nd,war\na,war|love\nb,\nc,love\n")
    return TableSource(
        "shop",
        str(tmp_path / "shop.csv"),
        profiles=str(tmp_path / "people.csv"),
        attributes=str(tmp_path / "films.csv"),
        profile_kinds=KINDS,
        attribute_kinds="kind=set:war:love:crime",
    )


@pytest.mark.parametrize("align", ["user", "item"])
def test_tables_of_users_and_items_go_to_their_sides(source, align):
    """Each with its names, kinds and rows, whichever side is the one in common."""
    domain = replace(source, align=align).load()
    rows = domain.rows[:], domain.row_features, domain.row_feature_names
    columns = domain.columns[:], domain.column_features, domain.column_feature_names
    of_users, of_items = (rows, columns) if align == "user" else (columns, rows)
    assert of_users[0] == ["u1", "u2", "u3"]
    assert of_users[2] == ("age (30.0 + 10.0 * cell)", "job:clerk", "job:nurse", "job:smith")
    np.testing.assert_array_equal(of_users[1], [[-1, 0, 1, 0], [0, 0, 0, 1], [2, 0, 0, 0]])
    assert of_items[0] == ["a", "b", "c", "d"]
    assert of_items[2] == ("kind:crime", "kind:love", "kind:war")
    np.testing.assert_array_equal(of_items[1], [[0, 1, 1], [0, 0, 0], [0, 1, 0], [0, 0, 1]])


def test_without_a_table_a_side_has_no_features(source):
    """One table alone, of either side."""
    of_users = replace(source, attributes=None, attribute_kinds=None).load()
    assert of_users.column_features is None
    assert of_users.column_feature_names == ()
    assert of_users.row_features.shape == (3, 4)
    of_items = replace(source, profiles=None, profile_kinds=None).load()
    assert of_items.row_features is None
    assert of_items.column_features.shape == (4, 3)


def test_those_whom_a_table_does_not_list_are_counted(source, tmp_path, capsys):
    """On standard error, with the organisation's name; nothing is said where all are listed."""
    source.load()
    assert capsys.readouterr().err == ""
    (tmp_path / "people.csv").write_text("id,age,job\nU1,50,\n")
    (tmp_path / "films.csv").write_text("id,kind\na,war\n")
    assert not source.load().row_features.any()
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("organisation shop: ")
    assert "people.csv lists none of the 3 users" in first
    assert "films.csv lists 1 of 4 items" in second


def test_a_value_that_kinds_do_not_name_is_refused_with_its_table(source):
    """Among several tables, the one to mend is named."""
    with pytest.raises(InputError, match=r"people\.csv: column 'job' holds 'nurse'"):
        replace(source, profile_kinds="age=number:30:10,job=category:smith").load()
