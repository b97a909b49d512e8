from __future__ import annotations

import shutil

import pytest
from typer.testing import CliRunner

from rubricator.cli.app import app


@pytest.fixture
def say(tmp_path, monkeypatch):
    """Runs the command in a folder of its own; gives the exit code and what it said."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        done = CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})
        return done.exit_code, done.output

    return run


def test_a_version_comes_serves_and_goes(say, tmp_path, make_artifact, linear_artifact):
    other = make_artifact(tmp_path / "other", data_fingerprint="5" * 32)
    for artifact in (linear_artifact, other):
        code, said = say("models", "add", artifact)
        assert (code, "rubricator models promote" in said) == (0, True)
    first, second = (path.name for path in sorted((tmp_path / "models/versions").iterdir()))
    assert say("models", "promote", first)[0] == 0
    code, said = say("models", "promote", second, "--note", "больше текстов")
    assert (code, f"Promoted {second} instead of {first}: больше текстов" in said) == (0, True)
    assert f"Rolled back to {first} instead of {second}" in say("models", "rollback")[1]
    code, said = say("models", "list")
    assert code == 0
    assert [line.split()[1] for line in said.splitlines() if "★" in line] == [first]
    assert "больше текстов" in say("models", "show", second)[1]
    shutil.rmtree(tmp_path / "models/versions" / second)
    assert "Its files are gone." in say("models", "list")[1]


@pytest.mark.parametrize(
    "arguments",
    [
        ("models", "list"),
        ("models", "promote", "x"),
        ("models", "rollback"),
        ("models", "add", "nowhere"),
        ("models", "list", "--registry", "nowhere"),
        ("serve", "--registry", "nowhere"),
        ("serve",),
        ("serve", "a", "--registry", "b"),
        ("key", "a b"),
        ("key", "a", "--rate", "often"),
    ],
)
def test_what_cannot_be_done_is_said(say, arguments):
    code, said = say(*arguments)
    assert (code, "✗" in said, "→" in said, "Traceback" in said) == (2, True, True, False), said


def test_an_unfit_version_is_not_promoted(say, tmp_path, linear_artifact):
    say("models", "add", linear_artifact)
    (tmp_path / "models/smoke.jsonl").write_text(
        '{"text": "Тренер похвалил вратаря после ничьей", "categories": ["economy"]}\n', encoding="utf-8"
    )
    (version,) = (path.name for path in (tmp_path / "models/versions").iterdir())
    code, said = say("models", "promote", version)
    assert (code, "it must get economy" in " ".join(said.split())) == (2, True)
    assert not (tmp_path / "models/promotions.jsonl").exists()


def test_a_key_is_shown_once(say, tmp_path):
    code, said = say("key", "desk", "--rate", "5/second", "--admin")
    assert code == 0
    secret = said.split()[-1]
    content = (tmp_path / "keys.yaml").read_text(encoding="utf-8")
    assert (secret in content, "admin: true" in content, "5/second" in content) == (False, True, True)
