"""`grouping learn dmtl` from outside: tables in, a folder with a model, lists and profiles out."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from grouping.cli.app import app
from grouping.errors import GroupingError, InputError
from tests.cli.running import Run

pytest.importorskip("torch")

QUICK = ("--epochs", "2", "--threads", "1", "--device", "cpu")
SMALL = (*QUICK, "--size", "4", "--classes", "3")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with ratings of 12 users, groups, their ratings, and tables."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    rows = [
        f"u{u},{i},{rng.integers(1, 6)}" for u in range(12) for i in "abcdef" if rng.random() < 0.7
    ]
    (tmp_path / "ratings.csv").write_text("\n".join(["user,item,rating", *rows, ""]))
    (tmp_path / "groups.csv").write_text(
        "user,group\nu0,red\nu1,red\nu2,red\nu1,blue\nu3,blue\nu4,lone\n"
    )
    (tmp_path / "joint.csv").write_text(
        "group,item,rating\nred,a,4\nred,b,2\nblue,c,5\nblue,a,1\nblue,d,3\nred,f,3\n"
    )
    (tmp_path / "users.csv").write_text(
        "\n".join(["id,sex,age", *(f"u{u},{'fm'[u % 2]},{20 + u}" for u in range(12)), ""])
    )
    (tmp_path / "items.csv").write_text("id,title,kind\na,Ark,x|y\nb,Bay,y\nc,Cliff,x\n")
    return tmp_path


def here(*arguments: str) -> str:
    """Run the command line in this process; what it wrote to standard output."""
    done = CliRunner().invoke(app, ["learn", "dmtl", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def document(*arguments: str) -> Any:
    return json.loads(here(*arguments, "--json"))


def refused(*arguments: str) -> str:
    """Check that the command line refuses the input, and return what it says."""
    with pytest.raises(InputError) as caught:
        here(*arguments)
    return str(caught.value)


def test_form_then_profile_and_recommend(run: Run, folder: Path) -> None:
    """The way that the guide shows, from outside: on the sample, without naming anything."""
    formed = run("form", "-l", "4", "-o", "f.json", "-q")
    assert formed.code == 0, formed.err
    told = run("learn", "dmtl", "profile", "--groups", "f.json", "--json", *QUICK)
    assert [entry["group"] for entry in told.document["groups"]] == ["0", "1", "2", "3"]
    lists = run("learn", "dmtl", "recommend", "--groups", "f.json", "-k", "2", *QUICK)
    assert lists.code == 0, lists.err
    for word in ("DMTL", "least misery", "aggregate voting"):
        assert word in lists.out
    assert "embedded sample" in lists.err


def test_a_saved_model_answers_without_the_ratings(folder: Path) -> None:
    """Fit once; lists and profiles from the folder are the same as asked again."""
    sources = ("--groups", "groups.csv", "--group-ratings", "joint.csv", "--profiles", "users.csv",
               "--attributes", "items.csv", "--attribute-kinds", "title=ignore")  # fmt: skip
    here("fit", "ratings.csv", "-o", "m", *sources, "--aggregation", "attention", *SMALL,
         "--curve", "curve.csv")  # fmt: skip
    asked = ("--model", "m", "--groups", "groups.csv")
    lists = document("recommend", *asked, "-k", "3", "--item-names", "items.csv")
    assert lists == document(
        "recommend", "ratings.csv", *asked, "-k", "3", "--item-names", "items.csv"
    )
    by_name = {entry["group"]: entry for entry in lists["groups"]}
    assert by_name["blue"]["members"] == ["u1", "u3"]
    assert {len(by_name["red"][method]) for method in ("dmtl", "lm", "av")} == {3}
    titles = {one["item"]: one["title"] for one in by_name["red"]["lm"] + by_name["blue"]["dmtl"]}
    assert all(titles[i] == t for i, t in (("a", "Ark"), ("b", "Bay")) if i in titles)
    told = document("profile", *asked, "--top", "2")
    assert len(told["classes"]) == 3
    for entry in told["groups"]:
        assert 0 < entry["classes"][0]["probability"] <= 1
        assert len(entry["classes"]) == 2
    with (folder / "curve.csv").open() as file:
        assert {line["phase"] for line in csv.DictReader(file)} == {"choose", "all"}
    assert "users:" in here("evaluate", "ratings.csv", "--model", "m")


def test_the_table_of_profiles_says_what_the_classes_are(folder: Path) -> None:
    """Every class that a group's line names is described below."""
    page = here("profile", "ratings.csv", "--groups", "groups.csv", "--profiles", "users.csv",
                "--labels", "groups", *QUICK)  # fmt: skip
    groups, classes = page.split(" class ")
    assert "stands out by" in groups
    bare = here("profile", "ratings.csv", "--groups", "groups.csv", "--classes", "3", *QUICK)
    assert "stands out by" not in bare  # nothing is known by which
    for name in ("red", "blue", "lone"):
        assert f" {name} " in groups
        assert f" {name} " in classes


