"""Signatures, made as docs/serving.md says: by openssl, on the command line."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rubricator.artifact import read_artifact
from rubricator.cli.app import app
from rubricator.errors import ArtifactError

PAGE = Path(__file__).parents[2] / "docs/serving.md"
pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@pytest.fixture
def signed(tmp_path: Path, linear_artifact: Path) -> Path:
    """A folder with `artifact`, signed, and the keys, by the commands of the page."""
    (commands,) = re.findall(r"```sh\n(openssl genpkey.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    shutil.copytree(linear_artifact, tmp_path / "runs/news/artifact")
    subprocess.run(["sh", "-ec", commands], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


def test_a_signed_artifact_is_read_with_the_key_and_without(signed: Path) -> None:
    artifact = signed / "runs/news/artifact"
    assert read_artifact(artifact, key=signed / "public.pem").manifest == read_artifact(artifact).manifest


def test_predict_checks_the_signature_on_request(signed: Path) -> None:
    (signed / "texts.csv").write_text("id,title,text\n1,Матч,Вратарь отбил пенальти\n", encoding="utf-8")
    options = [str(signed / "runs/news/artifact"), str(signed / "texts.csv"), "-o", str(signed / "out.csv")]
    done = CliRunner().invoke(app, ["predict", *options, "--verify", str(signed / "public.pem")])
    assert done.exit_code == 0, done.output
    (signed / "runs/news/artifact/manifest.json.sig").unlink()
    done = CliRunner().invoke(app, ["predict", *options, "--verify", str(signed / "public.pem")])
    assert done.exit_code == 2
    assert "is not signed" in done.output


@pytest.mark.parametrize("change", ["manifest", "signature", "empty", "long", "other key"])
def test_whatever_does_not_fit_is_refused(signed: Path, change: str) -> None:
    artifact, key = signed / "runs/news/artifact", signed / "public.pem"
    signature = artifact / "manifest.json.sig"
    if change == "manifest":
        content = (artifact / "manifest.json").read_text(encoding="utf-8")
        (artifact / "manifest.json").write_text(content + " ", encoding="utf-8")
    elif change == "signature":
        signature.write_bytes(bytes([signature.read_bytes()[0] ^ 1, *signature.read_bytes()[1:]]))
    elif change == "other key":
        other = signed / "other.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", other], check=True)
        subprocess.run(["openssl", "pkey", "-in", other, "-pubout", "-out", key], check=True)
    else:
        signature.write_bytes(b"" if change == "empty" else signature.read_bytes() + b"\0")
    with pytest.raises(ArtifactError, match=r"is not the signature of this manifest\.json"):
        read_artifact(artifact, key=key)


def test_what_is_no_key_is_said(signed: Path) -> None:
    artifact = signed / "runs/news/artifact"
    for key in (signed / "absent.pem", artifact / "README.md", signed / "private.pem"):
        with pytest.raises(ArtifactError, match="is no public key in PEM"):
            read_artifact(artifact, key=key)
    subprocess.run(
        "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 | openssl pkey -pubout -out rsa.pem",
        shell=True,
        cwd=signed,
        check=True,
        capture_output=True,
    )
    with pytest.raises(ArtifactError, match="of another kind than Ed25519"):
        read_artifact(artifact, key=signed / "rsa.pem")


def test_a_signed_artifact_is_replaced_by_the_next_one(signed: Path, make_artifact) -> None:
    artifact = make_artifact(signed / "runs/news/artifact")
    assert not (artifact / "manifest.json.sig").exists()
