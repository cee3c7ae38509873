"""Constraints on the command line: kept, refused in the user's own words, or known to conflict."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import THREE, Run

WITH = ("--profiles", "who.csv")
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


WHO = "id,gender,year\na,F,1\nb,M,1\nc,F,2\nd,M,2\ne,M,1\nf,M,1\nz,X,3\n"


def test_groups_have_their_share_and_nobody_is_alone_of_a_kind(
    run: Run, table: str, tmp_path: Path
) -> None:
    """By a table of users, in which others may stand too; the document has the shares."""
    (tmp_path / "who.csv").write_text(WHO)
    made = run(
        "form", table, *REFINE, "--json", "--profiles", "who.csv", "--max-size", "4",
        "--balance", "gender:0.1", "--no-isolated", "year=2", "--no-isolated", "gender",
    )  # fmt: skip
    for group in made.document["groups"]:
        women = len({"a", "c"} & set(group["members"]))
        assert women != 1
        assert group["size"] - women != 1
        assert abs(women - group["size"] / 3) <= 1
        assert len({"c", "d"} & set(group["members"])) != 1
    asked = made.document["problem"]["constraints"]
    assert asked["balance"] == [
        {"attribute": "gender", "tolerance": 0.1, "shares": {"F": 2 / 6, "M": 4 / 6}}
    ]
    assert asked["no_isolated"] == [
        {"attribute": "year", "value": "2"},
        {"attribute": "gender", "value": None},
    ]


def test_a_table_of_movielens_users_needs_no_header(run: Run, table: str, tmp_path: Path) -> None:
    """u.user has none: its columns are known."""
    lines = [f"{at}|{20 + at}|{'FM'[at % 2]}|student|0000{at}" for at in range(1, 7)]
    (tmp_path / "u.user").write_text("\n".join(lines) + "\n")
    ratings = (tmp_path / table).read_text()
    for at, user in enumerate("abcdef", start=1):
        ratings = ratings.replace(f"\n{user},", f"\n{at},")
    (tmp_path / "numbered.csv").write_text(ratings)
    asked = ("--profiles", "u.user", "--balance", "gender:0", "--json")
    made = run("form", "numbered.csv", *REFINE, *asked)
    shares = made.document["problem"]["constraints"]["balance"][0]["shares"]
    assert shares == {"F": 0.5, "M": 0.5}


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
        (("--together-file", "blank.csv"), ("blank.csv: holds nothing; give a,b,c",)),
        (("--apart-file", "bad.csv"), ("bad.csv:2: an id is empty",)),
        (("--fix-file", "fixed.csv"), ("fixed.csv:2: 'one' is no whole number",)),
        (("--balance", "gender:0.1"), ("--balance gender:0.1: who has which value?",)),
        (("--profiles", "who.csv"), ("--profiles: goes with --balance or --no-isolated",)),
        (("--balance", "gender", *WITH), ("--balance gender: give ATTRIBUTE:TOLERANCE",)),
        (("--balance", "gender:x", *WITH), ("gender:x: the tolerance 'x' is not a number",)),
        (("--balance", "age:1", *WITH), ("who.csv has no column age; it has gender, year",)),
        (("--no-isolated", "gender=Q", *WITH), ("no user has that value; there is F, M",)),
        (("--no-isolated", "gender", "--profiles", "few.csv"), ("few.csv: user b and 4 more",)),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_own_words(
    run: Run, table: str, tmp_path: Path, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    (tmp_path / "blank.csv").write_text("\n")
    (tmp_path / "bad.csv").write_text("a,b\nc,,d\n")
    (tmp_path / "fixed.csv").write_text("user,group\na,one\n")
    (tmp_path / "who.csv").write_text(WHO)
    (tmp_path / "few.csv").write_text("user,gender\na,F\nb,\n")
    run("form", table, *REFINE, *options).refused(*words)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--max-size", "1"), "--max-size 1: "),
        (("--together", "a,b", "--apart", "b,a,c", "--max-size", "5"),
         "--together a,b; --apart b,a,c: "),
        (("--fix", "a=0", "--fix", "b=1", "--together", "b,a"),
         "--together b,a; --fix a=0; --fix b=1: "),
        (("--max-size", "4", "--together", "a,e", "--no-isolated", "year=2", *WITH,
          "--apart", "c,d"), "--apart c,d; --no-isolated year=2: "),
    ],
)  # fmt: skip
def test_constraints_that_conflict_are_named_and_the_others_are_not(
    run: Run, table: str, tmp_path: Path, options: tuple[str, ...], named: str
) -> None:
    """Exit code 3: infeasible."""
    (tmp_path / "who.csv").write_text(WHO)
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
    excluded = {"items": [], "pairs": 2, "of_single_users": ["p", "r"]}
    assert document["problem"]["constraints"]["exclude"] == excluded
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


def test_sizes_that_hold_nobody_have_no_bound(run: Run, table: str) -> None:
    """Neither is too small for everybody, nor are both together possible: by name, and code 3."""
    run("bound", table, *THREE, "--max-size", "1").refused("--max-size 1", code=3)
    both = ("--min-size", "5", "--max-size", "4")
    run("bound", table, *THREE, *both).refused("--min-size 5; --max-size 4", code=3)
