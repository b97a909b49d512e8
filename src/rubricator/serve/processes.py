"""One process or several over one port, from options that each of them reads for itself."""

from __future__ import annotations

import errno
import logging
import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field
from uvicorn.supervisors import Multiprocess

from rubricator.artifact import ModelRegistry
from rubricator.errors import ArtifactError, ConfigError, LockedStoreError
from rubricator.experiment.plan import Arm, read_plan
from rubricator.experiment.started import DEFAULT_STORE
from rubricator.pipeline.promote import load_fit, read_smoke
from rubricator.predict import Predictor
from rubricator.serve.app import create_app
from rubricator.serve.deployments import Beside
from rubricator.serve.experiment import ServedExperiment
from rubricator.serve.feedback import FeedbackStore
from rubricator.serve.held_store import BUSY_SECONDS
from rubricator.serve.limits import ServeSettings
from rubricator.serve.prediction_log import LogSettings
from rubricator.serve.security.keys import read_keys
from rubricator.serve.security.tls import check_certificate
from rubricator.store import Store

_LOG = logging.getLogger(__name__)
_ADDRESS = {
    errno.EADDRINUSE: "Stop what listens there, or name another port with --port (0 takes a free one).",
    errno.EACCES: "Name a port from 1024 on with --port.",
}
_OPTIONS = "RUBRICATOR_SERVE"
_FIGURES = "PROMETHEUS_MULTIPROC_DIR"


