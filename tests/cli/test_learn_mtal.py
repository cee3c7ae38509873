"""`grouping learn mtal` from outside: tables in, a folder with models, completed ratings out."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from grouping.cli.app import app
from grouping.errors import GroupingError, InputError
from learners.mtal.domain import Align
from learners.mtal.run import Request
from learners.mtal.wire import unpack
from tests.cli.running import Run, command, environment

QUICK = ("--epochs", "3", "--batch", "16")


def ratings_of(items: str, seed: int, users: int = 30) -> str:
    rng = np.random.default_rng(seed)
    rows = [
        f"anna {user},{item},{rng.integers(1, 6)}"
        for user in range(users)
        for item in items
        if rng.random() < 0.6
    ]
    return "\n".join(["user,item,rating", *rows, ""])


@pytest.fixture
def tables(tmp_path: Path) -> tuple[str, ...]:
    """Two shops with users in common and items of their own."""
    (tmp_path / "books.csv").write_text(ratings_of("abcdefgh", 1))
    (tmp_path / "films.csv").write_text(ratings_of("pqrstu", 2, users=25))
    return ("--org", "books.csv", "--org", "cinema=films.csv")


def here(*arguments: str) -> None:
    """Run the command line in this process, where everything is imported already."""
    CliRunner().invoke(app, arguments, catch_exceptions=False)


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(*arguments: str, error: type[Exception] = InputError) -> str:
    """Check that the command line fails by a sentence, and return it."""
    with pytest.raises(error) as caught:
        here(*arguments)
    return str(caught.value)


def lines(folder: Path) -> list[dict[str, str]]:
    with (folder / "rounds.csv").open() as file:
        return [*csv.DictReader(file)]


def rounds(folder: Path) -> list[dict[str, str]]:
    """What does not depend on the machine."""
    return [{k: v for k, v in row.items() if k != "seconds"} for row in lines(folder)]


def test_tables_in_completed_ratings_out_and_groups_formed(
    run: Run, tmp_path: Path, tables: tuple[str, ...]
) -> None:
    """The whole way: organisations in processes, resumed, applied, and groups formed of it.

    What was stopped after a round and gone on with is what ran through, in processes or not.
    """
    first = run("learn", "mtal", *tables, "--out", "run", "--rounds", "1", *QUICK)
    assert first.code == 0, first.err
    assert "round 1/1" in first.err
    assert "validation RMSE" in first.err
    assert "cinema" in first.out
    again = ("--rounds", "2", *QUICK, "--in-process")
    on = run("learn", "mtal", *tables, "--out", "run", *again)
    assert "goes on after round 1" in on.err
    here("learn", "mtal", *tables, "--out", "whole", *again)
    assert rounds(tmp_path / "run") == rounds(tmp_path / "whole")
    assert min(float(row["seconds"]) for row in lines(tmp_path / "run")[2:]) > 0
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "run.json", "rounds.csv", "books", "cinema",
    }  # fmt: skip
    done = run("learn", "mtal", "predict", "run", "--out", "completed")
    assert done.code == 0, done.err
    assert "books.csv: 30 users x 8 items" in done.err
    formed = run("form", "completed/cinema.csv", "-l", "3", "-k", "2", "--json").document
    assert formed["problem"]["items"] == 6
    assert formed["problem"]["missing"] == "auto"
    kept = Path("completed/books.csv").read_text().splitlines()
    assert set(Path("books.csv").read_text().splitlines()) < set(kept)


def test_a_killed_run_is_gone_on_with(run: Run, tmp_path: Path, tables: tuple[str, ...]) -> None:
    """Killed without warning after its first round: the folder is whole, and the rest follows."""
    arguments = ("learn", "mtal", *tables, "--rounds", "3", *QUICK, "--in-process")
    killed = subprocess.Popen(
        command(*arguments, "--out", "run"),
        cwd=tmp_path,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert killed.stderr is not None
    for line in killed.stderr:
        if "round 1/3" in line:
            break
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    foretold = run("learn", "mtal", "predict", "run", "--out", "early", "--in-process")
    assert "completed with" in foretold.err, foretold.err
    on = run(*arguments, "--out", "run")
    assert on.code == 0, on.err
    assert "goes on after round" in on.err
    here(*arguments, "--out", "whole")
    assert rounds(tmp_path / "run") == rounds(tmp_path / "whole")


def test_a_run_that_was_not_ended_is_applied_as_if_it_had_been(
    tmp_path: Path, tables: tuple[str, ...]
) -> None:
    """Killed before it said which round is best, it is judged anew: the last is not the best."""
    begin = ("learn", "mtal", *tables, "--out", "run", *QUICK, "--in-process", "-q")
    here(*begin, "--rounds", "4", "--eta", "0.9")
    predict = ("learn", "mtal", "predict", "run", "--in-process", "-q")
    here(*predict, "--out", "ended")
    path = Path("run/run.json")
    document = json.loads(path.read_text())
    assert document["result"]["chosen"] < 4
    del document["result"]
    path.write_text(json.dumps(document))
    here(*predict, "--out", "killed")
    for name in ("books.csv", "cinema.csv"):
        assert Path("ended", name).read_text() == Path("killed", name).read_text()


def test_no_table_is_overwritten_by_what_is_completed(tables: tuple[str, ...]) -> None:
    """Neither beside the tables nor from a run whose folder is theirs."""
    here("learn", "mtal", *tables, "--out", ".", "--rounds", "1", *QUICK, "--in-process", "-q")
    before = Path("books.csv").read_text()
    for place in ([], ["--out", "."], ["--out", "../" + Path.cwd().name]):
        said = refused("learn", "mtal", "predict", ".", *place, "--in-process", "-q")
        assert "books.csv: what is completed would take the place of this table" in said
    assert Path("books.csv").read_text() == before
    here("learn", "mtal", "predict", ".", "--ending", "npy", "--in-process", "-q")
    assert Path("books.npy").exists()


def test_an_interrupted_run_ends_at_once(tmp_path: Path, tables: tuple[str, ...]) -> None:
    """Ctrl-C waits for no organisation to finish its round, and leaves no process behind."""
    arguments = ("learn", "mtal", *tables, "--out", "run", "--epochs", "100000000")
    begun = subprocess.Popen(
        command(*arguments), cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True
    )
    assert begun.stderr is not None
    for line in begun.stderr:
        if "round 0/" in line:
            break
    begun.send_signal(signal.SIGINT)
    begun.communicate(timeout=60)
    assert begun.returncode == 130
    assert not Path("run/rounds.csv").exists()


def test_a_run_is_applied_from_another_folder(
    tmp_path: Path, tables: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that a run rests on is found wherever the command is given."""
    movielens(tmp_path / "ml-100k")
    monkeypatch.delenv("GROUPING_DATA", raising=False)
    dealt = ("learn", "mtal", "--data", "ml-100k", "--partition", "uniform:2", "--in-process")
    here(*dealt, "--out", "dealt", "--method", "factors", "--factors", "2", "--rounds", "1", "-q")
    Path("people.csv").write_text("user,age\nanna 1,20\nanna 2,30\n")
    begin = ("learn", "mtal", *tables, "--method", "factors", "--factors", "2", "--in-process")
    here(*begin, "--profiles", "people.csv", "--out", "run", "--rounds", "1", "-q")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    here("learn", "mtal", "predict", "../run", "--out", ".", "--in-process", "-q")
    assert Path("books.csv").exists()
    here("learn", "mtal", "predict", "../dealt", "--out", "dealt", "--in-process", "-q")
    assert len([*Path("dealt").iterdir()]) == 2


