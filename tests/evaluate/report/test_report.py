from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from invented_parts import KEYS, TITLES, random_part

from rubricator.dataset.annotations import CategoryReport, TeacherReport
from rubricator.errors import DataError
from rubricator.evaluate.metrics.errors import worst_errors
from rubricator.evaluate.metrics.latency import Latency
from rubricator.evaluate.metrics.part_metrics import measure
from rubricator.evaluate.plots.plot import Plot
from rubricator.evaluate.report.report_data import (
    DataFacts,
    Details,
    FactTable,
    ModelFacts,
    ModelRow,
    ReportData,
    Reproduction,
)
from rubricator.evaluate.report.write import write_report
from rubricator.label_space import LabelSpace
from rubricator.models.explanation.words import WordWeight
from rubricator.stats.bootstrap import Estimate

LATENCY = Latency(
    p50=0.021, p95=0.034, slowest=0.2, texts_per_second=143.2, batch=32, n=200, budget=5.0, within_budget=True
)
HOSTILE = (
    "</p><script>alert(1)</script><img src=x onerror=alert(1)> {{ 7*7 }} {% raw %} \" ' & "
    "\u202e\x00\x1b \ud800 <!-- ]]> http://evil.example"
)


class Page(HTMLParser):
    """Collects tags, what is on the page as text, and whether every tag is closed."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.open, self.text = [], [], ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "img", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text += data


@pytest.fixture
def render(tmp_path):
    def write(data):
        path = tmp_path / "out" / "report.html"
        write_report(path, data)
        assert [file.name for file in path.parent.iterdir()] == ["report.html"]
        page = Page(path.read_text(encoding="utf-8"))
        assert page.open == []
        return page

    return write


def fake_plots(folder, keys):
    plots = []
    for key, kind in [(None, "overview"), *((key, "roc") for key in keys)]:
        path = folder / f"{len(plots)}.png"
        path.write_bytes(b"\x89PNG")
        plots.append(Plot(category=key, kind=kind, path=path, alt=f"{kind} of {key}"))
    return tuple(plots)


def full(folder, *, titles=TITLES, **options):
    contents = [f"Текст {row}" for row in range(120)]
    part, rule = random_part(contents=contents, **options)
    keys = list(titles)
    metrics = measure(part, keys, rule=rule, bootstrap=100)
    validation = replace(metrics, part="validation", about="Cross-fitted.")
    return ReportData(
        name="news",
        created="21 November 2026",
        titles=titles,
        space=rule.space,
        model="frozen encoder and heads",
        metrics=(metrics, validation),
        plots=fake_plots(folder, keys),
        errors=tuple(worst_errors(part, keys, count=3)),
        data=DataFacts(
            files=("a.csv",),
            read=6847,
            rejected={"no text": 12, "duplicate id": 1},
            exact=1,
            near=544,
            learned={"golden": 40, "agreement": 5000},
            parts={"train": {"golden": 40, "agreement": 5000}, "test": {"golden": 120}},
            mix={keys[0]: {"train": 1000, "test": 30}},
            bare={"train": 2, "test": 0},
            notes=("Divided by time.",),
        ),
        teachers=(
            TeacherReport(
                teacher="rules",
                texts=120,
                answered=0.46,
                macro_f1=0.61,
                kappa=None,
                accuracy=None,
                categories=(
                    CategoryReport(keys[0], 30, 0.5, precision=0.8, recall=0.62, f1=0.7, kappa=None),
                    CategoryReport(keys[1], 0, 0.0, precision=None, recall=None, f1=None, kappa=None),
                ),
            ),
        ),
        models=ModelFacts(
            chosen="heads",
            reason="Heads beat linear by 0.04.",
            measured_on="By cross-fitting.",
            candidates=(
                ModelRow(name="heads", scores={"Macro-F1": Estimate(0.71, 0.68, 0.74)}, seconds=41.2),
                ModelRow(name="linear", scores={}),
            ),
        ),
        latency=LATENCY,
        reproduction=Reproduction(
            command="rubricator run", config="seed: 13", seed=13, versions={"numpy": "2"}
        ),
        cautions=("Sold as seen.",),
    )


def test_the_page_needs_nothing_from_anywhere(render, tmp_path):
    data = full(tmp_path)
    page = render(data)
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == len(data.plots)
    assert all(image["src"].startswith("data:image/png;base64,") and image["alt"] for image in images)
    used = {tag for tag, _ in page.tags}
    assert not used & {"script", "link", "iframe", "object", "base", "form"}
    assert not [attributes for _, attributes in page.tags if {"href", "onload", "onclick"} & set(attributes)]
    policies = [a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    assert "http" not in page.text


def test_the_page_says_it_all(render, tmp_path):
    text = " ".join(render(full(tmp_path)).text.split())
    for said in (
        "Data",
        "Teachers against the golden set",
        "Models compared",
        "Figures",
        "Category by category",
        "Worst mistakes",
        "Speed",
        "How to get the same figures",
        "It learned from 5,040 texts (5,000 labelled by the teachers' agreement and 40 labelled by people).",
        "On 120 texts labelled by people its macro-F1 is 0.",
        "21 ms (median), 95 of 100 at most 34 ms: within the budget of 5 s",
        "6,847 texts read from a.csv, 13 rows rejected. 1 text repeats an earlier one exactly, 544 texts",
        "1,000 (20%)",
        "heads (chosen)",
        "0.680–0.740",
        "Divided by time.",
        "Sold as seen.",
        "rubricator run",
        "seed: 13",
        "validation",
        "Деньги и цены",
    ):
        assert said in text


def test_missing_sections_are_left_out(render):
    data = ReportData(name="bare", created="today", titles=TITLES, space=LabelSpace(KEYS, single=True))
    page = render(data)
    assert "It was not measured" in page.text
    assert [tag for tag, _ in page.tags].count("h2") == 1
    assert "img" not in [tag for tag, _ in page.tags]


def test_single_label_speaks_of_accuracy(render, tmp_path):
    text = " ".join(render(full(tmp_path, single=True)).text.split())
    assert "exactly one category each" in text
    assert "its accuracy is 0." in text
    assert "Hamming" not in text
    assert "Threshold" not in text


def test_hostile_texts_stay_texts(render, tmp_path):
    hostile_words = (WordWeight(HOSTILE, 0, len(HOSTILE), 1.0),)
    titles = {key: f"{key} {HOSTILE}" for key in KEYS}
    data = full(tmp_path, titles=titles)
    data = replace(
        data,
        name=HOSTILE,
        model=HOSTILE,
        created=HOSTILE,
        errors=tuple(replace(m, content=HOSTILE, id=HOSTILE, words=hostile_words) for m in data.errors),
        data=replace(data.data, rejected={HOSTILE: 1}, notes=(HOSTILE,), files=(HOSTILE,)),
        models=replace(data.models, reason=HOSTILE, chosen=HOSTILE),
        reproduction=Reproduction(command=HOSTILE, config=HOSTILE, versions={HOSTILE: HOSTILE}),
        cautions=(HOSTILE,),
    )
    page = render(data)
    used = [tag for tag, _ in page.tags]
    assert "script" not in used
    assert used.count("img") == len(data.plots)
    assert not [attributes for _, attributes in page.tags if "onerror" in attributes]
    assert page.text.count("<script>alert(1)</script>") > 20
    assert "{{ 7*7 }}" in page.text
    assert not re.search(r"[\x00\x1b\ud800]", page.text)


def test_a_long_text_is_cut(render, tmp_path):
    data = full(tmp_path)
    long = replace(data.errors[0], content="слово " * 100_000)
    assert len(render(replace(data, errors=(long,))).text) < 20_000


def test_truth_that_nobody_checked_is_said_first(render, tmp_path):
    data = full(tmp_path, origins=["agreement"] * 90 + ["golden"] * 30)
    text = " ".join(render(data).text.split())
    assert "75% of the truth in the headline was made by the teachers and checked by nobody" in text


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        (
            (0.4, 0.3, 0.0),
            "Not measured, because no text of the part has it: Космос. Macro figures are means",
        ),
        ((0.4, 0.3, 0.05), "Fewer than 20 texts to judge by: Космос ("),
    ],
)
def test_categories_with_too_few_texts_are_named(render, tmp_path, shares, said):
    assert said in " ".join(render(full(tmp_path, shares=shares)).text.split())


def test_figures_that_leave_categories_out_name_them_beside_the_figure(render, tmp_path):
    text = " ".join(render(full(tmp_path, shares=(0.4, 0.3, 0.0))).text.split())
    assert "left out, as no text has it: Космос" in text
    assert "Macro-F1 leaves out what no golden text has: Деньги и цены." in text
    assert "left out, as no text has it" not in " ".join(render(full(tmp_path)).text.split())


def test_tables_about_a_model_hold_numbers_and_the_page_writes_them(render, tmp_path):
    table = FactTable(
        title="Rules",
        about="In order.",
        columns=("rule", "category", "texts taken", "precision"),
        rows=(("any of " + "гол " * 23 + "гол и ещё", "Спорт", 1234, 0.98765), ("none", "Космос", 0, None)),
        summary="Rules: 2",
    )
    data = full(tmp_path)
    models = replace(data.models, details=Details(tables=(table,)))
    text = " ".join(render(replace(data, models=models)).text.split())
    assert "гол г …Спорт1,2340.988" in text
    assert "noneКосмос0–" in text


def test_a_broken_budget_is_said(render, tmp_path):
    slow = replace(LATENCY, p95=7.25, within_budget=False)
    text = " ".join(render(replace(full(tmp_path), latency=slow)).text.split())
    assert "Too slow: 5 of 100 texts take longer than 7.2 s, and 5 s are allowed." in text
    assert "outside the budget" in text


def test_a_file_that_cannot_be_written_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    data = ReportData(name="bare", created="today", titles=TITLES, space=LabelSpace(KEYS, single=False))
    with pytest.raises(DataError, match="cannot be written"):
        write_report(tmp_path / "file" / "report.html", data)


def test_a_missing_plot_leaves_the_old_report_alone(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    data = full(tmp_path)
    data.plots[0].path.unlink()
    with pytest.raises(DataError, match=r"0\.png"):
        write_report(path, data)
    assert path.read_text() == "old"


def test_words_that_weigh_most_are_listed_and_marked_in_the_text(render, tmp_path):
    data = full(tmp_path)
    content = "Кубок & банк\n" + "слово " * 200 + "ставка"
    words = (
        WordWeight("банк", 8, 12, -2.5),
        WordWeight("Кубок", 0, 5, 1.25),
        WordWeight("ставка", len(content) - 6, len(content), 0.5),
    )
    error = replace(data.errors[0], content=content, words=words)
    page = render(replace(data, errors=(error,)))
    marks = [attributes for tag, attributes in page.tags if tag == "mark"]
    assert [(mark["class"], mark["title"]) for mark in marks] == [("for", "+1.25"), ("against", "-2.50")]
    assert "Кубок & банк\nслово" in page.text
    assert "банк -2.50, Кубок +1.25, ставка +0.50" in page.text
    assert "Words are those that weigh most" in page.text
    assert "Words are those" not in render(replace(data, errors=(replace(error, words=()),))).text
