"""From labels to what trains: changes by rule, the evidence, and every place that tells of it."""

from dataclasses import replace

import pytest
from small_project import labelled, project

from rubricator.config import read_config
from rubricator.dataset import files
from rubricator.dataset.augmentation import read_augmentation
from rubricator.dataset.labels import read_labels
from rubricator.dataset.synthetic import CANDIDATES, SYNTHETIC, SyntheticText, read_synthetic, write_synthetic
from rubricator.models.training_files import read_training
from rubricator.pipeline import pays, train
from rubricator.pipeline.augment_page import equalised
from rubricator.pipeline.stage import Run, run_stages
from rubricator.pipeline.stages import STAGES
from rubricator.taxonomy import Taxonomy

SETTINGS = ["evaluate.bootstrap=100", "evaluate.latency_seconds=0.1", "split.folds=3"]


def gone_to(folder, until, *, single=True, pays="show: false"):
    """A small project with changes by rule, gone as far as that stage."""
    run = labelled(folder, single=single)
    path = folder / "rubricator.yaml"
    path.write_text(path.read_text(encoding="utf-8") + f"augment:\n  pays: {{{pays}}}\n", encoding="utf-8")
    said = []
    run = Run(read_config(path, SETTINGS), run.taxonomy, run.folder, say=said.append)
    run_stages(run, STAGES, until=until)
    return run, "\n".join(said)


@pytest.mark.slow
def test_kept_texts_train_and_report_and_card_tell_how_many(tmp_path):
    run, _ = gone_to(tmp_path, "export")
    kept = read_synthetic(run.folder / SYNTHETIC)
    part = files.read_split(run.folder).part
    assert {part[parent] for text in kept for parent in text.parents} == {"train"}
    trained, _ = read_training(run.folder)
    taught = {key: made["cheap"] for key, made in trained.synthetic.items()}
    assert sum(taught.values()) == len(kept) > 0
    for page in ("report.html", "artifact/README.md"):
        content = (run.folder / page).read_text(encoding="utf-8")
        assert f"Погода {taught['weather']} by rule" in content
    page = (run.folder / "augment.html").read_text(encoding="utf-8")
    assert f"<b>{len(kept)}</b>" in page
    assert "Kept unmeasured" in page
    assert kept[0].content in page.replace("&#39;", "'").replace("&#34;", '"') or "…" in page
    labels = read_labels(run.folder, files.read_dataset(run.folder), run.taxonomy).labels
    assert not any(id_.startswith("cheap-") for id_ in labels)


@pytest.mark.slow
def test_what_cannot_be_shown_is_not_kept_and_strange_candidates_are_named(tmp_path):
    run, _ = gone_to(tmp_path, "augment", pays="seeds: 2")
    part = files.read_split(run.folder).part
    own = next(id_ for id_ in part if part[id_] == "train")
    text = SyntheticText(
        id="s1", content="Ливень смыл мостки", categories=("weather",), parents=(own,),
        groups=(files.read_dataset(run.folder).groups[own],), making="llm", stage="generate",
    )  # fmt: skip
    strange = [
        text,
        replace(text, id="s2", categories=("gardens",)),
        replace(text, id="s3", parents=("of another run",)),
    ]
    write_synthetic(run.folder / CANDIDATES, strange)
    said = pays.STAGE.work(run)
    assert any("'gardens', which the taxonomy does not have: left out ('s2')" in line for line in said)
    assert any("none of the texts of this run: left out ('s3')" in line for line in said)
    found = read_augmentation(run.folder)
    weather = next(one for one in found.categories if one.key == "weather")
    assert weather.made["llm"] == 1
    assert weather.kept is None
    assert weather.reason in (run.folder / "augment.html").read_text(encoding="utf-8")
    assert found.macro_f1["none"].value is not None


def test_another_weight_of_synthetic_texts_is_another_training(tmp_path):
    path = project(tmp_path, single=True)
    taxonomy = Taxonomy.read(tmp_path / "taxonomy.yaml")
    keys = [
        train.STAGE.depends(Run(read_config(path, extra), taxonomy, tmp_path / "run"))
        for extra in ([], ["augment={}"], ["augment={pays: {weight: 0.5}}"])
    ]
    assert keys[0] != keys[1] != keys[2]


def test_lengths_and_punctuation_are_made_equal():
    one, other = equalised(["Дождь, гром — и град!", "Тихо."], ["Снег лёг на поле и не таял"])
    assert one == ["дождь", "тихо"] or one == ["дождь гром", "тихо"]
    assert all("," not in text and "!" not in text for text in [*one, *other])
    assert max(len(text.split()) for text in one) >= max(len(text.split()) for text in other)
