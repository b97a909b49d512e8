"""The challenger: a run of its own beside the run, with all that the run has and the corrections besides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rubricator.dataset import files
from rubricator.dataset.dataset import Dataset
from rubricator.dataset.split import DatasetSplit, SplitPart
from rubricator.ingest.read import write_rejected
from rubricator.pages.formatting import plural
from rubricator.pipeline.decided import DecidedText
from rubricator.pipeline.kept_parts import run_parts
from rubricator.pipeline.label import open_store
from rubricator.pipeline.stage import Run, Stage, run_stages
from rubricator.pipeline.stages import STAGES
from rubricator.records import content_hash
from rubricator.review.feedback import replaces
from rubricator.review.reviews import answer_of, newer, review_of

FOLDER = "challenger"


def challenger_of(run: Run) -> Run:
    """The run beside the run; it shares its answers, so that no teacher is asked twice."""
    store = run.config.store or str((run.folder / files.ANSWERS).absolute())
    label = run.config.label.model_copy(update={"store": store})
    return replace(run, config=run.config.model_copy(update={"label": label}), folder=run.folder / FOLDER)


def build(run: Run, teaching: Sequence[DecidedText]) -> Path:
    """Train a challenger on the texts of the run and those that editors decided on; its artifact.

    Golden labels stay golden, and every text of the run keeps its part. A text that is new joins the part of
    its near-duplicates, or trains. What was done before a kill is not done again.

    Raises:
        RubricatorError: A stage cannot do its work.
    """
    _keep_reviews(run, teaching)
    inside = challenger_of(run)
    new = [one for one in teaching if not one.known]
    run_stages(inside, (_taking(run, new), _keeping(run, new), *STAGES[2:]))
    return inside.folder / "artifact"


def _keep_reviews(run: Run, teaching: Sequence[DecidedText]) -> None:
    """Write the reviews where the label stage reads them; one that measures yields to no other."""
    answers = {}
    for one in teaching:
        review = replace(one.review, text_id=one.text.id)
        answer = answer_of(review, one.text.content, run.taxonomy)
        answers[answer.key] = answer
    with open_store(run) as store:
        stored = store.find(list(answers))
        store.save(
            answer
            for answer in newer(answers, stored)
            if answer.key not in stored or replaces(review_of(answer), review_of(stored[answer.key]))
        )


def _taking(run: Run, new: Sequence[DecidedText]) -> Stage:
    """The read stage: the texts of the run, and those that only editors have seen."""
    old = files.read_dataset(run.folder)

    def work(inside: Run) -> list[str]:
        dataset = Dataset(
            texts=[*old.texts, *(one.text for one in new)],
            groups={**old.groups, **{one.text.id: one.group for one in new}},
            golden=old.golden,
            rejected=old.rejected,
            facts={
                **old.facts,
                "rows": old.facts["rows"] + len(new),
                "texts": old.facts["texts"] + len(new),
                "groups": len({*old.groups.values(), *(one.group for one in new)}),
            },
        )
        files.write_dataset(inside.file("stages/texts.parquet"), dataset)
        files.write_json(inside.file("stages/read.facts.json"), dataset.facts)
        write_rejected(inside.file("rejected.csv"), dataset.rejected)
        return [f"{plural(len(old.texts), 'text')} of the run, {plural(len(new), 'text')} of editors besides"]

    digest = content_hash("challenger:1", old.fingerprint, *_pieces(new))
    return replace(
        STAGES[0], depends=lambda _: {"texts": digest, "groups": repr(sorted(old.groups.items()))}, work=work
    )


def _keeping(run: Run, new: Sequence[DecidedText]) -> Stage:
    """The split stage: the parts and folds of the run."""
    dataset = files.read_dataset(run.folder)
    old, groups = run_parts(run, dataset), dataset.groups
    fold_of = {groups[id_]: fold for id_, fold in old.fold.items()}
    split = DatasetSplit(
        part={**old.part, **{one.text.id: _part_of(one) for one in new}},
        fold={**old.fold, **{one.text.id: fold_of[one.group] for one in new if one.group in fold_of}},
        teaching=old.teaching,
        by=old.by,
        validation=old.validation,
        notes=(*old.notes, f"{plural(len(new), 'text')} that editors decided on train besides."),
    )

    def work(inside: Run) -> list[str]:
        files.write_split(inside.file("stages/split.json"), split)
        return ["the parts are those of the run; corrections train"]

    digest = content_hash(
        "challenger parts:1", repr(sorted(split.part.items())), repr(sorted(split.fold.items()))
    )
    return replace(STAGES[1], depends=lambda _: {"split": digest}, work=work)


def _part_of(one: DecidedText) -> SplitPart:
    """That of its near-duplicates; what is new trains."""
    return next(iter(one.parts)) if one.parts else "train"


def _pieces(new: Sequence[DecidedText]) -> Iterator[str]:
    for one in new:
        yield from (one.text.id, one.text.content, one.group)
