"""`rubricator review`: a person corrects labels, key by key, or in a file."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from rubricator.cli.console import out
from rubricator.cli.keys import CONFIRM, keyboard
from rubricator.cli.run import ConfigFile, OutFolder, Overrides, go
from rubricator.errors import DataError
from rubricator.pipeline.review import ReviewSession
from rubricator.review.estimates import told
from rubricator.review.files import Question
from rubricator.taxonomy import Taxonomy

SKIP, UNDO, QUIT = "s", "u", "q"
_KEYS = "123456789abcdefghijklmnoprtvwxyz"
_CHARACTERS = 3000


class _Order(StrEnum):
    GAIN = "gain"
    RANDOM = "random"


def register(app: typer.Typer) -> None:
    """Add `review`."""
    app.command("review", rich_help_panel="One stage")(_review)


def _review(
    config: ConfigFile = Path("rubricator.yaml"),
    overrides: Overrides = None,
    out_folder: OutFolder = None,
    count: Annotated[int, typer.Option(min=1, help="How many texts.")] = 20,
    by: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who reviews; by default your login name.")
    ] = None,
    order: Annotated[
        _Order, typer.Option(help="Most promising texts with a random fifth, or all at random.")
    ] = _Order.GAIN,
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the texts to a file instead: a table, or .json for Label Studio."
        ),
    ] = None,
    import_: Annotated[
        Path | None, typer.Option("--import", metavar="FILE", help="Take answers from such a file.")
    ] = None,
    status: Annotated[bool, typer.Option("--status", help="Only tell how things stand.")] = False,
) -> None:
    """Correct labels where it helps most: a person's answer outranks every teacher.

    Shows one text at a time with its label. Enter or space confirms it; a digit or letter gives another
    category (where texts may have several, keys switch categories on and off, and Enter takes them).
    `s` skips, `u` takes the last answer back, `q` ends. Every answer is stored at once: stop whenever you
    like. After each batch you are told how many labels changed, how wrong the others are likely to be, and
    whether it pays to go on. `rubricator run` then trains on what you said.

    In a file, fill in the column `labels`: keys or names of categories joined by commas, `-` for none of
    them; rows left empty are not reviewed. With `.json` go a file for Label Studio and the labelling
    interface for its project (`.xml`).

    Example: `rubricator review -c examples/news/rubricator.yaml --count 10`

    In a file: `rubricator review --export batch.csv --count 100`, then `rubricator review --import batch.csv`
    """
    if export and import_:
        raise typer.BadParameter("--export and --import exclude each other")
    run = go(config, overrides, out_folder, until="split")
    with ReviewSession(run, by or _login()) as desk:
        if import_:
            out.print(f"{desk.take(import_):,} new answers from {import_}")
        elif export:
            questions = desk.questions(count, order=order.value)
            written = desk.write(export, questions)
            out.print(f"{len(questions):,} texts: {', '.join(str(path) for path in written)}")
            return
        elif not status:
            _Batch(desk, desk.questions(count, order=order.value), run.taxonomy).go()
        for line in told(desk.estimate()):
            out.print(line)


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user, as in a container
        return "someone"


class _Batch:
    """One batch of questions at the terminal."""

    def __init__(self, desk: ReviewSession, questions: Sequence[Question], taxonomy: Taxonomy) -> None:
        if len(taxonomy.keys) > len(_KEYS):
            raise DataError(
                f"{len(taxonomy.keys)} categories are more than there are keys ({len(_KEYS)}).",
                fix="Review in a file: --export FILE.csv, then --import FILE.csv.",
            )
        self._desk, self._questions, self._taxonomy = desk, questions, taxonomy
        self._categories = dict(zip(_KEYS, taxonomy.keys, strict=False))

    def go(self) -> None:
        """Ask until all are answered or the person ends it."""
        if not self._questions:
            out.print("There is no text left to review.")
        with keyboard(toggles=not self._taxonomy.single) as keys:
            self._go_through(keys)

    def _go_through(self, keys: Iterator[str]) -> None:
        place = 0
        while place < len(self._questions):
            question = self._questions[place]
            out.print(f"\n[dim]── {place + 1} of {len(self._questions)} · {_why(question)} ──[/]")
            self._show(question)
            said = self._ask(question, keys)
            if said == QUIT:
                return
            if said == UNDO:
                place = self._back(place)
            else:
                if not isinstance(said, str):
                    self._desk.answer(question, said)
                    out.print(f"[green]✓[/] {escape(', '.join(said) or 'no category')}")
                place += 1

    def _ask(self, question: Question, keys: Iterator[str]) -> tuple[str, ...] | str:
        """Categories, or one of `SKIP`, `UNDO`, `QUIT`; the end of the input ends the batch."""
        chosen = set(question.suggested or ())
        for key in keys:
            if key in (SKIP, UNDO, QUIT):
                return key
            category = self._categories.get(key)
            if category and self._taxonomy.single:
                return (category,)
            if category:
                chosen ^= {category}
                out.print(f"  {escape(self._named(chosen))}")
            elif key == CONFIRM and (chosen or not self._taxonomy.single):
                return tuple(known for known in self._taxonomy.keys if known in chosen)
            else:
                out.print(f"  [yellow]?[/] {self._hint()}")
        return QUIT

    def _back(self, place: int) -> int:
        if not place:
            out.print("  There is nothing to take back.")
            return 0
        if self._desk.undo(self._questions[place - 1]):
            out.print("  Taken back.")
        return place - 1

    def _show(self, question: Question) -> None:
        content = question.text.content
        cut = (
            f" [dim]… {len(content) - _CHARACTERS:,} more characters[/]" if len(content) > _CHARACTERS else ""
        )
        out.print(escape(content[:_CHARACTERS]) + cut)
        out.print()
        if question.suggested is None:
            out.print("No label yet.")
        else:
            sure = f" [dim]{question.probability:.2f}[/]" if question.probability is not None else ""
            out.print(f"[bold]{escape(self._named(question.suggested))}[/]{sure}")
        for teacher, said in question.opinions.items():
            words = ", ".join(f"{key} {p:.2f}" for key, p in said.items()) or "silent"
            out.print(f"[dim]  {escape(teacher)}: {escape(words)}[/]")
        names = ((key, self._taxonomy[category].title) for key, category in self._categories.items())
        out.print("  ".join(f"[bold]{key}[/] {escape(name)}" for key, name in names))
        out.print(f"[dim]{self._hint()}[/]")

    def _named(self, chosen: Sequence[str] | set[str]) -> str:
        titles = [self._taxonomy[key].title for key in self._taxonomy.keys if key in chosen]
        return ", ".join(titles) or "no category"

    def _hint(self) -> str:
        last = list(self._categories)[-1]
        how = "gives a category" if self._taxonomy.single else "switches a category on or off"
        return f"Enter or space confirms, 1–{last} {how}, s skips, u takes back, q ends"


def _why(question: Question) -> str:
    return "drawn at random" if question.chosen == "random" else "probably worth a look"
