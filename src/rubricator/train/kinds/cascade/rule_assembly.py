"""From admitted rules to rules that people can read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rubricator.stats.arrays import Indices
from rubricator.text_rules.rules import Condition, Rule
from rubricator.train.kinds.cascade.rule_mining import Miner
from rubricator.train.kinds.cascade.rule_selection import SelectedRules

_MOST = 1 - 1e-6


def assemble_rules(
    miners: Sequence[Miner], selected: SelectedRules, category: Indices, keywords: Sequence[Rule]
) -> tuple[tuple[Rule, ...], Indices]:
    """The admitted rules with the conditions that all texts tell, most precise first.

    Each miner, one per source of conditions, has one possible rule per category: these are `selected` from,
    source by source. The `unless` of people's `keywords` stays with their conditions.

    Returns:
        The rules, and the place of each among the possible ones.
    """
    silences = {rule.category: rule.unless for rule in keywords}
    mined = [miner.mine() for miner in miners]
    per_source = len(category) // len(miners)
    rules, places = [], []
    for place in selected.order.tolist():
        candidates, source = miners[place // per_source].candidates, mined[place // per_source]
        of_rule = (source.category == category[place]) & (source.strength >= selected.strength[place])
        conditions = [candidates.conditions[at] for at in source.condition[of_rule].tolist()]
        if conditions:
            rules.append(
                Rule(
                    category=int(category[place]),
                    any=tuple(without_implied(conditions)),
                    unless=silences.get(int(category[place]), ()) if candidates.category is not None else (),
                    precision=min(float(selected.precision[place]), _MOST),
                )
            )
            places.append(place)
    return tuple(rules), np.array(places, dtype=np.intp)


def without_implied(conditions: Sequence[Condition]) -> list[Condition]:
    """The conditions without those that hold only where another one does."""
    plain = {c.words[0] for c in conditions if _is_plain(c)}
    return [c for c in conditions if not (_shorter(c) & plain)]


def _shorter(condition: Condition) -> set[str]:
    """Words that occur wherever the condition holds, but for the condition itself."""
    shorter: set[str] = set()
    for word in condition.words:
        pieces = word.split()
        shorter |= {" ".join(pieces[i:j]) for i in range(len(pieces)) for j in range(i + 1, len(pieces) + 1)}
        shorter |= {
            f"{piece.rstrip('*')[:length]}*" for piece in pieces for length in range(1, len(piece) + 1)
        }
    return shorter - set(condition.words) if _is_plain(condition) else shorter


def _is_plain(condition: Condition) -> bool:
    return len(condition.words) == 1 and condition == Condition(words=condition.words)
