"""Who wrote an artifact: a detached Ed25519 signature of its manifest, which holds digests of all files."""

from __future__ import annotations

from pathlib import Path

from rubricator.artifact.manifest import MANIFEST, SIGNATURE
from rubricator.errors import ArtifactError, MissingExtraError

_BYTES = 64  # of every Ed25519 signature (RFC 8032)


def verify(manifest: bytes, folder: Path, key: Path) -> None:
    """Check that the owner of a key signed a manifest, as it was read, in `manifest.json.sig` beside it.

    Args:
        manifest: The content of `manifest.json`.
        folder: The artifact.
        key: The public key, as `openssl pkey -pubout` writes it.

    Raises:
        ArtifactError: There is no signature, it is not of this manifest by this key, or the key is none.
        MissingExtraError: `cryptography` is not installed.
    """
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    except ImportError as error:
        raise MissingExtraError("cryptography", extra="verify", purpose="Checking a signature") from error
    try:
        public = load_pem_public_key(key.read_bytes())
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{key} is no public key in PEM: {error}.", fix=_HOW) from error
    if not isinstance(public, Ed25519PublicKey):
        raise ArtifactError(f"{key} is a key of another kind than Ed25519.", fix=_HOW)
    if not (folder / SIGNATURE).is_file():
        raise ArtifactError(
            f"The artifact {folder} is not signed: it has no {SIGNATURE}.",
            fix="Ask whoever made it to sign it, or leave --verify out where you trust where it came from.",
        )
    try:
        with (folder / SIGNATURE).open("rb") as file:
            public.verify(file.read(_BYTES + 1), manifest)
    except InvalidSignature as error:
        raise ArtifactError(
            f"{SIGNATURE} is not the signature of this {MANIFEST} by the owner of {key}.",
            fix="Do not use the artifact: take a copy that the owner of the key vouches for.",
        ) from error


_HOW = "Name the file that `openssl pkey -pubout` wrote; docs/serving.md shows the way."