class ServeOptions(BaseModel):
    """What `rubricator serve` was told; the fields are its options.

    Attributes:
        artifact: What to serve; None where a registry says it.
        shadow: A version of the registry, or a folder; so is `challenger`.
        share: Of the requests that the challenger answers.
        feedback: Database in which decisions of editors are stored, a file or a URL.
        categories: The list of categories whose history translates decisions made under an earlier version.
        log: Where served predictions are logged.
        experiment: The plan of a started experiment between the champion and the challenger.
        experiment_store: Database in which it was started, a file or a URL.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    artifact: Path | None = None
    registry: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = Field(default=1, ge=1)
    threads: int = 0
    settings: ServeSettings = ServeSettings()
    verify: Path | None = None
    keys: Path | None = None
    certificate: Path | None = None
    private_key: Path | None = None
    shadow: str | None = None
    shadow_log: Path | None = None
    challenger: str | None = None
    share: float = Field(default=0.1, ge=0, le=1)
    salt: str = ""
    feedback: str | None = None
    categories: Path | None = None
    log: LogSettings | None = None
    experiment: Path | None = None
    experiment_store: str = DEFAULT_STORE

    def load(self, folder: Path) -> Predictor:
        """An artifact, loaded and tried.

        Raises:
            ArtifactError: It is not fit to serve.
        """
        smoke = [] if self.registry is None else read_smoke(self.registry)
        threads = self.threads
        if not threads and self.workers > 1:  # they share the processors
            threads = max(1, (os.cpu_count() or 1) // self.workers)
        return load_fit(folder, smoke=smoke, threads=threads, key=self.verify)

    def champion(self) -> Path:
        """The folder of what is to serve.

        Raises:
            ArtifactError: The registry names no champion, or its files are gone.
            ConfigError: Neither an artifact nor a registry is named, or both.
        """
        artifact = self.artifact
        self._check_arm("control", artifact)
        if artifact is None and self.registry is None:
            artifact = self._of_arm("control")
        if (artifact is None) == (self.registry is None):
            raise ConfigError(
                "Name either an artifact or a registry.",
                fix="`rubricator serve runs/news/artifact` or `rubricator serve --registry models`.",
            )
        if artifact is not None:
            return artifact
        assert self.registry is not None
        registry = ModelRegistry(self.registry)
        champion = registry.champion()
        if champion is None:
            raise ArtifactError(
                f"The registry {self.registry} names no champion.",
                fix="Promote a version first: `rubricator models promote VERSION`.",
            )
        return registry.artifact(champion)

    def other(self) -> Predictor | None:
        """The challenger; in an A/A experiment there is none.

        Raises:
            ArtifactError: It is not fit to serve.
            ConfigError: An experiment has nothing to compare with, or A/A too much.
        """
        folder = self._of_arm("treatment")
        self._check_arm("treatment", None if self.challenger is None else Path(self.challenger))
        challenger = self.challenger or (None if folder is None else str(folder))
        if self.experiment is not None:
            same = read_plan(self.experiment).mode == "aa"
            if same and self.challenger is not None:
                raise ConfigError("An A/A experiment has one model.", fix="Leave --challenger out.")
            if not same and challenger is None:
                raise ConfigError(
                    "The experiment has nothing to compare with.",
                    fix="Name it: `--challenger VERSION`, or in the plan, under `arms.treatment.artifact`.",
                )
        return self.beside(challenger)

    def served_experiment(self) -> ServedExperiment | None:
        """The experiment, opened.

        Raises:
            DataError: It was not started, or its plan was changed since.
            StoreError: The database cannot be read.
        """
        if self.experiment is None:
            return None
        return ServedExperiment(read_plan(self.experiment), self.experiment_store)

    def _of_arm(self, arm: Arm) -> Path | None:
        """The artifact that the plan names for an arm."""
        if self.experiment is None:
            return None
        plan = read_plan(self.experiment)
        named = plan.arms[arm if plan.mode == "ab" else "control"].artifact
        if named is None or (arm == "treatment" and plan.mode == "aa"):
            return None
        return self.experiment.parent / named

    def _check_arm(self, arm: Arm, folder: Path | None) -> None:
        """Whom the plan calls treatment must not answer as control, or the report says the reverse."""
        planned = self._of_arm(arm)
        if planned is not None and folder is not None and planned.resolve() != folder.resolve():
            raise ConfigError(
                f"The plan names {planned} for {arm}, and {folder} was told.",
                fix="Leave it out: the plan says what answers.",
            )

    def beside(self, version: str | None) -> Predictor | None:
        """A version of the registry, or a folder, loaded."""
        if version is None:
            return None
        if self.registry is not None and not Path(version).is_dir():
            return self.load(ModelRegistry(self.registry).artifact(version))
        return self.load(Path(version))


def build(options: ServeOptions) -> FastAPI:
    """The application that the options describe.

    Raises:
        RubricatorError: A file that they name cannot be used.
    """
    return create_app(
        options.load(options.champion()),
        settings=options.settings,
        registry=None if options.registry is None else ModelRegistry(options.registry),
        load=options.load,
        beside=Beside(
            shadow=options.beside(options.shadow),
            challenger=options.other(),
            share=options.share,
            salt=options.salt,
        ),
        shadow_log=options.shadow_log,
        keys=None if options.keys is None else read_keys(options.keys),
        feedback=None if options.feedback is None else FeedbackStore(options.feedback, options.categories),
        log=options.log,
        experiment=options.served_experiment(),
    )


def worker() -> FastAPI:
    """The application of one of several processes, which the options reach through the environment."""
    return build(ServeOptions.model_validate_json(os.environ[_OPTIONS]))


def serve(options: ServeOptions, *, announce: Callable[[str], object]) -> None:
    """Serve until a signal comes; then answer what was taken. `announce` hears what serves.

    Raises:
        RubricatorError: The model, or a file that the options name, cannot be used.
    """
    _check_address(options.host, options.port)
    if options.certificate is not None:
        check_certificate(options.certificate)
    _check_stores(options)
    # Also for several processes: what is wrong is said before any of them starts.
    app = build(options)
    announce(app.title)
    if options.workers == 1:
        _server(options, app).run()
        return
    del app
    with tempfile.TemporaryDirectory(prefix="rubricator-figures-") as folder:
        os.environ |= {_OPTIONS: options.model_dump_json(), _FIGURES: folder}
        server = _server(options, "rubricator.serve.processes:worker", factory=True)
        listening: socket.socket = server.config.bind_socket()
        Multiprocess(server.config, sockets=[listening]).run()


def _check_address(host: str, port: int) -> None:
    """Try to listen there; the server itself would say less, and only after the model is loaded."""
    try:
        kind, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(kind) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as error:
        problem = f"The service cannot listen on {host}, port {port}: {error.strerror}."
        fix = _ADDRESS.get(error.errno or 0, "Name an address of this machine with --host.")
        raise ConfigError(problem, fix=fix) from error


def _check_stores(options: ServeOptions) -> None:
    """Refuse databases that can never work; one that is only locked may be free when it is needed."""
    log = None if options.log is None else options.log.place
    for place, named in ((log, "--log"), (options.feedback, "--feedback")):
        if place is None:
            continue
        try:
            Store.open(place, busy_seconds=BUSY_SECONDS, named=named).close()
        except LockedStoreError as error:
            _LOG.warning("%s It is written to when it is free.", error.problem)


def _server(options: ServeOptions, app: FastAPI | str, *, factory: bool = False) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            factory=factory,
            host=options.host,
            port=options.port,
            workers=options.workers,
            log_level="info",
            ws="none",
            server_header=False,
            ssl_certfile=options.certificate,
            ssl_keyfile=options.private_key,
            timeout_graceful_shutdown=10,
            timeout_worker_healthcheck=60,
        )
    )
