"""What editors' decisions tell, and what a challenger came to, for a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from rubricator.pipeline.retrain import Retrained, RetrainPlan
from rubricator.project.results import Shown
from rubricator.review.overrides import FeedbackReport
from rubricator.stats.promotion import Verdict


@dataclass(frozen=True, slots=True)
class FeedbackResult(Shown):
    """How often editors overrule the model, how far they agree, and what suggestions save."""

    report: FeedbackReport

    def to_frame(self) -> pl.DataFrame:
        """A row per category, source and editor, blind and suggested apart, with its override rate."""
        report = self.report
        by = {
            "all": report.overall,
            "category": report.categories,
            "source": report.sources,
            "editor": report.editors,
        }
        rows = [
            {
                "by": name,
                "name": one.name,
                "shown": one.shown,
                "overridden": one.overridden,
                "decisions": one.decisions,
                "rate": one.rate.value,
                "low": one.rate.low,
                "high": one.rate.high,
            }
            for name, rates in by.items()
            for one in rates
        ]
        return pl.DataFrame(rows)

    def sentences(self) -> Sequence[str]:
        """Of agreement and time."""
        report = self.report
        return (f"{report.decisions:,} decisions.", *(one.said for one in report.agreement), report.time.said)


@dataclass(frozen=True, slots=True)
class RetrainPlanResult(Shown):
    """What retraining would do, and what it costs."""

    plan: RetrainPlan

    def to_frame(self) -> pl.DataFrame:
        """How many corrections there are of each kind."""
        material = self.plan.material
        counts = {
            "new": material.new,
            "teaching": len(material.teaching) + material.own,
            "measuring": len(material.measured),
        }
        return pl.DataFrame([{"corrections": name, "texts": count} for name, count in counts.items()])

    def sentences(self) -> Sequence[str]:
        """The plan in words."""
        return self.plan.lines


@dataclass(frozen=True, slots=True)
class RetrainResult(Shown):
    """The verdict on a challenger, with its reasons."""

    done: Retrained

    @property
    def verdict(self) -> Verdict:
        """PROMOTE, HOLD or REJECT."""
        return self.done.verdict

    def to_frame(self) -> pl.DataFrame:
        """A row per category: F1 of both, the change with its interval, p-values against the margin."""
        compared = self.done.challenge
        if compared is None:
            return pl.DataFrame()
        rows = [
            {
                "category": figures.key,
                "texts": figures.support,
                "champion": figures.old,
                "challenger": figures.new,
                "change": figures.change.value,
                "low": figures.change.low,
                "high": figures.change.high,
                "clear_p": one.clear_p,
                "harmed_p": one.harmed_p,
            }
            for figures, one in zip(compared.categories, compared.evidence.categories, strict=True)
        ]
        return pl.DataFrame(rows)

    def sentences(self) -> Sequence[str]:
        """The verdict, and why."""
        return (self.verdict.value, *self.done.reasons)
