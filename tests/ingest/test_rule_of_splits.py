"""Rule 4: whatever the data and the settings, no text that measures has a relative among those that teach."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rubricator.config import Duplicates, Split
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.split import DatasetSplit
from rubricator.dataset.synthetic import SyntheticText
from rubricator.errors import DataError
from rubricator.ingest.duplicates import group_duplicates
from rubricator.ingest.leakage.index import index_texts
from rubricator.ingest.leakage.leaks import find_leaks
from rubricator.ingest.leakage.run import source_of_run
from rubricator.ingest.splitting import split_texts
from rubricator.records import Text

START = datetime(2025, 6, 1, tzinfo=UTC)
NOUNS = (
    "баржа",
    "весло",
    "груша",
    "дрова",
    "ель",
    "журавль",
    "затон",
    "ива",
    "камыш",
    "лещ",
    "мель",
    "нерест",
)


@st.composite
def corpora(draw: st.DrawFn) -> tuple[list[Text], dict[str, str], list[str]]:
    """Texts of which some repeat others, wholly or nearly, with authors, times, given parts, golden ones."""
    size = draw(st.integers(4, 30))
    given_parts = draw(st.booleans())
    texts: list[Text] = []
    authors: dict[str, str] = {}
    for row in range(size):
        kind = draw(st.sampled_from(["own", "own", "same", "near"])) if texts else "own"
        words = draw(st.lists(st.sampled_from(NOUNS), min_size=8, max_size=12)) if kind == "own" else []
        if kind != "own":
            words = draw(st.sampled_from(texts)).content.split()
        if kind == "near":
            words[-1] = draw(st.sampled_from(NOUNS))
        day = draw(st.one_of(st.none(), st.integers(0, 12)))
        part = draw(st.sampled_from(["", "", "", "", "train", "validation"])) if given_parts else ""
        time = None if day is None else START + timedelta(days=day)
        texts.append(Text(id=f"t{row}", content=" ".join(words), time=time, part=part))
        if (author := draw(st.integers(0, 6))) > 0:
            authors[f"t{row}"] = f"автор {author}"
    golden = [text.id for text in texts if draw(st.booleans())]
    return texts, authors, golden


@settings(deadline=None, max_examples=150)
@given(
    corpora(),
    st.sampled_from(["auto", "time", "random"]),
    st.sampled_from(["test", "tune", "train"]),
    st.sampled_from(["auto", "folds", 0.3]),
    st.booleans(),
    st.integers(0, 3),
    st.integers(0, 5),
)
def test_no_text_that_measures_has_a_relative_in_train(
    corpus: tuple[list[Text], dict[str, str], list[str]],
    by: str,
    use: str,
    validation: str | float,
    grouped: bool,
    least: int,
    seed: int,
) -> None:
    texts, authors, golden = corpus
    groups = group_duplicates(texts, Duplicates(), together=[authors] if grouped else []).of
    targets = np.random.default_rng(seed).random((len(texts), 3)) < [0.5, 0.2, 0.1]
    config = Split(by=by, validation=validation, min_per_category=least)  # type: ignore[arg-type]
    try:
        parts = split_texts(texts, groups, targets, golden, use=use, config=config, seed=seed)  # type: ignore[arg-type]
    except DataError:
        return
    dataset = Dataset(texts, groups, {}, [], {})
    split = DatasetSplit(parts.part, {}, frozenset(), parts.by, parts.validation, ())
    made = [
        SyntheticText(
            id=f"s{row}",
            content=f"{text.content} стая",
            categories=(),
            parents=(text.id,),
            groups=(groups[text.id],),
            making="cheap",
            stage="graft",
        )
        for row, text in enumerate(texts)
        if parts.part[text.id] == "train"
    ]
    by_time = parts.by == "time"
    source = source_of_run(dataset, split, made, group_by=None, by_time=by_time)
    for entry in source.entries:  # authors are what the run's groups must keep whole, besides duplicates
        if grouped and entry.id in authors:
            assert entry.part == "left_out" or groups[entry.id] == entry.group
    leaks = find_leaks(index_texts(source, threshold=0.5), source, threshold=0.5)
    told = [
        (leak.kind, leak.held, leak.other) for leak in leaks if leak.other == "train" or leak.held == "test"
    ]
    # Validation by chance may be earlier than train; nothing is later than test.
    assert [one for one in told if one[0] != "time" or one[1] == "test"] == []
    held_out = {groups[text.id] for text in texts if parts.part[text.id] in ("validation", "test")}
    assert all(child.without_relatives_in(held_out) for child in made)
    if grouped:
        of_author: dict[str, set[str]] = {}
        for id_, author in authors.items():
            of_author.setdefault(author, set()).add(parts.part[id_])
        assert all(len(some - {"left_out"}) <= 1 for some in of_author.values())
