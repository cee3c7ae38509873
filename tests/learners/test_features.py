import numpy as np
import pytest

from grouping.errors import InputError
from grouping.reading.side_table import Table, read_table
from learners.features import Kind, encode, parse_kinds, read_features

PEOPLE = Table(
    "people",
    ["a", "b", "c"],
    {
        "age": ["17", "", "40"],
        "job": ["nurse", "smith", "nurse"],
        "likes": ["tea|rum", "", "rum"],
        "member": ["1", "0", ""],
    },
)


def test_each_kind_is_encoded_as_the_page_says():
    """Numbers standardised, categories and sets as indicators, what is unknown as zero."""
    features = encode(PEOPLE, ["c", "nobody", "a"])
    assert features.names == (
        "age", "job:nurse", "job:smith", "likes:rum", "likes:tea", "member",
    )  # fmt: skip
    np.testing.assert_array_equal(
        features.matrix,
        [[1, 1, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0], [-1, 1, 0, 1, 1, 1]],
    )


def test_numbers_can_be_told_in_the_tables_own_terms():
    """Level and unit lead from a standardised number back to the cell, also of rows taken."""
    features = encode(PEOPLE, ["c", "a"]).take(np.array([1]))
    level, unit = features.scales[0]
    assert level + unit * features.matrix[0, 0] == pytest.approx(17)
    assert set(features.scales[1:]) == {(0.0, 1.0)}
    unknown = encode(Table("t", ["a", "b"], {"age": ["", ""]}), "ab", {"age": Kind("number")})
    assert unknown.scales == ((0.0, 1.0),)


def test_classes_part_the_numbers_at_their_edges():
    """An edge belongs to the class above it; an empty cell to no class."""
    table = Table("t", list("vwxyz"), {"age": ["17", "18", "34.5", "35", ""], "zip": list("12345")})
    features = encode(table, "vwxyz", parse_kinds("age=classes:18:35, zip=ignore"))
    assert features.names == ("age:<18", "age:18..35", "age:>=35")
    np.testing.assert_array_equal(
        features.matrix, [[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]
    )


def test_what_cannot_be_encoded_is_refused_by_name():
    """A wrong column, number, kind or edge must not become a silent zero."""
    with pytest.raises(InputError, match="no column 'agee'"):
        encode(PEOPLE, "abc", {"agee": Kind("number")})
    with pytest.raises(InputError, match="'nurse', which is no number"):
        encode(PEOPLE, "abc", {"job": Kind("number")})
    many = Table("t", [str(i) for i in range(99)], {"title": [f"film {i}" for i in range(99)]})
    with pytest.raises(InputError, match="99 distinct values"):
        encode(many, many.ids)
    with pytest.raises(InputError, match="no column of side information is left"):
        encode(PEOPLE, "abc", {name: Kind("ignore") for name in PEOPLE.columns})
    for text in (
        "age",
        "age=years",
        "age=classes",
        "age=classes:3:1",
        "age=classes:x",
        "age=set:1",
    ):
        with pytest.raises(InputError, match="age"):
            parse_kinds(text)


@pytest.mark.parametrize("separator", [",", "\t", ";", "|", "::"])
def test_tables_are_read_with_any_separator(tmp_path, separator):
    """The usual text tables, with blanks and another encoding."""
    rows = (("id", "job", "x"), ("01", "café", "2"), ("b", "", "4"))
    text = "\n".join(separator.join(row) for row in rows)
    (tmp_path / "t").write_bytes(text.encode("latin-1"))
    table = read_table(tmp_path / "t")
    assert table.ids == ["01", "b"]
    assert table.columns == {"job": ["café", ""], "x": ["2", "4"]}
    assert read_features(tmp_path / "t", ["b"]).matrix.tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("text", "said"),
    [("id,x\na,1\na,2\n", "twice"), ("id,x\n,1\n", "no id"), ("id\na\n", "one more column")],
)
def test_tables_without_proper_ids_are_refused(tmp_path, text, said):
    """Rows are found by id: each must have one of its own."""
    (tmp_path / "t").write_text(text)
    with pytest.raises(InputError, match=said):
        read_table(tmp_path / "t")
