"""The whole room on the real crawl; skipped where the data are absent."""

import os
from pathlib import Path

import numpy as np
import pytest

from rubricator.config import Clean, Columns, Config, Data, Duplicates, Split
from rubricator.ingest.clean import Cleaner, clean_texts
from rubricator.ingest.duplicates import group_duplicates
from rubricator.ingest.golden import read_golden
from rubricator.ingest.read import read_texts
from rubricator.ingest.splitting import split_texts
from rubricator.records import Text
from rubricator.taxonomy import Category, Taxonomy

DATA = Path(os.environ.get("RUBRICATOR_DATA", Path(__file__).parents[3] / "shared" / "data"))
TAXONOMY = Taxonomy(
    categories=[Category(key=key) for key in ("politics", "economy", "culture", "technology", "sport")]
)

pytestmark = pytest.mark.skipif(not (DATA / "news").is_dir(), reason=f"no real data in {DATA}")


@pytest.fixture(scope="module")
def news():
    columns = Columns(id="id", title="title", body="text", source="source", time="publication_date")
    return read_texts(Config(data=Data(files=[str(DATA / "news" / "crawled_news.tsv")], columns=columns)))


@pytest.mark.slow
def test_every_row_of_the_crawl_is_read(news):
    assert (len(news.texts), news.rejected, news.labels) == (6847, [], {})
    assert sum(text.time is None for text in news.texts) == 293


@pytest.mark.slow
def test_golden_texts_of_the_crawl_are_the_test_part(news):
    cleaned = clean_texts(news.texts[:1500], Clean())
    groups = group_duplicates(cleaned, Duplicates())
    ids = {text.id for text in news.texts}
    golden = read_golden(DATA / "news" / "golden.tsv", ids=ids, taxonomy=TAXONOMY)
    assert len(golden) == 200
    here = {name for name in golden if name in groups.of}
    targets = np.array([[key in golden.get(text.id, ()) for key in TAXONOMY.keys] for text in cleaned])
    parts = split_texts(cleaned, groups.of, targets, here, use="test", config=Split(), seed=13)
    in_test = {groups.of[name] for name, part in parts.part.items() if part == "test"}
    assert in_test == {groups.of[name] for name in here}


def test_cleaning_leaves_few_marks_and_changes_nothing_twice(news):
    cleaner = Cleaner(Clean())
    contents = [cleaner.content(text) for text in news.texts[::10]]
    assert all(contents)
    assert [cleaner.content(Text(id="1", body=content)) for content in contents] == contents
    assert sum("**" in content or "](" in content or "http" in content for content in contents) < 15


@pytest.mark.parametrize(
    ("file", "rows"),
    [
        ("reviews/test.csv", 7276),
        ("reviews/golden.csv", 126),
        ("videos/videos.csv", 2485),
        ("sib200/rus_Cyrl/train.tsv", 701),
    ],
)
def test_the_other_files_are_read_whole(file, rows):
    body = "title" if "videos" in file else "text"
    corpus = read_texts(Config(data=Data(files=[str(DATA / file)], columns=Columns(body=body))))
    assert len(corpus.texts) + len(corpus.rejected) == rows
    assert all(rejected.reason == "no text" for rejected in corpus.rejected)
