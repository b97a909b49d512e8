"""The judge: what a synthetic text must pass before it may train."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from rubricator.augment.asking import Asker, Call
from rubricator.augment.attributes import LengthRange
from rubricator.augment.chatter import chats, repeats_itself
from rubricator.augment.drafts import Draft
from rubricator.augment.membership import Membership
from rubricator.augment.question import Opinion, Question
from rubricator.augment.seeds import Material
from rubricator.config import Judge
from rubricator.dataset.near_copies import NearCopies, contained
from rubricator.encode.languages import may_be_in
from rubricator.llm.engines.engine import Engine, Generation
from rubricator.records import Answer, Status

_FAULTS = {Status.FAILED: "failed", Status.REFUSED: "refused", Status.UNPARSED: "unreadable"}


def fault_of(status: Status) -> str:
    """Why a generation with this status is no text; empty if it is one."""
    return _FAULTS.get(status, "")


@dataclass
class Checks:
    """What can be checked without asking anybody: chatter, language, length, near-copies.

    Args:
        material: Near-copies of its texts, of whatever part, are refused.
        languages: Codes of those that a text may be in; none where the real texts are too short to tell.
        similarity: Share of runs of three words from which on two texts are near-copies.
    """

    material: Material
    languages: Collection[str]
    lengths: LengthRange
    similarity: float
    _synthetic: NearCopies = field(init=False)

    def __post_init__(self) -> None:
        self._real = NearCopies([text.content for text in self.material.texts], self.similarity)
        self._synthetic = NearCopies([], self.similarity)

    def fault(self, draft: Draft) -> str:
        """Why the text as it is cannot go on, as one of `DROPPED`; empty if it can."""
        content = draft.content
        checks: tuple[tuple[str, Callable[[], bool]], ...] = (
            ("chatter", lambda: chats(content)),
            ("repeats", lambda: repeats_itself(content)),
            ("length", lambda: not self.lengths.fits(content)),
            ("language", lambda: bool(self.languages) and not may_be_in(content, self.languages)),
            ("copies a seed", lambda: self._copies_shown(draft)),
            ("copies a real text", lambda: self._real.has(content)),
            ("copies a synthetic text", lambda: self._synthetic.has(content)),
        )
        return next((name for name, fails in checks if fails()), "")

    def keep(self, content: str) -> bool:
        """Take a text among those that the next ones may not copy; False if it copies one of them itself."""
        if self._synthetic.has(content):
            return False
        self._synthetic.add(content)
        return True

    def _copies_shown(self, draft: Draft) -> bool:
        # What was cut out of a seed is a copy, too, though most of the seed is not in it.
        shown = self.material.contents([*draft.seeds, *draft.style])
        limit = max(self.similarity, _CONTAINED) if draft.stage == "graft" else self.similarity
        return any(contained(draft.content, other) >= limit for other in shown)


# A graft keeps what it can of its near-miss.
_CONTAINED = 0.8


@dataclass(frozen=True)
class LanguageJudge:
    """Asks a language model what a text is, several times, with the letters in another order each time."""

    engine: Engine
    question: Question
    settings: Judge

    def faults(self, drafts: Sequence[Draft], asker: Asker) -> list[str | None]:
        """Why each text is dropped; empty if all answers agree that it belongs, None if it was not asked."""
        times = range(self.settings.questions)
        calls = [self._call(draft, number) for draft in drafts for number in times]
        answers = asker.answers(calls, "Asking the judge")
        faults: list[str | None] = []
        for place, draft in enumerate(drafts):
            own = answers[place * len(times) : (place + 1) * len(times)]
            faults.append(self._fault(draft, [answer for answer in own if answer is not None]))
        return faults

    def _call(self, draft: Draft, number: int) -> Call:
        return Call(
            about=f"{draft.name}#{number}",
            asker="augment/judge",
            engine=self.engine,
            version=self.question.version,
            request=self.question.request(
                draft.category, draft.content, number=number, temperature=self.settings.temperature
            ),
            status=lambda generation: self._status(generation, number),
        )

    def _status(self, generation: Generation, number: int) -> Status:
        if generation.status is not Status.OK:
            return generation.status
        return Status.OK if self.question.read(generation, number=number) else Status.UNPARSED

    def _fault(self, draft: Draft, answers: Sequence[Answer]) -> str | None:
        if len(answers) < self.settings.questions:
            return None
        opinions = [self._opinion(answer, number) for number, answer in enumerate(answers)]
        draft.verdicts["judge"] = ", ".join(opinion or "unreadable" for opinion in opinions)
        if None in opinions:
            return "judge unreadable"
        if len(set(opinions)) > 1:
            return "judge disagrees"
        return "" if opinions[0] == "belongs" else f"judge: {opinions[0]}"

    def _opinion(self, answer: Answer, number: int) -> Opinion | None:
        return self.question.read(Generation(text=answer.raw, status=answer.status), number=number)


def memberships(
    drafts: Sequence[Draft], membership: Membership, keys: Sequence[str], judge: Judge
) -> list[str]:
    """Why the run's model, or what stands in for it, takes a text for another category's; empty if not."""
    likeness = membership.likeness([draft.content for draft in drafts])
    decided = membership.decides(likeness)
    faults = []
    for draft, scores, on in zip(drafts, likeness, decided, strict=True):
        place = keys.index(draft.category.key)
        draft.verdicts |= {membership.about: round(float(scores[place]), 3)}
        if not on[place]:
            draft.verdicts["instead"] = keys[int(np.argmax(scores))]
        belongs = bool(on[place]) if judge.likeness is None else scores[place] >= judge.likeness
        faults.append("" if belongs else "not of the category")
    return faults
