"""The list of categories of a project, changed from a notebook."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from rubricator.pipeline.category import (
    Changed,
    ChangePlan,
    Make,
    apply_change,
    plan_change,
    roll_back,
    run_of_list,
    taxonomy_file,
)
from rubricator.pipeline.category_files import export_categories, importing, read_categories
from rubricator.pipeline.extension.apply import Extended, extend
from rubricator.pipeline.extension.estimate import CostEstimate, estimate
from rubricator.pipeline.extension.plan import Extension, plan_extension
from rubricator.pipeline.migrate import migrate
from rubricator.pipeline.migrate_files import Migrated
from rubricator.pipeline.promote import promoted, register
from rubricator.pipeline.stage import Run
from rubricator.taxonomy import Category, changes
from rubricator.taxonomy.versions import History


@dataclass(frozen=True, slots=True)
class Categories:
    """What `rubricator category` does, for a notebook; `by` names who changes the list.

    Every method that changes the list takes `plan=True`: it then tells what the change costs, and makes none.
    All raise `TaxonomyError` where the change cannot be made; the list is as it was then.
    """

    run: Run
    by: str = ""

    def add(self, key: str, *, plan: bool = False, **fields: Any) -> Changed | ChangePlan:
        """A category more, with the fields of `Category`: `description`, `keywords`, `name`, `parent`."""
        new = changes.made({"key": key, **fields})
        return self._change(lambda taxonomy, retired: changes.add(taxonomy, new, retired=retired), plan=plan)

    def apply(
        self,
        *,
        plan: bool = False,
        anyway: bool = False,
        registry: str | Path | None = None,
        promote: bool = False,
    ) -> Extended | Extension:
        """Bring the artifact of the run up to the list; with `plan`, only say what stays and what is learnt.

        Where all categories learn anew, a model that is surely worse stays beside the old one, unless
        `anyway` is given. One that was put in place is added to the `registry` where one is named, and with
        `promote` becomes its champion.

        Raises:
            ArtifactError: The run has no artifact, or the new one is not fit to serve.
            TaxonomyError: Nothing changed.
            RubricatorError: Texts or encoders are no longer those of the run.
        """
        now = run_of_list(self.run.config, self.run.folder)
        if plan:
            return plan_extension(now)
        done = extend(replace(now, progress=self.run.progress, say=self.run.say), anyway=anyway)
        if registry is not None and done.in_place:
            manifest = register(done.folder, Path(registry))
            if promote:
                promoted(Path(registry), manifest.identifier)
        return done

    def estimate(self) -> CostEstimate:
        """How long `apply` will take, by what the last run stored.

        Raises:
            ArtifactError: The run has no artifact.
        """
        now = run_of_list(self.run.config, self.run.folder)
        return estimate(now, plan_extension(now))

    def remove(self, key: str, *, plan: bool = False) -> Changed | ChangePlan:
        """A category less; its key is not used again."""
        return self._change(lambda taxonomy, _: changes.remove(taxonomy, key), plan=plan)

    def rename(self, key: str, new: str, *, plan: bool = False) -> Changed | ChangePlan:
        """Another key for the same category."""
        return self._change(
            lambda taxonomy, retired: changes.rename(taxonomy, key, new, retired=retired), plan=plan
        )

    def describe(
        self, key: str, *, same_meaning: bool = False, plan: bool = False, **fields: Any
    ) -> Changed | ChangePlan:
        """Other fields of a category; with `same_meaning` labels given so far hold."""
        return self._change(
            lambda taxonomy, _: changes.describe(taxonomy, key, fields, same_meaning=same_meaning), plan=plan
        )

    def merge(
        self, keys: Sequence[str], into: str, *, plan: bool = False, **fields: str
    ) -> Changed | ChangePlan:
        """Several categories as one; `fields` are those of the joined one."""
        return self._change(
            lambda taxonomy, retired: changes.merge(taxonomy, keys, into, update=fields, retired=retired),
            plan=plan,
        )

    def split(self, key: str, into: Collection[Category], *, plan: bool = False) -> Changed | ChangePlan:
        """One category as several, each with a description or keywords."""
        return self._change(
            lambda taxonomy, retired: changes.split(taxonomy, key, list(into), retired=retired), plan=plan
        )

    def rollback(self, version: str) -> Changed:
        """A former version again, as a new one."""
        return roll_back(self.run, version, by=self.by)

    def history(self) -> pl.DataFrame:
        """A row per version."""
        versions = History.beside(taxonomy_file(self.run)).versions
        fields = ("number", "digest", "when", "by", "change")
        return pl.DataFrame(
            [{name: getattr(one, name) for name in fields} for one in versions],
            schema=dict.fromkeys(fields, pl.String),
        )

    def diff(self, before: str, after: str | None = None) -> list[str]:
        """What sets two versions apart, in words; the later one is by default the list of today."""
        history = History.beside(taxonomy_file(self.run))
        return list(history.difference(before, after, self.run.taxonomy).sentences)

    def migrate(
        self, map_file: str | Path, *tables: str | Path, reviews: bool = False, since: str | None = None
    ) -> list[Migrated]:
        """Labels in files, and with `reviews` those of the run, carried over to the list of today."""
        done, _ = migrate(self.run, Path(map_file), [Path(t) for t in tables], reviews=reviews, since=since)
        return done

    def import_from(
        self, file: str | Path, *, replace: bool = False, language: str = "", plan: bool = False
    ) -> Changed | ChangePlan:
        """Categories out of a table in IAB's form or SKOS."""
        found = read_categories(Path(file), language=language)
        return self._change(importing(found, where=str(file), replace=replace), plan=plan)

    def export_to(self, file: str | Path, *, language: str = "") -> None:
        """The list as a table in IAB's form or as SKOS, by suffix."""
        export_categories(Path(file), self.run.taxonomy, language=language)

    def _change(self, make: Make, *, plan: bool) -> Changed | ChangePlan:
        return plan_change(self.run, make) if plan else apply_change(self.run, make, by=self.by)