def test_evaluating_holds_out_ratings_groups_and_labels() -> None:
    """Three parts of figures, each on what was not learned from."""
    found = document("evaluate", "ratings.csv", "--groups", "groups.csv", "--group-ratings",
                     "joint.csv", "--test", "0.3", "--epochs", "2", "--threads", "1")  # fmt: skip
    assert found["users"]["k"] == 10
    assert found["users"]["relevant"] == 4.0
    assert found["groups"]["ratings"] == 2
    assert found["profiling"]["users"] == 4
    assert found["users"]["rmse"] > 0
    fewer = document("evaluate", "ratings.csv", "--classes", "3", *QUICK)
    assert fewer["profiling"]["classes"] == 3


def test_testing_on_what_was_learned_is_said(folder: Path) -> None:
    """A saved model tested on its own ratings looks too good, and the reader is told."""
    lines = (folder / "ratings.csv").read_text().splitlines()
    (folder / "part.csv").write_text("\n".join([lines[0], *lines[2:], ""]))
    (folder / "rest.csv").write_text("\n".join([*lines[:2], ""]))
    here("fit", "part.csv", "-o", "m", *SMALL)
    done = CliRunner().invoke(app, ["learn", "dmtl", "evaluate", "ratings.csv", "--model", "m"])
    count = len(lines) - 1
    assert f"learned from {count - 1} of these {count} ratings" in done.stderr
    assert document("evaluate", "rest.csv", "--model", "m")["users"]["learned_from"] == 0


def test_a_test_file_need_not_hold_what_the_model_knows(folder: Path) -> None:
    """Groups and their ratings are read by the model's users and items, not by the test's few."""
    (folder / "rest.csv").write_text("user,item,rating\nu7,a,3\n")
    joint = ("--groups", "groups.csv", "--group-ratings", "joint.csv")
    here("fit", "ratings.csv", "-o", "m", *joint, *SMALL)
    done = CliRunner().invoke(
        app, ["learn", "dmtl", "evaluate", "rest.csv", "--model", "m", "--json", *joint]
    )
    found = json.loads(done.stdout)
    assert found["groups"]["ratings"] == found["groups"]["learned_from"] == 6
    assert "6 of these 6 ratings of groups: it looks better than it is" in done.stderr


def test_networks_can_be_compared(folder: Path) -> None:
    """The network, its inputs and its aggregation are chosen where it is evaluated, too."""
    asked = ("evaluate", "ratings.csv", "--epochs", "2", "--threads", "1")
    found = [
        document(*asked, *choice)["users"]["rmse"]
        for choice in ((), ("--network", "paper"), ("--inputs", "id"))
    ]
    assert len(set(found)) == 3
    assert "attention over members" in refused(*asked, "--aggregation", "attention")


def test_the_paper_network_and_resuming(folder: Path) -> None:
    """The network as written can be asked for; a second run goes on where the first ended."""
    fit = ("fit", "ratings.csv", "-o", "m", "--network", "paper", "--softmax", "items",
           "--labels", "groups", "--groups", "groups.csv", "--checkpoint", "c", *SMALL)  # fmt: skip
    here(*fit)
    first = document("recommend", "--model", "m", "--groups", "groups.csv")
    shutil.rmtree(folder / "m")
    again = CliRunner().invoke(app, ["learn", "dmtl", *fit, "--resume"], catch_exceptions=False)
    assert again.exit_code == 0
    assert "recommending" not in again.stderr  # no epoch was left
    assert document("recommend", "--model", "m", "--groups", "groups.csv") == first
    told = document("profile", "--model", "m", "--groups", "groups.csv")
    assert {entry["name"] for entry in told["classes"]} == {"red", "blue", "lone"}


