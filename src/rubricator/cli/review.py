"""`rubricator review`: a person corrects labels, key by key, or in a file."""

from __future__ import annotations

import getpass
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape

from rubricator.cli.console import out
from rubricator.cli.keys import CONFIRM, keyboard
from rubricator.cli.run import ConfigFile, OutFolder, Overrides
from rubricator.errors import DataError

if TYPE_CHECKING:
    from rubricator.review.question import Question
    from rubricator.review.session import ReviewSession

_SKIP, _UNDO, _QUIT = "s", "u", "q"
_KEYS = "123456789abcdefghijklmnoprtvwxyz"
_CHARACTERS = 3000
_WHY = {"blind": "shown blind: it measures", "suggested": "probably worth a look"}


def review_labels(
    config: ConfigFile = Path("rubricator.yaml"),
    overrides: Overrides = None,
    out_folder: OutFolder = None,
    count: Annotated[
        int | None, typer.Option(min=1, help="How many texts: 20 by default, or all those of --ids.")
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who reviews; by default your login name.")
    ] = None,
    order: Annotated[
        Literal["gain", "random"],
        typer.Option(
            help="Most promising texts with a random fifth, or all at random, which makes a golden set."
        ),
    ] = "gain",
    ids: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Ask about these texts: ids, one on each line, as the map saves them."
        ),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the texts to a file instead: a table, or .json for Label Studio."
        ),
    ] = None,
    import_: Annotated[
        Path | None,
        typer.Option(
            "--import", metavar="FILE", help="Take answers from such a file, or from the folder of a run."
        ),
    ] = None,
    stale: Annotated[
        bool,
        typer.Option(
            "--stale", help="Only labels from when a category meant something else, or was not there."
        ),
    ] = False,
    write_golden: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the golden set with what was judged again since."),
    ] = None,
    status: Annotated[bool, typer.Option("--status", help="Only tell how things stand.")] = False,
) -> None:
    """Correct labels where it helps most: a person's answer outranks every teacher.

    Shows one text at a time with its label. Enter or space confirms it; a digit or letter gives another
    category (where texts may have several, keys switch categories on and off, and Enter takes them).
    `s` skips, `u` takes the last answer back, `q` ends. Every answer is stored at once: stop whenever you
    like. A fifth of the texts is drawn at random and shown blind, without label or opinions: these
    measure. After each batch you are told how many labels changed, how wrong the others are likely to be,
    and whether it pays to go on. `rubricator run` then trains on what you said.

    In a file, fill in the column `labels`: keys or names of categories joined by commas, `-` for none of
    them; rows left empty are not reviewed. With `.json` go a file for Label Studio and the labelling
    interface for its project (`.xml`). Answers given in another run of the same texts are taken along by
    `--import` and its folder.

    With `--ids` you are asked about the texts of a list, in its order: those selected on a map, say. They
    are never blind, and measure nothing.

    After `rubricator category describe`, `--stale` shows the texts that people labelled before, golden ones
    too, and the categories to judge again; those that measure are shown without the old label.
    `--write-golden` then writes a golden file with the new answers.

    Example: `rubricator review -c examples/news/rubricator.yaml --count 10`

    In a file: `rubricator review --export batch.csv --count 100`, then `rubricator review --import batch.csv`
    """
    from rubricator.cli.stages import go
    from rubricator.pipeline.review import open_review
    from rubricator.pipeline.review import write_golden as golden_file
    from rubricator.review.estimates import progress_lines
    from rubricator.review.files import read_ids

    if export and import_:
        raise typer.BadParameter("--export and --import exclude each other")
    listed = read_ids(ids) if ids else None
    run = go(config, overrides, out_folder, until="split")
    if write_golden:
        differing = golden_file(run, write_golden)
        out.print(
            f"{write_golden}: {differing:,} golden labels differ from before; name it under golden.file"
        )
        return
    with open_review(run, by or login(), labelled=not stale) as session:
        if import_:
            out.print(f"{session.take(import_, again=stale):,} new answers from {import_}")
            if stale:
                _tell_stale(session)
                return
        elif export:
            questions = _questions(session, listed, None if stale else count, order, stale=stale)
            written = session.write(export, questions)
            out.print(f"{len(questions):,} texts: {', '.join(str(path) for path in written)}")
            return
        elif not status:
            _Batch(session, _questions(session, listed, count, order, stale=stale)).go()
        elif stale:
            _tell_stale(session)
            return
        for line in progress_lines(session.progress()):
            out.print(line)


def _questions(
    session: ReviewSession,
    ids: Sequence[str] | None,
    count: int | None,
    order: Literal["gain", "random"],
    *,
    stale: bool,
) -> list[Question]:
    if stale:
        return session.stale_questions(count)
    if ids is None:
        return session.questions(count or 20, order=order)
    questions = session.questions_about(ids)
    if left := len(set(ids)) - len(questions):
        out.print(f"{left:,} of the texts are golden, reviewed already or of the test part: not asked about.")
    return questions[:count]


