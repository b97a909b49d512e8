"""What will hurt a model, the worst first, each with what to do and the command that helps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from rubricator.explore.categories import Categories, source_dependence
from rubricator.explore.closeness import CONFUSED, OVERLAPPING
from rubricator.explore.known import Known
from rubricator.explore.profile import Profile
from rubricator.explore.rare import FEW
from rubricator.explore.themes import FEWEST_TEXTS
from rubricator.pages.formatting import percent, plural, series

_FEW_TEXTS = 200
_NOT_WORTH = 0.01  # share of texts below which nothing is said
_LISTED = 4
_GROUPS_WERE = ("group of duplicates was", "groups of duplicates were")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """One thing that will hurt.

    Attributes:
        weight: Between 0 and 1, how much it will hurt: what share it touches, times how badly.
        problem: What was seen, with its figures.
        harm: What it does to a model or to its measurement.
        advice: What to do.
        commands: Command lines that help, ready to be run.
    """

    weight: float
    problem: str
    harm: str
    advice: str
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Caller:
    """How commands are called on these texts.

    Attributes:
        options: What every command must be given to mean this project and these settings.
        file: Whether these are arguments of `explore` about a mere file: other commands need settings.
    """

    options: str
    file: bool = False

    def command(self, name: str, *more: str) -> str:
        """A command line about these texts; for a mere file, the one that begins a project where need be."""
        if self.file and name != "explore":
            return "rubricator init mine"
        return " ".join(["rubricator", name, self.options, *more])

    def setting(self, name: str, *settings: str) -> str:
        """The same with settings changed."""
        more = [part for setting in settings for part in ("--set", setting)]
        return self.command("explore" if self.file else name, *more)


def cautions(profile: Profile, known: Known, caller: Caller) -> list[Caution]:
    """All that is worth saying about these texts, the worst first."""
    found = [
        *_of_texts(profile, caller),
        *_of_lengths(profile, known, caller),
        *_of_boilerplate(profile, caller),
        *_of_duplicates(profile, caller),
        *_of_fields(profile, caller),
        *_of_writing(profile, caller),
    ]
    if profile.categories is not None:
        found += [
            *_of_labels(profile.categories, caller, unlabelled=profile.texts - profile.categories.people),
            *_of_closeness(profile, caller),
        ]
        found += _of_sources(known, caller)
    else:
        found += _of_no_categories(caller, texts=profile.texts)
    return sorted(found, key=lambda one: -one.weight)


def _of_texts(profile: Profile, caller: Caller) -> Iterator[Caution]:
    if profile.distinct == 1 and profile.texts > 1:
        yield Caution(
            weight=1.0,
            problem=f"All {profile.texts:,} texts say the same.",
            harm="There is nothing to learn from one text.",
            advice="Look whether the right column was read.",
            commands=(caller.command("explore"),),
        )
    elif profile.distinct < _FEW_TEXTS:
        yield Caution(
            weight=0.9 * (1 - profile.distinct / _FEW_TEXTS),
            problem=f"There are only {plural(profile.distinct, 'different text')}.",
            harm="Whatever is measured on so few has intervals as wide as what it measures.",
            advice="Gather more texts; they need no labels.",
            commands=(caller.command("explore"),),
        )
    lost = sum(profile.rejected.values())
    if lost > _NOT_WORTH * profile.rows:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in profile.rejected.items())
        yield Caution(
            weight=0.6 * lost / profile.rows,
            problem=f"{lost:,} of {profile.rows:,} rows could not be used: {reasons}.",
            harm="If they are of one kind, the model never sees that kind.",
            advice="Read rejected.csv in the folder of the run: every row stands there with its reason.",
            commands=(caller.command("read"),),
        )
    if profile.languages is not None and len(profile.languages.counts) > 1:
        yield from _of_languages(profile, caller)


def _of_languages(profile: Profile, caller: Caller) -> Iterator[Caution]:
    assert profile.languages is not None
    (first, _), *others = profile.languages.counts.items()
    told = sum(profile.languages.counts.values())
    small = {name: count for name, count in others if count >= 2 * _NOT_WORTH * told}
    if small:
        named = series([f"{name} ({percent(count / told)})" for name, count in list(small.items())[:_LISTED]])
        yield Caution(
            weight=0.25 * sum(small.values()) / told,
            problem=f"Besides {first} there are texts in {named}.",
            harm="Word-based models and keywords learn each language by itself, from its own few labels.",
            advice="Have texts of every language among the labelled ones, and an encoder for all.",
            commands=(caller.setting("train", "train.models=[heads]"),),
        )


def _of_lengths(profile: Profile, known: Known, caller: Caller) -> Iterator[Caution]:
    lengths = profile.lengths
    share = lengths.cut_off / max(profile.texts, 1)
    if share > _NOT_WORTH:
        longer = min(2 * lengths.max_tokens, known.positions)
        can = longer > lengths.max_tokens
        yield Caution(
            weight=0.5 * share * min(1.0, 3 * lengths.unread),
            problem=f"{lengths.cut_off:,} texts ({percent(share)}) are longer than the {lengths.max_tokens} "
            f"tokens that the encoder reads; {percent(lengths.unread)} of all that is written goes unread.",
            harm="What only the end of a text tells is lost; news say it first, other texts may not.",
            advice=f"Let it read {longer} tokens and compare; encoding takes as much longer."
            if can
            else "The encoder can read no more; put what matters first, or choose another one.",
            commands=(caller.setting("train", f"encode.max_tokens={longer}"),) if can else (),
        )
    short = sum(len(text.content.split()) < 3 for text in known.texts)
    if short > _NOT_WORTH * profile.texts:
        yield Caution(
            weight=0.4 * short / profile.texts,
            problem=f"{plural(short, 'text has', 'texts have')} fewer than three words.",
            harm="Often nobody could tell what they are about, and a forced label teaches noise.",
            advice="Have a category for them (`none:` in the taxonomy), or let a person look at a few.",
            commands=(caller.command("review", "--count", "20", "--order", "random"),),
        )


def _of_boilerplate(profile: Profile, caller: Caller) -> Iterator[Caution]:
    if profile.boilerplate_taken:
        return
    by_source: dict[str, list[str]] = defaultdict(list)
    hit: dict[str, int] = {}
    for one in profile.boilerplate:
        if one.removable:
            by_source[one.source].append(one.example)
            hit[one.source] = max(hit.get(one.source, 0), one.texts)
    if by_source:
        touched = sum(hit.values())
        worst = sorted(hit, key=lambda source: -hit[source])[:_LISTED]
        named = "; ".join(f"{source or 'the texts'}: “{by_source[source][0][:60]}”" for source in worst)
        yield Caution(
            weight=0.6 * touched / profile.texts,
            problem=f"{plural(len(by_source), 'source repeats', 'sources repeat')} lines in text after text, "
            f"in at least {touched:,} texts ({named}).",
            harm="A model learns the source by them instead of the topic; texts look more alike.",
            advice="Take them out while cleaning; the run then shows what it took.",
            commands=(caller.setting("read", "clean.boilerplate=true"),),
        )


def _of_duplicates(profile: Profile, caller: Caller) -> Iterator[Caution]:
    copies = profile.duplicates
    extra = profile.texts - profile.distinct
    if copies.contradictory_count:
        yield Caution(
            weight=0.5 + min(0.4, copies.contradictory_count / max(copies.groups, 1)),
            problem=f"{plural(copies.contradictory_count, *_GROUPS_WERE)} labelled differently by people.",
            harm="One of each pair is wrong: it teaches the wrong thing, and caps every figure.",
            advice="Decide which label is right: the page shows them, and audit lists them.",
            commands=(caller.command("audit"),),
        )
    if copies.crossing:
        yield Caution(
            weight=0.5,
            problem=f"{plural(copies.crossing, *_GROUPS_WERE)} put into different parts by the input.",
            harm="A model that has seen a test text looks better than it is.",
            advice="See what the split does with them: texts with a twin in test leave train.",
            commands=(caller.command("split"),),
        )
    if extra > 0.05 * profile.texts and profile.distinct > 1:
        yield Caution(
            weight=0.3 * extra / profile.texts,
            problem=f"{extra:,} of {profile.texts:,} texts are copies, exact or near, of others.",
            harm="They weigh as much as they are many. No copy crosses the split, so figures stay honest.",
            advice="Look at the largest groups; if different texts were linked, raise the threshold.",
            commands=(caller.setting("read", "duplicates.threshold=0.7"),),
        )


def _of_fields(profile: Profile, caller: Caller) -> Iterator[Caution]:
    for one in profile.missing:
        share = one.texts / profile.texts
        if one.field == "time" and share > _NOT_WORTH:
            yield Caution(
                weight=0.15 * share,
                problem=f"{one.texts:,} texts ({percent(share)}) have no time that could be read.",
                harm="They cannot be put in order: a split by time trains on them, however new they are.",
                advice="Look at the column; or split at random.",
                commands=(caller.setting("split", "split.by=random"),),
            )
        elif one.field == "source" and share > _NOT_WORTH:
            yield Caution(
                weight=0.1 * share,
                problem=f"{one.texts:,} texts ({percent(share)}) have no source.",
                harm="Whether a figure holds for sources never seen cannot be told for them.",
                advice="Fill the column in where it is known.",
            )
        elif one.field not in ("title", "body") and share > 0.3:
            yield Caution(
                weight=0.1 * share,
                problem=f"The column {one.field} is empty in {percent(share)} of texts.",
                harm="A model of text and columns learns little from it; being empty may tell the label.",
                advice="Leave it out of `data.columns.features` and compare.",
            )
    if profile.time_line and profile.time_line.strange:
        yield Caution(
            weight=0.2 * profile.time_line.strange / profile.texts,
            problem=f"{plural(profile.time_line.strange, 'text has', 'texts have')} a time in the future or "
            "before there were web pages.",
            harm="In a split by time they come out at the wrong end.",
            advice="Correct the column of times.",
        )


def _of_writing(profile: Profile, caller: Caller) -> Iterator[Caution]:
    written = profile.spelling
    kinds = (
        (
            written.mixed,
            "words of both Latin and Cyrillic letters",
            "A word written so is another word to a model.",
        ),
        (written.broken, "remains of a wrong encoding", "What was lost cannot be read by anybody."),
    )
    for places, what, harm in kinds:
        share = places.texts / max(written.looked_at, 1)
        if share > _NOT_WORTH:
            examples = ", ".join(places.examples[:_LISTED])
            yield Caution(
                weight=0.3 * share,
                problem=f"{percent(share)} of texts hold {what} ({examples}).",
                harm=harm,
                advice="If they are no names, mend them where the texts come from, or name the encoding.",
                commands=(caller.setting("read", "data.encoding=utf-8"),) if places is written.broken else (),
            )


def _of_no_categories(caller: Caller, *, texts: int) -> Iterator[Caution]:
    enough = texts >= FEWEST_TEXTS
    yield Caution(
        weight=0.7,
        problem="There are no categories yet.",
        harm="Nothing can be labelled.",
        advice="Begin with the themes that the texts fall into; then name and describe the ones you need."
        if enough
        else f"Write a list of categories: themes can be told from {FEWEST_TEXTS} texts on.",
        commands=(caller.command("explore", "--suggest-taxonomy", "taxonomy-draft.yaml"),) if enough else (),
    )


def _of_labels(labels: Categories, caller: Caller, *, unlabelled: int) -> Iterator[Caution]:
    review = caller.command("review", "--count", "100", "--order", "random")
    if not labels.people:
        yield Caution(
            weight=0.8,
            problem="No text is labelled by a person.",
            harm="Nothing tells whether labels are right, and no figure of any model can be believed.",
            advice="Label a hundred texts drawn at random: an evening's work that measures all that follows.",
            commands=(review,),
        )
        return
    counts = labels.counts
    more = (caller.command("review", "--count", "50"),) if unlabelled else ()
    none = [one.title for one in counts if not one.people]
    few = [f"{one.title} ({one.people})" for one in counts if 0 < one.people < FEW]
    if none:
        yield Caution(
            weight=0.45 + 0.5 * len(none) / len(counts),
            problem=f"No person gave {_some(none)} to any text.",
            harm="What nobody has labelled is not measured, and learned only from teachers.",
            advice="Label some of the texts nearest to it, which the page lists; or drop the category."
            if unlabelled
            else "Gather texts of it, or drop the category.",
            commands=more,
        )
    if few:
        yield Caution(
            weight=0.25 + 0.4 * len(few) / len(counts),
            problem=f"{plural(len(few), 'category has', 'categories have')} fewer than {FEW} labels by "
            f"people: {_some(few)}.",
            harm="F1 has an interval of ±0.15 or more there, and the threshold is a guess.",
            advice="Label twenty of the texts nearest to it, which the page lists: real texts teach more "
            "than made ones."
            if unlabelled
            else "All texts are labelled: gather more of it, or merge it with another.",
            commands=more,
        )
    if labels.imbalance and labels.imbalance >= 20:
        largest, smallest = (
            max(counts, key=lambda o: o.all),
            min((o for o in counts if o.all), key=lambda o: o.all),
        )
        yield Caution(
            weight=min(0.5, 0.15 + labels.imbalance / 1000),
            problem=f"{largest.title} has {labels.imbalance:,.0f} times as many texts as {smallest.title}.",
            harm="Accuracy then says nothing of the small ones, and models give them up first.",
            advice="Choose models by macro-F1, in which every category counts the same.",
            commands=(caller.setting("train", "train.metric=macro_f1"),),
        )
    bare = [one.title for one in counts if not one.described]
    if bare:
        yield Caution(
            weight=0.1 + 0.3 * len(bare) / len(counts),
            problem=f"Neither description nor keywords: {_some(bare)}.",
            harm="Teachers that go by descriptions cannot give it, and two people will not mean the same.",
            advice="Write a line on what belongs there, in the words of the texts, and a list with commas.",
            commands=(caller.command("label", "--report"),),
        )


def _of_closeness(profile: Profile, caller: Caller) -> Iterator[Caution]:
    assert profile.categories is not None
    titles = {one.key: one.title for one in profile.categories.counts}
    close = [pair for pair in profile.close if pair.close >= 1]
    if close:
        first = close[0]
        figures = [
            f"{percent(figure)} {what}"
            for figure, limit, what in (
                (first.confusion, CONFUSED, "of opinions differ between them"),
                (first.overlap, OVERLAPPING, "of the texts most like one are the other’s"),
            )
            if figure is not None and figure >= limit
        ]
        names = [f"{titles[pair.one]} / {titles[pair.other]}" for pair in close]
        yield Caution(
            weight=min(0.7, 0.25 + 0.1 * len(close) * min(first.close, 3) / 3),
            problem=f"{plural(len(close), 'pair')} of categories can hardly be told apart: {_some(names)} "
            f"(of the first, {' and '.join(figures)}).",
            harm="Labels flip between the two, and no model can be better than its labels."
            if first.confusion is not None and first.confusion >= CONFUSED
            else "A model that reads by such vectors takes the one for the other.",
            advice=first.suggestion,
            commands=(caller.command("label", "--report"),),
        )


def _of_sources(known: Known, caller: Caller) -> Iterator[Caution]:
    dependent = source_dependence(known)
    if dependent:
        titles = known.titles
        named = "; ".join(
            f"{titles[key]}: {percent(share)} from {source}, which holds {percent(base)} of labels"
            for key, source, share, base in dependent[:_LISTED]
        )
        yield Caution(
            weight=0.2 + 0.3 * len(dependent) / len(titles),
            problem=f"Labels go by the source ({named}).",
            harm="A model can learn the source's manner instead of the topic; the usual split hides it.",
            advice="Measure on sources that it never saw.",
            commands=(caller.setting("run", "split.group_by=source", "split.by=random"),),
        )


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_LISTED])
    return f"{shown} and {len(names) - _LISTED} more" if len(names) > _LISTED else shown
