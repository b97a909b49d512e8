"""The section `decision`: what mistakes cost, so that thresholds may follow from it."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from rubricator.config.section import Section
from rubricator.errors import ConfigError
from rubricator.label_space import LabelSpace


class MistakeCost(Section):
    """What one mistake about a category costs; None is what it costs of any other."""

    wrong: float | None = Field(default=None, gt=0)
    missed: float | None = Field(default=None, gt=0)


class Cost(Section):
    """What a category costs that a text got and does not have (`wrong`), and one that it has and did not get.

    Both in one unit, which `currency` names. `categories` holds those that cost otherwise. Where a text has
    exactly one category, `wrong` is the same of all.
    """

    wrong: float = Field(gt=0)
    missed: float = Field(gt=0)
    currency: str = Field(default="", max_length=12)
    categories: Mapping[str, MistakeCost] = {}

    def of(self, key: str) -> tuple[float, float]:
        """Cost of a wrong and of a missed category."""
        own = self.categories.get(key, MistakeCost())
        return own.wrong or self.wrong, own.missed or self.missed

    def check(self, space: LabelSpace) -> None:
        """Refuse what no threshold can express.

        Raises:
            ConfigError: Each text gets exactly one category, and `wrong` differs between them.
        """
        if space.single and len({self.of(key)[0] for key in space.keys}) > 1:
            raise ConfigError(
                "`decision.cost.categories` gives `wrong` by category, and each text gets exactly one: "
                "thresholds weigh what is missed there, not what is wrong.",
                fix="Keep one `wrong` for all, and `missed` by category.",
            )


class Decision(Section):
    """How probabilities become categories. Without `cost`, thresholds are those of the largest F1."""

    cost: Cost | None = None