def login() -> str:
    """Name of whoever works at this terminal."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user, as in a container
        return "someone"


def _tell_stale(session: ReviewSession) -> None:
    questions = session.stale_questions()
    out.print(f"{len(questions):,} texts to judge again")
    for key in session.taxonomy.keys:
        if texts := sum(key in one.stale for one in questions):
            out.print(f"  {escape(key)}: {texts:,}")
    if unknown := session.unknown_reviews():
        out.print(f"{unknown:,} reviews were given under a version that nobody recorded: they are left alone")


class _Batch:
    """One batch of questions at the terminal."""

    def __init__(self, session: ReviewSession, questions: Sequence[Question]) -> None:
        taxonomy = session.taxonomy
        if len(taxonomy.keys) > len(_KEYS):
            raise DataError(
                f"{len(taxonomy.keys)} categories are more than there are keys ({len(_KEYS)}).",
                fix="Review in a file: --export FILE.csv, then --import FILE.csv.",
            )
        self._session, self._questions, self._taxonomy = session, questions, taxonomy
        self._categories = dict(zip(_KEYS, taxonomy.keys, strict=False))

    def go(self) -> None:
        """Ask until all are answered or the person ends it."""
        if not self._questions:
            out.print("There is no text left to review.")
        with keyboard(toggles=not self._taxonomy.single) as keys:
            self._ask_all(keys)

    def _ask_all(self, keys: Iterator[str]) -> None:
        place = 0
        while place < len(self._questions) or self._takes_back(keys):
            if place == len(self._questions):
                place = self._back(place)
            question = self._questions[place]
            out.print(f"\n[dim]── {place + 1} of {len(self._questions)} · {_WHY[question.shown]} ──[/]")
            self._show(question)
            started = time.monotonic()
            answer = self._ask(question, keys)
            if answer == _QUIT:
                return
            if answer == _UNDO:
                place = self._back(place)
            else:
                if not isinstance(answer, str):
                    self._session.answer(question, answer, seconds=time.monotonic() - started)
                    out.print(f"[green]✓[/] {escape(', '.join(answer) or 'no category')}")
                place += 1

    def _takes_back(self, keys: Iterator[str]) -> bool:
        """Whether the last answer was wrong after all; no text is left to say so at."""
        if self._questions:
            out.print("\n[dim]That was the last one: Enter ends, u takes back[/]")
            for key in keys:
                if key in (_UNDO, CONFIRM, _QUIT):
                    return key == _UNDO
        return False

    def _ask(self, question: Question, keys: Iterator[str]) -> tuple[str, ...] | str:
        """Categories, or what else was pressed; the end of the input ends the batch."""
        chosen = set(question.suggested or ())
        for key in keys:
            if key in (_SKIP, _UNDO, _QUIT):
                return key
            category = self._categories.get(key)
            if category and self._taxonomy.single:
                return (category,)
            if category:
                chosen ^= {category}
                title, state = self._taxonomy[category].title, "on" if category in chosen else "off"
                out.print(f"  {escape(title)} {state}: {escape(self._named(chosen))}")
            elif key == CONFIRM and (chosen or not self._taxonomy.single):
                return tuple(key for key in self._taxonomy.keys if key in chosen)
            else:
                out.print(f"  [yellow]?[/] {self._hint(question)}")
        return _QUIT

    def _back(self, place: int) -> int:
        if not place:
            out.print("  There is nothing to take back.")
            return 0
        if self._session.undo(self._questions[place - 1]):
            out.print("  Taken back.")
        return place - 1

    def _show(self, question: Question) -> None:
        content = question.text.content
        more = len(content) - _CHARACTERS
        cut = f" [dim]… {more:,} more characters[/]" if more > 0 else ""
        out.print(escape(content[:_CHARACTERS]) + cut + "\n")
        if question.stale:
            out.print(f"[yellow]Judge again:[/] {escape(self._named(set(question.stale)))}")
        if question.shown == "suggested":
            self._show_suggestion(question)
        out.print("  ".join(self._choice(key, question) for key in self._categories))
        out.print(f"[dim]{self._hint(question)}[/]")

    def _choice(self, key: str, question: Question) -> str:
        category = self._categories[key]
        mark = " ✓" if category in (question.suggested or ()) else ""
        return f"[bold]{key}[/] {escape(self._taxonomy[category].title)}{mark}"

    def _show_suggestion(self, question: Question) -> None:
        if question.suggested is None:
            out.print("No label yet.")
        else:
            sure = f" [dim]{question.probability:.2f}[/]" if question.probability is not None else ""
            out.print(f"[bold]{escape(self._named(question.suggested))}[/]{sure}")
        for teacher, probabilities in question.opinions.items():
            words = ", ".join(f"{key} {p:.2f}" for key, p in probabilities.items()) or "silent"
            out.print(f"[dim]  {escape(teacher)}: {escape(words)}[/]")

    def _named(self, chosen: Sequence[str] | set[str]) -> str:
        titles = [self._taxonomy[key].title for key in self._taxonomy.keys if key in chosen]
        return ", ".join(titles) or "no category"

    def _hint(self, question: Question) -> str:
        last = list(self._categories)[-1]
        if self._taxonomy.single:
            confirms = "Enter or space confirms, " if question.suggested else ""
            how = f"{confirms}1–{last} gives a category"
        else:
            confirms = "confirms" if question.shown == "suggested" else "takes those that are on, or none"
            how = f"Enter or space {confirms}, 1–{last} switches a category on or off"
        return f"{how}, s skips, u takes back, q ends"
