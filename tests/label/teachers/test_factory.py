"""Engines of teachers get what the config means, not what it spells."""

from pathlib import Path
from typing import cast

import pytest
from small_project import labelled

from rubricator.config import TransformersEngineConfig
from rubricator.dataset import files
from rubricator.errors import EngineError
from rubricator.label.llm.engines.transformers import TransformersEngine
from rubricator.label.teachers.factory import TeacherFactory
from rubricator.progress import silent


def test_the_model_of_transformers_takes_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = labelled(tmp_path, single=False)
    dataset, split = files.read_dataset(run.folder), files.read_split(run.folder)
    factory = TeacherFactory(dataset, split, run.taxonomy, run.config, silent)
    monkeypatch.setenv("MODELS", str(tmp_path / "models"))
    engine = factory._engine(TransformersEngineConfig(model="${MODELS}/absent"))
    with pytest.raises(EngineError, match="models/absent"):
        _ = cast(TransformersEngine, engine).fingerprint
