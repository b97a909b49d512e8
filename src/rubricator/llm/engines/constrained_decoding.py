"""Outputs of a fixed form: what is written anyway, and alternatives that the model chooses among."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rubricator.llm.engines.engine import Generation, Token
from rubricator.llm.engines.kv_cache import KvCache

Ids = tuple[int, ...]
Continuation = Callable[[str, str], Ids]
Pick = tuple[int, float, dict[int, float]]
"""A token, its natural log-probability, and those of the likeliest in its place."""
# Enough of a text's end to see how the tokens of what follows begin.
_TAIL = 48


@dataclass(frozen=True, slots=True)
class Step:
    """One choice of an output and its alternatives `names`, with `lead`, the fixed text before it.

    `lead_ids` and `ids` are the tokens of the lead and of each alternative.
    """

    lead: str
    names: tuple[str, ...]
    lead_ids: Ids
    ids: tuple[Ids, ...]


@dataclass(frozen=True, slots=True)
class Constraint:
    """An output as steps, and the fixed text after the last."""

    steps: tuple[Step, ...]
    end: str = ""


def choices_constraint(choices: Sequence[str], *, after: str, continuation: Continuation) -> Constraint:
    """The form of exactly one of the choices, after the prompt `after`.

    `continuation` gives the tokens of its second argument where it follows the first.
    """
    ids = tuple(continuation(after[-_TAIL:], choice) for choice in choices)
    return Constraint((Step("", tuple(choices), (), ids),))


def object_constraint(schema: Mapping[str, Any], *, after: str, continuation: Continuation) -> Constraint:
    """The form of a flat JSON object without blanks: all properties in order, each from its list.

    The arguments are those of `choices_constraint`, but for the schema, whose properties are enumerations.

    Raises:
        ValueError: A property is no enumeration.
    """
    steps: list[Step] = []
    written, lead = after, "{"
    for name, field in schema["properties"].items():
        if not field.get("enum"):
            raise ValueError(f"the property '{name}' is no enumeration")
        values = [json.dumps(value, ensure_ascii=False) for value in field["enum"]]
        # A quote and the word behind it are seldom one token, so the quotes belong to what is fixed.
        quote = '"' if all(value.startswith('"') for value in values) else ""
        names = tuple(value[len(quote) : len(value) - len(quote)] for value in values)
        lead += json.dumps(name, ensure_ascii=False) + ":" + quote
        lead_ids = continuation(written[-_TAIL:], lead)
        written += lead
        ids = tuple(continuation(written[-_TAIL:], value) for value in names)
        steps.append(Step(lead, names, lead_ids, ids))
        written, lead = written + names[0], quote + ","
    return Constraint(tuple(steps), lead[:-1] + "}")


def fill(rows: KvCache, form: Constraint, *, temperature: float = 0.0) -> list[list[tuple[int, list[float]]]]:
    """Choose step by step in all rows at once: greedily, or by lot at a temperature above zero.

    For every row and step it gives the alternative chosen and the natural log-probability of each.
    """
    filled: list[list[tuple[int, list[float]]]] = [[] for _ in range(len(rows.logprobs))]
    carried: list[Ids] = [()] * len(filled)
    for step in form.steps:
        pieces = [ids + step.lead_ids for ids in carried]
        if step.lead_ids:
            rows.feed(pieces)
        for number, scores in enumerate(_scores(rows, step.ids)):
            best = _drawn(scores, temperature)
            filled[number].append((best, scores))
            carried[number] = step.ids[best]
    return filled


def _drawn(scores: Sequence[float], temperature: float) -> int:
    """Number of the best score, or one drawn with the odds that the scores are the logarithms of."""
    best = max(scores)
    if not temperature:
        return scores.index(best)
    odds = [math.exp((score - best) / temperature) for score in scores]
    return random.choices(range(len(scores)), odds)[0]


def _scores(rows: KvCache, alternatives: Sequence[Ids]) -> list[list[float]]:
    """Log-probability of each alternative in each row; of its first token where those differ."""
    firsts = [ids[0] for ids in alternatives]
    scores: list[list[float]] = rows.logprobs[:, firsts].tolist()
    if len(set(firsts)) < len(firsts):
        for number, row in enumerate(scores):
            rest = _rest(rows.select([number] * len(alternatives)), alternatives)
            scores[number] = [a + b for a, b in zip(row, rest, strict=True)]
    return scores


def _rest(branches: KvCache, alternatives: Sequence[Ids]) -> list[float]:
    """Log-probability of all tokens but the first, one alternative a row."""
    totals = [0.0] * len(alternatives)
    for place in range(1, max(map(len, alternatives))):
        # An alternative that has ended goes on with its last token, which is not counted.
        branches.feed([[ids[min(place, len(ids)) - 1]] for ids in alternatives])
        for number, ids in enumerate(alternatives):
            if place < len(ids):
                totals[number] += float(branches.logprobs[number, ids[place]])
    return totals


def as_generation(
    form: Constraint, filled: Sequence[tuple[int, list[float]]], *, prompt_tokens: int
) -> Generation:
    """What was chosen, as text, tokens and probabilities; fixed text has the probability one."""
    tokens: list[Token] = []
    written = 0
    for step, (best, scores) in zip(form.steps, filled, strict=True):
        if step.lead:
            tokens.append(Token(step.lead, 0.0))
        tokens.append(Token(step.names[best], scores[best], dict(zip(step.names, scores, strict=True))))
        written += len(step.lead_ids) + len(step.ids[best])
    if form.end:
        tokens.append(Token(form.end, 0.0))
    return Generation(
        text="".join(token.text for token in tokens),
        tokens=tuple(tokens),
        prompt_tokens=prompt_tokens,
        completion_tokens=written,
    )


def write(
    rows: KvCache, limit: int, ends: frozenset[int], *, alternatives: int, temperature: float = 0.0
) -> list[list[Pick]]:
    """Continue every row until a token of `ends`, or for `limit` tokens; greedily, or by lot.

    Each token comes with the probabilities of the likeliest `alternatives`.
    """
    written: list[list[Pick]] = [[] for _ in range(len(rows.logprobs))]
    going = list(range(len(written)))
    for place in range(limit):
        top = rows.logprobs.topk(max(1, min(alternatives, rows.logprobs.shape[1])), dim=1)
        picks = list(zip(top.indices.tolist(), top.values.tolist(), strict=True))
        chosen = [ids[0] for ids, _ in picks]
        if temperature:
            odds = (rows.logprobs / temperature).softmax(dim=1)
            chosen = odds.multinomial(num_samples=1)[:, 0].tolist()
        on = [number for number, token in enumerate(chosen) if token not in ends]
        for number in on:
            ids, scores = picks[number]
            top_scores = dict(zip(ids, scores, strict=True)) if alternatives else {}
            score = float(rows.logprobs[number, chosen[number]])
            written[going[number]].append((chosen[number], score, top_scores))
        if not on or place == limit - 1:
            break
        if len(on) < len(going):
            rows, going = rows.select(on), [going[number] for number in on]
        rows.feed([[chosen[number]] for number in on])
    return written
