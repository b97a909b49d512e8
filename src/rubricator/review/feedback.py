"""Editors' decisions at work: each is kept as it came, and the latest on a text becomes its review."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rubricator.dataset.reviews import Chosen, Review, Shown
from rubricator.errors import DataError, RubricatorError, TaxonomyError
from rubricator.records import Answer, Status, content_hash
from rubricator.review.reviews import answer_of, judged, key_of, one_of, review_of
from rubricator.taxonomy import Taxonomy
from rubricator.taxonomy.versions import History

if TYPE_CHECKING:  # half a second to import
    from rubricator.store import Store

PREFIX = "feedback:"


class RepeatedKeyError(RubricatorError):
    """An idempotency key came again with another decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What an editor decided on a text, and what the model had said of it.

    Attributes:
        content: The text, cleaned as the model cleans it.
        categories: Keys that the editor chose.
        predicted: Keys that the model chose; None where it was not asked.
        shown: `suggested` if the editor saw them.
        chosen: `random` if the text was drawn by lot from all texts.
        taxonomy: Version of the list that the editor saw.
        seconds: That the decision took; None where nobody took the time.
        single: Whether a text has exactly one category.
        offered: Keys that the editor could choose from; None for all of that version.
    """

    text_id: str
    content: str
    editor: str
    categories: tuple[str, ...]
    predicted: tuple[str, ...] | None
    shown: Shown
    chosen: Chosen
    model: str
    taxonomy: str
    source: str = ""
    seconds: float | None = None
    single: bool = False
    offered: frozenset[str] | None = None
    when: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def changed(self) -> bool | None:
        """Whether the editor decided otherwise than the model; None where the model was not asked."""
        return None if self.predicted is None else set(self.predicted) != set(self.categories)


def store_decision(
    store: Store, decision: Decision, key: str, taxonomy: Taxonomy, history: History | None = None
) -> bool:
    """Store a decision under its idempotency key, and the review it makes; False if it was there already.

    Other editors' decisions on the same text stay. A decision that measures is not replaced as the
    text's review by one that does not.

    Raises:
        DataError: A category is unknown, or the list has changed so that the decision cannot be carried over.
        RepeatedKeyError: The key was used for another decision.
        StoreError: The database refused; nothing is stored then.
    """
    kept_key = content_hash("feedback:1", key)
    review_key = key_of(decision.content, taxonomy)
    stored = store.find([kept_key, review_key])
    if kept_key in stored:
        if json.loads(stored[kept_key].raw)["digest"] == digest_of(decision):
            return False
        raise RepeatedKeyError(
            "This idempotency key was used for another decision.", fix="Give every decision a key of its own."
        )
    review = review_of_decision(decision, taxonomy, history)
    answers = [_kept(decision, review, kept_key)]
    earlier = stored.get(review_key)
    if earlier is None or replaces(review, review_of(earlier)):
        answers.append(answer_of(review, decision.content, taxonomy))
    store.save(answers)
    return True


def review_of_decision(decision: Decision, taxonomy: Taxonomy, history: History | None = None) -> Review:
    """The review that a decision makes under the list of today; what the editor could not choose stays open.

    Raises:
        DataError: A category is unknown, or the list has changed so that the decision cannot be carried over.
    """
    said, open_ = _carried(decision.categories, decision, taxonomy, history)
    before = None
    if decision.predicted is not None:
        before, _ = _carried(decision.predicted, decision, taxonomy, history)
        judged(before, taxonomy)
    return Review(
        text_id=decision.text_id,
        judged={name: yes for name, yes in judged(said, taxonomy).items() if name not in open_},
        by=decision.editor,
        chosen=decision.chosen,
        shown=decision.shown,
        before=before,
        seconds=decision.seconds,
        taxonomy=taxonomy.version,
        when=decision.when,
    )


def replaces(review: Review, earlier: Review) -> bool:
    """Whether a later review takes the place of an earlier one: one that measures yields to no other."""
    return review.measures or not earlier.measures


def read_decisions(store: Store) -> list[Decision]:
    """Every decision in a store, in the order in which they were made.

    Raises:
        StoreError: The database refused.
    """
    people = [name for name in store.teachers() if name.startswith(PREFIX)]
    return sorted(
        (_decision(answer) for name in people for answer in store.answers(name)), key=lambda one: one.when
    )


def _carried(
    categories: Sequence[str], decision: Decision, taxonomy: Taxonomy, history: History | None
) -> tuple[tuple[str, ...], frozenset[str]]:
    """Keys of today for keys of an earlier list, and the keys of today that the editor could not choose.

    Raises:
        DataError: Nobody can tell what they are today.
    """
    stamp, offered = decision.taxonomy, decision.offered
    last = None if history is None else history.last
    if stamp == taxonomy.version or (last and last.digest == taxonomy.version and stamp == str(last)):
        return tuple(dict.fromkeys(categories)), frozenset(taxonomy.keys) - (offered or {*taxonomy.keys})
    try:
        then = None if history is None else history.named(stamp.split(" ")[0])
    except TaxonomyError:
        then = None
    if history is None or last is None or then is None or last.digest != taxonomy.version:
        raise DataError(
            f"The decision was made under version '{stamp}' of the categories; the model has "
            f"{taxonomy.version}, and no history says how one became the other.",
            fix="Show the editor the categories of today, or serve with --categories FILE, whose history "
            "has that version.",
        )
    later = history.versions[history.versions.index(then) + 1 :]
    moved_to = frozenset(new for version in later for targets in version.moved.values() for new in targets)
    said = list(dict.fromkeys(categories))
    for version in later:
        said = [_moved(key, version.moved.get(key, (key,)), str(version)) for key in said]
        if offered is not None:
            offered = frozenset(new for key in offered for new in version.moved.get(key, (key,)))
    changed = (history.stale(then.digest, taxonomy) or frozenset()) - moved_to
    for key in said:
        if key in changed:
            raise DataError(
                f"'{key}' means something else since version {then}.", fix="Ask the editor again."
            )
    unseen = history.added_since(then, taxonomy) - moved_to
    if offered is not None:
        unseen |= frozenset(taxonomy.keys) - offered
    return tuple(dict.fromkeys(said)), frozenset(unseen | changed)


def _moved(key: str, targets: Sequence[str], version: str) -> str:
    if len(targets) == 1:
        return targets[0]
    became = f"was split into {', '.join(targets)}" if targets else "was removed"
    raise DataError(f"'{key}' {became} in version {version}.", fix="Ask the editor again.")


def _kept(decision: Decision, review: Review, key: str) -> Answer:
    raw = {
        "digest": digest_of(decision),
        "content": decision.content,
        "categories": list(review.categories),
        "predicted": None if review.before is None else list(review.before),
        "shown": decision.shown,
        "chosen": decision.chosen,
        "model": decision.model,
        "given_under": decision.taxonomy,
        "source": decision.source,
        "seconds": decision.seconds,
        "single": decision.single,
        "when": decision.when.isoformat(),
    }
    return Answer(
        text_id=decision.text_id,
        teacher=PREFIX + decision.editor,
        key=key,
        status=Status.OK,
        scores={name: float(yes) for name, yes in review.judged.items()},
        raw=json.dumps(raw, ensure_ascii=False),
        seconds=decision.seconds or 0.0,
        taxonomy=review.taxonomy or "",
    )


def _decision(answer: Answer) -> Decision:
    raw = json.loads(answer.raw)
    return Decision(
        text_id=answer.text_id,
        content=raw["content"],
        editor=answer.teacher.removeprefix(PREFIX),
        categories=tuple(raw["categories"]),
        predicted=None if raw["predicted"] is None else tuple(raw["predicted"]),
        shown=one_of(Shown, raw["shown"], otherwise="suggested"),
        chosen=one_of(Chosen, raw["chosen"], otherwise="gain"),
        model=raw["model"],
        taxonomy=answer.taxonomy,
        source=raw["source"],
        seconds=raw["seconds"],
        single=raw["single"],
        offered=frozenset(answer.scores),
        when=datetime.fromisoformat(raw["when"]),
    )


def digest_of(decision: Decision) -> str:
    """Of all that the editor's client sent: what the service adds may differ when it sends again."""
    predicted = "-" if decision.predicted is None else "+" + json.dumps(decision.predicted)
    return content_hash(
        "decision:1",
        decision.text_id,
        decision.content,
        decision.editor,
        json.dumps(decision.categories),
        predicted,
        decision.shown,
        decision.chosen,
        decision.taxonomy,
        decision.source,
        str(decision.seconds),
    )
