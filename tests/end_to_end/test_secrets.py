"""Marks stand where secrets may stand; no file and no line that a whole run leaves may hold one."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from commands import overrides, rubricator
from scripted_server import Reply, refused, said, serve
from small_project import TEXTS, project
from typer.testing import CliRunner

from rubricator.cli.app import app

# Long, as keys are, so that they are masked in what a server repeats.
MARK = "planted-secret"
PASSWORD, KEY, FIELD, NESTED, STORE, TRACKING = (
    f"{MARK}-{place}" for place in ("password", "key", "field", "nested", "store", "tracking")
)


def engine(url: str) -> dict:
    return {"kind": "openai", "url": url, "model": "small-model", "key": "MARKED_KEY", "retries": 0}


def teachers(*engines: dict) -> str:
    """The setting `label.teachers` with a language model for each engine."""
    models = [
        {"kind": "llm", "name": f"model-{number}", "task": "choose", "engine": engine}
        for number, engine in enumerate(engines)
    ]
    return "label.teachers=" + json.dumps(["rules", *models])


def leaks(folder: Path, *spoken: str) -> list[str]:
    """Where marks stand."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return [str(path) for path in files if MARK.encode() in path.read_bytes()] + [
        text for text in spoken if MARK in text
    ]


@pytest.mark.slow
def test_a_whole_run_leaves_no_secret_anywhere(tmp_path: Path) -> None:
    project(tmp_path, single=True)

    def repeats_what_it_was_sent(body: dict) -> Reply:
        secrets = f"{body['user']} {body['api_key']}"
        asked = body["messages"][-1]["content"]
        if TEXTS[0] in asked:
            return refused(400, f"this key may not do that: {secrets}")
        if TEXTS[1] in asked:
            return Reply(f"no JSON: {secrets}".encode())
        if TEXTS[2] in asked:
            return said(f"A, as {secrets} wanted")
        place = next((number for number, text in enumerate(TEXTS) if text in asked), 0)
        return said("ABC"[min(place // 6, 2)])

    tracked = ["tracking.mlflow=true"] if find_spec("mlflow") else []
    with serve() as script:
        script.answer = repeats_what_it_was_sent
        extra = {"api_key": FIELD, "metadata": {"note": [NESTED], "temperature": 0}}
        by_key = engine(script.url) | {"extra": extra | {"user": KEY}}
        by_password = engine(script.url.replace("://", f"://ann:{PASSWORD}@"))
        by_password |= {"extra": extra | {"user": PASSWORD}, "key": None}
        settings = overrides(teachers(by_key, by_password), *tracked)
        plan = rubricator("label", "--plan", *settings, cwd=tmp_path, MARKED_KEY=KEY)
        run = rubricator("run", *settings, cwd=tmp_path, MARKED_KEY=KEY)
    assert run.returncode == 0, run.stderr
    assert f"Bearer {KEY}" in {headers.get("Authorization") for headers in script.headers}
    assert {body["api_key"] for body in script.bodies} == {FIELD}
    assert "***@127.0.0.1" in plan.stdout
    report = (tmp_path / "runs/small/report.html").read_text(encoding="utf-8")
    assert "url: http://***@127.0.0.1" in report
    assert leaks(tmp_path, plan.stdout, plan.stderr, run.stdout, run.stderr) == []


def refusal(folder: Path, *settings: str) -> str:
    """What `label` says to settings that it refuses."""
    config = project(folder, single=True)
    options = ["-c", str(config), "--out", str(folder / "run"), *overrides(*settings)]
    done = CliRunner().invoke(app, ["label", *options])
    assert done.exit_code == 2, done.output
    return done.output


@pytest.mark.parametrize(
    "settings",
    [
        ["label.store=postgresql://ann:{STORE}@127.0.0.1:9/answers"],
        ["label.store=postgresql://ann:{STORE}@127.0.0.1:nine/answers"],
        ["label.store=oracle://ann:{STORE}@host/answers"],
        ["label.store=${{NO_SUCH_VARIABLE}}://ann:{STORE}@host"],
        ["label.store=[postgresql://ann:{STORE}@host"],
        ["label.store.deeper=postgresql://ann:{STORE}@host", "label.store.deeper.still={STORE}"],
        ["tracking.uri=ftp://ann:{TRACKING}@host", "tracking.mlflow=true"],
        ["tracking.uri=https://${{NO_SUCH_VARIABLE}}:{TRACKING}@host", "tracking.mlflow=true"],
    ],
)
def test_a_setting_that_is_refused_is_not_repeated(tmp_path: Path, settings: list[str]) -> None:
    written = [setting.format(STORE=STORE, TRACKING=TRACKING) for setting in settings]
    assert leaks(tmp_path, refusal(tmp_path, *written)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": KEY},  # the key itself where the name of its variable belongs
        {"key": KEY.replace("-", "")},  # which might be the name of a variable
        {"key": [KEY]},
        {"url": f"ftp://ann:{PASSWORD}@host"},
        {"url": f"http://ann:{PASSWORD}@127.0.0.1:nine/v1"},
        {"url": f"http://ann:{PASSWORD}@127.0.0.1:9/v1"},
        {"url": f"http://${{NO_SUCH_VARIABLE}}:{PASSWORD}@host/v1"},
        {"extra": FIELD},
        {"kind": f"https://ann:{PASSWORD}@host"},
        {"api_key": KEY},
    ],
)
def test_an_engine_that_is_refused_is_not_repeated(
    tmp_path: Path, wrong: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARKED_KEY", KEY)
    output = refusal(tmp_path, teachers(engine("http://127.0.0.1:9/v1") | wrong))
    assert KEY.replace("-", "") not in output
    assert leaks(tmp_path, output) == []


@pytest.mark.parametrize("key", [f"{KEY}-ключ", f"{KEY}\nX-Other: 1"])
def test_a_key_that_cannot_be_sent_is_not_repeated(
    tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARKED_KEY", key)
    output = refusal(tmp_path, teachers(engine("http://127.0.0.1:9/v1")))
    assert "MARKED_KEY holds signs that no header of HTTP can carry" in output
    assert leaks(tmp_path, output) == []
