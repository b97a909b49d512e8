"""Comparing runs: the same texts, the same truth, nothing left out in silence."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from rubricator.cli.app import app
from rubricator.dataset.files import write_json
from rubricator.errors import DataError
from rubricator.evaluate.comparison.compare import Comparison, Kind
from rubricator.evaluate.comparison.page import write_comparison
from rubricator.evaluate.comparison.verdict import verdict
from rubricator.evaluate.metrics.prediction_table import SCORED, read_scored, write_scored
from rubricator.evaluate.metrics.scored_predictions import ScoredPredictions
from rubricator.pipeline.compare import compare
from rubricator.stats.bootstrap import Estimate
from rubricator.stats.significance import Difference
from rubricator.taxonomy import Category, Task, Taxonomy

KEYS = ("bread", "soup", "tea")
Row = tuple[str, str, str, dict[str, float]]  # id, content, truth, decisions with their probabilities

ROWS: list[Row] = [
    ("1", "Ржаной каравай остыл на подоконнике", "bread", {"bread": 0.9}),
    ("2", "Уха получилась мутной, зато душистой", "soup", {"soup": 0.8}),
    ("3", "Чабрец заваривают не дольше пяти минут", "tea", {"bread": 0.6}),
    ("4", "К борщу подали пампушки с чесноком", "soup", {"soup": 0.7}),
    ("5", "Самовар разожгли шишками", "tea", {"soup": 0.5}),
    ("6", "Сухари размочили в бульоне", "bread", {"tea": 0.5}),
]
BETTER = [
    *ROWS[:2],
    ("3", ROWS[2][1], "tea", {"tea": 0.7}),
    ("4", ROWS[3][1], "soup", {"bread": 0.9}),
    ("5", ROWS[4][1], "tea", {"tea": 0.95}),
    ("6", ROWS[5][1], "bread", {"soup": 0.6}),
]


def run(
    folder: Path,
    rows: Sequence[Row],
    *,
    keys: Sequence[str] = KEYS,
    single: bool = True,
    origins: Sequence[str] | None = None,
) -> Path:
    """A folder as `evaluate` leaves it."""
    task = Task.SINGLE_LABEL if single else Task.MULTI_LABEL
    taxonomy = Taxonomy(task=task, categories=tuple(Category(key=k, name=k.title()) for k in keys))
    (folder / "stages").mkdir(parents=True)
    part = ScoredPredictions(
        part="test",
        about=f"{len(rows)} invented texts",
        ids=[row[0] for row in rows],
        contents=[row[1] for row in rows],
        groups=[f"g{row[0]}" for row in rows],
        truth=np.array([[key in row[2].split(",") for key in keys] for row in rows], dtype=bool),
        probabilities=np.array([[row[3].get(key, 0.05) for key in keys] for row in rows]),
        decisions=np.array([[key in row[3] for key in keys] for row in rows], dtype=bool),
        origins=origins or ["golden"] * len(rows),
    )
    write_scored(folder / SCORED, [part], taxonomy)
    write_json(folder / "metrics.json", {"model": "linear"})
    write_json(folder / "stages/evaluate.done", {})
    return folder


def test_predictions_are_read_back_as_they_were(tmp_path: Path) -> None:
    found = read_scored(run(tmp_path / "a", ROWS, single=False) / SCORED)
    assert (found.space.single, found.titles["tea"]) == (False, "Tea")
    (part,) = found.parts
    assert part.about == "6 invented texts"
    assert part.ids == [row[0] for row in ROWS]
    assert part.groups[0] == "g1"
    assert part.truth.tolist()[2] == [False, False, True]
    assert part.decisions.tolist()[2] == [True, False, False]
    assert part.probabilities[2].tolist() == [0.6, 0.05, 0.05]


def test_what_a_person_corrected_between_two_runs_is_the_truth_for_both(tmp_path: Path) -> None:
    corrected = [(id_, content, "tea" if id_ == "1" else truth, was) for id_, content, truth, was in BETTER]
    agreed = ["agreement"] * 6
    old = run(tmp_path / "old", ROWS, origins=[*agreed[:2], "review", *agreed[3:]])
    new = run(tmp_path / "new", corrected, origins=["review", "agreement", "golden", *agreed[3:]])
    comparison = compare([old, new], page=tmp_path / "page.html")
    assert comparison.texts == 6, "the corrected text is not left out"
    assert comparison.support == {"bread": 1, "soup": 2, "tea": 3}
    assert any(
        "Of 2 texts not every run has the label that a person gave" in one for one in comparison.left_out
    )


def test_people_who_contradict_each_other_are_no_truth(tmp_path: Path) -> None:
    other = [(id_, content, "tea" if id_ == "1" else truth, was) for id_, content, truth, was in BETTER]
    comparison = compare(
        [run(tmp_path / "old", ROWS), run(tmp_path / "new", other)], page=tmp_path / "p.html"
    )
    assert comparison.texts == 5
    assert any("the runs do not agree on what is true" in sentence for sentence in comparison.left_out)


def test_only_the_beginning_of_a_text_is_kept(tmp_path: Path) -> None:
    run(tmp_path / "a", [("1", "щи " * 5000, "soup", {"soup": 0.9})])
    assert len(pl.read_parquet(tmp_path / "a" / SCORED)["content"][0]) < 600


def test_what_changed_is_sorted_by_what_it_did_the_surest_first(tmp_path: Path) -> None:
    found = compare([run(tmp_path / "old", ROWS), run(tmp_path / "new", BETTER)])
    (against,) = found.new
    assert [(change.id, change.kind) for change in against.changes] == [
        ("5", Kind.FIXED),
        ("4", Kind.BROKEN),
        ("3", Kind.FIXED),
        ("6", Kind.OTHERWISE),
    ]
    assert against.changes[0].old == {"soup": 0.5}
    assert against.changes[0].new == {"tea": 0.95}
    assert against.changes[0].confidence == 0.95
    assert (against.mcnemar.fixed, against.mcnemar.broken) == (2, 1)
    assert found.old.figures["subset_accuracy"].value == pytest.approx(3 / 6)
    assert against.figures["subset_accuracy"].change.value == pytest.approx(1 / 6)
    assert "could not be chance" in verdict(found, against)


def invented(outcomes: Sequence[tuple[str, str, str]], name: str, place: Path) -> list[Path]:
    """Two multi-label runs on texts with these truths, old and new decisions, each as keys."""
    folders = []
    for side, folder in enumerate(("old", name)):
        rows: list[Row] = [
            (
                str(i),
                f"Выдуманный рецепт под номером {i}",
                outcome[0],
                dict.fromkeys(outcome[1 + side].split(","), 0.9),
            )
            for i, outcome in enumerate(outcomes)
        ]
        folders.append(run(place / folder, rows, single=False))
    return folders


# Of 168 texts the new run gets 52 sets right that were wrong, and breaks 3.
UNEVEN = [
    *[("bread", "bread,soup", "bread")] * 52,
    *[("tea", "tea", "tea,bread")] * 3,
    *[("soup", "soup", "soup")] * 100,
    *[("tea", "tea,soup", "tea,bread")] * 13,
]


def test_a_sure_gain_of_one_figure_is_never_called_no_difference(tmp_path: Path) -> None:
    found = compare(invented(UNEVEN, "new", tmp_path))
    (against,) = found.new
    assert (against.mcnemar.fixed, against.mcnemar.broken) == (52, 3)
    said = verdict(found, against)
    assert said.startswith("new is better than old: ")
    assert "Exact match +0.292, p <0.001; " in said
    assert "52 texts fixed and 3 broken, p <0.001; " in said
    assert "on 168 texts" in said


def test_the_main_figure_is_told_also_where_it_may_be_chance(tmp_path: Path) -> None:
    rows = [
        *[("bread,soup", "bread", "bread,soup")] * 12,
        *[("tea", "tea", "")] * 2,
        *[("tea", "tea", "tea")] * 2,
    ]
    found = compare(invented(rows, "new", tmp_path))
    (against,) = found.new
    assert not against.figures["macro_f1"].beyond_chance
    said = verdict(found, against)
    assert said.startswith("new is better than old: ")
    assert re.search(r"; Macro-F1 \S+, p = [01]\.\d+, which may be chance; on 16 texts", said)


def test_a_handful_of_texts_proves_nothing(tmp_path: Path) -> None:
    rows = [("bread", "tea", "bread"), ("soup", "tea", "soup"), ("tea", "bread", "tea")]
    found = compare(invented(rows, "new", tmp_path))
    assert "could not be chance" in verdict(found, found.new[0])


def test_better_in_one_figure_and_worse_in_another_is_said_of_both(tmp_path: Path) -> None:
    rows = [*[("bread", "bread,soup", "bread")] * 60, *[("tea,soup", "tea", "bread")] * 40]
    found = compare(invented(rows, "new", tmp_path))
    said = verdict(found, found.new[0])
    assert "new is better than old in some ways and worse in others: " in said
    assert "Exact match +0.600, p <0.001" in said
    assert "Macro-F1 −" in said


def test_categories_that_surely_changed_are_named_after_the_verdict(tmp_path: Path) -> None:
    found = compare(invented(UNEVEN, "new", tmp_path))
    assert "F1 is better for Soup" in verdict(found, found.new[0])


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    return compare(invented(UNEVEN, "new", tmp_path_factory.mktemp("uneven")))


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0.0001, 1)), min_size=4, max_size=4), st.floats(0, 1))
def test_the_verdict_agrees_with_all_that_is_shown(
    uneven: Comparison, tested: list[tuple[float, float]], p_texts: float
) -> None:
    assume(all(gain for gain, _ in tested))
    against = uneven.new[0]
    figures = {
        name: Difference(change=Estimate(gain, -1, 1), p_value=p, corrected_p=p)
        for name, (gain, p) in zip(against.figures, tested, strict=True)
    }
    texts = replace(against.mcnemar, corrected_p=p_texts)  # 52 fixed, 3 broken
    found = verdict(uneven, replace(against, figures=figures, mcnemar=texts))
    certain = [gain for gain, p in tested if p < 0.05] + [49.0] * (p_texts < 0.05)
    assert found.startswith("No difference") == (not certain)
    assert ("better than" in found) == any(gain > 0 for gain in certain)
    assert ("worse" in found.partition(":")[0]) == any(gain < 0 for gain in certain)


def test_many_chances_to_differ_are_corrected_for(tmp_path: Path) -> None:
    rows = [
        *[("bread", "bread,soup", "bread")] * 7,
        *[("soup", "soup", "soup,tea")] * 1,
        *[("tea", "tea", "tea")] * 20,
    ]
    folders = invented(rows, "new", tmp_path)
    alone, crowd = compare(folders), compare([*folders, *folders[1:] * 5])
    (against,), beside = alone.new, crowd.new[0]
    for name, figure in against.figures.items():
        assert figure.p_value == beside.figures[name].p_value
        assert figure.p_value <= figure.corrected_p <= beside.figures[name].corrected_p  # type: ignore[operator]
    assert against.mcnemar.p_value < against.mcnemar.corrected_p < beside.mcnemar.corrected_p  # type: ignore[operator]


def test_a_run_against_itself_differs_in_nothing(tmp_path: Path) -> None:
    folder = run(tmp_path / "same", ROWS, single=False)
    (against,) = compare([folder, folder]).new
    assert against.changes == ()
    assert {found.p_value for found in against.figures.values()} == {1.0}


def test_texts_are_matched_by_id_and_everything_left_out_is_told(tmp_path: Path) -> None:
    other = [
        ("9", "Компот забыли на плите", "tea", {"tea": 0.9}),
        ("4", ROWS[3][1], "soup", {"soup": 0.7}),
        ("3", ROWS[2][1], "bread", {"bread": 0.6}),
        ("2", "Совсем иная история про калачи", "soup", {"bread": 0.8}),
        ("1", "ржаной каравай  остыл, на подоконнике!", "bread", {"soup": 0.9}),
    ]
    found = compare([run(tmp_path / "old", ROWS), run(tmp_path / "new", other)])
    assert found.texts == 2
    assert [change.id for change in found.new[0].changes] == ["1"]
    told = " ".join(found.left_out)
    assert "2 texts of the 6 that old" in told
    assert "1 text of the 5 that new" in told
    assert "1 text in common left out: another text has the same id" in told
    assert "1 text in common left out: the runs do not agree on what is true" in told


def test_only_common_categories_are_compared(tmp_path: Path) -> None:
    pies = [*ROWS[:4], ("5", ROWS[4][1], "pie", {"pie": 0.9}), ("6", ROWS[5][1], "bread", {"pie": 0.9})]
    old, new = run(tmp_path / "old", ROWS), run(tmp_path / "new", pies, keys=("pie", "tea", "soup", "bread"))
    found = compare([old, new])
    assert list(found.titles) == ["bread", "soup", "tea"]
    assert "pie (in new)" in " ".join(found.left_out)
    assert "1 text in common left out: the runs do not agree" in " ".join(found.left_out)
    assert [change.id for change in found.new[0].changes] == ["6"]
    both = [("1", ROWS[0][1], "pie", {"pie": 0.9}), ROWS[1]]
    found = compare(
        [
            run(tmp_path / "c", both, keys=("pie", "soup")),
            run(
                tmp_path / "d", [("1", ROWS[0][1], "bread", {"bread": 0.9}), ROWS[1]], keys=("bread", "soup")
            ),
        ]
    )
    assert found.texts == 1
    assert "none of the common categories" in " ".join(found.left_out)


def test_a_multi_label_text_may_be_right_without_a_category(tmp_path: Path) -> None:
    old = [("1", ROWS[0][1], "", {"tea": 0.7}), ("2", ROWS[1][1], "soup,bread", {"soup": 0.7})]
    new = [("1", ROWS[0][1], "", {}), ("2", ROWS[1][1], "soup,bread", {"soup": 0.7, "tea": 0.6})]
    found = compare([run(tmp_path / "o", old, single=False), run(tmp_path / "n", new, single=False)])
    assert [(c.id, c.kind) for c in found.new[0].changes] == [("1", Kind.FIXED), ("2", Kind.OTHERWISE)]


def test_several_runs_share_one_set_of_texts(tmp_path: Path) -> None:
    found = compare([run(tmp_path / "a", ROWS), run(tmp_path / "b", BETTER), run(tmp_path / "c", ROWS[:4])])
    assert found.texts == 4
    assert [against.side.name for against in found.new] == ["b", "c"]
    assert found.new[1].changes == ()


def test_what_cannot_be_compared_says_why(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", ROWS)
    with pytest.raises(DataError, match="One run alone"):
        compare([folder])
    with pytest.raises(DataError, match="is not there"):
        compare([folder, tmp_path / "nowhere"])
    with pytest.raises(DataError, match="no folder of a run"):
        compare([folder, tmp_path])
    (tmp_path / "young/stages").mkdir(parents=True)
    with pytest.raises(DataError, match="never came to its evaluation"):
        compare([folder, tmp_path / "young"])
    with pytest.raises(DataError, match="no category in common"):
        compare([folder, run(tmp_path / "other", ROWS, keys=("sea", "sky"))])
    with pytest.raises(DataError, match="no text in common") as caught:
        compare([folder, run(tmp_path / "strange", [("77", "Мел", "tea", {"tea": 0.9})])])
    assert "6 texts of the 6 that run was measured on" in caught.value.problem
    (folder / SCORED).write_bytes(b"no parquet")
    with pytest.raises(DataError, match="not a table of predictions"):
        compare([folder, folder])


def test_the_page_needs_nothing_from_outside_and_takes_no_html_from_texts(tmp_path: Path) -> None:
    odd = [(ROWS[2][0], "<script>alert(1)</script> чай", "tea", {"bread": 0.6}), *ROWS[:2]]
    new = [(odd[0][0], odd[0][1], "tea", {"tea": 0.6}), *ROWS[:2]]
    write_comparison(tmp_path / "x.html", compare([run(tmp_path / "a", odd), run(tmp_path / "b", new)]))
    page = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "&lt;script&gt;" in page
    assert 'class="case is-fixed c1 c3"' in page
    assert ".changed:has(#n1-c3:checked) .case:not(.c3)" in page


def test_the_command_shows_a_table_and_writes_page_and_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run(tmp_path / "old", ROWS)
    run(tmp_path / "new", BETTER)
    done = CliRunner().invoke(app, ["compare", "old", "new", "--json", "out/new.json"])
    assert done.exit_code == 0, done.output
    assert "Macro-F1" in done.output
    assert "2 : 1" in done.output
    assert (tmp_path / "compare.html").exists()
    found = json.loads((tmp_path / "out/new.json").read_text(encoding="utf-8"))
    assert found["new"][0]["changes"][0]["kind"] == "fixed"
    assert CliRunner().invoke(app, ["compare", "old", "gone"]).exit_code == 2


def test_categories_that_macro_f1_leaves_out_are_named(tmp_path: Path) -> None:
    keys = (*KEYS, "jam")
    runs = [run(tmp_path / name, rows, keys=keys) for name, rows in (("a", ROWS), ("b", BETTER))]
    assert compare(runs).left_out == ("Macro-F1 leaves out what no text has: jam.",)
    runs = [run(tmp_path / name, rows) for name, rows in (("c", ROWS), ("d", BETTER))]
    assert compare(runs).left_out == ()
