"""Logs a whole run in MLflow: settings, figures, epochs, plots, report and artifact."""

from __future__ import annotations

import csv
import json
import logging
import math
import os
import re
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rubricator import __version__
from rubricator.config import Config
from rubricator.config.expand import expand
from rubricator.config.tracking import Tracking
from rubricator.dataset.files import read_json
from rubricator.errors import MissingExtraError
from rubricator.masking import masked, masked_settings
from rubricator.records import content_hash

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

log = logging.getLogger(__name__)

_KEY = "rubricator.run"  # the tag by which a run is known when the same command is given again
_LONGEST = 500  # characters of a parameter that every MLflow server takes
_BATCH = 100  # parameters or metrics that every MLflow server takes at once
_NOT_IN_NAMES = re.compile(r"[^\w./ -]")

# MLflow reads its options from the environment when it needs them. Telemetry would call a server of
# its makers. A dead server should be known in seconds, not after its default of several minutes.
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_CONFIGURE_LOGGING": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}


def check_tracking(tracking: Tracking) -> None:
    """Fail before a run, not after it, where what tracking needs is missing.

    Raises:
        MissingExtraError: `mlflow-skinny` is not installed.
        ConfigError: `uri` names an environment variable that is not set.
    """
    if not tracking.mlflow:
        return
    if find_spec("mlflow") is None:
        raise MissingExtraError("mlflow-skinny", extra="track", purpose="tracking.mlflow")
    expand(tracking.uri or "")


def track(folder: Path, config: Config, tracking: Tracking) -> str | None:
    """Log a whole run, all its stages done, unless it is logged already; say in one line what was done.

    A store that cannot be reached costs nothing but the log of this run: it warns, returns None as it does
    where tracking is off, and the same command given again does no stage again, but logs. Nothing of the
    process stays changed.

    Raises:
        MissingExtraError: `mlflow-skinny` is not installed.
        ConfigError: `uri` names an environment variable that is not set.
    """
    check_tracking(tracking)
    if not tracking.mlflow:
        return None
    uri = expand(tracking.uri) if tracking.uri else f"sqlite:///{folder.resolve().parent / 'mlflow.db'}"
    experiment = tracking.experiment or config.name
    with _environment(_QUIET), warnings.catch_warnings(action="ignore"):
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
        from requests import RequestException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            client = MlflowClient(tracking_uri=uri)
            with _environment(_IMPATIENT):
                place = _experiment(client, experiment, folder, local=tracking.uri is None)
            return _log(client, place, folder, config) + f" in experiment '{experiment}' of {masked(uri)}"
        # ImportError: the driver of a database or of the server's store of files.
        except (MlflowException, RequestException, SQLAlchemyError, OSError, ImportError) as error:
            reason = masked(str(error).partition("\n")[0])[:200].rstrip(" .")
            log.warning(
                "The run is complete in %s, but MLflow at %s could not log it: %s. "
                "Run the same command again once it answers: only the logging is done again.",
                folder,
                masked(uri),
                reason,
            )
            return None


def _experiment(client: MlflowClient, name: str, folder: Path, *, local: bool) -> str:
    existing = client.get_experiment_by_name(name)
    if existing is not None:
        return str(existing.experiment_id)
    files = (folder.resolve().parent / "mlflow-files").as_uri() if local else None
    return str(client.create_experiment(name, artifact_location=files))


def _log(client: MlflowClient, experiment: str, folder: Path, config: Config) -> str:
    metrics = (folder / "metrics.json").read_bytes()
    settings = config.model_dump_json(exclude={"tracking"})
    key = content_hash("tracked:1", str(folder.resolve()), metrics, settings)
    logged = client.search_runs([experiment], f"tags.`{_KEY}` = '{key}' and attributes.status = 'FINISHED'")
    if logged:
        return f"logged before as run {logged[0].info.run_id}"
    tags = {_KEY: key, "rubricator.version": __version__}
    run = client.create_run(experiment, run_name=folder.resolve().name, tags=tags).info.run_id
    try:
        _log_figures(client, run, folder, config)
        _log_files(client, run, folder)
        client.set_terminated(run)
    except BaseException:  # also when stopped by Ctrl-C; what hinders the mark is not worth an error
        from mlflow.exceptions import MlflowException

        with _environment(_IMPATIENT), suppress(MlflowException, OSError):
            client.set_terminated(run, status="FAILED")
        raise
    return f"logged as run {run}"


