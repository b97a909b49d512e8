"""An exploration in the terminal: the figures of the page, without its examples."""

from __future__ import annotations

from rich.markup import escape

from rubricator.cli.console import figure_table, out
from rubricator.explore.categories import Categories
from rubricator.explore.profile import Profile
from rubricator.pages.formatting import NONE, excerpt, percent, plural
from rubricator.pipeline.explore import Exploration

_SOURCES, _LINES, _PAIRS, _WORDS = 8, 8, 8, 8


def show_exploration(found: Exploration) -> None:
    """Print what the texts are like, and last, where it is seen, what will hurt a model."""
    profile = found.profile
    out.print()
    for line in _texts(profile):
        out.print(escape(line))
    _show_sources(profile)
    _show_boilerplate(profile)
    if profile.categories is not None:
        _show_categories(profile.categories)
        _show_marks(profile)
        _show_pairs(profile)
    _show_themes(profile)
    for note in profile.notes:
        out.print(f"[yellow]![/] {escape(note)}")
    out.print("\n[bold]What will hurt a model, the worst first[/]")
    for number, one in enumerate(found.cautions, start=1):
        out.print(f"{number:>2}. [bold]{escape(one.problem)}[/] {escape(one.harm)} {escape(one.advice)}")
        for command in one.commands:
            out.print(f"      {escape(command)}")
    if not found.cautions:
        out.print("    Nothing was found that would.")


def _texts(profile: Profile) -> list[str]:
    lengths, copies, written = profile.lengths, profile.duplicates, profile.spelling
    characters, tokens = lengths.characters, lengths.tokens
    rows = f"{plural(profile.texts, 'text')} of {plural(profile.rows, 'row')}, {profile.distinct:,} different"
    doubled = f"{plural(copies.copies, 'copy', 'copies')} in {plural(copies.groups, 'group')}"
    shown = f"middle {characters[50]:,}, 95 of 100 up to {characters[95]:,}, longest {characters[100]:,}"
    lines = [f"{rows}; {doubled}, {copies.exact:,} word for word", f"Characters: {shown}"]
    if lengths.tokens:
        lines.append(
            f"Tokens: middle {tokens[50]:,}, longest {tokens[100]:,}; {lengths.cut_off:,} texts are longer "
            f"than the {lengths.max_tokens} that are read"
        )
    if profile.languages is not None:
        counts = ", ".join(f"{name} {count:,}" for name, count in profile.languages.counts.items())
        told = f"Languages of {profile.languages.looked_at:,}: {counts or 'none can be told'}"
        lines.append(told + (f"; unclear {profile.languages.unclear:,}" if profile.languages.unclear else ""))
    if profile.period:
        lines.append(f"Time: {profile.period[0]} to {profile.period[1]}")
    if profile.missing:
        lines.append("Missing: " + ", ".join(f"{one.field} in {one.texts:,}" for one in profile.missing))
    changed = f"Cleaning changed {profile.cleaning.changed:,} texts by more than spaces"
    marks = f"; {written.mixed.texts:,} texts mix alphabets in a word, {written.rare_texts:,} hold rare signs"
    lines.append(changed + marks + f"; {plural(written.typo_count, 'probable slip')}")
    return lines


def _show_sources(profile: Profile) -> None:
    if profile.sources:
        table = figure_table(f"source (of {profile.source_count:,})", "texts", "labelled", "characters")
        for one in profile.sources[:_SOURCES]:
            name = escape(excerpt(one.name, 40))
            table.add_row(name, f"{one.texts:,}", f"{one.labelled:,}", f"{one.characters:,}")
        out.print(table)


def _show_boilerplate(profile: Profile) -> None:
    if profile.boilerplate:
        taken = "taken out" if profile.boilerplate_taken else "repeated by a source"
        table = figure_table(f"{taken} ({len(profile.boilerplate):,})", "texts", "share")
        for one in profile.boilerplate[:_LINES]:
            words = f"{escape(excerpt(one.example, 50))} [dim]{escape(excerpt(one.source, 24))}[/]"
            table.add_row(words, f"{one.texts:,}", percent(one.share))
        out.print(table)


def _show_categories(labels: Categories) -> None:
    table = figure_table("category", "by people", "by teachers", "share")
    count = max(labels.people + labels.teachers, 1)
    for one in sorted(labels.counts, key=lambda one: -one.all):
        table.add_row(escape(one.key), f"{one.people:,}", f"{one.teachers:,}", percent(one.all / count))
    if any(labels.bare):
        people, teachers = labels.bare
        share = percent((people + teachers) / count)
        table.add_row("[dim]no category[/]", f"{people:,}", f"{teachers:,}", share)
    out.print(table)


def _show_marks(profile: Profile) -> None:
    for key, words in profile.marks.items():
        if words:
            out.print(f"[bold]{escape(key)}[/]: {escape(', '.join(one.word for one in words[:_WORDS]))}")


def _show_themes(profile: Profile) -> None:
    if profile.themes:
        table = figure_table("theme", "texts", "share")
        for one in profile.themes:
            table.add_row(escape(excerpt(one.title, 60)), f"{one.texts:,}", percent(one.share))
        out.print(table)


def _show_pairs(profile: Profile) -> None:
    if profile.close:
        table = figure_table("pair of categories", "confusion", "overlap")
        for pair in profile.close[:_PAIRS]:
            shares = [NONE if share is None else percent(share) for share in (pair.confusion, pair.overlap)]
            mark = "[yellow]![/] " if pair.close >= 1 else ""
            table.add_row(f"{mark}{escape(pair.one)} / {escape(pair.other)}", *shares)
        out.print(table)
