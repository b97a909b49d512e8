from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from rubricator.artifact import CardFacts, read_artifact, render_card
from rubricator.dataset.metrics import CategoryMetrics
from rubricator.label_space import DecisionRule, LabelSpace
from rubricator.stats.bootstrap import Estimate
from rubricator.taxonomy import Category, Task, Taxonomy


def category(key, **figures):
    options = {"predicted": 40, "hits": 36, "roc_auc": None, "average_precision": None, "baseline_f1": None}
    return CategoryMetrics(key=key, threshold=0.5, calibration_error=0.1, **options, **figures)


def facts_of(task=Task.MULTI_LABEL, **others):
    categories = (
        Category(key="sport", name="Спорт", description="Матчи и\nклубы | лиги"),
        Category(key="other", name="<b>Прочее</b> *всё*"),
    )
    parts = {
        "name": "news",
        "created": datetime(2026, 4, 5, tzinfo=UTC),
        "kind": "heads",
        "about": "one logistic regression per category on the encoder's vectors",
        "encoder": "multilingual-e5-small, 256 tokens",
        "taxonomy": Taxonomy(task=task, categories=categories),
        "rule": DecisionRule(
            LabelSpace.of_size(2, single=task is Task.SINGLE_LABEL),
            np.ones(2),
            np.zeros(2),
            np.array([0.25, 0.5]),
        ),
        "training": ("800 texts, labelled by two teachers.", "Split by time."),
        "measured": "Truth is 200 texts labelled by people.",
        "texts": 1200,
        "confidence": 0.95,
        "headline": {"macro F1": Estimate(0.8571, 0.8, 0.9), "mean average precision": Estimate(None)},
        "categories": (
            category("sport", support=40, f1=Estimate(0.9, 0.85, 0.95), precision=0.88, recall=0.92),
            category("other", support=0, f1=Estimate(None), precision=None, recall=None),
        ),
        "limits": ("Headlines alone were not tried.",),
    }
    return CardFacts(**(parts | others))


def test_the_card_tells_everything():
    card = render_card(facts_of())
    for line in (
        "any number of 2 categories, or none",
        "- Encoder: multilingual-e5-small, 256 tokens.",
        r"| sport | Спорт | Матчи и клубы \| лиги | 0.250 |",
        r"| other | &lt;b&gt;Прочее&lt;/b&gt; \*всё\* |  | 0.500 |",
        "- Split by time.",
        "Truth is 200 texts labelled by people. Intervals hold 95% of bootstrap samples",
        "| figure, on 1,200 texts | value |",
        "| macro F1 | 0.857 (0.800–0.900) |",
        "| mean average precision | — |",
        r"Macro figures leave out what no text has: &lt;b&gt;Прочее&lt;/b&gt; \*всё\*.",
        "| Спорт | 40 | 0.880 | 0.920 | 0.900 (0.850–0.950) |",
        r"| &lt;b&gt;Прочее&lt;/b&gt; \*всё\* | 0 | — | — | — |",
        "- Headlines alone were not tried.",
    ):
        assert line in card
    assert facts_of().taxonomy.version in card


def test_tables_have_one_width_and_no_gaps():
    lines = render_card(facts_of()).splitlines()
    tables, previous = [], ""
    for line in lines:
        if line.startswith("|"):
            if not previous.startswith("|"):
                tables.append([])
            tables[-1].append(line.replace(r"\|", "").count("|"))
        previous = line
    assert [(len(table), set(table)) for table in tables] == [(4, {5}), (4, {3}), (4, {6})]
    assert "\n\n\n" not in "\n".join(lines)


def test_a_single_label_card_has_no_thresholds():
    card = render_card(facts_of(Task.SINGLE_LABEL, kind="linear", encoder="", categories=()))
    assert "exactly one of 2 categories." in card
    assert "the likeliest category wins" in card
    assert "- linear: one logistic regression" in card
    assert "Encoder:" not in card
    assert "threshold" not in card
    assert "| category |" not in card


def test_a_none_category_is_explained():
    categories = (Category(key="shoes", name="Обувь"), Category(key="none", name="Нет товара"))
    taxonomy = Taxonomy(task=Task.SINGLE_LABEL, none="none", categories=categories)
    assert "“Нет товара” means none of the others." in render_card(facts_of(taxonomy=taxonomy, categories=()))


@pytest.mark.parametrize("kind", ["linear", "heads"])
def test_the_card_travels_in_the_artifact(tmp_path, make_artifact, kind):
    card = render_card(facts_of())
    folder = make_artifact(tmp_path / "a", kind, card=card)
    assert "README.md" in read_artifact(folder).manifest.files
    assert (folder / "README.md").read_text("utf-8") == card
