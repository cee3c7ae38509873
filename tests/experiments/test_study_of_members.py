"""Figure 7: similarity, samples, preferences from visits, questionnaires and their answers."""

from __future__ import annotations

import csv
import re

import numpy as np
import pandas as pd
import pytest

from grouping import InputError, Ratings
from grouping.experiments import EXPERIMENTS
from grouping.experiments.answers import analyse
from grouping.experiments.fig7 import members_get
from grouping.experiments.questionnaire import ANSWER_COLUMNS
from grouping.experiments.similarity import list_similarity, sample
from grouping.experiments.study import Asked
from grouping.experiments.visits import preferences
from grouping.forming import form


def test_similarity_compares_positions_item_by_item():
    """By hand, k = 2: equal lists 1, disjoint ones 0; (0, 1) and (1, 0): 1 - 2/6; one common."""
    lists = np.array([[0, 1], [0, 1], [1, 0], [2, 3], [0, 2]])
    similarity = list_similarity(lists, 4)
    assert similarity[0].tolist() == pytest.approx([1, 1, 2 / 3, 0, 2 / 3])
    np.testing.assert_array_equal(similarity, similarity.T)


def test_samples_are_of_their_kind():
    """Two camps: a similar sample is within one of them, a dissimilar one is not."""
    lists = np.repeat([[0, 1], [2, 3]], 6, axis=0)
    similarity = list_similarity(lists, 4)
    rng = np.random.default_rng(0)
    camps = [set(sample(similarity, kind, 4, rng) // 6) for kind in ("similar", "dissimilar")]
    assert [len(camp) for camp in camps] == [1, 2]
    drawn = sample(similarity, "random", 4, rng)
    assert len(set(drawn)) == 4


def test_visits_become_preferences(tmp_path):
    """Outings count, not single visits; quarters of the most visited place are steps."""
    rows = ["user,poi,time,sequence"]
    for poi, outings in (("a", 8), ("b", 1), ("c", 4), ("d", 5)):
        rows += [f"1,{poi},0,{sequence}" for sequence in range(outings)] * 2
    rows += ["2,a,0,1", "2,b,0,1"]  # two places only: no ranking
    rows += ["3,a,0,1", "3,b,0,1", "3,e,0,1"]
    (tmp_path / "visits.csv").write_text("\n".join(rows))
    found = preferences(tmp_path / "visits.csv")
    assert [found.users[u] for u in range(2)] == ["1", "3"]
    items = [found.items[i] for i in range(found.shape[1])]
    assert items[:2] == ["a", "b"]  # most users
    one = dict(zip(items, found.matrix[0].tolist(), strict=True))
    assert one == {"a": 5, "b": 2, "c": 3, "d": 4, "e": 1}


def test_visits_of_another_form_are_refused(tmp_path):
    (tmp_path / "visits.csv").write_text("user,item,rating\n1,2,3\n")
    with pytest.raises(InputError, match="columns user, poi, sequence"):
        preferences(tmp_path / "visits.csv")
    (tmp_path / "visits.csv").write_text("user,poi,sequence\n1,2,3\n")
    with pytest.raises(InputError, match="no user has visited"):
        preferences(tmp_path / "visits.csv")


def test_members_get_the_mean_of_their_own_ratings_of_their_list():
    X = np.array([[5, 4, 1], [5, 4, 1], [1, 2, 5]])
    formation = form(X, groups=2, k=2)
    lists = {u: group.items for group in formation.groups for u in group.members.tolist()}
    expected = [X[user, lists[user]].mean() for user in range(3)]
    assert members_get(Ratings.of(X), formation).tolist() == expected


def test_questionnaires_name_no_method(carried_out):
    """Six pages, each with ten persons, two methods by number; the key is kept apart from them."""
    folder, _, _, _ = carried_out("fig7")
    pages = sorted((folder / "questionnaire").iterdir())
    assert len(pages) == 6
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "Person 10" in text
        assert "Method 2" in text
        assert not re.search("greedy|grd|baseline|k-means|kendall", text, re.IGNORECASE)
    with (folder / "fig7-key.csv").open(newline="") as file:
        key = list(csv.DictReader(file))
    assert {row["sample"] for row in key} == {page.stem for page in pages}
    assert {row["method_1"] for row in key} == {"greedy", "baseline"}  # the order is drawn
    assert all({row["method_1"], row["method_2"]} == {"greedy", "baseline"} for row in key)


def test_results_say_that_no_people_were_asked(carried_out):
    folder, _, _, _ = carried_out("fig7")
    assert "No people were asked" in (folder / "fig7.md").read_text()


def answered(folder, path, of_greedy=5, of_baseline=2, people=6):
    """Answers of people who all like the groups of GRD better, whichever number they have."""
    with (folder / "fig7-key.csv").open(newline="") as file:
        key = list(csv.DictReader(file))
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        for person in range(people):
            writer.writerow(ANSWER_COLUMNS)  # files put one after the other
            for row in key:
                first = row["method_1"] == "greedy"
                pair = (of_greedy, of_baseline) if first else (of_baseline, of_greedy)
                writer.writerow([row["sample"], f"person {person}", *pair, 1 if first else 2])


def test_answers_are_put_back_to_the_methods(carried_out, tmp_path):
    folder, _, _, _ = carried_out("fig7")
    answered(folder, tmp_path / "answers.csv")
    table = analyse(tmp_path / "answers.csv", folder)
    everyone = table.iloc[0]
    assert (everyone["answers"], everyone["satisfaction_greedy"]) == (36, 5)
    assert everyone["satisfaction_baseline"] == 2
    assert everyone["prefer_greedy"] == 1
    assert everyone["p_preference"] == pytest.approx(2 * 0.5**36)
    assert everyone["p_satisfaction"] < 1e-6
    assert len(table) == 7
    saved = pd.read_csv(folder / "fig7-answers.csv")
    assert saved["prefer_greedy"].tolist() == [1] * 7
    assert "36 answers from 6 people" in (folder / "fig7-answers.md").read_text()
    assert (folder / "fig7-answers.png").exists()


def test_one_answer_and_no_difference_can_be_analysed(carried_out, tmp_path):
    folder, _, _, _ = carried_out("fig7")
    answered(folder, tmp_path / "answers.csv", 3, 3, people=1)
    table = analyse(tmp_path / "answers.csv", folder)
    assert table["p_satisfaction"].tolist() == [1] * 7
    assert table["error_greedy"].tolist() == [0] * 7


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("similar-min,me,6,1,1", "satisfaction_1 = '6'"),
        ("similar-min,me,5,1,", "preferred = ''"),
        ("nowhere,me,5,1,1", "no sample 'nowhere'"),
        ("similar-min,me,5,1,1\nsimilar-min,me,5,1,1", "'me' answers on similar-min twice"),
    ],
)
def test_answers_that_are_not_possible_are_refused(carried_out, tmp_path, row, words):
    folder, _, _, _ = carried_out("fig7")
    (tmp_path / "answers.csv").write_text(",".join(ANSWER_COLUMNS) + f"\n{row}\n")
    with pytest.raises(InputError, match=re.escape(words)):
        analyse(tmp_path / "answers.csv", folder)


def test_too_few_users_or_methods_are_refused():
    with pytest.raises(InputError, match="samples of 10 users"):
        EXPERIMENTS["fig7"].study(Asked(ratings=Ratings.of(np.ones((4, 12)))))
    with pytest.raises(InputError, match="two methods"):
        EXPERIMENTS["fig7"].study(Asked(methods=("greedy",)))
