"""A/B tests: plan, assignment, outcomes, analysis."""

from rubricator.experiment.plan import Plan, read_plan, write_plan
from rubricator.experiment.report import ExperimentReport, report_experiment
from rubricator.experiment.size import PlannedSize, planned_size

__all__ = [
    "ExperimentReport",
    "Plan",
    "PlannedSize",
    "planned_size",
    "read_plan",
    "report_experiment",
    "write_plan",
]
