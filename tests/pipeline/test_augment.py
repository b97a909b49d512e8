"""The stage that makes synthetic texts, from settings to files, with a server that plays a model."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scripted_server import in_turn, refused, said, serve
from small_augmentation import right_letter
from small_project import TEXTS, project
from typer.testing import CliRunner

from rubricator.cli.app import app
from rubricator.config import read_config
from rubricator.dataset import files
from rubricator.dataset.labels import read_labels
from rubricator.dataset.synthetic import CANDIDATES, read_synthetic
from rubricator.errors import ConfigError, EngineError
from rubricator.pipeline import augment, augment_material
from rubricator.pipeline.augment import STATISTICS, plan
from rubricator.pipeline.stage import Run, run_stages
from rubricator.pipeline.stages import STAGES
from rubricator.project.project import Project
from rubricator.records import content_hash
from rubricator.taxonomy import Taxonomy

WORDS = (
    "ливень", "сугроб", "гололёд", "вьюга", "жара", "засуха", "ветер", "туман", "иней", "буря",
    "оттепель", "радуга", "роса", "капель", "град", "шторм", "облако", "метель",
)  # fmt: skip


def by_words(texts, config, **_):
    """Vectors of the first letters of words: near where texts share words."""
    vectors = np.zeros((len(texts), 64), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in text.content.casefold().split():
            vectors[row, int(content_hash("w", word[:4])[:4], 16) % 64] += 1
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


@pytest.fixture(autouse=True)
def _encoder(monkeypatch):
    monkeypatch.setattr(augment_material, "encode_texts", by_words)


def answer(body):
    question = body["messages"][-1]["content"]
    if "\nA — " in question:
        return said(right_letter(question))
    digest = hashlib.sha256(json.dumps(body, ensure_ascii=False).encode()).digest()
    return said("К утру дождь и " + ", ".join(WORDS[byte % len(WORDS)] for byte in digest[:7]) + ".")


@pytest.fixture
def script():
    with serve() as running:
        running.answer = answer
        yield running


def run_of(folder, url, single=True, **more):
    if not (folder / "rubricator.yaml").exists():
        project(folder, single=single)
    model = {"engine": {"kind": "openai", "url": url, "model": "m", "retries": 0}}
    section = {
        "models": [model],
        "categories": ["weather"],
        "count": 12,
        "judge": {"likeness": 0.0},
        **more,
    }
    config = read_config(folder / "rubricator.yaml", [f"augment={json.dumps(section)}"])
    lines = []
    run = Run(config, Taxonomy.read(config.path(config.taxonomy)), folder / "run", say=lines.append)
    return run, lines


@pytest.mark.parametrize("single", [True, False], ids=["single", "multi"])
def test_the_stage_writes_what_passed_and_is_not_done_again(tmp_path, script, single):
    run, lines = run_of(tmp_path, script.url, single=single)
    run_stages(run, STAGES, until="augment")
    texts = read_synthetic(run.folder / CANDIDATES)
    assert texts
    assert {text.categories for text in texts} == {("weather",)}
    report = json.loads((run.folder / STATISTICS).read_text(encoding="utf-8"))
    assert {row["stage"] for row in report["stages"]} == {"generate", "diversify", "restyle", "judge"}
    for row in report["stages"]:
        assert row["made"] == row["kept"] + sum(row["dropped"].values())
    assert any("synthetic texts passed the judge" in line for line in lines)
    asked, before = len(script.bodies), (run.folder / CANDIDATES).read_bytes()
    run_stages(run, STAGES, until="augment")
    assert "unchanged" in lines[-1]
    run_stages(run, STAGES, until="augment", force=["augment"])
    assert len(script.bodies) == asked
    assert (run.folder / CANDIDATES).read_bytes() == before


def test_without_the_section_nothing_is_made_and_what_was_goes(tmp_path, script):
    run, _ = run_of(tmp_path, script.url)
    run_stages(run, STAGES, until="augment")
    told: list[str] = []
    without = run.config.model_copy(update={"augment": None})
    plain = Run(without, run.taxonomy, run.folder, say=told.append)
    run_stages(plain, STAGES, until="augment")
    assert not (run.folder / CANDIDATES).exists()
    assert not (run.folder / "stages/augment.done").exists()
    assert not any("augment" in line for line in told)


def test_the_plan_asks_nothing_and_shows_a_prompt_and_the_cost(tmp_path):
    model = {"engine": {"kind": "openai", "url": "http://127.0.0.1:9/v1", "model": "m"}}
    model["engine"]["price"] = {"prompt": 1.0, "completion": 4.0}
    run, _ = run_of(tmp_path, "", models=[model])
    run_stages(run, STAGES, until="label")
    planned = plan(run)
    assert planned.texts > 0
    assert "Погода" in planned.prompt
    assert planned.questions == (planned.texts * 5 + 12, planned.texts * 15 + 12)
    low, high = planned.cost
    assert 0 < low < high == pytest.approx(low * 3)
    assert {one.key: one.texts for one in planned.wanted if one.texts} == {"weather": planned.texts}


def test_a_dead_server_is_an_error_that_loses_nothing(tmp_path, script):
    run, _ = run_of(tmp_path, script.url)
    script.answer = in_turn(
        *[answer({"messages": [{"content": str(n)}]}) for n in range(4)], refused(401, "no")
    )
    with pytest.raises(EngineError):
        run_stages(run, STAGES, until="augment")
    assert not (run.folder / CANDIDATES).exists()
    script.answer = answer
    asked = len(script.bodies)
    run_stages(run, STAGES, until="augment")
    assert read_synthetic(run.folder / CANDIDATES)
    assert len(script.bodies) > asked


def test_a_model_that_refuses_everything_leaves_a_sentence(tmp_path, script):
    script.answer = lambda body: said("Я не могу написать такой текст.")
    run, lines = run_of(tmp_path, script.url, attempts=1)
    run_stages(run, STAGES, until="augment")
    assert read_synthetic(run.folder / CANDIDATES) == []
    assert any(
        "texts for weather were dropped, most often because: the model refused" in line for line in lines
    )


def test_a_limit_stops_and_the_next_run_goes_on(tmp_path, script):
    def paid(body):
        reply = answer(body)
        reply.body["usage"] = {"prompt_tokens": 1_000_000, "completion_tokens": 0}
        return reply

    script.answer = paid
    priced = {"kind": "openai", "url": script.url, "model": "m", "concurrency": 1, "price": {"prompt": 1.0}}
    run, lines = run_of(tmp_path, "", models=[{"engine": priced}], max_cost=5)
    run_stages(run, STAGES, until="augment")
    assert "stopped at augment.max_cost: 5" in lines[-1]
    asked = len(script.bodies)
    run_stages(run, STAGES, until="augment")
    assert asked < len(script.bodies) <= 2 * asked + 2


def test_another_language_than_that_of_the_texts_is_refused(tmp_path):
    run, _ = run_of(tmp_path, "http://127.0.0.1:9/v1", texts_in="en")
    with pytest.raises(ConfigError, match=r"asks for texts in 'en', and the training texts are in ru"):
        run_stages(run, STAGES, until="augment")


def test_a_category_that_is_none_is_refused(tmp_path):
    run, _ = run_of(tmp_path, "http://127.0.0.1:9/v1", categories=["whether"])
    with pytest.raises(ConfigError, match="names 'whether'"):
        run_stages(run, STAGES, until="augment")


def test_the_command_without_the_section_ends_before_any_work(tmp_path):
    project(tmp_path, single=True)
    out = tmp_path / "run"
    done = CliRunner().invoke(app, ["augment", "-c", str(tmp_path / "rubricator.yaml"), "--out", str(out)])
    assert done.exit_code == 2
    assert "no section `augment`" in " ".join(done.output.split())
    assert not out.exists()


def test_three_texts_are_told_to_be_too_few(tmp_path, script):
    project(tmp_path, single=True)
    rows = "".join(f'{number},"{text}"\n' for number, text in enumerate(TEXTS[4:7]))
    (tmp_path / "texts.csv").write_text("id,text\n" + rows, encoding="utf-8")
    run, _ = run_of(tmp_path, script.url)
    with pytest.raises(augment.DataError, match="cannot be divided into 5 folds"):
        run_stages(run, STAGES, until="augment")


def test_a_project_tells_what_was_made(tmp_path, script):
    run, _ = run_of(tmp_path, script.url)
    section = json.loads(run.config.augment.model_dump_json())
    opened = Project(tmp_path, settings={"augment": section}, folder=run.folder)
    result = opened.augment()
    frame = result.to_frame()
    assert frame.height == len(result.texts) > 0
    assert set(frame["category"]) == {"weather"}
    with pytest.raises(ConfigError, match="no section `augment`"):
        Project(tmp_path, folder=run.folder).augment()


def test_people_who_disagree_are_noticed(tmp_path):
    run, _ = run_of(tmp_path, "http://127.0.0.1:9/v1")
    run_stages(run, STAGES, until="label")
    dataset = files.read_dataset(run.folder)
    label_set = read_labels(run.folder, dataset, run.taxonomy)
    ids = [text.id for text in dataset.texts]
    groups = dict(dataset.groups) | {ids[1]: ids[0]}
    said_by = label_set.sources.categories.copy()
    said_by[0], said_by[1] = [True, False, False], [False, True, False]
    origin = label_set.sources.origin.copy().astype("<U9")
    origin[:2] = "golden"
    sources = replace(label_set.sources, categories=said_by, origin=origin)
    material = augment.material_of(
        replace(dataset, groups=groups), replace(label_set, sources=sources), run.taxonomy, run.config
    )
    assert material.disputed[:2].tolist() == [[True, True, False]] * 2
    assert not material.disputed[2:].any()


WITHOUT_ENCODER = """
import numpy as np
from rubricator.pipeline import augment_material
augment_material.encode_texts = lambda texts, config, **_: np.eye(len(texts), 64, dtype=np.float32)
from rubricator.cli import main
main()
"""


@pytest.mark.slow
def test_a_killed_process_goes_on_where_it_was(tmp_path, script):
    project(tmp_path, single=True)
    section = {
        "models": [{"engine": {"kind": "openai", "url": script.url, "model": "m", "concurrency": 1}}],
        "categories": ["weather"],
        "count": 12,
        "attempts": 1,
        "judge": {"likeness": 0.0},
    }

    def slow(body):
        time.sleep(0.15)
        return answer(body)

    script.answer = slow
    command = [sys.executable, "-c", WITHOUT_ENCODER, "augment"]
    command += ["-c", str(tmp_path / "rubricator.yaml"), "--out", str(tmp_path / "run")]
    command += ["--set", f"augment={json.dumps(section)}"]
    environment = os.environ | {"PYTHONPATH": str(Path(augment.__file__).parents[2])}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(script.bodies) < 8 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    asked = len(script.bodies)
    assert asked >= 8
    first = [json.dumps(body, ensure_ascii=False, sort_keys=True) for body in script.bodies]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    later = [json.dumps(body, ensure_ascii=False, sort_keys=True) for body in script.bodies[asked:]]
    # At most the one in flight is asked twice.
    assert len(set(first) & set(later)) <= 1
