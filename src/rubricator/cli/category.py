"""`rubricator category`: the list of categories changes, and its versions are kept."""

from __future__ import annotations

import typer

from rubricator.cli import category_changes as changes
from rubricator.cli import category_lists as lists

category = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
    help="""Change the list of categories, with what it costs told before; every version is kept.

Each change edits `taxonomy.yaml` in place (its comments stay) and makes a version in `taxonomy.history/`: the
first number counts up when labels given before lose their meaning, the second when something is added.
`--plan` tells what a change costs and makes none. A key is never used again for something else.

Example: `rubricator category add health --description "врачи, больницы, лекарства" --plan`
""",
)

category.command("add")(changes.add_category)
category.command("remove")(changes.remove_category)
category.command("rename")(changes.rename_category)
category.command("describe")(changes.describe_category)
category.command("merge")(changes.merge_categories)
category.command("split")(changes.split_category)
category.command("apply")(changes.apply_to_artifact)
category.command("list")(lists.list_categories)
category.command("history")(lists.show_history)
category.command("diff")(lists.show_difference)
category.command("rollback")(changes.roll_list_back)
category.command("migrate")(lists.migrate_labels)
category.command("import")(changes.import_list)
category.command("export")(lists.export_list)