def _log_figures(client: MlflowClient, run: str, folder: Path, config: Config) -> None:
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    figures = run_figures(read_json(folder / "metrics.json"))
    metrics = [Metric(_name(name), value, now, 0) for name, value in figures.items()]
    metrics += [Metric(_name(name), value, now, epoch) for name, epoch, value in epoch_figures(folder)]
    params = [Param(_name(name), value) for name, value in parameters(config).items()]
    for start in range(0, len(params), _BATCH):
        client.log_batch(run, params=params[start : start + _BATCH])
    for start in range(0, len(metrics), _BATCH):
        client.log_batch(run, metrics=metrics[start : start + _BATCH])


def _log_files(client: MlflowClient, run: str, folder: Path) -> None:
    for name in ("report.html", "metrics.json"):
        client.log_artifact(run, str(folder / name))
    for name in ("plots", "artifact"):
        if (folder / name).is_dir():
            client.log_artifacts(run, str(folder / name), name)


def parameters(config: Config) -> dict[str, str]:
    """The settings as dotted names and short strings; lists as JSON, what is secret masked."""

    def flat(value: Any, name: str) -> Iterator[tuple[str, str]]:
        if isinstance(value, Mapping) and value:
            for key, inner in value.items():
                yield from flat(inner, f"{name}.{key}" if name else key)
        else:
            written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield name, written[:_LONGEST]

    return dict(flat(masked_settings(config.model_dump(mode="json", exclude={"tracking"})), ""))


def run_figures(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The figures of `metrics.json` under flat names; what is undefined is left out.

    Those of the headline part bear their own names, `macro_f1`, with `macro_f1_low` and
    `macro_f1_high`; those of other parts are preceded by the part, `test/macro_f1`. Then F1 of the
    categories (`f1/<key>`), what each model reached on validation, and the latency.
    """
    flat: dict[str, float | None] = {}
    for name, part in metrics["parts"].items():
        before = "" if name == metrics["headline"] else f"{name}/"
        flat[f"{before}texts"] = part["texts"]
        for figure, value in part.items():
            if isinstance(value, Mapping) and "low" in value:
                flat |= _with_interval(f"{before}{figure}", value)
        for category in part["categories"]:
            flat |= _with_interval(f"{before}f1/{category['key'].replace('/', '_')}", category["f1"])
    for model, score in metrics["validation"].items():
        flat |= {f"validation/{model}/{figure}": value for figure, value in score.items()}
    flat |= {f"latency/{figure}": value for figure, value in metrics["latency"].items()}
    return {
        name: float(value)
        for name, value in flat.items()
        if isinstance(value, int | float) and math.isfinite(value)
    }


def _with_interval(name: str, estimate: Mapping[str, float | None]) -> dict[str, float | None]:
    return {name: estimate["value"], f"{name}_low": estimate["low"], f"{name}_high": estimate["high"]}


def epoch_figures(folder: Path) -> Iterator[tuple[str, int, float]]:
    """Every figure of every epoch of the models that keep an `epochs.csv`: name, epoch, value.

    A name is `<model>/<column>`, or `<model>/fold-<n>/<column>` where folds are told apart. Cells that are
    empty or no finite number are left out.
    """
    for path in sorted((folder / "stages/training/all").glob("*/epochs.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                epoch, fold = _number(row.pop("epoch", None)), row.pop("fold", None)
                place = f"{path.parent.name}/fold-{fold}" if fold else path.parent.name
                for column, cell in row.items():
                    value = _number(cell)
                    if epoch is not None and value is not None:
                        yield f"{place}/{column}", int(epoch), value


def _number(cell: str | None) -> float | None:
    try:
        value = float(cell or "nan")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _name(name: str) -> str:
    """As MLflow allows names."""
    return _NOT_IN_NAMES.sub("_", name)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Variables for a while; what the user has set himself stays as it is."""
    added = [name for name in values if name not in os.environ]
    os.environ.update({name: values[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)
