"""Augment: language models write texts for rare categories, and a judge keeps those that belong.

What passes the judge are candidates; whether they train is decided in training, by whether they pay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import numpy as np

from rubricator.augment.asking import Asker
from rubricator.augment.attributes import LengthRange
from rubricator.augment.drafts import DROPPED
from rubricator.augment.how_many import Wanted, wanted_texts
from rubricator.augment.judge import Checks, LanguageJudge
from rubricator.augment.plan import AugmentPlan, estimated_tokens, plan_augmentation
from rubricator.augment.question import Question
from rubricator.augment.runner import Augmenter, Made
from rubricator.config import Augment, Config
from rubricator.dataset import files
from rubricator.dataset.labels import read_labels
from rubricator.dataset.synthetic import CANDIDATES, write_synthetic
from rubricator.encode.languages import language_shares
from rubricator.errors import ConfigError, DataError
from rubricator.ingest.clean import Cleaner
from rubricator.llm.limits import Limits, Meter
from rubricator.pipeline.augment_material import LEAST_SHARE, material_of, membership_of
from rubricator.pipeline.label import open_store
from rubricator.pipeline.stage import Run, Stage
from rubricator.records import Text
from rubricator.review.reviews import read_reviews
from rubricator.taxonomy import Taxonomy

STATISTICS = "stages/augment.json"
"""What every stage made, kept and dropped, and how far the run came."""
# Half of the real texts it is asked about belong: so many are right by saying always the same.
_BLIND = 0.6


@contextmanager
def _augmenter(run: Run, settings: Augment, *, asks: bool) -> Iterator[tuple[Augmenter, list[Wanted]]]:
    """All that makes and judges texts, and how many are wanted; without `asks` no model is started."""
    from rubricator.llm.engines.opened import OpenedEngines  # httpx, which other stages need not wait for

    dataset = files.read_dataset(run.folder)
    label_set = read_labels(run.folder, dataset, run.taxonomy)
    _check_categories(settings, run.taxonomy)
    with open_store(run) as store:
        reviews = read_reviews(store, dataset.texts, run.taxonomy)
    material = material_of(dataset, label_set, run.taxonomy, run.config, reviews)
    contents = material.contents(np.flatnonzero(material.train).tolist())
    if not contents:
        raise DataError("No text is left in train to start from.", fix="Add texts, or lower `split.test`.")
    shares = language_shares(contents)
    languages = {name for name, share in shares.items() if share >= LEAST_SHARE}
    cleaner = Cleaner(run.config.clean)
    wanted = wanted_texts(material.real(), settings, disputed=material.disputes())
    with closing(OpenedEngines(run.config.folder)) as opened:
        engines = {model.name: opened.of(model.engine) for model in settings.models}
        judge = engines[settings.judge.model or settings.models[0].name]
        yield (
            Augmenter(
                material,
                settings,
                engines,
                Checks(
                    material,
                    {settings.texts_in} if settings.texts_in else languages,
                    LengthRange.of(contents, beyond=settings.judge.length),
                    min(settings.judge.similarity, run.config.duplicates.threshold),
                ),
                LanguageJudge(judge, Question(settings.language), settings.judge),
                membership_of(run, material),
                lambda content: cleaner.content(Text(id="synthetic", body=content)),
                run.config.seed,
                None if asks else estimated_tokens,
            ),
            wanted,
        )


def _check_categories(settings: Augment, taxonomy: Taxonomy) -> None:
    strange = [key for key in settings.categories if key not in taxonomy.keys]
    if strange:
        raise ConfigError(
            f"`augment.categories` names '{strange[0]}', and there is no such category.",
            fix=f"The categories are {', '.join(taxonomy.keys)}.",
        )


def plan(run: Run) -> AugmentPlan:
    """Work out what augmentation would take, without asking; the run's texts are labelled.

    Raises:
        ConfigError: There is no section `augment`, or it does not fit the texts.
    """
    settings = settings_of(run.config)
    if not settings.models:
        raise ConfigError(
            "No language model is named in `augment.models`: there is nothing to plan.",
            fix="Name one as in docs/augmenting.md.",
        )
    with _augmenter(run, settings, asks=False) as (augmenter, wanted):
        return plan_augmentation(augmenter, wanted, settings)


def settings_of(config: Config) -> Augment:
    """The section `augment`.

    Raises:
        ConfigError: There is none.
    """
    if config.augment is None:
        raise ConfigError(
            "There is no section `augment` in rubricator.yaml: nothing says which language model writes.",
            fix="Add for example\naugment:\n  models:\n    - engine: {kind: openai, url: "
            "http://localhost:8000/v1, model: NAME}",
        )
    return config.augment


def _work(run: Run) -> list[str]:
    settings = settings_of(run.config)
    if not settings.models:
        write_synthetic(run.file(CANDIDATES), [])
        files.write_json(run.file(STATISTICS), {"wanted": [], "stages": [], "failed": 0, "reached": ""})
        return ["no language model is named in `augment.models`: none writes synthetic texts"]
    with _augmenter(run, settings, asks=True) as (augmenter, wanted), open_store(run) as store:
        meter = Meter(Limits(settings.max_cost, settings.max_minutes))
        asker = Asker(store, meter, run.again, run.progress)
        made = augmenter.make([one for one in wanted if one.texts], asker)
        cost = meter.cost
    write_synthetic(run.file(CANDIDATES), made.texts)
    report = {
        "wanted": [
            {"category": one.key, "real": one.real, "texts": one.texts, "why": one.reason} for one in wanted
        ],
        "stages": made.statistics.rows(),
        "failed": made.failed,
        "reached": made.reached,
        "judge": {"real_texts": made.examined[0], "right": made.examined[1]},
        "membership": augmenter.membership.about,
        "cost": cost,
    }
    files.write_json(run.file(STATISTICS), report)
    return list(_lines(made, wanted))


def _lines(made: Made, wanted: Sequence[Wanted]) -> Iterator[str]:
    some = [one for one in wanted if one.texts]
    kept = Counter(text.categories[0] for text in made.texts)
    counts = ", ".join(f"{kept[one.key]:,} of {one.texts:,} {one.key}" for one in some)
    yield f"{len(made.texts):,} synthetic texts passed the judge" + (f": {counts}" if some else "")
    yield from (f"none for {one.key}: {one.reason}" for one in wanted if not one.texts)
    yield from (f"! none for {note}" for note in made.notes)
    for one in some:
        reasons = made.statistics.reasons(one.key)
        if reasons and not kept[one.key] and not made.reached:
            worst, count = reasons.most_common(1)[0]
            yield (
                f"! all {reasons.total():,} texts for {one.key} were dropped, most often because: "
                f"{DROPPED[worst]} ({count:,}). Take a stronger model, or sharpen the category's description"
            )
    asked, right = made.examined
    if asked:
        caution = "! " if right <= asked * _BLIND else ""
        yield (
            f"{caution}the judge was right about {right} of {asked} real texts"
            + (": what it lets through stands on the other checks alone" if caution else "")
        )
    if made.reached:
        yield f"stopped at augment.{made.reached}. Run again to go on"
    if made.failed:
        yield f"{made.failed:,} questions failed; they are asked again on the next run"


def _settled(run: Run) -> bool:
    state = files.read_json(run.file(STATISTICS))
    return not state["reached"] and not state["failed"]


def _depends(run: Run) -> dict[str, str]:
    return {
        "config": run.config.model_dump_json(
            include={"augment": True, "seed": True, "clean": True, "duplicates": True},
            exclude={"augment": {"cheap", "pays"}},
        ),
        "folds": str(run.config.split.folds),
        "encode": run.config.encode.first.model_dump_json(),
        "taxonomy": run.taxonomy.version,
    }


STAGE = Stage(
    name="augment",
    about="Language models write texts for rare categories, and a judge keeps those that belong.",
    depends=_depends,
    after=("read", "split", "label"),
    writes=(CANDIDATES, STATISTICS),
    work=_work,
    settled=_settled,
    wanted=lambda run: run.config.augment is not None,
)
