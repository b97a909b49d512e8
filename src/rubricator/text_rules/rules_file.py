"""The rules of a cascade as a YAML file that people read, correct and give back to training."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from rubricator.config import Config
from rubricator.errors import ConfigError, nearest, plural
from rubricator.settings_files import SettingsFileError, parse_yaml, read_text
from rubricator.taxonomy import Category, Taxonomy
from rubricator.text_rules.rules import ColumnCondition, Condition, Rule
from rubricator.validation_errors import explain

_LOG = logging.getLogger(__name__)
_WIDTH = 96
_HEAD = """\
# Rules of the cascade, in order: the first that holds takes the text{first}; what none takes goes to
# the model. Correct them and train with `train.cascade.rules: FILE`: they are taken as they are then, and
# measured anew.
#
# category: key of the category that is given
# any:      conditions, of which one is enough. A word or phrase, whatever the case, `*` for any ending; or
#           {{words: [all of them], without: [none of them], pattern: a regular expression,
#           where: {{column: value}}}}, which must hold together; a value may also be {{missing: true}} or
#           {{at_least: 10, below: 60}}
# unless:   words that keep the rule silent
"""


def rules_text(rules: Sequence[Rule], taxonomy: Taxonomy, facts: Mapping[str, Any]) -> str:
    """The file; `facts` are `Fitted.facts` of the cascade: what the rules were measured to be."""
    first = "" if taxonomy.single else " for its category"
    lines = [_HEAD.format(first=first)]
    if not rules:
        return "\n".join([*lines, f"# {_why_none(facts)}", "rules: []", ""])
    lines.append("rules:")
    for rule, measured in zip(rules, facts["rules"], strict=True):
        lines += ["", f"  - category: {_flow(taxonomy.keys[rule.category], 4)}"]
        lines.append(f"    # {_measure(measured, facts)}")
        lines.append(f"    any: {_flow([_plain(condition) for condition in rule.any], 6)}")
        if rule.unless:
            lines.append(f"    unless: {_flow(list(rule.unless), 6)}")
    return "\n".join([*lines, ""])


def read_rules(path: Path, taxonomy: Taxonomy) -> tuple[Rule, ...]:
    """Read a file of rules.

    Raises:
        ConfigError: There is no such file, it is no YAML, or rules have faults; all are named at once.
    """
    try:
        written = read_text(path)
        raw, node = parse_yaml(written), yaml.compose(written, Loader=yaml.SafeLoader)
    except FileNotFoundError as error:
        raise ConfigError(
            f"There is no file of rules {path}.",
            fix="Correct `train.cascade.rules`, or leave it out to mine.",
        ) from error
    except SettingsFileError as error:
        raise ConfigError(f"{path} cannot be read: {error}.", fix="Correct the file.") from error
    if not isinstance(raw, dict) or not isinstance(raw.get("rules"), list) or len(raw) > 1:
        raise ConfigError(
            f"{path} is no file of rules: a list `rules:` was expected, and nothing beside it.",
            fix="See the `rules.yaml` that training writes.",
        )
    assert isinstance(node, yaml.MappingNode)
    rules, faults = [], []
    for number, (entry, part) in enumerate(zip(raw["rules"], node.value[0][1].value, strict=True), start=1):
        try:
            rules.append(_rule(entry, taxonomy))
        except _FaultError as error:
            place = f"rule {number} (line {part.start_mark.line + 1})"
            faults += [f"  {place}, {fault}" for fault in error.args]
    if faults:
        listed = "\n".join(faults)
        raise ConfigError(f"{path} has {plural(len(faults), 'fault')}:\n{listed}", fix="Correct the file.")
    return tuple(rules)


def given_rules(config: Config, taxonomy: Taxonomy) -> tuple[Rule, ...] | None:
    """The rules of the file that the config names; None where it names none.

    Raises:
        ConfigError: The file cannot be read, or rules in it are wrong; all faults are named.
    """
    name = config.train.cascade.rules
    return None if name is None else read_rules(config.path(name), taxonomy)


def taxonomy_rules(taxonomy: Taxonomy) -> tuple[Rule, ...]:
    """Keywords and patterns of the taxonomy as rules; one that cannot be used is left out with a warning."""
    rules = []
    for index, category in enumerate(taxonomy.categories):
        if conditions := tuple(_usable(category)):
            unless = tuple(word for word in category.exclude if _sound(words=(word,)))
            rules.append(Rule(category=index, any=conditions, unless=unless))
    return tuple(rules)


class _FaultError(Exception):
    """What is wrong with one rule, a clause each."""


def _rule(entry: Any, taxonomy: Taxonomy) -> Rule:
    if not isinstance(entry, dict):
        raise _FaultError(f"a rule was expected, with `category` and `any` (found {entry!r})")
    faults = []
    key = entry.get("category")
    if "category" not in entry:
        faults.append("category: is required")
    elif key not in taxonomy.keys:
        faults.append(f"category: there is no '{key}' in the taxonomy{nearest(str(key), taxonomy.keys)}")
    if "precision" in entry:
        faults.append("precision: cannot be said, it is measured")
    index = taxonomy.keys.index(key) if key in taxonomy.keys else 0
    rest = {name: value for name, value in entry.items() if name not in ("category", "precision")}
    try:
        rule = Rule.model_validate(rest | {"category": index})
    except ValidationError as error:
        faults += [line.strip() for line in explain(error, Rule).splitlines()]
    if faults:
        raise _FaultError(*faults)
    return rule


def _usable(category: Category) -> list[Condition]:
    parts: list[dict[str, Any]] = [{"words": (keyword,)} for keyword in category.keywords]
    parts += [{"pattern": pattern} for pattern in category.patterns]
    return [Condition(**part) for part in parts if _sound(**part)]


def _sound(**parts: Any) -> bool:
    try:
        Condition(**parts)
    except ValidationError as error:
        fault = explain(error, Condition).strip()
        _LOG.warning("the cascade leaves out a keyword of the taxonomy: %s", fault)
        return False
    return True


def _plain(condition: Condition) -> Any:
    """The condition as it is written: a word alone as a word."""
    if len(condition.words) == 1 and condition == Condition(words=condition.words):
        return condition.words[0]
    parts: dict[str, Any] = {name: list(getattr(condition, name)) for name in ("words", "without")}
    parts |= {"pattern": condition.pattern, "where": {c: _value(d) for c, d in condition.where.items()}}
    return {name: value for name, value in parts.items() if value}


def _value(demand: ColumnCondition) -> Any:
    values = demand.model_dump(exclude_none=True)
    return values["equals"] if list(values) == ["equals"] else values


def _flow(value: Any, indent: int) -> str:
    dumped = yaml.safe_dump(value, allow_unicode=True, default_flow_style=True, width=_WIDTH, sort_keys=False)
    lines = dumped.removesuffix("\n").removesuffix("\n...").splitlines()
    return ("\n" + " " * indent).join(line.strip() for line in lines)


def _measure(measured: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    taken, right = measured["taken"], measured["right"]
    if not taken:
        return "takes none of the labelled texts"
    return (
        f"takes {taken:g} labelled texts, right on {right:g}: precision {measured['precision']:.3f}, "
        f"at least {measured['at_least']:.3f} with {facts['confidence']:.0%} probability"
    )


def _why_none(facts: Mapping[str, Any]) -> str:
    if facts["bar"] == "auto":
        return "No rule is more often right than the model where the two disagree."
    return (
        f"No rule proved a precision of {facts['bar']:g} with {facts['confidence']:.0%} probability: one "
        f"that stands alone must take {facts['texts_that_prove']} labelled texts without an error."
    )
