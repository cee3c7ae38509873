"""Titles of items and names of users."""

from __future__ import annotations

import gzip

import pytest

from grouping import InputError
from grouping.reading import read_names

EXPECTED = {"1": "Café (1995)", "2": "Old, Town"}


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ('movieId,title,genres\n1,Café (1995),A|B\n2,"Old, Town",C|D\n'.encode(), "movies.csv"),
        ("id\tyear\tTitle\n1\t9\tCafé (1995)\n2\t8\tOld, Town\n".encode(), "items.tsv"),
        ("\ufeffitem;Name\r\n 1 ; Café (1995) \r\n\r\n2;Old, Town\r\n3;\r\n".encode(), "i.csv"),
        ("1|Café (1995)|01-Jan-1995||0|1\n2|Old, Town|||1|0\n".encode("latin-1"), "u.item"),
        ("1::Café (1995)::A|B\n2::Old, Town::C|D\n".encode("latin-1"), "movies.dat"),
        (gzip.compress('1,Café (1995)\n2,"Old, Town"\n'.encode(), mtime=0), "items.csv.gz"),
        ('1,x\n1,Café (1995)\n2,"Old, Town"\n'.encode(), "items.csv"),
    ],
)
def test_every_way_to_write_names_gives_the_same_names(written, data, name):
    """The header's title column, else the second; UTF-8 or Latin-1; the last row of an id."""
    assert read_names(written(data, name)) == EXPECTED


def test_titles_may_hold_quotes_where_the_separator_knows_none(written):
    path = written('1|"Quoted" title|x\n2|"Half|x\n', "u.item")
    assert read_names(path) == {"1": '"Quoted" title', "2": '"Half'}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"\n\n", "two columns"),
        (b"just\nwords\n", "two columns"),
        (b"1,a\n2\n3,c\n", r":2: a row without an id or a title \('2'\)"),
        (b"1,a\n,b\n3,c\n", ":2: a row without an id"),
        (b"PAR1", "text table"),
        (b"a\x00b,c\n", "text table"),
    ],
)
def test_what_holds_no_names_is_said(written, data, message):
    with pytest.raises(InputError, match=message):
        read_names(written(data, "items.csv"))