def test_factors_are_learned_resumed_and_applied(tmp_path: Path, tables: tuple[str, ...]) -> None:
    """The other method from outside: the same folder, the same files, options of its own."""
    begin = ("learn", "mtal", *tables, "--method", "factors", "--factors", "2", "--in-process")
    here(*begin, "--out", "run", "--rounds", "2", "-q")
    here(*begin, "--out", "run", "--rounds", "4", "-q")
    here(*begin, "--out", "whole", "--rounds", "4", "-q")
    assert rounds(tmp_path / "run") == rounds(tmp_path / "whole")
    assert len(rounds(tmp_path / "run")) == 2 * 5
    here("learn", "mtal", "predict", "run", "--out", "completed", "--in-process", "-q")
    kept = Path("completed/books.csv").read_text().splitlines()
    assert set(Path("books.csv").read_text().splitlines()) < set(kept)
    assert len(kept) == 1 + 30 * 8
    Path("people.csv").write_text(
        "user,old\n" + "".join(f"{line.split(',')[0]},1\n" for line in kept[1:240:16])
    )
    here(*begin, "--out", "side", "--rounds", "4", "--profiles", "people.csv", "-q")
    assert rounds(tmp_path / "side") != rounds(tmp_path / "whole")
    for words, arguments in (
        ("--eta has no meaning with --method factors", [*begin, "--eta", "0.1"]),
        ("--noise has no meaning", [*begin, "--noise", "1"]),
        (
            "--factors has no meaning with --method residuals",
            ["learn", "mtal", *tables, "--factors", "2"],
        ),
        ("regularization must be positive", [*begin, "--regularization", "0"]),
    ):
        assert words in refused(*arguments, "--out", "new", "-q")


