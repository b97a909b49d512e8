"""Engines of teachers get what the config means, not what it spells."""

from pathlib import Path
from typing import cast

import pytest

from rubricator.config import TransformersEngineConfig
from rubricator.errors import EngineError
from rubricator.llm.engines.opened import OpenedEngines
from rubricator.llm.engines.transformers import TransformersEngine


def test_the_model_of_transformers_takes_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELS", str(tmp_path / "models"))
    engine = OpenedEngines(tmp_path).of(TransformersEngineConfig(model="${MODELS}/absent"))
    with pytest.raises(EngineError, match="models/absent"):
        _ = cast(TransformersEngine, engine).fingerprint
