"""Makes synthetic texts: all that are wanted go through each stage together; those that fail begin again."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from rubricator.augment.asking import Asker, Call
from rubricator.augment.attributes import AttributeGrid
from rubricator.augment.drafts import Draft, Statistics
from rubricator.augment.how_many import Wanted
from rubricator.augment.judge import Checks, LanguageJudge, fault_of, memberships
from rubricator.augment.membership import Membership
from rubricator.augment.seeds import Material, NearMisses, SeedPool, StylePool
from rubricator.augment.writing import Writer, WritingStage
from rubricator.config import Augment
from rubricator.dataset.synthetic import SyntheticText
from rubricator.errors import DataError
from rubricator.llm.engines.engine import Engine, Generation
from rubricator.llm.truncate import head_and_tail
from rubricator.records import Answer, Status, content_hash
from rubricator.stats.arrays import Floats

_STYLE = 4
EXAMINED = 3
"""Real texts of each category, and of others, about which the judge is asked."""
# No attempt has this number, so that real texts are told from drafts in the store.
_REAL = -1


@dataclass(frozen=True)
class Made:
    """What became of a round of augmentation.

    Attributes:
        texts: Those that passed the judge, by category and slot.
        examined: Real texts about whose category the judge was asked, and how many times it was right.
        notes: Categories that could not be begun, each in a sentence.
        failed: Number of questions that the models failed to answer.
        reached: The limit that stopped the run, as written in the config, or an empty string.
    """

    texts: list[SyntheticText]
    examined: tuple[int, int]
    statistics: Statistics
    notes: list[str]
    failed: int
    reached: str


def stages_of(settings: Augment) -> tuple[WritingStage, ...]:
    """The stages that write, in order."""
    if settings.way == "graft":
        return ("graft",)
    more: tuple[tuple[WritingStage, bool], ...] = (
        ("diversify", settings.diversify),
        ("restyle", settings.restyle),
    )
    return ("generate", *(stage for stage, wanted in more if wanted))


@dataclass
class Augmenter:
    """Makes and judges synthetic texts.

    Args:
        engines: By the name of the model in the settings; they write in turn.
        clean: Cleans a text as real ones are.
        seed: Of all that is drawn; with equal settings and texts the same prompts come out, so that a run
            that was stopped finds its answers in the store.
        count: Tokens of a text, where they are to be estimated without a model.
    """

    material: Material
    settings: Augment
    engines: Mapping[str, Engine]
    checks: Checks
    judge: LanguageJudge
    membership: Membership
    clean: Callable[[str], str]
    seed: int
    count: Callable[[str], int] | None = None
    statistics: Statistics = field(default_factory=Statistics)
    failed: int = 0

    def __post_init__(self) -> None:
        self._pools: dict[str, SeedPool] = {}
        self._misses: dict[str, NearMisses] = {}
        self._grids: dict[str, AttributeGrid] = {}
        self._wanted: dict[str, int] = {}
        self._short_texts: dict[tuple[str, int], str] = {}

    def make(self, wanted: Sequence[Wanted], asker: Asker) -> Made:
        """Make the wanted texts, each in at most `attempts`.

        Raises:
            EngineError: A language model is out of reach; what was answered is stored.
            StoreError: The database refused.
        """
        notes = self.prepare(wanted)
        examined = self._examined(asker)
        kept: dict[tuple[str, int], SyntheticText] = {}
        open_slots = [(key, slot) for key, texts in self._wanted.items() for slot in range(texts)]
        for attempt in range(self.settings.attempts):
            drafts = [self.begin(key, slot, attempt) for key, slot in open_slots]
            for number, stage in enumerate(stages_of(self.settings)):
                drafts = self._write(number, stage, drafts, asker)
            kept |= {
                (draft.category.key, draft.slot): self._text(draft) for draft in self._judged(drafts, asker)
            }
            open_slots = [slot for slot in open_slots if slot not in kept]
            if asker.meter.reached or not open_slots:
                break
        reached = asker.meter.reached if open_slots else ""
        texts = [kept[slot] for slot in sorted(kept)]
        return Made(texts, examined, self.statistics, notes, self.failed, reached)

    def prepare(self, wanted: Sequence[Wanted]) -> list[str]:
        """Find seeds and attributes of the categories; say of which this cannot be done."""
        notes = []
        for one in wanted:
            try:
                self._pools[one.key] = SeedPool(self.material, one.key)
                if self.settings.way == "graft":
                    self._misses[one.key] = NearMisses(
                        *(self.material, self._pools[one.key], one.key, self._likeness), wanted=one.texts
                    )
            except DataError as error:
                notes.append(f"{one.key}: {error.problem}")
                continue
            self._wanted[one.key] = one.texts
            self._grids[one.key] = self._grid(one.key)
        return notes

    def _examined(self, asker: Asker) -> tuple[int, int]:
        """Ask the judge about real texts: of what they are, and of what they are not."""
        rng = random.Random(content_hash("examination:1", str(self.seed)))
        drafts, truth = [], []
        for key in self._wanted:
            own = self._pools[key].rows
            place = self.material.taxonomy.keys.index(key)
            others = np.flatnonzero(self.material.labelled & ~self.material.belongs[:, place]).tolist()
            for rows, belongs in ((own, True), (others, False)):
                for row in rng.sample(rows, k=min(EXAMINED, len(rows))):
                    draft = self.begin(key, row, _REAL)
                    draft.content = self._short(row, self.judge.engine)
                    drafts.append(draft)
                    truth.append(belongs)
        faults = self.judge.faults(drafts, asker)
        right = sum((fault == "") is belongs for fault, belongs in zip(faults, truth, strict=True))
        return (len(drafts), right) if None not in faults else (0, 0)

    def begin(self, key: str, slot: int, attempt: int) -> Draft:
        """Draw what one text is made from and shall be like."""
        rng = random.Random(content_hash("draft:1", str(self.seed), key, str(slot), str(attempt)))
        attributes, varied = self._grids[key].draw(rng), self._grids[key].draw(rng)
        category = next(one for one in self.material.taxonomy.categories if one.key == key)
        content = ""
        if self.settings.way == "graft":
            miss, shown = self._misses[key].draw(self.settings.seeds, rng)
            seeds, content = [miss, *shown], self.material.texts[miss].content
        else:
            seeds = self._pools[key].draw(self.settings.seeds, rng)
        restyles = "restyle" in stages_of(self.settings)
        style = self._style.draw(seeds, attributes.source, _STYLE, rng) if restyles else []
        return Draft(category, slot, attempt, tuple(seeds), tuple(style), attributes, varied, content)

    def call(self, number: int, stage: WritingStage, draft: Draft) -> Call:
        """The question that has a draft written, in its `number`-th stage."""
        models = self.settings.models
        model = models[(draft.slot + draft.attempt + number) % len(models)]
        writer, engine = self._writers[stage], self.engines[model.name]
        shown = {"generate": draft.seeds, "diversify": (), "restyle": draft.style, "graft": draft.seeds[1:]}
        return Call(
            about=draft.name,
            asker=f"augment/{model.name}/{stage}",
            engine=engine,
            version=writer.version,
            request=writer.request(
                draft.category,
                seeds=[self._short(row, engine) for row in shown[stage]],
                text=self._shortened(draft.content, engine),
                attributes=draft.varied if stage == "diversify" else draft.attributes,
                temperature=model.temperature,
                most_tokens=self.settings.max_text_tokens,
            ),
            status=lambda generation: writer.read(generation).status,
        )

    def _write(self, number: int, stage: WritingStage, drafts: Sequence[Draft], asker: Asker) -> list[Draft]:
        calls = [self.call(number, stage, draft) for draft in drafts]
        answers = asker.answers(calls, f"Writing texts: {stage}")
        going = []
        for draft, call, answer in zip(drafts, calls, answers, strict=True):
            if answer is None:
                continue
            draft.stage, draft.prompt = stage, self._writers[stage].prompt
            draft.asked = (*draft.asked, call.asker.split("/")[1])
            fault = self._fault(draft, stage, answer)
            self.statistics.count(draft, stage, fault)
            self.failed += answer.status is Status.FAILED
            if not fault:
                going.append(draft)
        return going

    def _fault(self, draft: Draft, stage: WritingStage, answer: Answer) -> str:
        """What is wrong with an answer or its text, which becomes that of the draft."""
        if answer.status is not Status.OK:
            return fault_of(answer.status)
        written = self._writers[stage].read(Generation(text=answer.raw))
        draft.content = self.clean(written.content)
        return fault_of(written.status) or self.checks.fault(draft)

    def _judged(self, drafts: Sequence[Draft], asker: Asker) -> list[Draft]:
        """Those that the models, of the run and of language, find of their category; no two near-copies."""
        keys = self.material.taxonomy.keys
        foreign = memberships(drafts, self.membership, keys, self.settings.judge)
        near = []
        for draft, fault in zip(drafts, foreign, strict=True):
            if fault:
                self.statistics.count(draft, "judge", fault)
            else:
                near.append(draft)
        kept = []
        for draft, asked in zip(near, self.judge.faults(near, asker), strict=True):
            if asked is None:
                continue
            fault = asked or ("" if self.checks.keep(draft.content) else "copies a synthetic text")
            self.statistics.count(draft, "judge", fault)
            if not fault:
                kept.append(draft)
        return kept

    def _text(self, draft: Draft) -> SyntheticText:
        parents = tuple(dict.fromkeys([*draft.seeds, *draft.style]))
        return SyntheticText(
            id=f"synthetic-{content_hash('synthetic:1', draft.name, draft.content)[:16]}",
            content=draft.content,
            categories=(draft.category.key,),
            parents=tuple(self.material.texts[row].id for row in parents),
            groups=self.material.groups_of(parents),
            making="llm",
            stage=draft.stage,
            source=draft.attributes.source,
            prompt=draft.prompt,
            model=", ".join(dict.fromkeys(draft.asked)),
            verdicts=draft.verdicts,
        )

    def _grid(self, key: str) -> AttributeGrid:
        place = self.material.taxonomy.keys.index(key)
        rows = self._pools[key].rows
        texts = self.material.texts
        rest = self.material.train & ~self.material.belongs[:, place]
        others = [text for text, other in zip(texts, rest, strict=True) if other]
        return AttributeGrid([texts[row] for row in rows], others, language=self.settings.language)

    def _short(self, row: int, engine: Engine) -> str:
        return self._shortened(self.material.texts[row].content, engine)

    def _shortened(self, content: str, engine: Engine) -> str:
        key = (content, id(engine))
        if key not in self._short_texts:
            count = self.count or engine.count
            self._short_texts[key] = head_and_tail(content, self.settings.max_text_tokens, count)
        return self._short_texts[key]

    @cached_property
    def _writers(self) -> dict[WritingStage, Writer]:
        return {stage: Writer(stage, self.settings.language) for stage in stages_of(self.settings)}

    @cached_property
    def _style(self) -> StylePool:
        return StylePool(self.material)

    @cached_property
    def _likeness(self) -> Floats:
        """Of the texts in train; -1 elsewhere, which is never looked at."""
        rows = np.flatnonzero(self.material.train)
        likeness = np.full(self.material.belongs.shape, -1.0)
        likeness[rows] = self.membership.likeness(self.material.contents(rows.tolist()))
        return likeness