def movielens(folder: Path) -> None:
    """A made data set in MovieLens' form; film 3 is of unknown genre, film 9 nobody rated."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    genres = rng.integers(0, 2, (36, 19))
    genres[:, 0] = 0
    genres[:18, 1:] |= np.eye(18, dtype=int)  # every genre has a film
    genres[2] = 0
    genres[2, 0] = 1
    (folder / "u.item").write_text(
        "".join(
            f"{i + 1}|film|01-Jan-1995||x|{'|'.join(map(str, row))}\n"
            for i, row in enumerate(genres)
        )
    )
    jobs = ("doctor", "writer")
    (folder / "u.user").write_text(
        "".join(f"{u + 1}|{20 + u}|{'FM'[u % 2]}|{jobs[u % 2]}|0\n" for u in range(40))
    )
    (folder / "u.data").write_text(
        "".join(
            f"{u + 1}\t{i + 1}\t{rng.integers(1, 6)}\t0\n"
            for u in range(40)
            for i in range(36)
            if i != 8 and rng.random() < 0.8
        )
    )


def test_a_data_set_is_dealt_out(tmp_path: Path) -> None:
    """By genre with side information and implicit feedback, and by blocks of users."""
    movielens(tmp_path / "set")
    here(
        "learn", "mtal", "--data", "set", "--partition", "genre", "--side", "--feedback",
        "implicit", "--out", "genre", "--rounds", "1", *QUICK, "--in-process", "-q",
    )  # fmt: skip
    assert len(rounds(Path("genre"))) == 2 * 18
    assert Path("genre/18-Western/round-001.safetensors").is_file()
    here(
        "learn", "mtal", "--data", "set", "--partition", "uniform:2", "--side", "--method",
        "factors", "--factors", "2", "--out", "factors", "--rounds", "2", "--in-process", "-q",
    )  # fmt: skip
    assert len(rounds(Path("factors"))) == 3 * 2
    here(
        "learn", "mtal", "--data", "set", "--partition", "uniform:2", "--method",
        "factors", "--factors", "2", "--out", "bare", "--rounds", "2", "--in-process", "-q",
    )  # fmt: skip
    assert rounds(Path("bare")) != rounds(Path("factors"))
    here(
        "learn", "mtal", "--data", "set", "--align", "item", "--partition", "uniform:3",
        "--shared", "0.5", "--out", "other", "--rounds", "1", *QUICK, "--in-process", "-q",
        "--local-loss", "l1", "--weights", "validation", "--patience", "1", "--base", "bias",
    )  # fmt: skip
    here("learn", "mtal", "predict", "other", "--ending", "npy", "--in-process", "-q")
    assert np.load("other/03.npy").shape == (14, 35)


@pytest.mark.parametrize("align", ["user", "item"])
def test_a_data_set_comes_with_its_side_information(tmp_path: Path, align: Align) -> None:
    """With --side, organisations have profiles of users and genres of items; without, neither."""
    movielens(tmp_path / "set")
    request = Request(data="set", partition="uniform:2", align=align, side=True)
    for source in request.sources():
        domain = source.load()
        names = [domain.row_feature_names, domain.column_feature_names]
        features = [domain.row_features, domain.column_features]
        for held, known, ids in zip(features, names, (domain.rows, domain.columns), strict=True):
            assert held is not None
            assert held.shape == (len(ids), len(known))
        of_users, of_items = names if align == "user" else names[::-1]
        assert "occupation:doctor" in of_users
        assert of_items[0] == "Action"
    for source in replace(request, side=False).sources():
        domain = source.load()
        assert domain.row_features is None
        assert domain.column_features is None


def test_organisations_learn_by_factors_with_tables_of_their_own(
    tables: tuple[str, ...],
) -> None:
    """Where kinds name values and scale, though not all values occur in every table.

    Columns may stand in another order. Without such kinds encodings differ, and are refused.
    """
    jobs = ["nurse"] * 13 + ["clerk"] * 12 + ["smith"] * 5
    Path("readers.csv").write_text(
        "id,age,job\n" + "".join(f"anna {u},{20 + u},{jobs[u]}\n" for u in range(30))
    )
    Path("viewers.csv").write_text(
        "id,job,age\n" + "".join(f"anna {u},{jobs[u]},{20 + u}\n" for u in range(25))
    )
    Path("books.table").write_text(
        "id,kind\n" + "".join(f"{i},{'crime|war' if i < 'd' else 'love'}\n" for i in "abcdefgh")
    )
    Path("films.table").write_text("id,kind\np,love\nq,war\n")
    begin = (
        "learn", "mtal", *tables, "--method", "factors", "--factors", "2", "--in-process",
        "--rounds", "2", "-q",
    )  # fmt: skip
    people = ("--profiles", "readers.csv", "--profiles", "viewers.csv")
    things = ("--attributes", "books.table", "--attributes", "films.table")
    kinds = ("--profile-kinds", "age=number:36:12,job=category:nurse:clerk:smith")
    sets = ("--attribute-kinds", "kind=set:crime:love:war")
    here(*begin, *people, *kinds, "--out", "people")
    here(*begin, *people, *kinds, *things, *sets, "--out", "both")
    assert rounds(Path("people")) != rounds(Path("both"))
    for own in ((*people, "--profile-kinds", "job=category:nurse:clerk:smith"), things):
        said = refused(*begin, *own, "--out", "new", error=GroupingError)
        assert "features of " in said
    said = refused(*begin, *people, "--profile-kinds", "job=category:nurse:clerk", "--out", "new")
    assert "readers.csv: column 'job' holds 'smith'" in said
    assert not Path("new").exists()


def test_noise_is_counted(tables: tuple[str, ...]) -> None:
    """With a budget, the noise follows from it, and what is spent is kept."""
    here(
        "learn", "mtal", *tables, "--out", "run", "--rounds", "1", *QUICK, "--in-process",
        "--epsilon", "8", "--eta", "0.01", "-q",
    )  # fmt: skip
    spent = [float(row["epsilon"]) for row in rounds(Path("run"))]
    assert spent[:2] == [0, 0]
    assert spent[2:] == [pytest.approx(8, abs=0.05)] * 2


def test_it_is_said_where_noise_is_about_items() -> None:
    """With items in common a row is an item, and a person's ratings are in many rows."""
    begin = (
        "learn",
        "mtal",
        "--org",
        "none.csv",
        "--org",
        "nor.csv",
        "--out",
        "run",
        "--noise",
        "1",
    )
    for align in ("user", "item"):
        ran = CliRunner().invoke(app, (*begin, "--align", align))
        assert ("not about all of a person" in ran.stderr) == (align == "item")