def test_a_saved_model_is_not_given_for_a_checkpoint(folder: Path) -> None:
    """Nor a checkpoint for a model, nor one folder for both; what is there stays as it is."""
    small = ("ratings.csv", *SMALL, "--profile-weight", "0")
    here("fit", *small, "-o", "m", "--checkpoint", "c")
    before = {place: place.read_bytes() for place in folder.glob("[mc]/*")}
    for arguments, message in (
        (("-o", "n", "--checkpoint", "m"), "holds what is no dmtl checkpoint"),
        (("-o", "c"), "holds what is no dmtl "),
        (("-o", "n", "--checkpoint", "n"), "is in the folder of the model"),
    ):
        assert message in refused("fit", *small, *arguments)
    (folder / "n").mkdir()
    told = refused("fit", *small, "-o", "n", "--checkpoint", "n/c")
    assert "--checkpoint n/c: is in the folder of the model, n" in told
    assert {place: place.read_bytes() for place in folder.glob("[mc]/*")} == before


def test_pictures_are_drawn(folder: Path) -> None:
    """The users' map, the curve and the bars, each in the format of its name."""
    pytest.importorskip("matplotlib")
    here("fit", "ratings.csv", "-o", "m", *SMALL, "--map", "map.png", "--curve", "curve.svg")
    here("fit", "ratings.csv", "-o", "m", *SMALL, "--labels", "groups.csv", "--map", "named.svg")
    assert b"<svg" in (folder / "named.svg").read_bytes()
    bars = ("profile", "--model", "m", "--groups", "groups.csv", "--item-names", "items.csv")
    here(*bars, "--bars", "bars.png")
    here(*bars, "--bars", "bars.svg")
    assert "what it likes more than others" in (folder / "bars.svg").read_text()
    for name in ("map.png", "bars.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (folder / "curve.svg").read_bytes()


def test_bad_input_is_refused_with_the_way_out(folder: Path) -> None:
    """Each sentence names what is wrong; nothing is written."""
    (folder / "strange.csv").write_text("user,group\nu0,red\nzoe,red\n")
    (folder / "nobody.csv").write_text("user,group\nzoe,red\n")
    (folder / "item.csv").write_text("group,item,rating\nred,z,4\n")
    (folder / "group.csv").write_text("group,item,rating\ngreen,a,4\n")
    (folder / "others.csv").write_text("id,age\nU0,20\nU1,30\n")
    fit = ("fit", "ratings.csv", "-o", "m", *SMALL)
    profile = ("profile", "ratings.csv", *QUICK)
    cases = (
        ((*profile, "--groups", "strange.csv"), "user zoe of group red is not among"),
        ((*profile, "--groups", "nobody.csv", "--unknown", "skip"), "no member of any group"),
        ((*fit, "--group-ratings", "joint.csv"), "give --groups"),
        ((*fit, "--groups", "groups.csv", "--group-ratings", "item.csv"), "item z is not among"),
        ((*fit, "--groups", "groups.csv", "--group-ratings", "group.csv"), "group green is not"),
        ((*fit, "--labels", "groups"), "which groups?"),
        ((*fit, "--aggregation", "attention"), "attention over members is learned from"),
        ((*fit, "--profiles", "others.csv"), "others.csv lists none of the 12 users"),
        ((*fit, "--profiles", "users.csv", "--profile-kinds", "sex=category:f"),
         "users.csv: column 'sex' holds 'm'"),
        ((*fit, "--resume"), "give --checkpoint"),
        ((*fit, "--inputs", "id,age"), "give some of id"),
        ((*fit, "--inputs", "profile"), "nothing of the kind is known of the users; add id"),
        (("evaluate", "ratings.csv", "--test", "1.5"), "--test 1.5: give a share"),
        ((*fit, "--curve", "curve.txt"), "--curve curve.txt: name a file that ends in"),
        (("recommend", "--model", "none", "--groups", "groups.csv"), "holds no saved model"),
        (("recommend", "ratings.csv", "--groups", "groups.csv", "-k", "9", *QUICK), "k must lie"),
    )  # fmt: skip
    for arguments, message in cases:
        assert message in refused(*arguments), arguments
    assert not (folder / "m").exists()
    skipped = document(*profile, "--groups", "strange.csv", "--unknown", "skip")
    assert skipped["groups"][0]["members"] == ["u0"]


def test_labels_of_strangers_are_refused_or_counted(folder: Path) -> None:
    """As members of groups are, by --unknown."""
    (folder / "labels.csv").write_text("user,label\nu0,old\nu1,new\nzoe,new\n")
    fit = ("fit", "ratings.csv", "-o", "m", *QUICK, "--size", "4", "--labels", "labels.csv")
    assert "labels.csv:4: user zoe of group new" in refused(*fit)
    done = CliRunner().invoke(app, ["learn", "dmtl", *fit, "--unknown", "skip"])
    assert done.exit_code == 0, done.output
    assert "labels.csv: 1 member unknown to the ratings (zoe) left out" in done.stderr


def test_what_could_not_be_shown_is_refused_before_learning(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists longer than the items, pictures of classes that are not learned, no matplotlib."""
    from learners.dmtl.model import DMTL

    monkeypatch.setattr(DMTL, "fit", lambda *_, **__: pytest.fail("it was learned first"))
    fit = ("fit", "ratings.csv", "-o", "m", *QUICK)
    asked = ("ratings.csv", "--groups", "groups.csv", *QUICK)
    assert "--map: colours users" in refused(*fit, "--map", "a.png", "--profile-weight", "0")
    assert "--bars: shows classes" in refused(
        "profile", *asked, "--bars", "a.png", "--profile-weight", "0"
    )
    assert "between 1 and the 6 items, not 7" in refused("recommend", *asked, "-k", "7")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    for arguments in (
        (*fit, "--curve", "a.PNG"),
        (*fit, "--map", "a.svg"),
        ("profile", *asked, "--bars", "a.pdf"),
    ):
        with pytest.raises(GroupingError, match="pictures need matplotlib"):
            here(*arguments)


def test_a_group_whose_members_rated_everything_is_told_so(folder: Path) -> None:
    """An empty list is no blank."""
    rows = [f"u{u},{i},{1 + (u + k) % 5}" for u in range(4) for k, i in enumerate("abc")]
    (folder / "whole.csv").write_text("\n".join(["user,item,rating", *rows, ""]))
    (folder / "pair.csv").write_text("user,group\nu0,pair\nu1,pair\n")
    page = here(
        "recommend", "whole.csv", "--groups", "pair.csv", "--exclude", "all", "-k", "2", *QUICK
    )
    assert page.count("no item is left") == 3


def test_a_model_of_other_data_is_refused(folder: Path) -> None:
    """Users, items, or files that a saved model would not look at."""
    here("fit", "ratings.csv", "-o", "m", *SMALL, "--profile-weight", "0")
    (folder / "others.csv").write_text("user,item,rating\nu0,a,3\nzoe,b,4\n")
    asked = ("recommend", "--model", "m", "--groups", "groups.csv")
    assert "it knows no user zoe" in refused(*asked, "others.csv")
    assert "give it to fit" in refused(*asked, "--group-ratings", "joint.csv")
    tested = ("evaluate", "ratings.csv", "--model", "m")
    for option, given in (
        ("--profiles", "users.csv"),
        ("--attributes", "items.csv"),
        ("--profile-kinds", "sex=ignore"),
        ("--attribute-kinds", "title=ignore"),
        ("--labels", "groups.csv"),
    ):
        assert f"{option}: a saved model has" in refused(*tested, option, given)
    told = document("profile", "--model", "m", "--groups", "groups.csv")
    assert told["classes"] is None
    (folder / "letter").mkdir()
    (folder / "letter" / "a.txt").write_text("dear")
    assert "holds other files" in refused("fit", "ratings.csv", "-o", "letter", *SMALL)
