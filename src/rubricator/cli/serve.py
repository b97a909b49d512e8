"""`rubricator serve`: an artifact, or the champion of a registry, as an HTTP service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rubricator.cli.console import err, log_to
from rubricator.cli.predict import Verify

_SECURITY, _BESIDE, _FEEDBACK, _LOG = "Security", "A second model", "Corrections", "Log of predictions"
_EXPERIMENT = "Experiment"


def serve_artifact(
    artifact: Annotated[
        Path | None, typer.Argument(help="Folder that `run` or `export` wrote; or name a registry.")
    ] = None,
    registry: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Serve the champion of this registry, and follow its promotions."),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the port and /metrics.")] = 1,
    threads: Annotated[int, typer.Option(min=0, help="Threads of the encoder; 0: the runtime decides.")] = 0,
    max_texts: Annotated[int, typer.Option(min=1, help="Most texts in one request.")] = 256,
    max_seconds: Annotated[float, typer.Option(min=0.1, help="Longest time for one request.")] = 60,
    queue_texts: Annotated[
        int, typer.Option(min=1, help="Texts that may wait; beyond them requests get 429.")
    ] = 1024,
    verify: Verify = None,
    keys: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Ask for a key (`rubricator key`).", rich_help_panel=_SECURITY),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Serve HTTPS with this PEM.", rich_help_panel=_SECURITY),
    ] = None,
    private_key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Its key, if not in the same file.", rich_help_panel=_SECURITY),
    ] = None,
    shadow: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION",
            help="Answers the same texts, compared and never returned.",
            rich_help_panel=_BESIDE,
        ),
    ] = None,
    shadow_log: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Every comparison as a line of JSON, without texts.", rich_help_panel=_BESIDE
        ),
    ] = None,
    challenger: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="Answers a share of the requests.", rich_help_panel=_BESIDE),
    ] = None,
    share: Annotated[
        float, typer.Option(min=0, max=1, help="That share, by X-Split-Key.", rich_help_panel=_BESIDE)
    ] = 0.1,
    salt: Annotated[
        str, typer.Option(help="Another salt divides the keys anew.", rich_help_panel=_BESIDE)
    ] = "",
    feedback: Annotated[
        str | None,
        typer.Option(
            metavar="STORE",
            help="Take decisions of editors at /v1/feedback into this database.",
            rich_help_panel=_FEEDBACK,
        ),
    ] = None,
    categories: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The list of categories: its history translates decisions of an earlier version.",
            rich_help_panel=_FEEDBACK,
        ),
    ] = None,
    log: Annotated[
        str | None,
        typer.Option(
            metavar="STORE",
            help="Log every prediction in this database, for `rubricator monitor`.",
            rich_help_panel=_LOG,
        ),
    ] = None,
    log_texts: Annotated[
        bool, typer.Option("--log-texts", help="Keep the texts, too.", rich_help_panel=_LOG)
    ] = False,
    log_salt: Annotated[
        str, typer.Option(help="Of the hashes that name texts without an id.", rich_help_panel=_LOG)
    ] = "",
    keep_days: Annotated[
        float | None,
        typer.Option(min=0, help="Delete logged predictions after so many days.", rich_help_panel=_LOG),
    ] = None,
    experiment: Annotated[
        Path | None,
        typer.Option(
            metavar="PLAN",
            help="A started experiment (`rubricator ab`): ARTIFACT is control, --challenger treatment, or as "
            "the plan names them; X-Split-Key says whom an answer is for.",
            rich_help_panel=_EXPERIMENT,
        ),
    ] = None,
    experiment_store: Annotated[
        str, typer.Option(metavar="STORE", help="Where it was started.", rich_help_panel=_EXPERIMENT)
    ] = "experiments.sqlite",
) -> None:
    """Serve an artifact over HTTP: /v1/classify, /v1/model, /healthz, /readyz, /metrics, /docs.

    With `--registry` a promotion changes the model while requests are in flight; none of them fails.

    Example: `rubricator serve runs/news/artifact --port 8000`, then
    `curl -H 'content-type: application/json' -d '{"text": "Матч отменён"}' localhost:8000/v1/classify`
    """
    # A missing extra is said by the first of these imports.
    from rubricator.serve import LogSettings, ServeOptions, ServeSettings, serve

    options = ServeOptions(
        artifact=artifact,
        registry=registry,
        host=host,
        port=port,
        workers=workers,
        threads=threads,
        settings=ServeSettings(max_texts=max_texts, max_seconds=max_seconds, queue_texts=queue_texts),
        verify=verify,
        keys=keys,
        certificate=certificate,
        private_key=private_key,
        shadow=shadow,
        shadow_log=shadow_log,
        challenger=challenger,
        share=share,
        salt=salt,
        feedback=feedback,
        categories=categories,
        log=None
        if log is None
        else LogSettings(place=log, texts=log_texts, keep_days=keep_days, salt=log_salt),
        experiment=experiment,
        experiment_store=experiment_store,
    )
    with log_to(None):
        serve(options, announce=_announce)


def _announce(model: str) -> None:
    err.print(f"Serving {model}; Ctrl-C stops it after the requests that wait.")
