"""The page shows what the document holds, once, and nothing of it as markup."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from grouping import InputError, form
from grouping.page import as_page
from tests.core.test_formation import WIDE

VOID = {"meta", "br"}


class Page(HTMLParser):
    """The text of a page; every tag is closed where it should be."""

    def __init__(self, html):
        super().__init__()
        self.open, self.text, self.tags = [], "", set()
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data


@pytest.fixture(scope="module")
def formation():
    X = np.random.default_rng(3).integers(1, 6, (30, 8))
    return form(X, "av", "sum", 4, 3, bound=True)


def test_every_member_and_every_item_of_every_list_is_on_the_page(formation):
    """Group by group, in the order of the document."""
    html = as_page(formation.to_dict())
    sections = html.split('<section class="group"')[1:]
    assert len(sections) == len(formation.groups)
    for group, section in zip(formation.groups, sections, strict=True):
        items = re.findall(r"<li>(\S+) ", section)
        assert items == group.item_ids
        members = re.search(r"<p>(.*)</p>", section)
        assert members is not None
        assert members[1].split(", ") == group.member_ids


def test_the_page_says_what_it_is_worth_and_closes_its_tags(formation):
    text = Page(as_page(formation.to_dict())).text
    assert f"objective{formation.objective:g}" in text
    assert f"at most possible{formation.bound:g}" in text
    assert "aggregate voting" in text


def test_ids_and_titles_are_text_whatever_they_look_like():
    """An id of markup stays an id; titles of the caller come before those of the document."""
    formation = form(WIDE.rename(columns={"50": "<script>1</script>"}), "lm", "sum", 2, 2)
    document = formation.to_dict({"a, b": "old & title"}, {"anna": "<b>Anna</b>"})
    page = Page(as_page(document))
    assert "script" not in page.tags
    assert "b" in page.tags  # the facts' own
    assert "<script>1</script>" in page.text
    assert "<b>Anna</b> (anna)" in page.text
    assert "old & title (a, b)" in page.text
    assert "new title (a, b)" in Page(as_page(document, {"a, b": "new title"})).text


def test_members_are_reported_where_the_document_has_them():
    """Everybody is in the histogram; whoever would get more elsewhere is named with the group."""
    X = [[5, 4, 1, 1], [5, 4, 1, 1], [1, 1, 5, 4], [1, 1, 5, 4], [1, 5, 1, 3], [2, 2, 2, 2]]
    formation = form(X, "lm", "min", 3, 2, per_user=True)
    document = formation.to_dict()
    elsewhere = [e for e in document["members_report"] if e["better_group"] is not None]
    html = as_page(document)
    part = html[html.index("<h2>Members</h2>") : html.index("<h2>Lists and members</h2>")]
    counts = re.findall(r'%</td><td class="number">(\d+)</td>', part)
    assert sum(map(int, counts)) == len(X)
    assert len(counts) == 10
    if elsewhere:
        assert f"{len(elsewhere)} member" in part
    else:
        assert "Nobody would get more" in part
    assert "<h2>Members</h2>" not in as_page(form(X, "lm", "min", 3, 2).to_dict())


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.1 + 0.2, 1.0])
def test_a_share_on_a_step_counts_below_it(share):
    """30 % belongs to 20 to 30 %, however float64 writes it; nothing is lost at the ends."""
    document = form([[2.0]], "lm", "min", 1, 1, per_user=True).to_dict()
    document["members_report"][0]["share_of_best"] = share
    rows = re.findall(r'(\d+) %</td><td class="number">(\d+)</td>', as_page(document))
    assert [int(top) for top, count in rows if count == "1"] == [max(10, round(share * 100))]


def test_numbers_are_read_as_other_tools_write_them():
    """JSON knows no difference between 5 and 5.0: a document that went through jq is the same."""
    document = form([[2.0, 5.0]], "lm", "min", 1, 2, per_user=True).to_dict()
    whole = json.loads(json.dumps(document), parse_float=lambda text: int(float(text)))
    assert as_page(json.loads(json.dumps(document))).count("5") == as_page(whole).count("5")


def test_a_damaged_report_of_members_is_refused_by_name():
    document = form([[2.0, 5.0]], "lm", "min", 1, 2, per_user=True).to_dict()
    del document["members_report"][0]["share_of_best"]
    with pytest.raises(InputError, match=r"f\.json: is not a whole formation"):
        as_page(document, source="f.json")


def test_what_is_no_formation_is_refused_by_name():
    with pytest.raises(InputError, match=r"f\.json: is not a formation of schema version 1"):
        as_page({"schema_version": 2}, source="f.json")