def test_noise_comes_from_a_seed_that_nobody_knows(tables: tuple[str, ...]) -> None:
    """Without --seed each noisy run draws one of its own, and keeps to it when it is gone on with.

    A seed that can be guessed takes the noise off, and so does the same noise on two sessions.
    """
    begin = ("learn", "mtal", *tables, *QUICK, "--in-process", "--noise", "1", "-q")
    for folder in ("one", "other", "one"):
        here(*begin, "--out", folder, "--rounds", "1", "--eta", "0.01")
    seeds = [
        json.loads(Path(folder, "run.json").read_text())["request"]["seed"]
        for folder in ("one", "other")
    ]
    assert len({0, *seeds}) == 3
    for organisation in ("books", "cinema"):
        kept, _ = unpack(Path("one", organisation, "round-001.safetensors").read_bytes())
        seeds.append(kept["settings"]["seed"])
    assert min(seeds) > 1 << 64  # too many to try
    here(*begin, "--out", "one", "--rounds", "2", "--eta", "0.01")
    assert len(rounds(Path("one"))) == 2 * 3
    said = refused(*begin, "--out", "one", "--rounds", "1", "--eta", "0.01")
    assert "2 rounds were sent already" in said


def test_a_budget_lasts_for_more_rounds_than_were_asked_for(tables: tuple[str, ...]) -> None:
    """Going on, a run keeps the noise that its budget and its first rounds gave."""
    begin = ("learn", "mtal", *tables, "--out", "run", *QUICK, "--in-process", "-q")
    budget = ("--epsilon", "8", "--eta", "0.01")
    here(*begin, *budget, "--rounds", "1")
    here(*begin, *budget, "--rounds", "2")
    assert len(rounds(Path("run"))) == 2 * 2  # it is spent
    assert "other settings" in refused(*begin, "--epsilon", "9", "--eta", "0.01", "--rounds", "2")


