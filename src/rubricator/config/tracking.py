"""The section `tracking` of `rubricator.yaml`."""

from __future__ import annotations

from pydantic import Field, field_validator

from rubricator.config.section import Section

_STORES = ("http://", "https://", "sqlite:///", "postgresql://", "mysql://")


class Tracking(Section):
    """Whether whole runs are logged in MLflow, and where.

    Without `uri` in `mlflow.db`, a SQLite file beside the run's folder, so that runs that lie together
    are logged together. `uri` is a server (`http://…`) or a database. Without `experiment` the runs
    of one `name` are one experiment.
    """

    mlflow: bool = False
    uri: str | None = None
    experiment: str | None = Field(default=None, min_length=1)

    @field_validator("uri")
    @classmethod
    def _is_a_store(cls, uri: str | None) -> str | None:
        # What `${NAME}` stands for is known only where it is used.
        if uri is not None and not uri.startswith((*_STORES, "${")):
            raise ValueError(f"begin with {', '.join(_STORES)}: the address of a server or a database")
        return uri
