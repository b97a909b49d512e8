"""Every command with its line of help, and where its code is: it is imported when the command is used.

Most commands need what takes seconds to import; `--help`, `--version` and a mistyped name do not wait for it.
So the file of a command imports at its top what its options and its printing need, the rest when it works.
"""

from __future__ import annotations

from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True, slots=True)
class Command:
    """A command as `--help` shows it.

    Attributes:
        panel: Heading that it stands below.
        function: What does it, as `module:name` in this package: a function, or a group of commands.
        about: The first sentence of its docstring.
    """

    panel: str
    function: str
    about: str

    def load(self, name: str) -> TyperCommand | TyperGroup:
        """Import the command with all that it needs."""
        found = resolve_name(f"rubricator.cli.{self.function}")
        if isinstance(found, typer.Typer):
            return typer.main.get_group(found)
        single = typer.Typer(
            add_completion=False, rich_markup_mode="markdown", pretty_exceptions_show_locals=False
        )
        single.command(name)(found)
        command: TyperCommand = typer.main.get_command(single)  # type: ignore[assignment]
        return command


class Group(Command):
    """A command that holds others; its function is their `Typer`."""

    def load(self, name: str) -> TyperCommand:
        """Import the commands with all that they need."""
        group: TyperCommand = typer.main.get_group(resolve_name(f"rubricator.cli.{self.function}"))  # type: ignore[assignment]
        group.name = name
        return group


_BEGIN, _PIPELINE, _STAGE = "Begin", "The pipeline", "One stage"
_LABELS, _PRODUCTION = "Labels", "In production"

COMMANDS = {
    "init": Command(
        _BEGIN,
        "init:init",
        "Make a folder with commented settings, categories and sample data that run as they are.",
    ),
    "doctor": Command(
        _BEGIN,
        "doctor:show_installation",
        "Show what is installed, which runtime and encoder will be used and why, what an extra would add.",
    ),
    "explore": Command(
        _BEGIN,
        "explore:explore_texts",
        "Show what texts are like, their duplicates and categories, and what will hurt a model.",
    ),
    "run": Command(
        _PIPELINE,
        "run:run_pipeline",
        "Run the whole pipeline: read, split, label, train, evaluate, export.",
    ),
    "compare": Command(
        _PIPELINE, "compare:compare_runs", "Compare runs on the texts that all of them were measured on."
    ),
    "read": Command(
        _STAGE, "run:read_texts", "Read and clean the texts, find duplicates and the golden labels."
    ),
    "split": Command(
        _STAGE,
        "split:split_texts",
        "Divide the texts into train, validation and test, or check a split for leaks.",
    ),
    "label": Command(_STAGE, "label:label_texts", "Ask the teachers, store their answers, agree on labels."),
    "augment": Command(
        _STAGE,
        "augment:augment_texts",
        "Have language models write training texts for rare categories, and a judge keep those that belong.",
    ),
    "train": Command(
        _STAGE,
        "train:train_models",
        "Train models, calibrate them on validation and choose the best one.",
    ),
    "evaluate": Command(
        _STAGE,
        "run:evaluate_model",
        "Measure the model on test and golden texts, draw the plots, write the report.",
    ),
    "export": Command(
        _STAGE, "export:export_artifact", "Write the artifact: the winner with all it needs to serve."
    ),
    "audit": Command(
        _LABELS, "audit:audit_labels", "List labels that are probably wrong, the most doubtful first."
    ),
    "review": Command(
        _LABELS,
        "review:review_labels",
        "Correct labels where it helps most: a person's answer outranks every teacher.",
    ),
    "feedback": Command(
        _LABELS,
        "feedback:show_feedback",
        "Show how often editors overrule the model, how far they agree, and what suggestions save.",
    ),
    "retrain": Command(
        _LABELS,
        "retrain:retrain_model",
        "Train a challenger on corrections; say whether it may replace the champion.",
    ),
    "category": Group(
        _LABELS,
        "category:category",
        "Change the list of categories, with what it costs told before; every version is kept.",
    ),
    "goals": Command(
        _PRODUCTION,
        "goals:show_goals",
        "Show where each goal of the settings stands, and what an experiment would take to show a change.",
    ),
    "distil": Command(
        _PRODUCTION,
        "distil:distil_model",
        "Teach a quick student what the model thinks, and write an artifact that answers at two speeds.",
    ),
    "predict": Command(_PRODUCTION, "predict:predict_texts", "Predict the categories of every row."),
    "models": Command(
        _PRODUCTION,
        "models:models",
        "Keep versions of a model, say which one serves, go back to an earlier one.",
    ),
    "serve": Command(
        _PRODUCTION,
        "serve:serve_artifact",
        "Serve an artifact over HTTP: /v1/classify, /v1/model, /healthz, /readyz, /metrics, /docs.",
    ),
    "monitor": Group(
        _PRODUCTION,
        "monitor:monitor",
        "Compare what is served with the reference, and alarm rightly.",
    ),
    "ab": Group(
        _PRODUCTION,
        "ab:ab",
        "Compare two models on live traffic: planned and frozen before, safe to look at every day.",
    ),
    "key": Command(_PRODUCTION, "key:make_key", "Make a key for the service: shown once, kept as a hash."),
}
