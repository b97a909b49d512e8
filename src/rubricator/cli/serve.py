"""`rubricator serve`: the artifact as an HTTP service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rubricator.cli.console import err, log_to
from rubricator.cli.predict import Verify


def serve_artifact(
    artifact: Annotated[Path, typer.Argument(help="Folder that `run` or `export` wrote.")],
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    threads: Annotated[int, typer.Option(min=0, help="Threads of the encoder; 0: the runtime decides.")] = 0,
    max_texts: Annotated[int, typer.Option(min=1, help="Most texts in one request.")] = 256,
    max_seconds: Annotated[float, typer.Option(min=0.1, help="Longest time for one request.")] = 60,
    verify: Verify = None,
) -> None:
    """Serve an artifact over HTTP: /v1/classify, /v1/model, /healthz, /readyz, /metrics, /docs.

    Example: `rubricator serve runs/news/artifact --port 8000`, then
    `curl -H 'content-type: application/json' -d '{"text": "Матч отменён"}' localhost:8000/v1/classify`
    """
    # A missing extra is said by the first of these imports.
    from rubricator.serve import ServeSettings, create_app

    import uvicorn  # isort: skip

    from rubricator.predict import Predictor  # isort: skip

    with log_to(None):
        predictor = Predictor.load(artifact, threads=threads, key=verify)
        app = create_app(predictor, settings=ServeSettings(max_texts=max_texts, max_seconds=max_seconds))
        err.print(f"Serving {predictor.manifest.identifier}; Ctrl-C stops it after the requests that wait.")
        uvicorn.run(app, host=host, port=port, log_level="info", timeout_graceful_shutdown=10)
