"""From alarms to alerts: one for one cause, with what changed, since when, examples and what helps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rubricator.monitor.judge import Judged
from rubricator.monitor.windows import spoken_window
from rubricator.monitor.words import moved_sentence
from rubricator.pages.formatting import percent, plural
from rubricator.store.alerts import Alert

_INPUT = frozenset({"unknown", "language", "source", "length"})


def update_alerts(
    open_alerts: Sequence[Alert], judged: Judged, titles: Mapping[str, str], *, new_model: bool = False
) -> list[Alert]:
    """The alerts that a window changes or opens.

    Checks that move in the same window have one cause, and so has what goes on in the next one: an alert goes
    on while its checks move, and takes in those that join them. It is over with the first quiet window; a
    window that tells nothing leaves it as it is. Alerts that are over are not opened again.
    """
    own = [alert for alert in open_alerts if alert.model == judged.model and alert.over is None]
    if judged.state == "few":
        return []
    names = {check.name for check in judged.moved} or ({"model"} if judged.state == "unknown" else set())
    going_on = [alert for alert in own if names & set(alert.about["checks"])]
    ending = [alert for alert in own if alert not in going_on]
    for alert in ending:
        alert.over = judged.end
    if not names:
        return ending
    if going_on:
        alert = going_on[0]
        alert.until = judged.end
        alert.about["checks"] = sorted({*alert.about["checks"], *names})
        alert.about["windows"] += 1
        return [*ending, *going_on]
    about = _about(judged, sorted(names), titles, new_model=new_model)
    return [*ending, Alert(model=judged.model, since=judged.start, until=judged.end, about=about)]


def _about(judged: Judged, names: list[str], titles: Mapping[str, str], *, new_model: bool) -> dict[str, Any]:
    if judged.state == "unknown":
        what = (
            f"{judged.rows:,} predictions are of {judged.model} (categories {judged.taxonomy_version}), for "
            "which monitoring has no reference: nothing watches them."
        )
        commands = ["rubricator monitor run STORE --reference ARTIFACT  # name its artifact, too"]
    else:
        what = f"Changed: {moved_sentence(judged.moved, titles)}."
        commands = _commands(names, new_model=new_model)
    return {
        "checks": names,
        "what": what,
        "window": spoken_window(judged.start, judged.end),
        "texts": judged.rows,
        "cause": cause_sentence(judged.cause),
        "examples": list(judged.examples),
        "commands": commands,
        "rate": judged.rate,
        "windows": 1,
    }


def cause_sentence(cause: str) -> str:
    """What a cause found by leaving out means."""
    kind, _, value = cause.partition(":")
    if not value:
        return ""
    return f"It comes with the {kind} '{value}' alone: without its texts nothing would alarm."


def _commands(names: Sequence[str], *, new_model: bool) -> list[str]:
    commands = ["rubricator review -c rubricator.yaml --ids IDS  # the texts that show it best"]
    if new_model:
        commands.insert(
            0, "rubricator models rollback --registry models  # the model began to serve just then"
        )
    if _INPUT & set(names):
        commands.append(
            "rubricator explore TEXTS  # what texts are like: broken encodings, languages, sources"
        )
    if not set(names) <= _INPUT:
        commands.append(
            "rubricator retrain -c rubricator.yaml --feedback STORE  # a challenger taught by reviews"
        )
    return commands


def alert_text(alert: Alert, *, ids_file: str = "", texts: Mapping[str, str] | None = None) -> str:
    """An alert as plain text, for a log and an e-mail."""
    about = alert.about
    windows = plural(about["windows"], "window")
    lines = [
        f"Monitoring of {alert.model}: something changed since {alert.since:%Y-%m-%d %H:%M} UTC.",
        about["what"],
        *([about["cause"]] if about["cause"] else []),
        f"{windows} up to {alert.until:%Y-%m-%d %H:%M}; {about['texts']:,} predictions in the first.",
    ]
    if about["rate"]:
        lines.append(f"Of windows in which nothing changes, at most {percent(about['rate'])} alarm.")
    if about["examples"]:
        lines.append("For example: " + ", ".join(about["examples"][:5]))
    lines += [f"  {name}: {text}" for name, text in (texts or {}).items()]
    lines += ["What helps:", *(f"  {line.replace('IDS', ids_file or 'IDS')}" for line in about["commands"])]
    return "\n".join(lines)
