"""What is served where the winner was trained once more on all labelled texts; figures stay as they were."""

import numpy as np
import pytest
from small_project import labelled

from rubricator.config import read_config
from rubricator.dataset import files
from rubricator.dataset.inputs import Inputs
from rubricator.dataset.labels import read_labels
from rubricator.dataset.metrics import read_metrics
from rubricator.models.training_files import read_training
from rubricator.pipeline.stage import Run, run_stages
from rubricator.pipeline.stages import STAGES
from rubricator.predict import Predictor

SETTINGS = ["evaluate.bootstrap=100", "evaluate.latency_seconds=0.1", "train.ensemble=false"]


@pytest.mark.slow
@pytest.mark.parametrize("single", [True, False])
def test_what_is_served_learned_from_every_labelled_text(single, tmp_path):
    run = labelled(tmp_path, single=single)
    results = {}
    for refit in ("none", "all"):
        config = read_config(tmp_path / "rubricator.yaml", [*SETTINGS, f"train.refit={refit}"])
        run_stages(Run(config, run.taxonomy, run.folder), STAGES)
        trained, _ = read_training(run.folder)
        contents = [text.content for text in files.read_dataset(run.folder).texts]
        served = Predictor.load(run.folder / "artifact").probabilities(files.read_dataset(run.folder).texts)
        results[refit] = trained, read_metrics(run.folder), served
    (plain, before, honest), (again, after, refitted) = results["none"], results["all"]
    assert plain.refitted is None
    labels = read_labels(run.folder, files.read_dataset(run.folder), run.taxonomy).labels
    assert again.refitted.texts == len(labels)
    assert after.head == before.head, "figures are those of the model that had not seen the test"
    assert not np.allclose(refitted, honest)
    rule = again.rules[again.choice.name]
    expected = rule.probabilities(again.refitted.model.logits(Inputs(contents)))
    np.testing.assert_allclose(refitted, expected, atol=1e-3)
    same = (rule.decide(refitted) == rule.decide(honest)).all(axis=1).mean()
    assert again.refitted.same == pytest.approx(same)
    card = (run.folder / "artifact/README.md").read_text(encoding="utf-8")
    assert "trained once more with all" in card
    assert "trained once more with all" in (run.folder / "report.html").read_text(encoding="utf-8")
