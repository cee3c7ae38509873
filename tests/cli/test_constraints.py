"""Constraints on the command line: kept, refused in the user's own words, or known to conflict."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import THREE, Run

REFINE = (*THREE, "--method", "refine", "--semantics", "av", "--agg", "sum")


def test_every_kind_of_constraint_is_kept(run: Run, table: str, tmp_path: Path) -> None:
    """From options and from files, and named in the document."""
    (tmp_path / "apart.csv").write_text('a,"b"\n\nc,d\n')
    (tmp_path / "together.csv").write_text("e,f\n")
    (tmp_path / "fixed.csv").write_text("user,group\nd,1\n")
    made = run(
        "form", table, *REFINE, "--json", "--max-size", "3", "--min-size", "1",
        "--apart-file", "apart.csv", "--together-file", "together.csv",
        "--fix", "a=2", "--fix-file", "fixed.csv",
    )  # fmt: skip
    groups = {g["group"]: set(g["members"]) for g in made.document["groups"]}
    of = {user: g for g, members in groups.items() for user in members}
    assert of["a"] == 2
    assert of["d"] == 1
    assert of["a"] != of["b"]
    assert of["c"] != of["d"]
    assert of["e"] == of["f"]
    assert max(map(len, groups.values())) <= 3
    assert made.document["problem"]["constraints"] == {
        "min_size": 1,
        "max_size": 3,
        "together": [["e", "f"]],
        "apart": [["a", "b"], ["c", "d"]],
        "fixed": {"a": 2, "d": 1},
    }
    assert made.document["bound"] >= made.document["objective"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--sizes", "2,2"), ("--sizes 2,2: 2 sizes for 3 groups",)),
        (("--sizes", "2,x,2"), ("--sizes 2,x,2: 'x' is no whole number",)),
        (("--sizes", "2,2,2", "--max-size", "2"), ("--sizes and --max-size",)),
        (("--together", "a"), ("--together a: names fewer than two users",)),
        (("--together", "a,zz"), ("--together a,zz: unknown user", "'zz'")),
        (("--apart", "a,a"), ("--apart a,a: names a user twice",)),
        (("--fix", "a"), ("--fix a: give USER=GROUP",)),
        (("--fix", "a=3"), ("--fix a=3: groups are numbered from 0 to 2",)),
        (("--apart-file", "none.csv"), ("none.csv: cannot be read",)),
        (("--apart-file", "bad.csv"), ("bad.csv:2: an id is empty",)),
        (("--fix-file", "fixed.csv"), ("fixed.csv:2: 'one' is no whole number",)),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_own_words(
    run: Run, table: str, tmp_path: Path, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    (tmp_path / "bad.csv").write_text("a,b\nc,,d\n")
    (tmp_path / "fixed.csv").write_text("user,group\na,one\n")
    run("form", table, *REFINE, *options).refused(*words)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--max-size", "1"), "--max-size 1: "),
        (("--together", "a,b", "--apart", "b,a,c", "--max-size", "5"),
         "--together a,b; --apart b,a,c: "),
        (("--fix", "a=0", "--fix", "b=1", "--together", "b,a"),
         "--together b,a; --fix a=0; --fix b=1: "),
    ],
)  # fmt: skip
def test_constraints_that_conflict_are_named_and_the_others_are_not(
    run: Run, table: str, options: tuple[str, ...], named: str
) -> None:
    """Exit code 3: infeasible."""
    ended = run("form", table, *REFINE, *options)
    assert (ended.code, ended.out) == (3, "")
    assert f"at most 3 groups satisfies {named}" in ended.err


@pytest.mark.parametrize("method", ["greedy", "baseline"])
def test_methods_that_cannot_keep_constraints_refuse_them(
    run: Run, table: str, method: str
) -> None:
    run("form", table, *THREE, "--method", method, "--max-size", "2").refused(
        f"the method {method} cannot keep to --max-size 2: use auto, refine, exact, ip"
    )


def test_what_has_been_seen_is_on_no_list_of_its_groups(
    run: Run, table: str, tmp_path: Path
) -> None:
    """--exclude for everybody, --exclude-file for single users; the document says how many."""
    seen = tmp_path / "seen.csv"
    seen.write_text("user,item\na,p\nc,r\n")
    ended = run(
        *("form", table, *THREE, "--method", "refine", "--iterations", "2"),
        *("--exclude-file", str(seen), "--json"),
    )
    document = ended.document
    assert document["problem"]["constraints"]["exclude"] == {"items": [], "pairs": 2}
    for group in document["groups"]:
        items = {entry["item"] for entry in group["items"]}
        assert not ("a" in group["members"] and "p" in items)
        assert not ("c" in group["members"] and "r" in items)
    ended = run("form", table, *THREE, "--exclude", "q", "--json")
    assert ended.document["problem"]["constraints"]["exclude"]["items"] == ["q"]
    assert all(
        entry["item"] != "q" for group in ended.document["groups"] for entry in group["items"]
    )
    run("form", table, *THREE, "--exclude", "nothing").refused("--exclude nothing", "unknown")


def test_members_and_their_weights_count(run: Run, table: str, tmp_path: Path) -> None:
    """--weigh members and --user-weights say so in the document, and refuse what means nothing."""
    weights = tmp_path / "weights.csv"
    weights.write_text("user,weight\na,3\n")
    ended = run(
        *("form", table, *THREE, "--weigh", "members", "--user-weights", str(weights), "--json")
    )
    document = ended.document
    assert document["problem"]["weigh"] == "members"
    assert document["problem"]["user_weights"] == [3.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    counted = sum(
        group["satisfaction"] * (group["size"] + 2 * ("a" in group["members"]))
        for group in document["groups"]
    )
    assert document["objective"] == counted
    run("form", table, *THREE, "--semantics", "av", "--weigh", "members").refused(
        "counts them already"
    )
