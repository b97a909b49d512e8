"""Agreement of five models that disagree about real reviews; skipped where the data are absent."""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from rubricator.dataset.annotations import TeacherProbabilities
from rubricator.label.aggregation.dawid_skene import dawid_skene
from rubricator.label.aggregation.votes import majority
from rubricator.label.quality.inter_annotator import compare_teachers, expected_accuracy
from rubricator.taxonomy import Taxonomy

DATA = Path(os.environ.get("RUBRICATOR_DATA", Path(__file__).parents[4] / "shared" / "data"))
FILE = DATA / "reviews" / "annotators.csv"

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason=f"no real data in {DATA}")


@pytest.fixture(scope="module")
def annotators():
    table = pl.read_csv(FILE).drop("text")
    # one category is spelled in two ways
    columns = {c: table[c].str.replace("аксессары", "аксессуары") for c in table.columns}
    names = sorted({name for column in columns.values() for name in column if name not in (None, "unknown")})
    taxonomy = Taxonomy.model_validate(
        {"task": "single-label", "categories": [{"key": name.replace(" ", "_")} for name in names]}
    )
    opinions = []
    for teacher, said in columns.items():
        sure = np.array([[float(name == own) if own in names else np.nan for name in names] for own in said])
        opinions.append(TeacherProbabilities(teacher, sure, np.isfinite(sure).any(axis=1)))
    return opinions, taxonomy.space


def test_a_vote_of_the_others_is_seen_to_be_one(annotators):
    opinions, space = annotators
    pairs = {(pair.one, pair.other): pair for pair in compare_teachers(opinions, space)}
    assert len(space) == 9
    assert pairs["rubert_catboost_b", "ensemble_b"].same > 0.99
    assert max(pair.same for key, pair in pairs.items() if key != ("rubert_catboost_b", "ensemble_b")) < 0.75


def test_whom_dawid_skene_trusts(annotators):
    opinions, space = annotators
    found = dawid_skene(opinions, space, {})
    trust = {name: float(found.share @ np.diag(confusion)) for name, confusion in found.confusion.items()}
    assert max(trust, key=trust.get) == "xlmr_zeroshot_b"
    assert min(trust, key=trust.get) == "rubert_a"
    counted, estimated = (expected_accuracy(o, space) for o in (majority(opinions, space), found.opinion))
    assert estimated > counted + 0.15


def test_no_category_turns_into_another(annotators):
    """Without pooling, a thousand clothes become electronics because two teachers never say so."""
    opinions, space = annotators
    decided = dawid_skene(opinions, space, {}).opinion.probabilities.argmax(axis=1)
    said = np.stack([np.nan_to_num(o.probabilities) for o in opinions])
    unsaid = said[:, np.arange(len(decided)), decided].max(axis=0) == 0
    assert unsaid.mean() < 0.01
