"""What was trained, what was exported and what is served say the same."""

import json
import re
import signal
import subprocess
import urllib.request
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from commands import COMMAND, rubricator

from rubricator.config import read_config
from rubricator.dataset import files
from rubricator.dataset.labels import read_labels
from rubricator.dataset.training_data import training_data
from rubricator.encode import open_named
from rubricator.encode.vectors import encode_texts
from rubricator.models.training_files import read_training
from rubricator.predict import Predictor
from rubricator.taxonomy import Taxonomy

TOLERANCE = 1e-3


@pytest.fixture(scope="module")
def predictor(news_run: Path) -> Predictor:
    return Predictor.load(news_run / "runs/news/artifact")


def test_the_artifact_predicts_what_the_training_object_predicts(
    news_run: Path, predictor: Predictor
) -> None:
    config = read_config(news_run / "examples/news/rubricator.yaml")
    taxonomy = Taxonomy.read(config.path(config.taxonomy))
    run = news_run / "runs/news"
    dataset = files.read_dataset(run)
    label_set = read_labels(run, dataset, taxonomy)
    vectors = encode_texts(dataset.texts, config)
    material = training_data(dataset, label_set, vectors)
    trained, _ = read_training(run)
    rule = trained.rules[trained.choice.name]
    encoders = open_named(trained.untrained, {}, config)
    inputs = material.examples.inputs({name: encoder.encode for name, encoder in encoders.items()})
    expected = rule.probabilities(trained.winner.logits(inputs))
    some = np.arange(0, len(dataset.texts), 5)
    expected = expected[some]
    found = predictor.probabilities([dataset.texts[row] for row in some])
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)
    clear = np.abs(expected - rule.threshold) > TOLERANCE
    assert (rule.decide(found) == rule.decide(expected))[clear].all()


def test_a_file_a_program_and_the_service_get_the_same_answers(
    news_run: Path, predictor: Predictor, tmp_path: Path
) -> None:
    source = tmp_path / "twenty.csv"
    pl.read_csv(news_run / "examples/news/news.csv", infer_schema=False).head(20).write_csv(source)
    done = rubricator(
        "predict", "runs/news/artifact", str(source), "-o", str(tmp_path / "out.parquet"), cwd=news_run
    )
    assert done.returncode == 0, done.stderr
    rows = pl.read_parquet(tmp_path / "out.parquet")
    columns = [f"p_{key}" for key in predictor.taxonomy.keys]
    assert rows.columns == ["id", "labels", *columns]
    by_id = {row["id"]: row for row in rows.to_dicts()}
    texts = [text for text in files.read_dataset(news_run / "runs/news").texts if text.id in by_id]
    assert len(texts) > 15
    predictions = predictor.predict(texts)
    answers = served(news_run, [{"id": t.id, "title": t.title, "body": t.body} for t in texts])
    for prediction, answer in zip(predictions, answers, strict=True):
        row = by_id[prediction.text_id]
        expected = list(prediction.probabilities.values())
        np.testing.assert_allclose([row[column] for column in columns], expected, atol=TOLERANCE)
        np.testing.assert_allclose(list(answer["probabilities"].values()), expected, atol=TOLERANCE)
        assert answer["id"] == prediction.text_id


def served(folder: Path, texts: list[dict[str, str]]) -> list[dict]:
    """What the real service, started by the command, answers."""
    process = subprocess.Popen(
        [COMMAND, "serve", "runs/news/artifact", "--port", "0"],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(r"running on (http://127\.0\.0\.1:\d+)", line):
                break
        request = urllib.request.Request(
            f"{found[1]}/v1/classify",
            data=json.dumps({"texts": texts}).encode(),
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)["predictions"]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "xlsx"])
def test_formats_only_change_the_clothes(
    suffix: str, news_run: Path, predictor: Predictor, tmp_path: Path
) -> None:
    source = pl.DataFrame(
        {"Текст": ["Сборная выиграла матч", "Банк поднял ставку", "В музее открыли выставку"]}
    )
    texts, out = tmp_path / f"texts.{suffix}", tmp_path / f"out.{suffix}"
    match suffix:
        case "csv":
            texts.write_bytes(source.write_csv(separator=";").encode("cp1251"))
        case "tsv":
            source.write_csv(texts, separator="\t")
        case "jsonl":
            source.write_ndjson(texts)
        case "xlsx":
            source.write_excel(texts)
    done = rubricator(
        "predict", "runs/news/artifact", str(texts), "-o", str(out), "--body", "Текст", cwd=news_run
    )
    assert done.returncode == 0, done.stderr
    read = {
        "csv": lambda: pl.read_csv(out, infer_schema=False),
        "tsv": lambda: pl.read_csv(out, separator="\t", infer_schema=False),
        "jsonl": lambda: pl.read_ndjson(out),
        "xlsx": lambda: pl.read_excel(out, infer_schema_length=0),
    }[suffix]()
    assert [str(id_) for id_ in read["id"]] == ["1", "2", "3"], "a missing id becomes the row number"
    expected = predictor.probabilities(source["Текст"].to_list())
    found = read.select(f"p_{key}" for key in predictor.taxonomy.keys).cast(pl.Float64).to_numpy()
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)
