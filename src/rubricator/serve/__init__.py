"""The HTTP service over a predictor."""

from rubricator.errors import MissingExtraError

try:
    import fastapi  # noqa: F401
    import limits  # noqa: F401
    import prometheus_client  # noqa: F401
    import uvicorn  # noqa: F401
except ImportError as error:
    raise MissingExtraError(error.name or "fastapi", extra="serve", purpose="The service") from error

from rubricator.serve.app import create_app
from rubricator.serve.limits import ServeSettings
from rubricator.serve.prediction_log import LogSettings
from rubricator.serve.processes import ServeOptions, serve
from rubricator.serve.security.keys import add_key

__all__ = ["LogSettings", "ServeOptions", "ServeSettings", "add_key", "create_app", "serve"]