def test_a_diverging_rate_ends_with_its_name(tables: tuple[str, ...]) -> None:
    """The folder keeps what was good before, and predict works on it."""
    wild = ("learn", "mtal", *tables, "--out", "run", *QUICK, "--in-process", "--eta", "9", "-q")
    said = refused(*wild, error=GroupingError)
    assert "diverges in round" in said
    assert "are kept" in said
    here("learn", "mtal", "predict", "run", "--in-process", "-q")
    assert Path("run/cinema.csv").is_file()


def test_what_cannot_be_done_is_said_in_a_sentence(
    tables: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Usage and data that cannot be are named, and leave no folder behind."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    Path("short.key").write_text("1234")
    Path("x.csv").write_text("user,age\nanna 1,20\n")
    Path("rounds.csv").write_text(ratings_of("xyz", 3))
    Path("strangers.csv").write_text(ratings_of("xyz", 3).replace("anna", "bert"))
    Path("words.csv").write_text("user,item,rating\nanna 1,a,good\nanna 2,a,3\n")
    for words, arguments in (
        ("--org", []),
        ("two organisations or more", tables[:2]),
        ("nowhere.csv", [*tables[:2], "--org", "nowhere.csv"]),
        ("two organisations are called", [*tables[:2], *tables[:2]]),
        ("--eta much", [*tables, "--eta", "much"]),
        ("held out", [*tables, "--eta", "validation", "--validation", "0", "--in-process"]),
        ("nowhere", ["--data", "nowhere"]),
        ("16 bytes", [*tables, "--key-file", "short.key"]),
        ("shares no user", [*tables[:2], "--org", "strangers.csv", "--in-process"]),
        ("is not a number", [*tables[:2], "--org", "words.csv", "--in-process"]),
        ("one for all", [*tables, *["--profiles", "x.csv"] * 3]),
        ("called 'rounds'", [*tables, "--org", "rounds.csv"]),
        ("called 'rounds'", [*tables, "--org", "rounds=books.csv"]),
        ("called 'run.json'", [*tables, "--org", "run.json=books.csv"]),
        ("x", [*tables, "--profiles", "x", "--in-process"]),
        ("--partition has no meaning with --org", [*tables, "--partition", "genre"]),
        ("--profiles has no meaning with --data", ["--data", "x", "--profiles", "x"]),
        ("noise must be positive, not 0", [*tables, "--noise", "0"]),
        ("--clip has no meaning without --noise or --epsilon", [*tables, "--clip", "1"]),
        ("there is none here", [*tables, "--device", "cuda", "--in-process"]),
    ):
        assert words in refused("learn", "mtal", *arguments, "--out", "run", "-q")
    assert "--out" in refused("learn", "mtal", *tables)
    assert "holds no run" in refused("learn", "mtal", "predict", "nowhere")
    assert not Path("run").exists()


def test_a_folder_holds_one_run(tables: tuple[str, ...]) -> None:
    """Other options, other data or a damaged file are refused before anything is overwritten."""
    begin = ("learn", "mtal", *tables, "--out", "run", "--rounds", "1", *QUICK, "--in-process")
    here(*begin, "-q")
    assert "other settings" in refused(*begin, "--eta", "0.1")
    Path("books.csv").write_text(ratings_of("abcdefgh", 9))
    assert "another data of organisation 'books'" in refused(*begin)
    path = Path("run/run.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    assert "another format" in refused("learn", "mtal", "predict", "run")
    for document in ({"format": 1}, {"format": 1, "session": "", "request": {"orgs": {}}}):
        path.write_text(json.dumps(document))
        assert "run.json: is damaged" in refused("learn", "mtal", "predict", "run")
    path.write_text("{")
    assert "damaged" in refused("learn", "mtal", "predict", "run")
