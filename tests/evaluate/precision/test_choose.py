"""Which precision is chosen, what it costs, and that what is chosen is what is served."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from drawn_encoder import write_drawn

from rubricator.config import Export
from rubricator.encode import Encoder
from rubricator.errors import EncoderError
from rubricator.evaluate.precision import choose as choosing
from rubricator.evaluate.precision.choose import choose_precision
from rubricator.evaluate.precision.speed import Speed
from rubricator.evaluate.precision.trial import Trial
from rubricator.label_space import DecisionRule, LabelSpace
from rubricator.models.heads import HeadsModel

pytestmark = pytest.mark.slow
LETTERS = "абвгдежз   "


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return Encoder.load(write_drawn(tmp_path_factory.mktemp("encoder")), precision="fp32", threads=1)


@pytest.fixture(scope="module")
def trial(encoder: Encoder) -> Trial:
    """Texts whose category is the sign of one direction of their vectors: small changes flip few of them."""
    generator = random.Random(3)
    texts = ["".join(generator.choices(LETTERS, k=generator.randint(5, 30))) for _ in range(70)]
    vectors = encoder.encode(texts)
    direction = np.random.default_rng(1).normal(size=vectors.shape[1])
    middle = float(np.median(vectors @ direction))
    model = HeadsModel(coef=np.stack([direction, -direction]) * 5, intercept=np.array([-middle, middle]) * 5)
    space = LabelSpace.of_size(2, single=True)
    truth = space.decide(space.probabilities((vectors @ model.coef.T) + model.intercept))
    return Trial(
        model=model,
        rule=DecisionRule.identity(space),
        metric="macro_f1",
        contents=texts[:50],
        features=[{}] * 50,
        truth=truth[:50],
        weights=np.ones(50),
        calibration=texts[50:],
        about="fifty texts",
    )


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "peak_memory", lambda encoders, texts: 1)


def test_every_precision_is_measured_and_the_quickest_kept_is_served(encoder, trial, tmp_path) -> None:
    allowed = Export(max_accuracy_drop=0.5, max_flips=0.5, serves="bulk")
    encoders, table = choose_precision({"base": encoder}, trial, allowed, cache=tmp_path, threads=1)
    names = {row.name for row in table.rows}
    assert names >= {"OpenVINO fp32", "OpenVINO int8", "ONNX Runtime fp32", "ONNX Runtime int8"}
    rates = {row.name: row.texts_per_second for row in table.rows}
    assert table.chosen == table.fastest["bulk"]
    assert rates[table.chosen] >= 0.97 * max(rates.values())
    assert (
        table.row("OpenVINO fp32").flips
        == table.row("OpenVINO fp32").worst
        == table.row("OpenVINO fp32").drop
        == 0
    )
    assert 0 < table.row("ONNX Runtime int8").worst < 0.5
    for row in table.rows:
        assert row.kept
        assert row.p50 <= row.p95
    served = tmp_path / "served"
    served.mkdir()
    encoders["base"].save(served)
    again = Encoder.load(served, threads=1)
    assert again.describe() == encoders["base"].describe()
    np.testing.assert_allclose(
        again.encode(trial.contents), encoders["base"].encode(trial.contents), atol=1e-6
    )


@pytest.fixture
def nncf_loaded() -> None:
    """Its log has handlers of pytest only if it was loaded before a test begins."""
    pytest.importorskip("nncf")


@pytest.mark.usefixtures("nncf_loaded")
@pytest.mark.parametrize("runtime", ["openvino", "onnx"])
def test_eight_bits_are_served_as_they_were_measured(encoder, trial, tmp_path, runtime, caplog) -> None:
    allowed = Export(runtime=runtime, precision="int8", max_accuracy_drop=0.5, max_flips=0.5)
    level = caplog.handler.level
    encoders, table = choose_precision({"base": encoder}, trial, allowed, cache=tmp_path, threads=1)
    assert caplog.handler.level == level, "a library was silenced at somebody else's handlers"
    assert [row.name for row in table.rows] == [table.chosen]
    served = tmp_path / "served"
    served.mkdir()
    encoders["base"].save(served)
    again = Encoder.load(served, threads=1)
    assert (again.describe()["runtime"], again.describe()["precision"]) == (runtime, "int8")
    assert again.fingerprint != encoder.fingerprint
    probabilities = trial.probabilities({"base": again.encode(trial.contents)})
    before = trial.probabilities({"base": encoder.encode(trial.contents)})
    assert trial.verdict(probabilities, before).worst == pytest.approx(table.rows[0].worst, abs=1e-3)
    with pytest.raises(EncoderError, match="8 bits"):
        Encoder.load(served, runtime="onnx" if runtime == "openvino" else "openvino")


def test_what_nothing_keeps_is_refused_with_its_price(encoder, trial, tmp_path) -> None:
    strict = Export(runtime="onnx", precision="int8", max_accuracy_drop=0, max_flips=0)
    steep = on_the_border(trial, encoder)
    with pytest.raises(EncoderError, match="would lose") as raised:
        choose_precision({"base": encoder}, steep, strict, cache=tmp_path, threads=1)
    assert "--max-flips" in raised.value.fix


def test_of_those_as_quick_what_changes_least_is_served(encoder, trial, tmp_path, monkeypatch) -> None:
    def equally_quick(ways, texts, **options):
        return dict.fromkeys(ways, Speed(texts_per_second=100.0, p50=0.01, p95=0.02)), np.arange(4)

    monkeypatch.setattr(choosing, "measure_in_turn", equally_quick)
    allowed = Export(runtime="onnx", max_accuracy_drop=0.5, max_flips=0.5)
    _, table = choose_precision({"base": encoder}, trial, allowed, cache=tmp_path, threads=1)
    assert len(table.rows) == 2
    assert table.chosen == "ONNX Runtime fp32"


def on_the_border(trial: Trial, encoder: Encoder) -> Trial:
    """Sixteen categories, the border of each going through one of the texts: any change flips some."""
    directions = np.random.default_rng(2).normal(size=(16, encoder.width))
    scores = encoder.encode(trial.contents[:16]) @ directions.T
    model = HeadsModel(coef=directions, intercept=-np.diagonal(scores).copy())
    space = LabelSpace.of_size(16, single=False)
    truth = np.ones((len(trial.contents), 16), dtype=bool)
    return replace(trial, model=model, rule=DecisionRule.identity(space), truth=truth)
