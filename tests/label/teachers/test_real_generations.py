"""What real models wrote, read again; skipped where the data are absent."""

import csv
import os
from collections import Counter
from pathlib import Path

import pytest

from rubricator.llm.engines.engine import Generation
from rubricator.llm.tasks.explain import Explain
from rubricator.llm.tasks.prompt import Prompt
from rubricator.records import Status
from rubricator.taxonomy import Taxonomy

DATA = Path(os.environ.get("RUBRICATOR_DATA", Path(__file__).parents[4] / "shared" / "data"))
ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.skipif(not (DATA / "sib200").is_dir(), reason=f"no real data in {DATA}")


def rows(path, delimiter):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


@pytest.mark.parametrize(
    ("name", "column", "accuracy", "of_the_read", "left"),
    [
        ("answers_gpt3.5/rus_Cyrl", "gpt-3", 0.61, 0.86, 0.30),
        ("answers_gpt3.5/eng_Latn", "gpt-3", 0.70, 0.87, 0.20),
        ("answers_gpt4/rus_Cyrl", "gpt-4", 0.74, 0.92, 0.20),
        ("answers_gpt4/eng_Latn", "gpt-4", 0.71, 0.89, 0.21),
    ],
)
def test_sentences_are_read(name, column, accuracy, of_the_read, left):
    taxonomy = Taxonomy.read(ROOT / "benchmarks" / "real" / "sib200-taxonomy.yaml")
    task = Explain(taxonomy, Prompt.shipped("explain", "en"))
    table = rows(DATA / "sib200" / f"{name}.tsv", "\t")
    right = read = 0
    for row in table:
        reading = task.read([Generation(text=row[column])])
        read += reading.status is Status.OK
        right += reading.scores.get(row["category"]) == 1
    assert len(table) == 204
    assert right / len(table) > accuracy
    assert right / read > of_the_read
    assert 1 - read / len(table) < left


def test_labels_by_number_are_read_and_empty_lists_are_not():
    taxonomy = Taxonomy.read(ROOT / "examples" / "reviews" / "taxonomy.yaml")
    table = rows(DATA / "reviews" / "qwen2_answers.csv", ",")
    key_of = {category.name.casefold(): category.key for category in taxonomy.categories}
    numbers = {row["code"]: key_of[row["category"]] for row in table}
    task = Explain(taxonomy, Prompt.shipped("explain", "ru"), aliases=numbers)
    statuses = Counter()
    for row in table:
        reading = task.read([Generation(text=row["generation"])])
        statuses[reading.status] += 1
        if row["generation"] == "[]":
            assert reading.status is Status.UNPARSED
        else:
            assert reading.scores[key_of[row["category"]]] == 1
    assert statuses == {Status.OK: 1656, Status.UNPARSED: 162}
