"""`rubricator key`: who may ask the service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rubricator.cli.console import err, out

_DEFAULT = Path("keys.yaml")


def make_key(
    name: Annotated[str, typer.Argument(help="Whose key it is; it appears in logs.")],
    file: Annotated[Path, typer.Option(metavar="FILE", help="Where hashes of keys are kept.")] = Path(
        "keys.yaml"
    ),
    rate: Annotated[
        str | None, typer.Option(help="Most requests in a time, like 600/minute.", show_default=False)
    ] = None,
    admin: Annotated[bool, typer.Option("--admin", help="May promote and roll back, too.")] = False,
) -> None:
    """Make a key for the service: shown once, kept as a hash.

    Example: `rubricator key newsroom --rate 600/minute`, then `rubricator serve ARTIFACT --keys keys.yaml`
    """
    from rubricator.serve import add_key

    key = add_key(file, name=name, rate=rate, admin=admin)
    err.print(f"'{name}' is in {file}. The key is shown only now; send it as Authorization: Bearer KEY.")
    out.print(key)
